//! Streams of events in SQL.

use async_trait::async_trait;
use neoron_protocol::{SessionId, UnixMillis};
use rusqlite::Connection;

use super::{
    EmbeddedStore,
    fault::{Fault, signed, whole},
    sessions::{self, Head},
    writer::Step,
};
use crate::{Cursor, Event, EventWatch, Events, MAX_KEPT_EVENTS, NewEvent, Page, StoreError, rules};

/// A stream after an append.
pub(super) struct Stream {
    /// The oldest event kept.
    pub(super) first: u64,
    /// The newest event.
    pub(super) last: u64,
    /// What was appended.
    pub(super) appended: Vec<Event>,
}

/// Appends events to a session's stream and forgets its oldest beyond [`MAX_KEPT_EVENTS`]. The caller writes the
/// stream's new bounds into the session's row, together with what else it changes there.
pub(super) fn insert(
    step: &mut Step<'_>,
    session: SessionId,
    head: &Head,
    events: Vec<NewEvent>,
) -> rusqlite::Result<Stream> {
    let mut stream = Stream { first: head.first, last: head.last, appended: Vec::with_capacity(events.len()) };
    if events.is_empty() {
        return Ok(stream);
    }
    let mut statement =
        step.db.prepare_cached("INSERT INTO event (session, seq, at, kind, data) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for NewEvent { kind, data, at } in events {
        stream.last += 1;
        statement.execute((head.n, signed(stream.last), signed(at.0), &kind, &data))?;
        stream.appended.push(Event { offset: stream.last, kind, data, at });
    }
    stream.first = head.first.max((stream.last + 1).saturating_sub(MAX_KEPT_EVENTS as u64));
    if stream.first > head.first {
        let sql = "DELETE FROM event WHERE session = ?1 AND seq < ?2";
        step.db.prepare_cached(sql)?.execute((head.n, signed(stream.first)))?;
    }
    step.effects.stream(session, stream.last);
    Ok(stream)
}

fn append(
    step: &mut Step<'_>,
    session: SessionId,
    events: Vec<NewEvent>,
) -> Result<Option<Vec<Event>>, Fault<StoreError>> {
    let Some(head) = sessions::head(step.db, session, step.now)? else { return Ok(None) };
    let stream = insert(step, session, &head, events)?;
    let sql = "UPDATE session SET first = ?2, last = ?3 WHERE n = ?1";
    step.db.prepare_cached(sql)?.execute((head.n, signed(stream.first), signed(stream.last)))?;
    Ok(Some(stream.appended))
}

fn read(
    db: &Connection,
    session: SessionId,
    after: &Cursor,
    limit: usize,
    now: UnixMillis,
) -> rusqlite::Result<Option<Page>> {
    // One snapshot for both questions, or events could be forgotten between them.
    let snapshot = db.unchecked_transaction()?;
    let Some(head) = sessions::head(&snapshot, session, now)? else { return Ok(None) };
    let Some(after) = rules::position(after, &head.epoch, head.first, head.last) else {
        return Ok(Some(Page { epoch: head.epoch, events: Vec::new(), last: head.last, gap: true }));
    };
    let sql = "SELECT seq, at, kind, data FROM event WHERE session = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let mut statement = snapshot.prepare_cached(sql)?;
    let rows = statement.query_map((head.n, signed(after), limit as i64), |row| {
        Ok(Event { offset: whole(row, 0)?, at: UnixMillis(whole(row, 1)?), kind: row.get(2)?, data: row.get(3)? })
    })?;
    let events = rows.collect::<rusqlite::Result<_>>()?;
    Ok(Some(Page { epoch: head.epoch, events, last: head.last, gap: false }))
}

#[async_trait]
impl Events for EmbeddedStore {
    async fn append(&self, session: SessionId, events: Vec<NewEvent>) -> Result<Option<Vec<Event>>, StoreError> {
        rules::check_events(&events)?;
        let weight = events.iter().map(|event| event.data.len() + 64).sum();
        self.write(weight, move |step| append(step, session, events)).await
    }

    async fn read(&self, session: SessionId, after: &Cursor, limit: usize) -> Result<Option<Page>, StoreError> {
        let (after, now) = (after.clone(), self.clock.now());
        // The same name as the trait's method: the one that queues.
        EmbeddedStore::read(self, move |db| read(db, session, &after, limit.clamp(1, 1_000), now)).await
    }

    async fn watch(&self, session: SessionId) -> Result<EventWatch, StoreError> {
        self.hub.watch(session)
    }
}

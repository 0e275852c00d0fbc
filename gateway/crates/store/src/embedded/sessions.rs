//! Sessions and changes in SQL.

use async_trait::async_trait;
use neoron_protocol::{SessionId, UnixMillis};
use rusqlite::{Connection, OptionalExtension};

use super::{
    EmbeddedStore, events,
    fault::{Fault, parsed, signed, whole},
    jobs, once, sweep, tallies,
    writer::Step,
};
use crate::{
    Change, CommitError, Committed, DocumentKey, Expect, LivePage, LiveSession, Sessions, StoreError, Stored, rules,
};

/// A page of live sessions ends early at this many bytes of bodies: a thousand of half a megabyte would be too much
/// for a small machine.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// The sessions that are going on, by id.
const LIVE: &str = "SELECT s.id, b.body FROM session s JOIN body b ON b.session = s.n
    WHERE s.live = 1 AND s.id > ?1 AND s.expires_at > ?2 ORDER BY s.id";

/// What a step needs to know of a session.
pub(super) struct Head {
    /// The session's number in this file.
    pub(super) n: i64,
    version: u64,
    expires_at: UnixMillis,
    /// The stream's epoch.
    pub(super) epoch: String,
    /// The oldest event kept.
    pub(super) first: u64,
    /// The newest event, 0 for none.
    pub(super) last: u64,
}

/// A session's head, whether it has expired or not.
fn any_head(db: &Connection, session: SessionId) -> rusqlite::Result<Option<Head>> {
    db.prepare_cached("SELECT n, version, expires_at, epoch, first, last FROM session WHERE id = ?1")?
        .query_row([session.as_str()], |row| {
            Ok(Head {
                n: row.get(0)?,
                version: whole(row, 1)?,
                expires_at: UnixMillis(whole(row, 2)?),
                epoch: row.get(3)?,
                first: whole(row, 4)?,
                last: whole(row, 5)?,
            })
        })
        .optional()
}

/// The head of a session that has not expired.
pub(super) fn head(db: &Connection, session: SessionId, now: UnixMillis) -> rusqlite::Result<Option<Head>> {
    Ok(any_head(db, session)?.filter(|head| head.expires_at > now))
}

fn weight(change: &Change) -> usize {
    let events = change.events.iter().map(|event| event.data.len() + 64);
    let jobs = change.jobs.iter().map(|job| job.payload.len() + 128);
    let burnt = change.burn.iter().map(|burn| burn.key.len() + 32);
    let indexed = change.calls.len() * 64 + change.documents.len() * 128 + change.tallies.len() * 64;
    change.body.len() + events.chain(jobs).chain(burnt).sum::<usize>() + indexed
}

/// The session to write to: a new row, or the present one if the expectation holds.
fn target(step: &Step<'_>, change: &Change, epoch: &str) -> Result<Head, Fault<CommitError>> {
    let present = any_head(step.db, change.session)?;
    match (change.expect, present) {
        (Expect::Version(version), Some(head)) if head.version == version && head.expires_at > step.now => Ok(head),
        (Expect::Absent, present) if present.as_ref().is_none_or(|head| head.expires_at <= step.now) => {
            if let Some(expired) = present {
                sweep::remove_session(step.db, expired.n, usize::MAX)?;
            }
            let sql = "INSERT INTO session (id, version, live, expires_at, epoch, first, last)
                VALUES (?1, 0, 0, 0, ?2, 1, 0)";
            let n = step.db.prepare_cached(sql)?.insert((change.session.as_str(), epoch))?;
            Ok(Head { n, version: 0, expires_at: UnixMillis(0), epoch: epoch.to_owned(), first: 1, last: 0 })
        }
        _ => Err(Fault::Refused(CommitError::Conflict)),
    }
}

/// Applies a change. Its savepoint undoes what was written before a refusal.
fn apply(step: &mut Step<'_>, change: Change, epoch: &str) -> Result<Committed, Fault<CommitError>> {
    let head = target(step, &change, epoch)?;
    for burn in &change.burn {
        if !once::burn(step, head.n, burn)? {
            return Err(Fault::Refused(CommitError::Burnt { key: burn.key.clone() }));
        }
    }
    for call in &change.calls {
        let sql =
            "INSERT INTO call (call, session) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET session = excluded.session";
        step.db.prepare_cached(sql)?.execute((call, head.n))?;
    }
    for document in &change.documents {
        let sql = "INSERT INTO document (doctype, name, session) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET session = excluded.session";
        let name = rules::folded_name(document);
        step.db.prepare_cached(sql)?.execute((&document.doctype, name, head.n))?;
    }
    let stream = events::insert(step, change.session, &head, change.events)?;
    let mut leases = Vec::new();
    for job in &change.jobs {
        leases.extend(jobs::enqueue(step, job, Some(change.session))?);
    }
    tallies::add(step, &change.tallies)?;
    let version = head.version + 1;
    let sql = "UPDATE session SET version = ?2, live = ?3, expires_at = ?4, first = ?5, last = ?6 WHERE n = ?1";
    let row =
        (head.n, signed(version), change.live, signed(change.expires_at.0), signed(stream.first), signed(stream.last));
    step.db.prepare_cached(sql)?.execute(row)?;
    let sql = "INSERT INTO body (session, body) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body";
    step.db.prepare_cached(sql)?.execute((head.n, &change.body))?;
    Ok(Committed { version, events: stream.appended, leases })
}

fn load(db: &Connection, session: SessionId, now: UnixMillis) -> rusqlite::Result<Option<Stored>> {
    db.prepare_cached(
        "SELECT s.version, b.body, s.live, s.expires_at FROM session s JOIN body b ON b.session = s.n
        WHERE s.id = ?1 AND s.expires_at > ?2",
    )?
    .query_row((session.as_str(), signed(now.0)), |row| {
        Ok(Stored {
            session,
            version: whole(row, 0)?,
            body: row.get(1)?,
            live: row.get(2)?,
            expires_at: UnixMillis(whole(row, 3)?),
        })
    })
    .optional()
}

fn live(db: &Connection, after: Option<SessionId>, limit: usize, now: UnixMillis) -> rusqlite::Result<LivePage> {
    let mut statement = db.prepare_cached(LIVE)?;
    let after = after.as_ref().map_or("", SessionId::as_str);
    let mut rows = statement.query((after, signed(now.0)))?;
    let (mut sessions, mut bytes) = (Vec::<LiveSession>::new(), 0);
    while let Some(row) = rows.next()? {
        if sessions.len() >= limit || bytes >= PAGE_BYTES {
            let next = sessions.last().map(|last| last.session);
            return Ok(LivePage { sessions, next });
        }
        let body: String = row.get(1)?;
        bytes += body.len();
        sessions.push(LiveSession { session: parsed(row, 0)?, body });
    }
    Ok(LivePage { sessions, next: None })
}

#[async_trait]
impl Sessions for EmbeddedStore {
    async fn load(&self, session: SessionId) -> Result<Option<Stored>, StoreError> {
        let now = self.clock.now();
        self.read(move |db| load(db, session, now)).await
    }

    async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        rules::check_change(&change)?;
        // Drawn on the caller's side, since it is needed only to create a session.
        let epoch = if change.expect == Expect::Absent { rules::new_epoch()? } else { String::new() };
        self.write(weight(&change), move |step| apply(step, change, &epoch)).await
    }

    async fn by_call(&self, call: &str) -> Result<Option<SessionId>, StoreError> {
        let call = call.to_owned();
        self.read(move |db| {
            db.prepare_cached("SELECT s.id FROM call c JOIN session s ON s.n = c.session WHERE c.call = ?1")?
                .query_row([call], |row| parsed(row, 0))
                .optional()
        })
        .await
    }

    async fn by_document(&self, document: &DocumentKey) -> Result<Option<SessionId>, StoreError> {
        let (doctype, name) = (document.doctype.clone(), rules::folded_name(document));
        self.read(move |db| {
            let sql = "SELECT s.id FROM document d JOIN session s ON s.n = d.session
                WHERE d.doctype = ?1 AND d.name = ?2";
            db.prepare_cached(sql)?.query_row((doctype, name), |row| parsed(row, 0)).optional()
        })
        .await
    }

    async fn live(&self, after: Option<SessionId>, limit: usize) -> Result<LivePage, StoreError> {
        let now = self.clock.now();
        self.read(move |db| live(db, after, limit.clamp(1, 1_000), now)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn live_sessions_are_listed_through_their_index_without_sorting() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema.sql")).unwrap();
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {LIVE}")).unwrap();
        let plan = statement.query_map(("", 0), |row| row.get(3)).unwrap();
        let plan: Vec<String> = plan.collect::<rusqlite::Result<_>>().unwrap();
        assert!(plan[0].contains("USING INDEX session_live (id>?)"), "{plan:#?}");
        assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{plan:#?}");
    }
}

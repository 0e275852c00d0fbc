//! Streams of events: one Redis stream for each session, whose entry ids are the offsets.

use async_trait::async_trait;
use neoron_protocol::{SessionId, UnixMillis};
use redis::Value;

use super::{
    Core, RedisStore,
    hub::step_name,
    layout::Kind,
    reply::Reply,
    script::{APPEND, Call, READ, TOUCH},
    sessions::{event_args, numbered},
};
use crate::{Cursor, Event, EventWatch, Events, MAX_KEPT_EVENTS, NewEvent, Page, StoreError, rules};

/// Beyond this a number of Lua is no longer exact; no offset comes near it.
const LARGEST: u64 = 1 << 53;

/// An entry is its id, `offset-0`, and its fields.
fn event(entry: Value) -> Result<Event, StoreError> {
    let mut entry = Reply::list(entry)?;
    let id = entry.text()?;
    let offset = id.split_once('-').and_then(|(offset, _)| offset.parse().ok());
    let offset = offset.ok_or_else(|| StoreError::Corrupt("an entry's id is no offset".to_owned()))?;
    let mut fields = Reply::list(entry.value()?)?;
    let mut event = Event { offset, kind: String::new(), data: String::new(), at: UnixMillis(0) };
    while fields.len() >= 2 {
        match fields.text()?.as_str() {
            "k" => event.kind = fields.text()?,
            "d" => event.data = fields.text()?,
            "a" => event.at = UnixMillis(fields.parse()?),
            // A newer program may store more.
            _ => drop(fields.value()?),
        }
    }
    Ok(event)
}

impl Core {
    async fn append(&self, session: SessionId, events: Vec<NewEvent>) -> Result<Option<Vec<Event>>, StoreError> {
        let partition = self.layout.of_session(session);
        let keys = vec![
            self.layout.named(partition, Kind::Memory, &step_name()?),
            self.layout.session(Kind::Head, session),
            self.layout.session(Kind::Stream, session),
        ];
        let (known_epoch, known_last) = self.hub.known(session);
        let mut call = Call::new(&APPEND, keys)
            .number(self.now().0)
            .text(rules::new_epoch()?)
            .text(known_epoch)
            .number(known_last)
            .text(session.to_string())
            .text(self.layout.one(partition, Kind::Channel))
            .number(MAX_KEPT_EVENTS as u64)
            .number(events.len() as u64);
        for event in &events {
            call = event_args(call, event);
        }
        let mut reply = self.cluster.call(partition, call).await?;
        if !reply.is_ok() {
            return Ok(None);
        }
        let (epoch, before): (String, u64) = (reply.text()?, reply.parse()?);
        self.hub.note(session, &epoch, before + events.len() as u64);
        Ok(Some(numbered(events, before)))
    }

    async fn page(&self, session: SessionId, after: &Cursor, limit: usize) -> Result<Option<Page>, StoreError> {
        let keys = [Kind::Head, Kind::Stream].map(|kind| self.layout.session(kind, session)).to_vec();
        // As `rules::position` has it: an offset without an epoch means nothing.
        let offset = if after.epoch.is_empty() { 0 } else { after.offset.min(LARGEST) };
        let call = Call::new(&READ, keys)
            .number(self.now().0)
            .text(after.epoch.as_str())
            .number(offset)
            .number(limit as u64)
            .number(MAX_KEPT_EVENTS as u64);
        let mut reply = self.cluster.call(self.layout.of_session(session), call).await?;
        if !reply.is_ok() {
            return Ok(None);
        }
        let (epoch, last): (String, u64) = (reply.text()?, reply.parse()?);
        let first = (last + 1).saturating_sub(MAX_KEPT_EVENTS as u64).max(1);
        if rules::position(after, &epoch, first, last).is_none() {
            return Ok(Some(Page { epoch, events: Vec::new(), last, gap: true }));
        }
        let mut entries = Reply::list(reply.value()?)?;
        let events = (0..entries.len()).map(|_| event(entries.value()?)).collect::<Result<_, _>>()?;
        Ok(Some(Page { epoch, events, last, gap: false }))
    }

    /// Gives a stream a new epoch if it stands behind what this process has seen of it.
    async fn renew(&self, session: SessionId) -> Result<(), StoreError> {
        let (epoch, last) = self.hub.known(session);
        let call = Call::new(&TOUCH, vec![self.layout.session(Kind::Head, session)])
            .number(self.now().0)
            .text(rules::new_epoch()?)
            .text(epoch)
            .number(last);
        let mut reply = self.cluster.call(self.layout.of_session(session), call).await?;
        if reply.is_ok() {
            let (epoch, last): (String, u64) = (reply.text()?, reply.parse()?);
            self.hub.note(session, &epoch, last);
            tracing::warn!("a stream has lost its tail with its master and goes on in a new epoch");
        }
        Ok(())
    }
}

#[async_trait]
impl Events for RedisStore {
    async fn append(&self, session: SessionId, events: Vec<NewEvent>) -> Result<Option<Vec<Event>>, StoreError> {
        rules::check_events(&events)?;
        self.core.append(session, events).await
    }

    async fn read(&self, session: SessionId, after: &Cursor, limit: usize) -> Result<Option<Page>, StoreError> {
        let limit = limit.clamp(1, 1_000);
        // What is seen while the answer is under way may be further on than the answer: that is no loss.
        let (known_epoch, known_last) = self.core.hub.known(session);
        let page = self.core.page(session, after, limit).await?;
        let Some(read) = &page else { return Ok(page) };
        if read.epoch == known_epoch && read.last < known_last {
            self.core.renew(session).await?;
            return self.core.page(session, after, limit).await;
        }
        self.core.hub.note(session, &read.epoch, read.last);
        Ok(page)
    }

    async fn watch(&self, session: SessionId) -> Result<EventWatch, StoreError> {
        self.listen();
        // Nothing is waited for: once the shard's channels are heard, everybody who watches by then is woken.
        self.core.hub.watches.watch(session)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_entry_is_read_whatever_the_order_of_its_fields() {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let fields = ["a", "5", "later", "x", "d", "{}", "k", "tool"].map(bulk).to_vec();
        let read = event(Value::Array(vec![bulk("12-0"), Value::Array(fields)])).unwrap();
        assert_eq!(read, Event { offset: 12, kind: "tool".into(), data: "{}".into(), at: UnixMillis(5) });
        assert!(event(Value::Array(vec![bulk("x"), Value::Array(Vec::new())])).is_err());
    }
}

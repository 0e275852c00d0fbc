//! One session's promises: what was accepted from its visitor, and what their socket received, over all its lives.

use std::sync::Mutex;

use serde_json::Value;
use tokio::{sync::watch, time::Instant};

use super::lock;

/// A session that was answered 201.
pub struct Account {
    /// Its id.
    pub session: String,
    /// What opens it.
    pub ticket: String,
    /// The path of its events.
    pub events: String,
    /// Ultravox's call, for a voice session; a worker joins the call of a text session.
    pub call: Option<String>,
    texts: Mutex<Vec<(String, String, Instant)>>,
    seen: Mutex<Vec<Seen>>,
    cuts: Mutex<Vec<Cut>>,
    news: watch::Sender<usize>,
    fulfilled: Mutex<Option<usize>>,
    over_at: Mutex<Option<Instant>>,
}

/// What a socket received.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// An event of the stream.
    Event {
        /// The life of the stream.
        epoch: String,
        /// Its place.
        offset: u64,
        /// The whole frame.
        frame: Value,
    },
    /// Everything at once, up to this place.
    Snapshot {
        /// The life of the stream.
        epoch: String,
        /// The last offset that it includes.
        upto: u64,
    },
    /// Something outside the stream: a farewell, or a notice.
    Aside(Value),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It was told before, by a frame of the worker or by the close code of the gateway, 1012 (service restart).
    GoingAway,
    /// With another close code and no word before.
    Closed(u16),
    /// Without a word.
    Broken,
    /// It did not even open.
    Refused(Option<u16>),
}

impl Account {
    /// A new one.
    pub fn new(session: String, ticket: String, events: String, call: Option<String>) -> Self {
        let (texts, seen, cuts, fulfilled, over_at) = Default::default();
        Self { session, ticket, events, call, texts, seen, cuts, news: watch::Sender::new(0), fulfilled, over_at }
    }

    /// A text that was accepted, by the message's id.
    pub fn text(&self, id: &str, text: &str) {
        lock(&self.texts).push((id.to_owned(), text.to_owned(), Instant::now()));
    }

    /// The texts that were accepted, by id, and when.
    pub fn texts(&self) -> Vec<(String, String, Instant)> {
        lock(&self.texts).clone()
    }

    /// A frame came.
    pub fn take(&self, frame: Value) {
        if is_end(&frame) {
            *lock(&self.over_at) = Some(Instant::now());
        }
        let (offset, epoch) = (frame["offset"].as_u64().unwrap_or(0), frame["epoch"].as_str().unwrap_or_default());
        let seen = match frame["type"].as_str() {
            Some("snapshot") => {
                Seen::Snapshot { epoch: epoch.to_owned(), upto: frame["data"]["upto"].as_u64().unwrap_or(0) }
            }
            _ if offset == 0 => Seen::Aside(frame),
            _ => Seen::Event { epoch: epoch.to_owned(), offset, frame },
        };
        let mut all = lock(&self.seen);
        all.push(seen);
        let count = all.len();
        drop(all);
        self.news.send_replace(count);
    }

    /// Everything that came.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// How many frames came so far, and when that changes.
    pub fn news(&self) -> watch::Receiver<usize> {
        self.news.subscribe()
    }

    /// The first event from the place `from` on that `wanted` finds something in.
    pub fn find<T>(&self, from: usize, wanted: impl Fn(&str, &Value) -> Option<T>) -> Option<T> {
        let all = lock(&self.seen);
        all.iter().skip(from).find_map(|seen| match seen {
            Seen::Event { frame, .. } => wanted(frame["type"].as_str().unwrap_or_default(), &frame["data"]),
            Seen::Snapshot { .. } | Seen::Aside(_) => None,
        })
    }

    /// Where a reader who has all this goes on: epoch and offset.
    pub fn cursor(&self) -> (String, u64) {
        let all = lock(&self.seen);
        let place = all.iter().rev().find_map(|seen| match seen {
            Seen::Event { epoch, offset, .. } => Some((epoch.clone(), *offset)),
            Seen::Snapshot { epoch, upto } => Some((epoch.clone(), *upto)),
            Seen::Aside(_) => None,
        });
        place.unwrap_or_default()
    }

    /// A connection ended.
    pub fn cut(&self, cut: Cut) {
        lock(&self.cuts).push(cut);
    }

    /// How the connections ended.
    pub fn cuts(&self) -> Vec<Cut> {
        lock(&self.cuts).clone()
    }

    /// The visitor got all the orders they wanted.
    pub fn fulfil(&self, orders: usize) {
        *lock(&self.fulfilled) = Some(orders);
    }

    /// How many orders that were, if they got them.
    pub fn fulfilled(&self) -> Option<usize> {
        *lock(&self.fulfilled)
    }

    /// Whether the stream told that the session is over.
    pub fn is_over(&self) -> bool {
        self.over_at().is_some()
    }

    /// When it did.
    pub(super) fn over_at(&self) -> Option<Instant> {
        *lock(&self.over_at)
    }
}

fn is_end(frame: &Value) -> bool {
    let state = frame["data"]["state"].as_str();
    let told = matches!(frame["type"].as_str(), Some("session" | "snapshot"));
    told && matches!(state, Some("completed" | "failed" | "abandoned"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account() -> Account {
        Account::new("s_1".into(), String::new(), String::new(), None)
    }

    #[test]
    fn a_reader_goes_on_behind_the_last_event_or_snapshot() {
        let account = account();
        assert_eq!(account.cursor(), (String::new(), 0));
        account.take(json!({"epoch": "a", "offset": 1, "type": "session", "data": {"state": "ready"}}));
        account.take(json!({"epoch": "a", "offset": 0, "type": "going_away", "data": {"reconnect_in": 1}}));
        assert_eq!(account.cursor(), ("a".into(), 1));
        account.take(json!({"epoch": "b", "offset": 0, "type": "snapshot", "data": {"upto": 7}}));
        assert_eq!(account.cursor(), ("b".into(), 7));
    }

    #[test]
    fn a_session_is_over_when_its_stream_says_so() {
        let account = account();
        account.take(json!({"epoch": "a", "offset": 1, "type": "session", "data": {"state": "ending"}}));
        assert!(!account.is_over());
        account.take(json!({"epoch": "a", "offset": 2, "type": "session", "data": {"state": "completed"}}));
        assert!(account.is_over());
    }
}

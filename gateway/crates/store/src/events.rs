//! Events: an append-only stream for each session, read by cursor; a watch tells when there is more.
//!
//! A watch is only a hint: the stream is the truth, and whoever waits reads it again.

use async_trait::async_trait;
use neoron_protocol::{SessionId, UnixMillis};
use tokio::sync::watch;

use crate::StoreError;

/// How many events a session keeps; older ones are forgotten, and a reader behind them learns of the gap. A talkative
/// hour makes some 2,000 events (partial transcripts included).
pub const MAX_KEPT_EVENTS: usize = 4_000;

/// An event to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The frame's type.
    pub kind: String,
    /// The frame's data, JSON, at most 16 KiB.
    pub data: String,
    /// When it happened.
    pub at: UnixMillis,
}

/// An event of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Counts up by one within an epoch, from 1.
    pub offset: u64,
    /// The frame's type.
    pub kind: String,
    /// The frame's data, JSON.
    pub data: String,
    /// When it happened.
    pub at: UnixMillis,
}

/// Where a reader is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The epoch it knows; empty for none.
    pub epoch: String,
    /// The last offset it has; 0 for none.
    pub offset: u64,
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The stream's epoch. It names the life of the stream: a stream that lost its tail starts a new one.
    pub epoch: String,
    /// Events after the cursor, oldest first.
    pub events: Vec<Event>,
    /// The last offset of the stream, 0 if it is empty.
    pub last: u64,
    /// The cursor is of another epoch, behind what is kept, or ahead of the stream: `events` is empty, and the reader
    /// needs a snapshot and goes on after `last`.
    pub gap: bool,
}

/// Tells that a stream has moved on.
#[derive(Debug)]
pub struct EventWatch(watch::Receiver<u64>);

impl EventWatch {
    /// A watch over a channel that carries the last offset.
    pub fn new(receiver: watch::Receiver<u64>) -> Self {
        Self(receiver)
    }

    /// Waits until the stream may have moved on since the last call. Returns `false` if the store is closing.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// The streams.
#[async_trait]
pub trait Events: Send + Sync {
    /// Appends events outside a [`crate::Change`]; for what comes often and needs no decision, such as transcripts.
    /// `None` if there is no such session.
    async fn append(&self, session: SessionId, events: Vec<NewEvent>) -> Result<Option<Vec<Event>>, StoreError>;

    /// Reads at most `limit` (1..=1000) events after the cursor. `None` if there is no such session. An empty cursor
    /// epoch reads from the start of what is kept, without a gap if nothing was forgotten.
    async fn read(&self, session: SessionId, after: &Cursor, limit: usize) -> Result<Option<Page>, StoreError>;

    /// Watches a session's stream. Start the watch before the read, or an event between the two is noticed late.
    async fn watch(&self, session: SessionId) -> Result<EventWatch, StoreError>;
}

//! Sessions: versioned bodies with an index by call and by document.

use async_trait::async_trait;
use neoron_protocol::{SessionId, UnixMillis};

use crate::{Change, CommitError, Committed, StoreError};

/// A document in ERPNext.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey {
    /// Its doctype.
    pub doctype: String,
    /// Its name, compared without case as Frappe does.
    pub name: String,
}

/// A session as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Which one.
    pub session: SessionId,
    /// Goes up by one with every change, from 1.
    pub version: u64,
    /// What the worker wrote.
    pub body: String,
    /// Whether it is still going on.
    pub live: bool,
    /// When it may be forgotten.
    pub expires_at: UnixMillis,
}

/// One of the sessions that are going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSession {
    /// Which one.
    pub session: SessionId,
    /// What the worker wrote.
    pub body: String,
}

/// Some of the sessions that are going on, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivePage {
    /// The sessions.
    pub sessions: Vec<LiveSession>,
    /// Where to go on; `None` at the end.
    pub next: Option<SessionId>,
}

/// Sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Reads a session; `None` if there is none or it has expired.
    async fn load(&self, session: SessionId) -> Result<Option<Stored>, StoreError>;

    /// Applies a change as a whole. `Ok` means that it is durable.
    ///
    /// # Errors
    /// [`CommitError`]; nothing was written then, except that [`StoreError::Unavailable`] leaves it open.
    async fn commit(&self, change: Change) -> Result<Committed, CommitError>;

    /// The session a voice call belongs to. It may have expired.
    async fn by_call(&self, call: &str) -> Result<Option<SessionId>, StoreError>;

    /// The session a document belongs to. It may have expired.
    async fn by_document(&self, document: &DocumentKey) -> Result<Option<SessionId>, StoreError>;

    /// The sessions that are going on, by id, at most `limit` (1..=1000) after `after`.
    async fn live(&self, after: Option<SessionId>, limit: usize) -> Result<LivePage, StoreError>;
}

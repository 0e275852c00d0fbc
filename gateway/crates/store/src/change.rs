//! One atomic step of one session: its new body, its events, its jobs and the keys it burns, all or nothing.

use std::time::Duration;

use neoron_protocol::{SessionId, UnixMillis};

use crate::{DocumentKey, Event, Lease, NewEvent, NewJob, StoreError, Tally};

/// What must be true of the session for the change to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It does not exist.
    Absent,
    /// It exists with this version.
    Version(u64),
}

/// A key that may be used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burn {
    /// At most 256 bytes. Within a [`Change`] it is the session's own; elsewhere it is global.
    pub key: String,
    /// How long a second use is recognised.
    pub keep: Duration,
}

/// An atomic step. Build it with [`Change::create`] or [`Change::update`].
#[derive(Clone, Debug)]
pub struct Change {
    /// Whose step it is.
    pub session: SessionId,
    /// What must be true before.
    pub expect: Expect,
    /// The session's new body, at most [`Change::MAX_BODY_BYTES`].
    pub body: String,
    /// Whether the session is still going on; listed by [`crate::Sessions::live`].
    pub live: bool,
    /// When the session, its events and its burnt keys may be forgotten.
    pub expires_at: UnixMillis,
    /// Voice calls that lead to this session from now on.
    pub calls: Vec<String>,
    /// Documents that lead to this session from now on.
    pub documents: Vec<DocumentKey>,
    /// Events to append, in this order.
    pub events: Vec<NewEvent>,
    /// Jobs to enqueue.
    pub jobs: Vec<NewJob>,
    /// Keys to burn; if one is burnt already, nothing is written.
    pub burn: Vec<Burn>,
    /// What the step counts, at most [`Change::MAX_TALLIES`].
    pub tallies: Vec<Tally>,
}

impl Change {
    /// The largest session body, in bytes: a long call's ledger and transcript have some 50 kB.
    pub const MAX_BODY_BYTES: usize = 512 * 1024;
    /// The most tallies of one step; more are [`StoreError::TooLarge`].
    pub const MAX_TALLIES: usize = 16;

    fn new(session: SessionId, expect: Expect, body: String, expires_at: UnixMillis) -> Self {
        Self {
            session,
            expect,
            body,
            live: true,
            expires_at,
            calls: Vec::new(),
            documents: Vec::new(),
            events: Vec::new(),
            jobs: Vec::new(),
            burn: Vec::new(),
            tallies: Vec::new(),
        }
    }

    /// A step that creates the session.
    pub fn create(session: SessionId, body: String, expires_at: UnixMillis) -> Self {
        Self::new(session, Expect::Absent, body, expires_at)
    }

    /// A step on the session as it was read at `version`.
    pub fn update(session: SessionId, version: u64, body: String, expires_at: UnixMillis) -> Self {
        Self::new(session, Expect::Version(version), body, expires_at)
    }
}

/// What a change did.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The session's version now.
    pub version: u64,
    /// The events as they were appended.
    pub events: Vec<Event>,
    /// The leases of the jobs that start leased, in the order of [`Change::jobs`]. A job whose lane is busy waits for
    /// its turn and has none.
    pub leases: Vec<Lease>,
}

/// Why nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else changed (or created, or removed) the session: read it again.
    #[error("the session has changed meanwhile")]
    Conflict,
    /// The key was burnt before.
    #[error("the key was used before")]
    Burnt {
        /// Which one.
        key: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

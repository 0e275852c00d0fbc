//! Jobs: work that must happen at least once. A claimed job has a lease; a lease that runs out makes it claimable.
//!
//! Jobs of one session in one lane run one after another, in the order they were enqueued. The first of a lane keeps
//! the others waiting until it is finished or given up, also while it waits to be tried again.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use neoron_protocol::{JobId, SessionId, UnixMillis, WorkerId};

use crate::{Burn, StoreError, rules};

/// When a new job starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// As soon as somebody claims it.
    Now,
    /// Not before this instant.
    At(UnixMillis),
    /// Now and by this worker, which tries it at once; anybody else's after `lease` if the worker dies. In a busy lane
    /// it starts as with [`Start::Now`] instead.
    LeasedTo {
        /// Who tries it.
        worker: WorkerId,
        /// For how long.
        lease: Duration,
    },
}

/// A job to enqueue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Whose it is; `None` for one that must first find out.
    pub session: Option<SessionId>,
    /// What to do; at most 64 bytes.
    pub kind: String,
    /// With what; JSON, at most [`NewJob::MAX_PAYLOAD_BYTES`].
    pub payload: String,
    /// When.
    pub start: Start,
    /// Its lane, at most 32 bytes. It counts for jobs that are kept with their session: those that a
    /// [`crate::Change`] of the session enqueues, and those that are accepted without a key to burn.
    pub lane: Option<String>,
}

impl NewJob {
    /// The largest payload, in bytes: a webhook carries a full call object with its prompt.
    pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

    /// The lease this job starts with if it is accepted with [`Start::LeasedTo`] and this `burn`; it is
    /// lost from the start if the job's lane was busy. Of a job that a [`crate::Change`] enqueues, the commit tells.
    pub fn first_lease(&self, burn: Option<&Burn>) -> Lease {
        Lease {
            job: self.id,
            session: self.session,
            attempt: 1,
            fence: rules::first_fence(self.id),
            place: rules::place(self, burn),
        }
    }
}

/// The right to finish a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which job.
    pub job: JobId,
    /// Whose job.
    pub session: Option<SessionId>,
    /// Which attempt, from 1; a redriven job counts anew.
    pub attempt: u32,
    /// Tells this lease from every other one of the job, also across redrives and a lost tail of a replica.
    pub fence: u64,
    /// Where a partitioned store keeps the job; others ignore it.
    pub place: u16,
}

/// A claimed job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The right to finish it.
    pub lease: Lease,
    /// What to do.
    pub kind: String,
    /// With what.
    pub payload: String,
    /// When it was enqueued.
    pub enqueued_at: UnixMillis,
    /// How many of its leases ran out before another worker took it, since it was enqueued or redriven: whoever tries
    /// it may be dying of it.
    pub lost: u32,
}

/// Whether a job was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is durable.
    New,
    /// The key was burnt before: nothing was written.
    Duplicate,
}

/// A lease that is over, or a store that failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else has the job, or it is finished.
    #[error("the job's lease is over")]
    Lost,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Which one.
    pub job: JobId,
    /// Whose.
    pub session: Option<SessionId>,
    /// What it was to do.
    pub kind: String,
    /// With what.
    pub payload: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was given up; at most 500 bytes, without personal data.
    pub reason: String,
    /// When it was enqueued.
    pub enqueued_at: UnixMillis,
    /// When it was given up.
    pub died_at: UnixMillis,
}

/// Some of the dead, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadPage {
    /// The jobs.
    pub jobs: Vec<Dead>,
    /// How many there are in all.
    pub total: u64,
}

/// How full the queue is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Claimable now.
    pub ready: u64,
    /// Waiting for their time, or for their turn in a lane.
    pub delayed: u64,
    /// Leased.
    pub running: u64,
    /// Given up.
    pub dead: u64,
    /// How long the oldest claimable one has been claimable.
    pub oldest_ready: Duration,
    /// Those that are not given up, by their kind.
    pub kinds: BTreeMap<String, u64>,
}

/// The queue.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Enqueues one job, unless `burn` was burnt before. `Ok` means durable.
    async fn accept(&self, job: NewJob, burn: Option<Burn>) -> Result<Accepted, StoreError>;

    /// Claims at most `max` (1..=100) jobs whose time has come, oldest first, also those whose lease ran out.
    async fn claim(&self, worker: WorkerId, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError>;

    /// Waits until a job may be claimable, at most `longest`. A hint: it may return early.
    async fn wait(&self, longest: Duration);

    /// Prolongs a lease: it ends `lease` from now.
    async fn extend(&self, of: &Lease, lease: Duration) -> Result<(), LeaseError>;

    /// Finishes a job.
    async fn done(&self, of: &Lease) -> Result<(), LeaseError>;

    /// Gives a job back, to be claimed at `at`; `reason` is kept for the operator. It keeps its place in its lane.
    async fn retry(&self, of: &Lease, at: UnixMillis, reason: &str) -> Result<(), LeaseError>;

    /// Gives a job up. It is kept until somebody retries or drops it, and leaves its lane to the next.
    async fn bury(&self, of: &Lease, reason: &str) -> Result<(), LeaseError>;

    /// The dead, newest first, at most `limit` (1..=1000) from `skip` on.
    async fn dead(&self, skip: usize, limit: usize) -> Result<DeadPage, StoreError>;

    /// Makes a dead job claimable again, with its attempts counted anew, at the end of its lane. `false` if there is no such one.
    async fn redrive(&self, job: JobId) -> Result<bool, StoreError>;

    /// Forgets a dead job. `false` if there is no such one.
    async fn forget(&self, job: JobId) -> Result<bool, StoreError>;

    /// How full the queue is.
    async fn depth(&self) -> Result<Depth, StoreError>;
}

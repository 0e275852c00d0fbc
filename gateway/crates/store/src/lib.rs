//! The state behind everything: sessions, their events, durable jobs, single-use keys, limits, budgets, seats,
//! waiting rooms, tallies, workers.
//!
//! One set of small traits, one file each, and implementations that pass one contract suite (`tests/it/contract`).
//! What a session or a job holds is opaque here: the store keeps bytes, versions and leases, and never decides what
//! they mean. It never calls another service.
//!
//! Atomicity follows what a Redis Cluster can keep in one slot: everything one [`Change`] carries belongs to one
//! session and is written together; the indexes (by call, by document) are written before it and may dangle.

mod budgets;
mod change;
mod clock;
pub mod embedded;
mod error;
mod events;
mod jobs;
mod limits;
mod once;
pub mod redis;
mod rules;
mod seats;
mod sessions;
mod tallies;
mod waiting;
mod watches;
mod workers;

use std::sync::Arc;

pub use budgets::{Budgets, Reservation};
pub use change::{Burn, Change, CommitError, Committed, Expect};
pub use clock::{Clock, ManualClock, SystemClock};
pub use embedded::EmbeddedStore;
pub use error::StoreError;
pub use events::{Cursor, Event, EventWatch, Events, MAX_KEPT_EVENTS, NewEvent, Page};
pub use jobs::{Accepted, Claimed, Dead, DeadPage, Depth, Jobs, Lease, LeaseError, NewJob, Start};
pub use limits::{Decision, Limits, Rate};
pub use once::Once;
pub use redis::RedisStore;
pub use seats::{Seated, Seats};
pub use sessions::{DocumentKey, LivePage, LiveSession, Sessions, Stored};
pub use tallies::{KEPT_TALLY_DAYS, Tallies, Tally};
pub use waiting::{Joined, MAX_WAITING_BODY_BYTES, Waiting, WaitingRooms};
pub use workers::{Beat, Workers};

/// Everything a process needs to remember.
pub trait Store:
    Sessions + Events + Jobs + Once + Limits + Budgets + Seats + WaitingRooms + Tallies + Workers + 'static
{
}

impl<T> Store for T where
    T: Sessions + Events + Jobs + Once + Limits + Budgets + Seats + WaitingRooms + Tallies + Workers + 'static
{
}

/// A store as the edge and the workers hold it.
pub type SharedStore = Arc<dyn Store>;

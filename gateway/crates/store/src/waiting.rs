//! Waiting rooms: bounded queues of visitors, first come first served. Who does not ask for a while loses the place.

use std::time::Duration;

use async_trait::async_trait;
use neoron_protocol::UnixMillis;

use crate::StoreError;

/// The largest body of somebody who waits, in bytes: what is needed to start the call later.
pub const MAX_WAITING_BODY_BYTES: usize = 8 * 1024;

/// A place in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many come before; 0 for who is next.
    pub ahead: u32,
    /// How many wait in all.
    pub of: u32,
    /// What was brought at the first joining.
    pub body: String,
    /// When that was.
    pub since: UnixMillis,
}

/// Whether there was room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// There is a place.
    Waits(Waiting),
    /// The room is full of others.
    Full {
        /// How many wait.
        waiting: u32,
    },
}

/// The rooms. Rooms and holders have at most 128 bytes each; a longer one is [`StoreError::TooLarge`]. A holder who has
/// not asked within its patience is as one who never came: it does not count, and its place is gone.
#[async_trait]
pub trait WaitingRooms: Send + Sync {
    /// Joins at the end unless `cap` others wait already. Who waits keeps place and body, whatever the cap is now, and
    /// has `patience` from now to ask again. `body` has at most [`MAX_WAITING_BODY_BYTES`].
    async fn join(
        &self,
        room: &str,
        holder: &str,
        body: String,
        cap: u32,
        patience: Duration,
    ) -> Result<Joined, StoreError>;

    /// Asks for the place, which gives `patience` from now to ask again. `None` if the holder does not wait.
    async fn place(&self, room: &str, holder: &str, patience: Duration) -> Result<Option<Waiting>, StoreError>;

    /// Leaves the room, for the call or for good. `true` for exactly one caller: the one that ended the waiting.
    async fn depart(&self, room: &str, holder: &str) -> Result<bool, StoreError>;

    /// How many wait.
    async fn waiting(&self, room: &str) -> Result<u32, StoreError>;
}

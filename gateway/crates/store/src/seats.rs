//! Seats: counted leases, which bound how many of something go on at once, over all processes together.

use std::time::Duration;

use async_trait::async_trait;

use crate::StoreError;

/// Whether there was a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seated {
    /// The holder has one.
    Taken {
        /// Seats taken, this one included.
        used: u32,
    },
    /// All are taken by others.
    Full {
        /// Seats taken.
        used: u32,
    },
}

/// The seats. Scopes and holders have at most 128 bytes each; a longer one is [`StoreError::TooLarge`].
#[async_trait]
pub trait Seats: Send + Sync {
    /// Takes one of the `cap` seats of `scope` for `holder`, or prolongs the one it has, whatever the cap is now. The
    /// seat is free again once the holder rises, or `lease` from now.
    async fn sit(&self, scope: &str, holder: &str, cap: u32, lease: Duration) -> Result<Seated, StoreError>;

    /// Gives the holder's seat back. Without a seat it does nothing.
    async fn rise(&self, scope: &str, holder: &str) -> Result<(), StoreError>;

    /// How many seats of the scope are taken.
    async fn seated(&self, scope: &str) -> Result<u32, StoreError>;
}

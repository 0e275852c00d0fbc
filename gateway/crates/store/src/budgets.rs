//! Budgets: seconds of calls a site may use a day. A call reserves its longest duration and settles what it used.

use std::time::Duration;

use async_trait::async_trait;

use crate::StoreError;

/// What a reservation got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// It is reserved; this much is left for others. Also the answer to a repeat of the same reservation.
    Reserved {
        /// Left after it.
        left: u64,
    },
    /// There is not enough.
    Exhausted {
        /// What is left.
        left: u64,
    },
}

/// The budgets.
#[async_trait]
pub trait Budgets: Send + Sync {
    /// Reserves `seconds` of the `cap` of budget `key` (site and day, at most 128 bytes) under the name `holder`.
    /// The budget is forgotten `keep` after its first use.
    async fn reserve(
        &self,
        key: &str,
        holder: &str,
        seconds: u64,
        cap: u64,
        keep: Duration,
    ) -> Result<Reservation, StoreError>;

    /// Gives back what `holder` reserved and did not use. A second settlement changes nothing.
    async fn settle(&self, key: &str, holder: &str, used: u64) -> Result<(), StoreError>;
}

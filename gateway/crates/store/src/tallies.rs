//! Tallies: counters by day, written in the same step as what they count, so that nothing is counted twice or not at
//! all. They are for statistics: whoever reads them sees sums, never who was counted.

use std::ops::RangeInclusive;

use async_trait::async_trait;

use crate::StoreError;

/// How long a day's tallies are kept, in days: a year and a month, to compare with the year before.
pub const KEPT_TALLY_DAYS: u32 = 400;

/// So many more of something on a day; or, when read, so many in all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tally {
    /// Days since 1970 in UTC.
    pub day: u32,
    /// What is counted; at most 128 bytes. Use few names: each is kept for every day.
    pub name: String,
    /// How many. A sum stays at 2^63 - 1 once it is there.
    pub by: u64,
}

/// The tallies.
#[async_trait]
pub trait Tallies: Send + Sync {
    /// The sums of these days by day and name, in that order; days that are not kept any more have none.
    async fn tallies(&self, days: RangeInclusive<u32>) -> Result<Vec<Tally>, StoreError>;
}

//! Tallies: each partition counts what its sessions' steps count, in a hash a day; a reader adds the partitions up.

use std::{collections::BTreeMap, ops::RangeInclusive};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Core, RedisStore,
    layout::{Kind, Partition},
    script::{Call, TALLIES},
};
use crate::{KEPT_TALLY_DAYS, StoreError, Tallies, Tally, rules};

/// Days that one call asks for: with a hundred names a day some 100 kB.
const DAYS: usize = 32;
/// Calls under way at a time.
const TOGETHER: usize = 16;

/// Sums by day and name.
type Sums = BTreeMap<(u32, String), u64>;

impl Core {
    /// Reads some days of one partition.
    async fn tallies_of(&self, partition: Partition, days: Vec<u32>) -> Result<Vec<Tally>, StoreError> {
        let keys = days.iter().map(|day| self.layout.named(partition, Kind::Tally, &day.to_string())).collect();
        let call = days.iter().fold(Call::new(&TALLIES, keys), |call, day| call.number(u64::from(*day)));
        let mut reply = self.cluster.call(partition, call).await?;
        let mut tallies = Vec::with_capacity(reply.len() / 3);
        while reply.len() >= 3 {
            tallies.push(Tally { day: reply.parse()?, name: reply.text()?, by: reply.parse()? });
        }
        Ok(tallies)
    }
}

#[async_trait]
impl Tallies for RedisStore {
    async fn tallies(&self, days: RangeInclusive<u32>) -> Result<Vec<Tally>, StoreError> {
        let first = *days.start().max(&rules::first_kept_day(self.core.now()));
        // No day is written that far ahead, and an open range must not ask for 4 billion keys.
        let last = *days.end().min(&first.saturating_add(2 * KEPT_TALLY_DAYS));
        let days: Vec<u32> = (first..=last).collect();
        let partitions = 0..self.core.layout.count();
        let chunks: Vec<_> =
            partitions.flat_map(|partition| days.chunks(DAYS).map(move |some| (partition, some))).collect();
        let calls: Vec<_> =
            chunks.into_iter().map(|(partition, days)| self.core.tallies_of(partition, days.to_vec())).collect();
        let sums = stream::iter(calls)
            .buffer_unordered(TOGETHER)
            .try_fold(Sums::new(), |mut sums, told| async move {
                for Tally { day, name, by } in told {
                    let sum = sums.entry((day, name)).or_default();
                    *sum = sum.saturating_add(by).min(i64::MAX as u64);
                }
                Ok(sums)
            })
            .await?;
        Ok(sums.into_iter().map(|((day, name), by)| Tally { day, name, by }).collect())
    }
}

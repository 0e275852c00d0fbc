//! The registry of workers: the same small hash in up to three partitions far from each other, so that it outlives a
//! shard. A beat must reach one of them, and the newest entry of each worker counts.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use neoron_protocol::WorkerId;

use super::{
    Core, RedisStore,
    layout::{Kind, Partition},
    lifetime,
    reply::Reply,
    script::{BEAT, Call},
};
use crate::{Beat, StoreError, Workers};

const COPIES: usize = 3;

/// An entry: when it is gone, address, load, capacity, draining.
fn entry(beat: &Beat, gone_at: u64) -> String {
    let draining = u8::from(beat.draining);
    format!("{gone_at} {} {} {} {draining}", beat.address, beat.load, beat.capacity)
}

fn read(worker: WorkerId, entry: &str) -> Option<(u64, Beat)> {
    let mut parts = entry.split(' ');
    let gone_at = parts.next()?.parse().ok()?;
    let address = parts.next()?.parse().ok()?;
    let (load, capacity) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let draining = parts.next()? == "1";
    Some((gone_at, Beat { worker, address, load, capacity, draining }))
}

/// The answers of those that answered; an error only if nobody did.
fn any<T>(answers: Vec<Result<T, StoreError>>) -> Result<Vec<T>, StoreError> {
    let (mut good, mut last) = (Vec::new(), None);
    for answer in answers {
        match answer {
            Ok(answer) => good.push(answer),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) if good.is_empty() => Err(error),
        _ => Ok(good),
    }
}

impl Core {
    fn copies(&self) -> impl Iterator<Item = Partition> {
        let count = self.layout.count();
        (0..COPIES.min(count)).map(move |copy| copy * count / COPIES.min(count))
    }

    async fn beat(&self, beat: &Beat, ttl: Duration) -> Result<(), StoreError> {
        let now = self.now();
        let entry = entry(beat, now.plus(ttl).0);
        let beats = self.copies().map(|partition| {
            let call = Call::new(&BEAT, vec![self.layout.one(partition, Kind::Workers)])
                .number(now.0)
                .text(beat.worker.to_string())
                .text(entry.as_str())
                .number(lifetime(ttl));
            self.cluster.call(partition, call)
        });
        any(join_all(beats).await).map(drop)
    }

    async fn alive(&self) -> Result<Vec<Beat>, StoreError> {
        let now = self.now().0;
        let asked = self.copies().map(|partition| async move {
            let mut command = redis::cmd("HGETALL");
            command.arg(self.layout.one(partition, Kind::Workers));
            self.cluster.command(self.layout.slot(partition), &command).await
        });
        let mut newest = BTreeMap::<WorkerId, (u64, Beat)>::new();
        for told in any(join_all(asked).await)? {
            let redis::Value::Map(entries) = told else { continue };
            for (worker, entry) in entries {
                let mut pair = Reply::list(redis::Value::Array(vec![worker, entry]))?;
                let worker = pair.parse()?;
                let Some((gone_at, beat)) = read(worker, &pair.text()?) else { continue };
                if gone_at > now && newest.get(&worker).is_none_or(|(known, _)| *known < gone_at) {
                    newest.insert(worker, (gone_at, beat));
                }
            }
        }
        Ok(newest.into_values().map(|(_, beat)| beat).collect())
    }

    async fn leave(&self, worker: WorkerId) -> Result<(), StoreError> {
        let leaves = self.copies().map(|partition| async move {
            let mut command = redis::cmd("HDEL");
            command.arg(self.layout.one(partition, Kind::Workers)).arg(worker.as_str());
            self.cluster.command(self.layout.slot(partition), &command).await
        });
        any(join_all(leaves).await).map(drop)
    }
}

#[async_trait]
impl Workers for RedisStore {
    async fn beat(&self, beat: Beat, ttl: Duration) -> Result<(), StoreError> {
        self.core.beat(&beat, ttl).await
    }

    async fn workers(&self) -> Result<Vec<Beat>, StoreError> {
        self.core.alive().await
    }

    async fn leave(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.core.leave(worker).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use neoron_protocol::UnixMillis;

    use super::*;

    #[test]
    fn an_entry_is_read_back_as_it_was_written() {
        let worker = WorkerId::new(UnixMillis(1), [1; 10]);
        for address in ["10.0.0.1:7001", "[::1]:7001"] {
            let beat = Beat { worker, address: address.parse().unwrap(), load: 3, capacity: 250, draining: true };
            assert_eq!(read(worker, &entry(&beat, 9)), Some((9, beat)));
        }
        assert_eq!(read(worker, "9 nonsense"), None);
    }

    #[test]
    fn one_answer_is_enough_and_none_is_an_error() {
        let dead = || Err::<u8, _>(StoreError::Full);
        assert_eq!(any(vec![dead(), Ok(1), dead()]).unwrap(), [1]);
        assert!(any(vec![dead(), dead()]).is_err());
    }
}

//! Claims: from which partitions, and how many of each. The hints say where something is due; the partitions take turns,
//! and one whose server fails is passed over.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use neoron_protocol::{UnixMillis, WorkerId};

use super::{
    Core,
    hub::step_name,
    layout::{Kind, Partition},
    reply::Reply,
    script::{CLAIM, Call, DEPTH},
};
use crate::{Claimed, Depth, Lease, StoreError, rules};

/// Partitions that are asked together.
const TOGETHER: usize = 8;
/// Payloads that one partition hands out at a time, in bytes: more would hold up its shard and run into the timeout.
const CLAIM_BYTES: u64 = 2 * 1024 * 1024;

/// Who claims, and for how long.
#[derive(Clone, Copy)]
pub(super) struct Claimer {
    pub(super) worker: WorkerId,
    pub(super) lease: Duration,
}

impl Core {
    /// Claims at most `max` jobs. An error only if nothing could be claimed because of it.
    pub(super) async fn claim(&self, who: Claimer, max: usize) -> Result<Vec<Claimed>, StoreError> {
        if self.hub.hints().look(Instant::now()) {
            self.look().await;
        }
        let (mut claimed, mut failure) = (Vec::new(), None);
        // A partition that had less than it was asked for has nothing more.
        let mut exhausted = HashSet::new();
        while claimed.len() < max {
            let most = TOGETHER.min(max - claimed.len());
            let ready = self.hub.hints().ready(&exhausted, most, self.now(), Instant::now());
            if ready.is_empty() {
                break;
            }
            let each = (max - claimed.len()) / ready.len();
            let answers = join_all(ready.iter().map(|partition| self.claim_of(*partition, who, each))).await;
            for (partition, answer) in ready.into_iter().zip(answers) {
                match answer {
                    Ok(jobs) => {
                        if jobs.is_empty() {
                            exhausted.insert(partition);
                        }
                        claimed.extend(jobs);
                    }
                    Err(error) => failure = Some(error),
                }
            }
        }
        match failure {
            Some(error) if claimed.is_empty() => Err(error),
            _ => Ok(claimed),
        }
    }

    async fn claim_of(&self, partition: Partition, who: Claimer, max: usize) -> Result<Vec<Claimed>, StoreError> {
        let (now, fence) = (self.now(), rules::new_fence()?);
        let mut keys = vec![self.layout.named(partition, Kind::Memory, &step_name()?)];
        keys.extend([Kind::Waiting, Kind::Running].map(|kind| self.layout.one(partition, kind)));
        let call = Call::new(&CLAIM, keys)
            .number(now.0)
            .number(now.plus(who.lease).0)
            .number(max as u64)
            .number(fence)
            .text(who.worker.to_string())
            .text(self.layout.named(partition, Kind::Job, ""))
            .number(CLAIM_BYTES);
        let asked = self.hub.hints().ask(partition);
        let answer = self.cluster.call(partition, call).await;
        let mut reply = self.answered(partition, answer)?;
        let due = reply.optional()?;
        self.hub.hints().answer(partition, asked, due);
        let mut claimed = Vec::with_capacity(reply.len() / 7);
        while reply.len() >= 7 {
            let (job, session) = (reply.parse()?, reply.optional()?);
            let (kind, payload) = (reply.text()?, reply.text()?);
            let (attempt, enqueued_at) = (reply.parse()?, UnixMillis(reply.parse()?));
            let lease = Lease { job, session, attempt, fence, place: self.layout.place(partition) };
            let lost = reply.optional()?.unwrap_or(0);
            claimed.push(Claimed { lease, kind, payload, enqueued_at, lost });
        }
        Ok(claimed)
    }

    /// Notes a failure, so that the partition is left alone for a moment.
    fn answered(&self, partition: Partition, answer: Result<Reply, StoreError>) -> Result<Reply, StoreError> {
        if answer.is_err() {
            self.hub.hints().fail(partition, Instant::now());
        }
        answer
    }

    /// Looks at all partitions and corrects the hints.
    pub(super) async fn look(&self) {
        let looks = (0..self.layout.count()).map(|partition| async move {
            let asked = self.hub.hints().ask(partition);
            let answer = self.cluster.call(partition, self.depth_call(partition)).await;
            let due = self.answered(partition, answer).and_then(|mut reply| reply.optional());
            if let Ok(due) = due {
                self.hub.hints().answer(partition, asked, due);
            }
        });
        join_all(looks).await;
    }

    /// How many partitions answer.
    pub(super) async fn answering(&self) -> usize {
        let asked = (0..self.layout.count()).map(|partition| self.cluster.call(partition, self.depth_call(partition)));
        join_all(asked).await.into_iter().filter(Result::is_ok).count()
    }

    fn depth_call(&self, partition: Partition) -> Call<'static> {
        let keys =
            [Kind::Waiting, Kind::Running, Kind::Counts, Kind::Dead].map(|kind| self.layout.one(partition, kind));
        Call::new(&DEPTH, keys.to_vec()).number(self.now().0)
    }

    /// Counts the jobs of all partitions.
    pub(super) async fn depth(&self) -> Result<Depth, StoreError> {
        let asked = (0..self.layout.count()).map(|partition| self.cluster.call(partition, self.depth_call(partition)));
        let mut depth = Depth::default();
        for answer in join_all(asked).await {
            let mut reply = answer?;
            let oldest: Option<u64> = reply.optional()?;
            depth.ready += reply.parse::<u64>()?;
            depth.delayed += reply.parse::<u64>()?;
            depth.running += reply.parse::<u64>()?;
            depth.dead += reply.parse::<u64>()?;
            while reply.len() >= 2 {
                let (field, count) = (reply.text()?, reply.parse::<u64>()?);
                match field.strip_prefix("k:") {
                    Some(kind) => *depth.kinds.entry(kind.to_owned()).or_default() += count,
                    // Behind others in their lanes.
                    None => depth.delayed += count,
                }
            }
            let age = oldest.map(|due| self.now().since(UnixMillis(due))).unwrap_or_default();
            depth.oldest_ready = depth.oldest_ready.max(age);
        }
        Ok(depth)
    }

    /// Waits until a job may be due.
    pub(super) async fn until_due(&self) {
        loop {
            let woken = self.hub.jobs.notified();
            tokio::pin!(woken);
            // Before looking: what is heard between the look and the sleep must end the sleep.
            woken.as_mut().enable();
            let stale = self.hub.hints().look(Instant::now());
            if stale {
                self.look().await;
            }
            let rest = self.hub.hints().rest(self.now(), Instant::now());
            if rest.is_zero() {
                return;
            }
            let _ = tokio::time::timeout(rest, woken).await;
        }
    }
}

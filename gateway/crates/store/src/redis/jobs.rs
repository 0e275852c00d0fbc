//! Jobs: a hash for each, and three sorted sets in each partition: waiting by their time, leased by the end of their
//! lease, dead by their death.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use neoron_protocol::{JobId, UnixMillis, WorkerId};

use super::{
    Core, RedisStore,
    hub::step_name,
    layout::{Kind, Partition},
    lifetime,
    queue::Claimer,
    reply::Reply,
    script::{self, ACCEPT, Call, LEASE},
    sessions::{first_due, job_args},
};
use crate::{Accepted, Burn, Claimed, Dead, DeadPage, Depth, Jobs, Lease, LeaseError, NewJob, StoreError, rules};

/// How long a job without a key is recognised by its id: longer than any call that may be repeated.
const REPEATED: Duration = Duration::from_secs(60);

/// What a holder does with a job.
enum Use<'a> {
    Extend(UnixMillis),
    Done,
    Retry(UnixMillis, &'a str),
    Bury(&'a str),
}

/// The keys of a partition's queue, as the scripts take them.
const QUEUES: [Kind; 4] = [Kind::Waiting, Kind::Running, Kind::Counts, Kind::Dead];

impl Core {
    /// Adds what the keys of jobs and of lanes begin with, and the channel.
    fn job_keys<'a>(&self, call: Call<'a>, partition: Partition) -> Call<'a> {
        call.text(self.layout.named(partition, Kind::Job, ""))
            .text(self.layout.named(partition, Kind::Lane, ""))
            .text(self.layout.one(partition, Kind::Channel))
    }

    async fn accept(&self, job: &NewJob, burn: Option<&Burn>) -> Result<Accepted, StoreError> {
        let (layout, now) = (&self.layout, self.now());
        let partition = layout.of_place(rules::place(job, burn));
        let (key, keep, lasts) = match burn {
            Some(burn) => (layout.named(partition, Kind::Once, &burn.key), burn.keep, lifetime(burn.keep)),
            None => (layout.named(partition, Kind::Memory, job.id.as_str()), REPEATED, REPEATED.as_secs() * 1_000),
        };
        let mut keys = vec![key];
        keys.extend([Kind::Waiting, Kind::Running, Kind::Counts].map(|kind| layout.one(partition, kind)));
        let call = Call::new(&ACCEPT, keys).number(now.0).number(now.plus(keep).0).number(lasts);
        let call = job_args(self.job_keys(call, partition), job, rules::home(job, burn), now);
        let new = self.cluster.call(partition, call).await?.text()? == "new";
        if new {
            self.hub.due(partition, first_due(job, now).0);
        }
        Ok(if new { Accepted::New } else { Accepted::Duplicate })
    }

    async fn with_lease(&self, of: &Lease, what: Use<'_>) -> Result<(), LeaseError> {
        let (layout, partition) = (&self.layout, self.layout.of_place(of.place));
        let mut keys = vec![layout.named(partition, Kind::Memory, &step_name()?)];
        keys.extend(QUEUES.map(|kind| layout.one(partition, kind)));
        let (word, due, reason) = match what {
            Use::Extend(until) => ("extend", until.0, ""),
            Use::Done => ("done", 0, ""),
            Use::Retry(at, reason) => ("retry", at.0, reason),
            Use::Bury(reason) => ("bury", 0, reason),
        };
        let call = Call::new(&LEASE, keys)
            .number(self.now().0)
            .text(word)
            .number(of.fence)
            .text(of.job.as_str())
            .number(due)
            .text(reason);
        let mut reply = self.cluster.call(partition, self.job_keys(call, partition)).await?;
        if !reply.is_ok() {
            return Err(LeaseError::Lost);
        }
        if let Some(due) = reply.optional()? {
            self.hub.due(partition, due);
        }
        Ok(())
    }

    /// The newest dead of a partition, by when they died.
    async fn dead_ids(&self, partition: Partition, count: usize) -> Result<Vec<(u64, JobId, Partition)>, StoreError> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.layout.one(partition, Kind::Dead)).arg(0).arg(count - 1).arg("REV").arg("WITHSCORES");
        let mut told = Reply::list(self.cluster.command(self.layout.slot(partition), &command).await?)?;
        let mut ids = Vec::with_capacity(told.len());
        while told.len() > 0 {
            let mut pair = Reply::list(told.value()?)?;
            let job = pair.parse()?;
            let redis::Value::Double(died_at) = pair.value()? else {
                return Err(StoreError::Corrupt("a death has no time".to_owned()));
            };
            // Scores are whole milliseconds.
            ids.push((died_at as u64, job, partition));
        }
        Ok(ids)
    }

    async fn dead_count(&self, partition: Partition) -> Result<u64, StoreError> {
        let mut command = redis::cmd("ZCARD");
        command.arg(self.layout.one(partition, Kind::Dead));
        Reply::number(self.cluster.command(self.layout.slot(partition), &command).await?)
    }

    async fn dead_job(&self, died_at: u64, job: JobId, partition: Partition) -> Result<Option<Dead>, StoreError> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.layout.job(partition, job)).arg(&["s", "k", "p", "a", "r", "q"]);
        let mut told = Reply::list(self.cluster.command(self.layout.slot(partition), &command).await?)?;
        let (session, kind, payload) = (told.optional()?, told.text()?, told.text()?);
        // Somebody may have forgotten it meanwhile.
        let Some(attempts) = told.optional()? else { return Ok(None) };
        let (reason, enqueued_at, died_at) = (told.text()?, UnixMillis(told.parse()?), UnixMillis(died_at));
        Ok(Some(Dead { job, session, kind, payload, attempts, reason, enqueued_at, died_at }))
    }

    async fn dead_page(&self, skip: usize, limit: usize) -> Result<DeadPage, StoreError> {
        let partitions = 0..self.layout.count();
        let total = try_join_all(partitions.clone().map(|partition| self.dead_count(partition))).await?.iter().sum();
        let count = skip.saturating_add(limit).min(usize::try_from(total).unwrap_or(usize::MAX));
        if count == 0 {
            return Ok(DeadPage { jobs: Vec::new(), total });
        }
        let mut ids: Vec<_> = try_join_all(partitions.map(|partition| self.dead_ids(partition, count))).await?.concat();
        ids.sort_by(|one, other| other.cmp(one));
        let page = ids.into_iter().skip(skip).take(limit);
        let jobs = try_join_all(page.map(|(died_at, job, partition)| self.dead_job(died_at, job, partition))).await?;
        Ok(DeadPage { jobs: jobs.into_iter().flatten().collect(), total })
    }

    /// Does something with a dead job, which may be in any partition. An error only if it was not found in those that
    /// answer.
    async fn with_dead(&self, job: JobId, word: &str) -> Result<bool, StoreError> {
        let now = self.now();
        let tries = (0..self.layout.count()).map(|partition| async move {
            let mut keys = vec![self.layout.named(partition, Kind::Memory, &step_name()?)];
            keys.extend(QUEUES.map(|kind| self.layout.one(partition, kind)));
            let call = Call::new(&script::DEAD, keys).number(now.0).text(word).text(job.as_str());
            let found = self.cluster.call(partition, self.job_keys(call, partition)).await?.is_ok();
            if found {
                self.hub.due(partition, now.0);
            }
            Ok(found)
        });
        let mut outcome = Ok(false);
        for tried in join_all(tries).await {
            match tried {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }
}

#[async_trait]
impl Jobs for RedisStore {
    async fn accept(&self, job: NewJob, burn: Option<Burn>) -> Result<Accepted, StoreError> {
        rules::check_job(&job)?;
        burn.iter().try_for_each(rules::check_burn)?;
        self.core.accept(&job, burn.as_ref()).await
    }

    async fn claim(&self, worker: WorkerId, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        self.core.claim(Claimer { worker, lease }, max.clamp(1, 100)).await
    }

    async fn wait(&self, longest: Duration) {
        self.listen();
        let _ = tokio::time::timeout(longest, self.core.until_due()).await;
    }

    async fn extend(&self, of: &Lease, lease: Duration) -> Result<(), LeaseError> {
        self.core.with_lease(of, Use::Extend(self.core.now().plus(lease))).await
    }

    async fn done(&self, of: &Lease) -> Result<(), LeaseError> {
        self.core.with_lease(of, Use::Done).await
    }

    async fn retry(&self, of: &Lease, at: UnixMillis, reason: &str) -> Result<(), LeaseError> {
        self.core.with_lease(of, Use::Retry(at, rules::cut_reason(reason))).await
    }

    async fn bury(&self, of: &Lease, reason: &str) -> Result<(), LeaseError> {
        self.core.with_lease(of, Use::Bury(rules::cut_reason(reason))).await
    }

    async fn dead(&self, skip: usize, limit: usize) -> Result<DeadPage, StoreError> {
        self.core.dead_page(skip, limit.clamp(1, 1_000)).await
    }

    async fn redrive(&self, job: JobId) -> Result<bool, StoreError> {
        self.core.with_dead(job, "redrive").await
    }

    async fn forget(&self, job: JobId) -> Result<bool, StoreError> {
        self.core.with_dead(job, "forget").await
    }

    async fn depth(&self) -> Result<Depth, StoreError> {
        self.core.depth().await
    }
}

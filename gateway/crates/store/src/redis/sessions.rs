//! Sessions and changes. A change's indexes are in other slots and are written before it; everything else of it is one
//! script.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use neoron_protocol::{SessionId, UnixMillis, WorkerId};
use redis::Value;

use super::{
    Core, RedisStore,
    hub::step_name,
    layout::{Kind, Partition},
    lifetime,
    reply::Reply,
    script::{COMMIT, Call, FIND, LOAD, UNLIST},
};
use crate::{
    Change, CommitError, Committed, DocumentKey, Event, Expect, KEPT_TALLY_DAYS, Lease, LivePage, LiveSession,
    MAX_KEPT_EVENTS, NewEvent, NewJob, Sessions, Start, StoreError, Stored, rules,
};

/// An index outlives its session by this, since later changes may prolong the session; a day is longer than any call.
const INDEX_SLACK: std::time::Duration = std::time::Duration::from_secs(24 * 3_600);
/// How long a day's tallies are kept after the last one.
const KEPT_TALLIES: std::time::Duration = std::time::Duration::from_secs(KEPT_TALLY_DAYS as u64 * 24 * 3_600);
/// A page of live sessions ends early at this many bytes of bodies, as in the embedded store.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// When a new job may be claimed, by its own time or because its first lease has run out.
pub(super) fn first_due(job: &NewJob, now: UnixMillis) -> UnixMillis {
    match job.start {
        Start::Now => now,
        Start::At(at) => at,
        Start::LeasedTo { lease, .. } => now.plus(lease),
    }
}

/// Adds the nine arguments of a job that is kept with the session `home`.
pub(super) fn job_args<'a>(call: Call<'a>, job: &'a NewJob, home: Option<SessionId>, now: UnixMillis) -> Call<'a> {
    let (state, worker) = match &job.start {
        Start::Now | Start::At(_) => ("0", None),
        Start::LeasedTo { worker, .. } => ("1", Some(worker)),
    };
    let lane = job.session.zip(rules::lane(job, home)).map(|(session, lane)| format!("{session}:{lane}"));
    call.text(job.id.as_str())
        .text(job.session.as_ref().map_or("", SessionId::as_str))
        .text(&*job.kind)
        .text(&*job.payload)
        .text(state)
        .number(first_due(job, now).0)
        .number(rules::first_fence(job.id))
        .text(worker.map_or("", WorkerId::as_str))
        .text(lane.unwrap_or_default())
}

/// Adds an event's three arguments.
pub(super) fn event_args<'a>(call: Call<'a>, event: &'a NewEvent) -> Call<'a> {
    call.text(&*event.kind).text(&*event.data).number(event.at.0)
}

/// The events as they were appended after `before`.
pub(super) fn numbered(events: Vec<NewEvent>, before: u64) -> Vec<Event> {
    let numbers = before + 1..;
    let number = |(offset, NewEvent { kind, data, at })| Event { offset, kind, data, at };
    numbers.zip(events).map(number).collect()
}

/// What was committed.
struct Done {
    version: u64,
    epoch: String,
    before: u64,
    /// Which jobs were to start leased and wait for their turn instead.
    behind: Vec<usize>,
}

impl Core {
    /// Writes the indexes of a change.
    async fn index(&self, change: &Change) -> Result<(), StoreError> {
        let keep = lifetime(change.expires_at.since(self.now()).saturating_add(INDEX_SLACK));
        let calls = change.calls.iter().map(|call| self.layout.call(call));
        let documents = change.documents.iter().map(|document| self.layout.document(document));
        let writes = calls.chain(documents).map(|(partition, key)| async move {
            let mut command = redis::cmd("SET");
            command.arg(key).arg(format!("{} {keep}", change.session)).arg("PX").arg(keep);
            self.cluster.command(self.layout.slot(partition), &command).await
        });
        try_join_all(writes).await.map(drop)
    }

    async fn find(&self, (partition, key): (Partition, String)) -> Result<Option<SessionId>, StoreError> {
        let mut reply = self.cluster.call(partition, Call::new(&FIND, vec![key])).await?;
        if reply.is_ok() { reply.parse().map(Some) } else { Ok(None) }
    }

    async fn apply(&self, change: &Change) -> Result<Done, CommitError> {
        let (now, session) = (self.now(), change.session);
        let partition = self.layout.of_session(session);
        let call = self.commit_call(change, partition, now)?;
        let mut reply = self.cluster.call(partition, call).await?;
        match reply.word.as_str() {
            "ok" => {
                let (version, epoch, before) = (reply.parse()?, reply.text()?, reply.parse()?);
                let behind = (0..reply.len()).map(|_| reply.parse()).collect::<Result<_, _>>()?;
                Ok(Done { version, epoch, before, behind })
            }
            "burnt" => {
                let key = change.burn.get(reply.parse::<usize>()?).map(|burn| burn.key.clone());
                Err(CommitError::Burnt { key: key.unwrap_or_default() })
            }
            _ => Err(CommitError::Conflict),
        }
    }

    fn commit_call<'a>(
        &self,
        change: &'a Change,
        partition: Partition,
        now: UnixMillis,
    ) -> Result<Call<'a>, StoreError> {
        let (layout, session) = (&self.layout, change.session);
        let mut keys = vec![layout.named(partition, Kind::Memory, &step_name()?)];
        keys.extend([Kind::Head, Kind::Body, Kind::Stream, Kind::Burnt].map(|kind| layout.session(kind, session)));
        let all = [Kind::Live, Kind::Waiting, Kind::Running, Kind::Counts];
        keys.extend(all.map(|kind| layout.one(partition, kind)));
        let expected = match change.expect {
            Expect::Absent => String::new(),
            Expect::Version(version) => version.to_string(),
        };
        let (known_epoch, known_last) = self.hub.known(session);
        let mut call = Call::new(&COMMIT, keys)
            .number(now.0)
            .text(expected)
            .text(&*change.body)
            .text(if change.live { "1" } else { "0" })
            .number(change.expires_at.0)
            .number(lifetime(change.expires_at.since(now)))
            .text(rules::new_epoch()?)
            .text(known_epoch)
            .number(known_last)
            .text(session.to_string())
            .text(layout.one(partition, Kind::Channel))
            .number(MAX_KEPT_EVENTS as u64)
            .text(layout.named(partition, Kind::Job, ""))
            .text(layout.named(partition, Kind::Lane, ""))
            .text(layout.named(partition, Kind::Tally, ""))
            .number(lifetime(KEPT_TALLIES))
            .number(change.events.len() as u64)
            .number(change.burn.len() as u64)
            .number(change.jobs.len() as u64)
            .number(change.tallies.len() as u64);
        for event in &change.events {
            call = event_args(call, event);
        }
        for burn in &change.burn {
            call = call.text(&*burn.key).number(now.plus(burn.keep).0);
        }
        for job in &change.jobs {
            call = job_args(call, job, Some(session), now);
        }
        for tally in &change.tallies {
            // Redis's numbers are signed.
            call = call.number(u64::from(tally.day)).text(&*tally.name).number(tally.by.min(i64::MAX as u64));
        }
        Ok(call)
    }

    /// What the process learns from a commit: where the stream stands, which jobs are due.
    fn learn(&self, change: &Change, done: &Done) {
        self.hub.note(change.session, &done.epoch, done.before + change.events.len() as u64);
        let partition = self.layout.of_session(change.session);
        for job in &change.jobs {
            self.hub.due(partition, first_due(job, self.now()).0);
        }
    }

    fn leases(&self, change: &Change, done: &Done) -> Vec<Lease> {
        let leased = change
            .jobs
            .iter()
            .enumerate()
            .filter(|(number, job)| matches!(job.start, Start::LeasedTo { .. }) && !done.behind.contains(number));
        let place = rules::crc16(change.session.as_str().as_bytes());
        leased.map(|(_, job)| Lease { place, ..job.first_lease(None) }).collect()
    }

    async fn load(&self, session: SessionId) -> Result<Option<Stored>, StoreError> {
        let keys = [Kind::Head, Kind::Body].map(|kind| self.layout.session(kind, session)).to_vec();
        let call = Call::new(&LOAD, keys).number(self.now().0);
        let mut reply = self.cluster.call(self.layout.of_session(session), call).await?;
        if !reply.is_ok() {
            return Ok(None);
        }
        let version = reply.parse()?;
        let live = reply.text()? == "1";
        let expires_at = UnixMillis(reply.parse()?);
        Ok(Some(Stored { session, version, body: reply.text()?, live, expires_at }))
    }

    /// Ids of live sessions of all partitions after `after`, in order, and whether there may be more. Each partition
    /// tells only some; nothing beyond the last told by one that may have more can be put in order yet.
    async fn live_ids(&self, after: Option<SessionId>, limit: usize) -> Result<(Vec<SessionId>, bool), StoreError> {
        let each = limit / 8 + 8;
        let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
        let asked = (0..self.layout.count()).map(|partition| {
            let mut command = redis::cmd("ZRANGE");
            command.arg(self.layout.one(partition, Kind::Live)).arg(&from).arg("+").arg("BYLEX");
            command.arg("LIMIT").arg(0).arg(each);
            async move { self.cluster.command(self.layout.slot(partition), &command).await }
        });
        let (mut ids, mut bound) = (Vec::<SessionId>::new(), None::<SessionId>);
        for told in try_join_all(asked).await? {
            let told = sessions(told)?;
            if told.len() == each {
                bound = bound.into_iter().chain(told.last().copied()).min();
            }
            ids.extend(told);
        }
        if let Some(bound) = bound {
            ids.retain(|id| *id <= bound);
        }
        ids.sort();
        let more = bound.is_some() || ids.len() > limit;
        ids.truncate(limit);
        Ok((ids, more))
    }

    async fn unlist(&self, session: SessionId) -> Result<(), StoreError> {
        let partition = self.layout.of_session(session);
        let keys = vec![self.layout.one(partition, Kind::Live), self.layout.session(Kind::Head, session)];
        let call = Call::new(&UNLIST, keys).number(self.now().0).text(session.to_string());
        self.cluster.call(partition, call).await.map(drop)
    }
}

fn sessions(told: Value) -> Result<Vec<SessionId>, StoreError> {
    let mut list = Reply::list(told)?;
    (0..list.len()).map(|_| list.parse()).collect()
}

#[async_trait]
impl Sessions for RedisStore {
    async fn load(&self, session: SessionId) -> Result<Option<Stored>, StoreError> {
        self.core.load(session).await
    }

    async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        rules::check_change(&change)?;
        self.core.index(&change).await?;
        let done = self.core.apply(&change).await?;
        self.core.learn(&change, &done);
        let leases = self.core.leases(&change, &done);
        Ok(Committed { version: done.version, events: numbered(change.events, done.before), leases })
    }

    async fn by_call(&self, call: &str) -> Result<Option<SessionId>, StoreError> {
        self.core.find(self.core.layout.call(call)).await
    }

    async fn by_document(&self, document: &DocumentKey) -> Result<Option<SessionId>, StoreError> {
        self.core.find(self.core.layout.document(document)).await
    }

    async fn live(&self, after: Option<SessionId>, limit: usize) -> Result<LivePage, StoreError> {
        let (limit, mut after) = (limit.clamp(1, 1_000), after);
        let (mut page, mut bytes) = (Vec::new(), 0);
        loop {
            let (ids, more) = self.core.live_ids(after, limit - page.len()).await?;
            for chunk in ids.chunks(16) {
                let loaded = try_join_all(chunk.iter().map(|session| self.core.load(*session))).await?;
                for (session, stored) in chunk.iter().zip(loaded) {
                    after = Some(*session);
                    match stored {
                        Some(stored) => {
                            bytes += stored.body.len();
                            page.push(LiveSession { session: *session, body: stored.body });
                        }
                        None => self.core.unlist(*session).await?,
                    }
                }
                if bytes >= PAGE_BYTES {
                    return Ok(LivePage { sessions: page, next: after });
                }
            }
            if !more {
                return Ok(LivePage { sessions: page, next: None });
            }
            if page.len() >= limit {
                return Ok(LivePage { sessions: page, next: after });
            }
        }
    }
}

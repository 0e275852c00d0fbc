//! Lanes: one job of a lane at a time, in the order of enqueueing, and no lane that stands still or holds up others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use neoron_protocol::{JobId, SessionId, UnixMillis};
use neoron_store::{Accepted, Claimed, Lease, LeaseError, NewJob, Start};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::world::{HOUR, MINUTE, SECOND, World, job, key, session_id, soon, worker_id};

/// A job in the lane "calls" of a session.
fn in_lane(session: SessionId) -> NewJob {
    NewJob { lane: Some("calls".into()), ..job(Some(session)) }
}

async fn accept(world: &World, job: NewJob) -> JobId {
    let id = job.id;
    assert_eq!(world.store.accept(job, None).await.unwrap(), Accepted::New);
    id
}

/// So many jobs in the lane, one after another.
async fn line(world: &World, session: SessionId, count: usize) -> Vec<JobId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(accept(world, in_lane(session)).await);
    }
    ids
}

async fn claim(world: &World) -> Vec<Claimed> {
    world.store.claim(worker_id(), 100, MINUTE).await.unwrap()
}

/// The one job that can be claimed.
async fn claim_one(world: &World) -> Lease {
    let mut claimed = claim(world).await;
    assert_eq!(claimed.len(), 1);
    claimed.remove(0).lease
}

pub(crate) async fn jobs_of_a_lane_run_one_after_another_in_their_order(world: World) {
    let ids = line(&world, session_id(), 5).await;
    for id in ids {
        let lease = claim_one(&world).await;
        assert_eq!(lease.job, id);
        assert!(claim(&world).await.is_empty(), "the next one waits for its turn");
        world.store.done(&lease).await.unwrap();
    }
    assert_eq!(world.store.depth().await.unwrap(), Default::default());
}

pub(crate) async fn a_change_puts_its_jobs_into_their_lanes_in_order(world: World) {
    let session = world.session().await;
    let before = accept(&world, in_lane(session)).await;
    let mut change = world.update(session, 1);
    change.jobs = vec![in_lane(session), in_lane(session)];
    let mut expected = vec![before];
    expected.extend(change.jobs.iter().map(|job| job.id));
    world.commit(change).await;
    for id in expected {
        let lease = claim_one(&world).await;
        assert_eq!(lease.job, id);
        world.store.done(&lease).await.unwrap();
    }
}

pub(crate) async fn lanes_do_not_wait_for_each_other(world: World) {
    let (one, other) = (session_id(), session_id());
    let mut first = BTreeSet::new();
    for (session, lane) in [(Some(one), Some("a")), (Some(one), Some("b")), (Some(other), Some("a"))] {
        for number in 0..2 {
            let id = accept(&world, NewJob { lane: lane.map(Into::into), ..job(session) }).await;
            if number == 0 {
                first.insert(id);
            }
        }
    }
    // Without a lane, or without a session for it to be of, nobody waits.
    for (session, lane) in [(Some(one), None), (Some(one), None), (None, Some("a")), (None, Some("a"))] {
        first.insert(accept(&world, NewJob { lane: lane.map(String::from), ..job(session) }).await);
    }
    let claimed: BTreeSet<_> = claim(&world).await.into_iter().map(|claimed| claimed.lease.job).collect();
    assert_eq!(claimed, first);
}

pub(crate) async fn a_job_kept_with_its_key_or_with_another_session_has_no_lane(world: World) {
    let session = session_id();
    for delivery in ["one", "two"] {
        assert_eq!(world.store.accept(in_lane(session), Some(key(delivery))).await.unwrap(), Accepted::New);
    }
    let mut change = world.creation(session_id());
    change.jobs = vec![in_lane(session), in_lane(session)];
    world.commit(change).await;
    assert_eq!(claim(&world).await.len(), 4);
}

pub(crate) async fn a_job_that_is_tried_again_keeps_the_lane(world: World) {
    let ids = line(&world, session_id(), 2).await;
    let lease = claim_one(&world).await;
    world.store.retry(&lease, world.later(HOUR), "HTTP 503").await.unwrap();
    assert!(claim(&world).await.is_empty(), "the order counts more than the time");
    world.clock.advance(HOUR);
    let again = claim_one(&world).await;
    assert_eq!((again.job, again.attempt), (ids[0], 2));
    world.store.done(&again).await.unwrap();
    assert_eq!(claim_one(&world).await.job, ids[1]);
}

pub(crate) async fn a_lease_that_runs_out_keeps_the_lane(world: World) {
    let ids = line(&world, session_id(), 2).await;
    let first = claim_one(&world).await;
    world.clock.advance(MINUTE);
    let again = claim_one(&world).await;
    assert_eq!((again.job, again.attempt), (ids[0], 2));
    assert!(matches!(world.store.done(&first).await, Err(LeaseError::Lost)), "and the dead worker passes nothing on");
    assert!(claim(&world).await.is_empty());
    world.store.done(&again).await.unwrap();
    assert_eq!(claim_one(&world).await.job, ids[1]);
}

pub(crate) async fn a_job_that_is_given_up_passes_the_lane_on(world: World) {
    let ids = line(&world, session_id(), 2).await;
    let first = claim_one(&world).await;
    world.store.bury(&first, "HTTP 417").await.unwrap();
    let second = claim_one(&world).await;
    assert_eq!(second.job, ids[1]);
    world.store.done(&second).await.unwrap();
    assert!(world.store.forget(ids[0]).await.unwrap());
    assert_eq!(world.store.depth().await.unwrap(), Default::default());
}

pub(crate) async fn a_redriven_job_joins_the_end_of_its_lane(world: World) {
    let session = session_id();
    let ids = line(&world, session, 3).await;
    world.store.bury(&claim_one(&world).await, "HTTP 417").await.unwrap();
    assert!(world.store.redrive(ids[0]).await.unwrap());
    for id in [ids[1], ids[2], ids[0]] {
        let lease = claim_one(&world).await;
        assert_eq!((lease.job, lease.attempt), (id, 1));
        world.store.done(&lease).await.unwrap();
    }
    // With nobody in the lane it is claimable at once.
    let alone = accept(&world, in_lane(session)).await;
    world.store.bury(&claim_one(&world).await, "no").await.unwrap();
    assert!(world.store.redrive(alone).await.unwrap());
    assert_eq!(claim_one(&world).await.job, alone);
}

pub(crate) async fn a_job_that_is_to_start_leased_waits_if_its_lane_is_busy(world: World) {
    let session = world.session().await;
    let start = Start::LeasedTo { worker: worker_id(), lease: MINUTE };
    let mut change = world.update(session, 1);
    change.jobs = (0..2).map(|_| NewJob { start, ..in_lane(session) }).collect();
    change.jobs.push(NewJob { start, lane: Some("another".into()), ..job(Some(session)) });
    let ids: Vec<_> = change.jobs.iter().map(|job| job.id).collect();
    let behind = change.jobs[1].first_lease(None);
    let committed = world.commit(change).await;
    let leased: Vec<_> = committed.leases.iter().map(|lease| lease.job).collect();
    assert_eq!(leased, [ids[0], ids[2]], "the commit tells by its leases");
    assert!(matches!(world.store.extend(&behind, HOUR).await, Err(LeaseError::Lost)));
    assert!(claim(&world).await.is_empty());
    world.store.done(&committed.leases[0]).await.unwrap();
    let lease = claim_one(&world).await;
    assert_eq!((lease.job, lease.attempt), (ids[1], 1));
    assert!(matches!(world.store.done(&behind).await, Err(LeaseError::Lost)));
    world.store.done(&lease).await.unwrap();

    let accepted = NewJob { start, lane: Some("another".into()), ..job(Some(session)) };
    let lease = accepted.first_lease(None);
    accept(&world, accepted).await;
    assert!(matches!(world.store.done(&lease).await, Err(LeaseError::Lost)));
}

pub(crate) async fn a_delayed_job_has_its_place_from_the_start_and_its_time_as_well(world: World) {
    let session = session_id();
    let delayed = NewJob { start: Start::At(world.later(MINUTE)), ..in_lane(session) };
    let first = accept(&world, delayed).await;
    let second = accept(&world, in_lane(session)).await;
    let third = accept(&world, NewJob { start: Start::At(world.later(HOUR)), ..in_lane(session) }).await;
    assert!(claim(&world).await.is_empty(), "the second one waits for the first one's time");
    world.clock.advance(MINUTE);
    for id in [first, second] {
        let lease = claim_one(&world).await;
        assert_eq!(lease.job, id);
        world.store.done(&lease).await.unwrap();
    }
    assert!(claim(&world).await.is_empty(), "its turn has come, not its time");
    world.clock.advance(HOUR);
    assert_eq!(claim_one(&world).await.job, third);
}

pub(crate) async fn the_next_of_a_lane_ends_the_waiting(world: World) {
    let ids = line(&world, session_id(), 2).await;
    let lease = claim_one(&world).await;
    let waiting = tokio::spawn({
        let store = world.store.clone();
        async move {
            loop {
                store.wait(HOUR).await;
                if let Some(claimed) = store.claim(worker_id(), 1, MINUTE).await.unwrap().pop() {
                    return claimed.lease.job;
                }
            }
        }
    });
    world.store.done(&lease).await.unwrap();
    assert_eq!(soon("the next job", waiting).await.unwrap(), ids[1]);
}

pub(crate) async fn those_behind_count_as_delayed_and_are_ready_from_their_turn_on(world: World) {
    line(&world, session_id(), 4).await;
    world.clock.advance(HOUR);
    let depth = world.store.depth().await.unwrap();
    assert_eq!((depth.ready, depth.delayed, depth.oldest_ready), (1, 3, HOUR));
    assert_eq!(depth.kinds["run_command"], 4);
    world.store.done(&claim_one(&world).await).await.unwrap();
    let depth = world.store.depth().await.unwrap();
    assert_eq!((depth.ready, depth.delayed, depth.oldest_ready.as_secs()), (1, 2, 0));
    assert_eq!(depth.kinds["run_command"], 3);
}

pub(crate) async fn a_thousand_jobs_in_a_lane_hold_up_nobody(world: World) {
    let busy = world.session().await;
    for version in 1..=10 {
        let mut change = world.update(busy, version);
        change.jobs = (0..100).map(|_| in_lane(busy)).collect();
        world.commit(change).await;
    }
    world.clock.advance(SECOND);
    let other = accept(&world, job(Some(session_id()))).await;
    let claimed = world.store.claim(worker_id(), 10, MINUTE).await.unwrap();
    assert_eq!(claimed.len(), 2);
    assert!(claimed.iter().any(|claimed| claimed.lease.job == other));
}

/// What happens to the queue. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Act {
    Accept { session: usize, lane: Option<&'static str>, start: u64, leased: bool },
    Claim,
    Done(usize),
    Retry(usize, u64),
    Bury(usize),
    Redrive(usize),
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let lane = prop::sample::select(vec![None, Some("a"), Some("a"), Some("b")]);
    let accept = (0_usize..2, lane, 0_u64..4, prop::bool::weighted(0.2));
    prop_oneof![
        5 => accept.prop_map(|(session, lane, start, leased)| Act::Accept { session, lane, start, leased }),
        4 => Just(Act::Claim),
        3 => any::<usize>().prop_map(Act::Done),
        2 => (any::<usize>(), 0_u64..5).prop_map(|(which, seconds)| Act::Retry(which, seconds)),
        1 => any::<usize>().prop_map(Act::Bury),
        1 => any::<usize>().prop_map(Act::Redrive),
        2 => (0_u64..40).prop_map(Act::Pass),
    ]
}

type LaneKey = (SessionId, &'static str);

/// A job of the model.
struct Modelled {
    lane: Option<LaneKey>,
    /// When it may be claimed, given that it is first in its lane.
    due: UnixMillis,
    lease: Option<Lease>,
    attempt: u32,
    lost: u32,
    dead: bool,
}

/// The queue as maps and lists.
#[derive(Default)]
struct Model {
    jobs: BTreeMap<JobId, Modelled>,
    lanes: BTreeMap<LaneKey, VecDeque<JobId>>,
}

impl Model {
    /// Puts a job at the end of its lane; `true` if it is first there.
    fn join(&mut self, id: JobId, lane: Option<LaneKey>) -> bool {
        let Some(lane) = lane else { return true };
        let line = self.lanes.entry(lane).or_default();
        line.push_back(id);
        line.len() == 1
    }

    fn leave(&mut self, id: JobId, now: UnixMillis) {
        let Some(lane) = self.jobs[&id].lane else { return };
        let line = self.lanes.get_mut(&lane).unwrap();
        assert_eq!(line.pop_front(), Some(id), "only the first of a lane is ever held");
        if let Some(next) = line.front() {
            let next = self.jobs.get_mut(next).unwrap();
            next.due = next.due.max(now);
        }
    }

    fn claimable(&self, now: UnixMillis) -> BTreeSet<JobId> {
        let first = |id: &JobId, job: &Modelled| job.lane.is_none_or(|lane| self.lanes[&lane].front() == Some(id));
        let jobs = self.jobs.iter().filter(|(id, job)| !job.dead && job.due <= now && first(id, job));
        jobs.map(|(id, _)| *id).collect()
    }

    /// One of those that fit, by number.
    fn pick(&self, which: usize, fits: impl Fn(&Modelled) -> bool) -> Option<JobId> {
        let fitting: Vec<_> = self.jobs.iter().filter(|(_, job)| fits(job)).map(|(id, _)| *id).collect();
        (!fitting.is_empty()).then(|| fitting[which % fitting.len()])
    }

    fn held(&self, which: usize) -> Option<(JobId, Lease)> {
        let id = self.pick(which, |job| job.lease.is_some())?;
        Some((id, self.jobs[&id].lease.clone().unwrap()))
    }

    async fn accept(&mut self, world: &World, (session, lane): (SessionId, Option<&'static str>), start: Start) {
        let now = world.now();
        let new = NewJob { start, lane: lane.map(Into::into), ..job(Some(session)) };
        let (id, lane, lease) = (new.id, lane.map(|lane| (session, lane)), new.first_lease(None));
        accept(world, new).await;
        let first = self.join(id, lane);
        let mut job = Modelled { lane, due: now, lease: None, attempt: 0, lost: 0, dead: false };
        match start {
            Start::At(at) => job.due = at,
            Start::LeasedTo { lease: lasts, .. } if first => {
                (job.due, job.lease, job.attempt) = (now.plus(lasts), Some(lease), 1);
            }
            _ => {}
        }
        self.jobs.insert(id, job);
    }

    async fn claim(&mut self, world: &World) {
        let now = world.now();
        let claimed = claim(world).await;
        let ids: BTreeSet<_> = claimed.iter().map(|claimed| claimed.lease.job).collect();
        assert_eq!(ids, self.claimable(now));
        for claimed in claimed {
            let job = self.jobs.get_mut(&claimed.lease.job).unwrap();
            job.attempt += 1;
            job.lost += u32::from(job.lease.is_some());
            assert_eq!((claimed.lease.attempt, claimed.lost), (job.attempt, job.lost));
            (job.due, job.lease) = (now.plus(MINUTE), Some(claimed.lease));
        }
    }

    async fn act(&mut self, world: &World, sessions: &[SessionId], act: Act) {
        let (store, now) = (&world.store, world.now());
        match act {
            Act::Accept { session, lane, start, leased } => {
                let start = match (leased, start) {
                    (true, lease) => Start::LeasedTo { worker: worker_id(), lease: SECOND * (1 + lease as u32) },
                    (false, 0) => Start::Now,
                    (false, seconds) => Start::At(now.plus(SECOND * seconds as u32)),
                };
                self.accept(world, (sessions[session], lane), start).await;
            }
            Act::Claim => self.claim(world).await,
            Act::Done(which) => {
                let Some((id, lease)) = self.held(which) else { return };
                store.done(&lease).await.unwrap();
                self.leave(id, now);
                self.jobs.remove(&id);
            }
            Act::Retry(which, seconds) => {
                let Some((id, lease)) = self.held(which) else { return };
                let at = now.plus(SECOND * seconds as u32);
                store.retry(&lease, at, "HTTP 503").await.unwrap();
                let job = self.jobs.get_mut(&id).unwrap();
                (job.due, job.lease) = (at, None);
            }
            Act::Bury(which) => {
                let Some((id, lease)) = self.held(which) else { return };
                store.bury(&lease, "HTTP 417").await.unwrap();
                self.leave(id, now);
                let job = self.jobs.get_mut(&id).unwrap();
                (job.dead, job.lease) = (true, None);
            }
            Act::Redrive(which) => {
                let Some(id) = self.pick(which, |job| job.dead) else { return };
                assert!(store.redrive(id).await.unwrap());
                let job = self.jobs.get_mut(&id).unwrap();
                (job.dead, job.due, job.attempt, job.lost) = (false, now, 0, 0);
                let lane = job.lane;
                self.join(id, lane);
            }
            Act::Pass(seconds) => world.clock.advance(SECOND * seconds as u32),
        }
    }
}

pub(crate) async fn the_queue_with_lanes_is_what_anybody_can_check_by_hand(world: World) {
    // The same history each time: what fails, fails again.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (sessions, mut model) = ([session_id(), session_id()], Model::default());
    for act in prop::collection::vec(act(), 400).new_tree(&mut runner).unwrap().current() {
        model.act(&world, &sessions, act).await;
        let depth = world.store.depth().await.unwrap();
        let dead = model.jobs.values().filter(|job| job.dead).count() as u64;
        assert_eq!(depth.ready, model.claimable(world.now()).len() as u64);
        assert_eq!((depth.dead, depth.kinds.values().sum()), (dead, model.jobs.len() as u64 - dead));
        assert_eq!(depth.ready + depth.delayed + depth.running, model.jobs.len() as u64 - dead);
    }
    // In the end everything that is not given up gets through.
    while model.jobs.values().any(|job| !job.dead) {
        world.clock.advance(MINUTE);
        model.claim(&world).await;
        while model.held(0).is_some() {
            model.act(&world, &sessions, Act::Done(0)).await;
        }
    }
    assert!(model.lanes.values().all(VecDeque::is_empty));
}

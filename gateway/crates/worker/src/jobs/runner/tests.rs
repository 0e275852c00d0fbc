#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use neoron_protocol::{JobId, SessionId, UnixMillis};
use neoron_store::{Accepted, Burn, DeadPage, Depth, Lease, NewJob, StoreError};

use super::*;
use crate::{jobs::backoff, tools::stack::Stack};

/// A lease's length, where the clock is tokio's and stands still.
const LEASE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn unasked() -> ! {
    panic!("whoever keeps a lease asks for nothing else")
}

/// A store that only knows how to prolong a lease.
#[derive(Default)]
struct Leases {
    extended: AtomicU32,
    /// The extension that finds the lease lost; 0 for none.
    lost_at: u32,
    /// Extensions that the store does not answer.
    unanswered: std::ops::Range<u32>,
}

#[async_trait]
impl Jobs for Leases {
    async fn extend(&self, _: &Lease, lease: Duration) -> Result<(), LeaseError> {
        assert_eq!(lease, LEASE);
        let number = self.extended.fetch_add(1, Ordering::Relaxed) + 1;
        if number == self.lost_at {
            Err(LeaseError::Lost)
        } else if self.unanswered.contains(&number) {
            Err(StoreError::Corrupt("no answer".into()).into())
        } else {
            Ok(())
        }
    }

    async fn accept(&self, _: NewJob, _: Option<Burn>) -> Result<Accepted, StoreError> {
        unasked()
    }
    async fn claim(&self, _: neoron_protocol::WorkerId, _: usize, _: Duration) -> Result<Vec<Claimed>, StoreError> {
        unasked()
    }
    async fn wait(&self, _: Duration) {}
    async fn done(&self, _: &Lease) -> Result<(), LeaseError> {
        unasked()
    }
    async fn retry(&self, _: &Lease, _: UnixMillis, _: &str) -> Result<(), LeaseError> {
        unasked()
    }
    async fn bury(&self, _: &Lease, _: &str) -> Result<(), LeaseError> {
        unasked()
    }
    async fn dead(&self, _: usize, _: usize) -> Result<DeadPage, StoreError> {
        unasked()
    }
    async fn redrive(&self, _: JobId) -> Result<bool, StoreError> {
        unasked()
    }
    async fn forget(&self, _: JobId) -> Result<bool, StoreError> {
        unasked()
    }
    async fn depth(&self) -> Result<Depth, StoreError> {
        unasked()
    }
}

fn claimed() -> Claimed {
    let job = JobId::new(UnixMillis(1), [1; 10]);
    let lease = Lease { job, session: None, attempt: 1, fence: 1, place: 0 };
    Claimed { lease, kind: "hang_up".into(), payload: "null".into(), enqueued_at: UnixMillis(1), lost: 0 }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_long_keeps_its_lease_until_it_is_done() {
    let leases = Leases::default();
    let handler = tokio::spawn(async {
        tokio::time::sleep(HOUR).await;
        Outcome::Done
    });
    assert_eq!(attend(&leases, LEASE, &claimed(), handler).await, Attended::Ended(Outcome::Done));
    // Every third of a lease, so that two may fail.
    assert!((178..=180).contains(&leases.extended.load(Ordering::Relaxed)));
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_lease_is_lost_is_stopped() {
    /// Tells when it is dropped.
    struct Running(Option<tokio::sync::oneshot::Sender<()>>);
    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let leases = Leases { lost_at: 3, ..Leases::default() };
    let (sender, stopped) = tokio::sync::oneshot::channel();
    let running = Running(Some(sender));
    let handler = tokio::spawn(async move {
        let _running = running;
        tokio::time::sleep(HOUR).await;
        Outcome::Done
    });
    assert_eq!(attend(&leases, LEASE, &claimed(), handler).await, Attended::Lost);
    assert_eq!(leases.extended.load(Ordering::Relaxed), 3);
    stopped.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_for_a_moment_stops_nothing() {
    let leases = Leases { unanswered: 1..3, ..Leases::default() };
    let handler = tokio::spawn(async {
        tokio::time::sleep(LEASE * 2).await;
        Outcome::Done
    });
    assert_eq!(attend(&leases, LEASE, &claimed(), handler).await, Attended::Ended(Outcome::Done));
}

#[test]
fn a_job_that_is_too_old_is_given_up_with_its_last_reason() {
    let retry = || Outcome::Retry { after: None, reason: "down".to_owned() };
    assert_eq!(aged(retry(), HOUR, None), retry());
    assert_eq!(aged(retry(), HOUR, Some(HOUR * 2)), retry());
    let given_up = Outcome::Bury { reason: "given up after 3600 s: down".to_owned() };
    assert_eq!(aged(retry(), HOUR, Some(HOUR)), given_up);
    assert_eq!(aged(Outcome::Done, HOUR, Some(HOUR)), Outcome::Done);
}

fn broken() -> Outcome {
    panic!("a fault of ours")
}

/// A runner over a real store and a clock of our own.
struct World {
    stack: Stack,
    runner: Runner,
}

impl World {
    async fn new(handler: Handler) -> Self {
        let stack = Stack::new().await;
        let runner = Runner { app: stack.app.clone(), isolation: Isolation::default(), handler };
        Self { stack, runner }
    }

    async fn enqueue(&self, session: Option<SessionId>) {
        let job = Job::UpsertSession;
        let job = crate::app::new_job(&self.stack.app, session, &job, neoron_store::Start::Now);
        self.stack.app.store.accept(NewJob { lane: None, ..job }, None).await.unwrap();
    }

    async fn claim(&self) -> Vec<Claimed> {
        self.stack.app.store.claim(self.stack.app.id, 10, LEASE).await.unwrap()
    }

    /// Claims and runs one round; returns how many there were.
    async fn round(&self) -> usize {
        let claimed = self.claim().await;
        let count = claimed.len();
        join_all(claimed.into_iter().map(|job| self.runner.work(Arc::new(job)))).await;
        // Longer than any backoff.
        self.stack.clock.advance(backoff::wait(u32::MAX, u32::MAX) + Duration::from_secs(1));
        count
    }

    /// A worker claims everything and dies.
    async fn dies(&self) {
        self.claim().await;
        self.stack.clock.advance(LEASE * 2);
    }

    async fn buried(&self) -> Option<String> {
        let dead = self.stack.app.store.dead(0, 10).await.unwrap();
        assert!(dead.total <= 1);
        dead.jobs.into_iter().next().map(|job| job.reason)
    }
}

fn session(number: u8) -> Option<SessionId> {
    Some(SessionId::new(UnixMillis(1), [number; 10]))
}

#[tokio::test]
async fn a_job_that_panics_is_tried_five_times_and_its_worker_lives_on() {
    let world = World::new(|_, _, _| Box::pin(async { broken() })).await;
    world.enqueue(None).await;
    for _ in 0..5 {
        assert_eq!(world.buried().await, None);
        assert_eq!(world.round().await, 1);
    }
    assert_eq!(world.buried().await.as_deref(), Some("given up after 4 retries: its handler broke"));
}

#[tokio::test]
async fn a_failure_that_may_never_pass_is_counted_apart_from_those_that_pass() {
    let handler: Handler = |_, claimed, _| {
        Box::pin(async move {
            // ERPNext is down for a while, then there is something wrong with the job, now and then.
            if claimed.lease.attempt < 10 || claimed.lease.attempt % 2 == 1 {
                return Outcome::Retry { after: None, reason: "down".into() };
            }
            Outcome::Limited { failure: "hidden", retries: 2, reason: "a database error".into() }
        })
    };
    let world = World::new(handler).await;
    world.enqueue(None).await;
    for attempt in 1..=14 {
        assert_eq!(world.buried().await, None, "attempt {attempt}");
        assert_eq!(world.round().await, 1);
    }
    assert_eq!(world.buried().await.as_deref(), Some("given up after 2 retries: a database error"));
}

#[tokio::test]
async fn a_job_that_is_started_anew_has_its_failures_counted_anew() {
    let broken = |_, _, _| -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        Box::pin(async { Outcome::Limited { failure: "hidden", retries: 2, reason: "a database error".into() } })
    };
    let world = World::new(broken).await;
    world.enqueue(None).await;
    for _ in 0..2 {
        while world.buried().await.is_none() {
            assert_eq!(world.round().await, 1);
        }
        let dead = world.stack.app.store.dead(0, 1).await.unwrap().jobs.remove(0);
        assert_eq!(dead.attempts, 3);
        assert!(world.stack.app.store.redrive(dead.job).await.unwrap());
    }
}

#[tokio::test]
async fn a_job_that_three_workers_died_over_is_given_up_unseen() {
    let world = World::new(|_, _, _| Box::pin(async { broken() })).await;
    world.enqueue(None).await;
    for _ in 0..3 {
        world.dies().await;
    }
    assert_eq!(world.round().await, 1);
    let reason = world.buried().await.unwrap();
    assert_eq!(reason, "given up: 3 workers died while they ran it");
}

#[tokio::test]
async fn a_job_whose_worker_died_once_runs_when_nothing_else_of_its_session_does() {
    static RUN: AtomicU32 = AtomicU32::new(0);
    let handler: Handler = |_, _, _| {
        RUN.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Outcome::Done })
    };
    let world = World::new(handler).await;
    world.enqueue(session(1)).await;
    world.dies().await;
    let beside = world.runner.isolation.enter(session(1), false).unwrap();
    world.round().await;
    assert_eq!(RUN.load(Ordering::Relaxed), 0, "it is put off");
    drop(beside);
    let other_suspect = world.runner.isolation.enter(session(2), true).unwrap();
    world.round().await;
    assert_eq!(RUN.load(Ordering::Relaxed), 0, "one suspect at a time");
    drop(other_suspect);
    world.round().await;
    assert_eq!(RUN.load(Ordering::Relaxed), 1);
    assert_eq!(world.round().await, 0);
    assert_eq!(world.buried().await, None);
}

#[tokio::test]
async fn after_the_death_of_a_worker_all_its_jobs_run_in_the_end() {
    let handler: Handler = |_, _, _| {
        Box::pin(async {
            tokio::task::yield_now().await;
            Outcome::Done
        })
    };
    let world = World::new(handler).await;
    for number in 0..8 {
        world.enqueue(session(number)).await;
    }
    world.dies().await;
    while world.round().await > 0 {}
    assert_eq!(world.stack.app.store.depth().await.unwrap(), Depth::default());
}

#[tokio::test]
async fn the_visitor_is_told_of_a_command_that_is_given_up_unseen() {
    let world = World::new(|_, _, _| Box::pin(async { broken() })).await;
    let (app, session) = (&world.stack.app, world.stack.record.session);
    let job = Job::RunCommand { key: "q_1".into() };
    let job = crate::app::new_job(app, Some(session), &job, neoron_store::Start::Now);
    app.store.accept(job, None).await.unwrap();
    for _ in 0..3 {
        world.dies().await;
    }
    world.round().await;
    assert!(world.buried().await.is_some());
    assert_eq!(world.stack.events("notice").await[0]["code"], "needs_person");
}

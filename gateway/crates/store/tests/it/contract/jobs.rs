//! The queue: acceptance, claims, the dead, the depth.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use neoron_protocol::JobId;
use neoron_store::{Accepted, Burn, Depth, NewJob, Start, StoreError};

use crate::world::{HOUR, MINUTE, SECOND, World, job, job_id, key, session_id, twenty_times, worker_id};

async fn accept(world: &World, job: NewJob) -> JobId {
    let id = job.id;
    assert_eq!(world.store.accept(job, None).await.unwrap(), Accepted::New);
    id
}

/// A job that was claimed and given up.
async fn dead(world: &World, reason: &str) -> JobId {
    let id = accept(world, job(None)).await;
    let claimed = world.store.claim(worker_id(), 1, MINUTE).await.unwrap().remove(0);
    assert_eq!(claimed.lease.job, id);
    world.store.bury(&claimed.lease, reason).await.unwrap();
    id
}

async fn claim_ids(world: &World, max: usize) -> Vec<JobId> {
    let claimed = world.store.claim(worker_id(), max, MINUTE).await.unwrap();
    claimed.into_iter().map(|claimed| claimed.lease.job).collect()
}

pub(crate) async fn an_accepted_job_is_claimed_as_it_was_written(world: World) {
    for session in [None, Some(session_id())] {
        let accepted = NewJob { kind: "notify_call".into(), payload: "{\"say\":\"é\"}".into(), ..job(session) };
        let enqueued_at = world.now();
        accept(&world, accepted.clone()).await;
        world.clock.advance(SECOND);
        let claimed = world.store.claim(worker_id(), 10, MINUTE).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!((claimed[0].lease.job, claimed[0].lease.session), (accepted.id, session));
        assert_eq!(claimed[0].lease.attempt, 1);
        assert_eq!((&claimed[0].kind, &claimed[0].payload), (&accepted.kind, &accepted.payload));
        assert_eq!(claimed[0].enqueued_at, enqueued_at);
    }
}

pub(crate) async fn a_job_with_a_burnt_key_is_a_duplicate_and_is_not_written(world: World) {
    let keep = |key: &str| Some(Burn { key: key.into(), keep: MINUTE });
    assert_eq!(world.store.accept(job(None), keep("delivery")).await.unwrap(), Accepted::New);
    assert_eq!(world.store.accept(job(None), keep("delivery")).await.unwrap(), Accepted::Duplicate);
    assert_eq!(world.ready_jobs().await, 1);
    assert_eq!(world.store.accept(job(None), keep("another")).await.unwrap(), Accepted::New);
    world.clock.advance(MINUTE);
    assert_eq!(world.store.accept(job(None), keep("delivery")).await.unwrap(), Accepted::New);
    assert_eq!(world.ready_jobs().await, 3);
}

pub(crate) async fn of_twenty_acceptances_with_one_key_exactly_one_is_new(world: World) {
    let results = twenty_times(|_| {
        let store = world.store.clone();
        async move { store.accept(job(None), Some(key("delivery"))).await.unwrap() }
    })
    .await;
    assert_eq!(results.iter().filter(|accepted| **accepted == Accepted::New).count(), 1);
    assert_eq!(world.ready_jobs().await, 1);
}

pub(crate) async fn parallel_claims_take_no_job_twice_and_leave_none(world: World) {
    let mut accepted = BTreeSet::new();
    for number in 0..100 {
        accepted.insert(accept(&world, job((number % 2 == 0).then(session_id))).await);
    }
    let claims = twenty_times(|_| {
        let (store, worker) = (world.store.clone(), worker_id());
        async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store.claim(worker, 3, HOUR).await.unwrap();
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|claimed| claimed.lease.job));
            }
        }
    })
    .await;
    let claimed: Vec<_> = claims.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 100, "no job is claimed twice");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), accepted);
}

pub(crate) async fn jobs_of_one_session_are_claimed_oldest_first(world: World) {
    let session = session_id();
    let mut accepted = Vec::new();
    for _ in 0..6 {
        accepted.push(accept(&world, job(Some(session))).await);
        world.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(claim_ids(&world, 4).await, accepted[..4]);
    assert_eq!(claim_ids(&world, 4).await, accepted[4..]);
}

pub(crate) async fn a_claim_takes_at_most_what_it_asks_for(world: World) {
    let session = session_id();
    for _ in 0..5 {
        accept(&world, job(Some(session))).await;
    }
    assert_eq!(claim_ids(&world, 2).await.len(), 2);
    assert_eq!(claim_ids(&world, 100).await.len(), 3);
    assert!(claim_ids(&world, 100).await.is_empty());
}

pub(crate) async fn a_delayed_job_waits_for_its_time(world: World) {
    let id = accept(&world, NewJob { start: Start::At(world.later(MINUTE)), ..job(None) }).await;
    assert!(claim_ids(&world, 10).await.is_empty());
    world.clock.advance(MINUTE - Duration::from_millis(1));
    assert!(claim_ids(&world, 10).await.is_empty());
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(claim_ids(&world, 10).await, [id]);
}

pub(crate) async fn a_dead_job_is_kept_with_its_story(world: World) {
    let session = session_id();
    let accepted = job(Some(session));
    let enqueued_at = world.now();
    accept(&world, accepted.clone()).await;
    let first = world.store.claim(worker_id(), 1, MINUTE).await.unwrap().remove(0);
    world.store.retry(&first.lease, world.later(SECOND), "HTTP 503").await.unwrap();
    world.clock.advance(SECOND);
    let second = world.store.claim(worker_id(), 1, MINUTE).await.unwrap().remove(0);
    world.store.bury(&second.lease, "HTTP 417 ItemUnavailable").await.unwrap();
    world.clock.advance(365 * 24 * HOUR);

    let page = world.store.dead(0, 10).await.unwrap();
    assert_eq!((page.total, page.jobs.len()), (1, 1));
    let dead = &page.jobs[0];
    assert_eq!((dead.job, dead.session), (accepted.id, Some(session)));
    assert_eq!((&dead.kind, &dead.payload), (&accepted.kind, &accepted.payload));
    assert_eq!((dead.attempts, dead.reason.as_str()), (2, "HTTP 417 ItemUnavailable"));
    assert_eq!((dead.enqueued_at, dead.died_at), (enqueued_at, enqueued_at.plus(SECOND)));
    assert!(claim_ids(&world, 10).await.is_empty(), "nobody claims the dead");
}

pub(crate) async fn a_reason_is_cut_to_500_bytes_between_characters(world: World) {
    dead(&world, &format!("x{}", "ü".repeat(400))).await;
    let reason = world.store.dead(0, 1).await.unwrap().jobs.remove(0).reason;
    assert_eq!(reason, format!("x{}", "ü".repeat(249)));
}

pub(crate) async fn the_dead_are_listed_newest_first_in_pages(world: World) {
    let mut died = Vec::new();
    for _ in 0..5 {
        died.insert(0, dead(&world, "no").await);
        world.clock.advance(SECOND);
    }
    let mut listed = Vec::new();
    for skip in [0, 2, 4, 6] {
        let page = world.store.dead(skip, 2).await.unwrap();
        assert_eq!(page.total, 5);
        assert!(page.jobs.len() <= 2);
        listed.extend(page.jobs.into_iter().map(|dead| dead.job));
    }
    assert_eq!(listed, died);
}

pub(crate) async fn a_redriven_job_starts_anew(world: World) {
    let id = dead(&world, "no").await;
    world.clock.advance(HOUR);
    assert!(world.store.redrive(id).await.unwrap());
    assert_eq!(world.store.dead(0, 10).await.unwrap().total, 0);
    let claimed = world.store.claim(worker_id(), 10, MINUTE).await.unwrap().remove(0);
    assert_eq!((claimed.lease.job, claimed.lease.attempt), (id, 1));
    world.store.done(&claimed.lease).await.unwrap();
}

pub(crate) async fn a_forgotten_dead_job_is_gone(world: World) {
    let (kept, forgotten) = (dead(&world, "no").await, dead(&world, "no").await);
    assert!(world.store.forget(forgotten).await.unwrap());
    assert!(!world.store.forget(forgotten).await.unwrap());
    assert!(!world.store.redrive(forgotten).await.unwrap());
    let page = world.store.dead(0, 10).await.unwrap();
    assert_eq!((page.total, page.jobs[0].job), (1, kept));
}

pub(crate) async fn only_dead_jobs_are_redriven_or_forgotten(world: World) {
    let ready = accept(&world, job(None)).await;
    for id in [ready, job_id()] {
        assert!(!world.store.redrive(id).await.unwrap());
        assert!(!world.store.forget(id).await.unwrap());
    }
    let claimed = world.store.claim(worker_id(), 1, MINUTE).await.unwrap().remove(0);
    assert!(!world.store.redrive(ready).await.unwrap());
    assert!(!world.store.forget(ready).await.unwrap());
    world.store.done(&claimed.lease).await.unwrap();
}

pub(crate) async fn the_depth_counts_each_job_once(world: World) {
    assert_eq!(world.store.depth().await.unwrap(), Depth::default());
    dead(&world, "no").await;
    for _ in 0..2 {
        accept(&world, job(None)).await;
    }
    assert_eq!(claim_ids(&world, 10).await.len(), 2);
    accept(&world, job(None)).await;
    accept(&world, NewJob { start: Start::At(world.later(HOUR)), ..job(None) }).await;
    let leased = Start::LeasedTo { worker: worker_id(), lease: HOUR };
    accept(&world, NewJob { start: leased, ..job(None) }).await;
    world.clock.advance(SECOND);
    accept(&world, NewJob { start: Start::At(world.later(HOUR)), kind: "parked_event".into(), ..job(None) }).await;
    let kinds: BTreeMap<_, _> = [("parked_event".to_owned(), 1), ("run_command".to_owned(), 5)].into();
    let mut expected = Depth { ready: 1, delayed: 2, running: 3, dead: 1, oldest_ready: SECOND, kinds };
    assert_eq!(world.store.depth().await.unwrap(), expected);

    // The two leases of a minute run out.
    world.clock.advance(MINUTE);
    expected = Depth { ready: 3, running: 1, oldest_ready: SECOND + MINUTE, ..expected };
    assert_eq!(world.store.depth().await.unwrap(), expected);

    // Whoever leaves the queue is of no kind any more, and a redriven one is again.
    let dead = world.store.dead(0, 1).await.unwrap().jobs.remove(0).job;
    assert!(world.store.redrive(dead).await.unwrap());
    assert_eq!(world.store.depth().await.unwrap().kinds["run_command"], 6);
    for claimed in world.store.claim(worker_id(), 10, MINUTE).await.unwrap() {
        world.store.done(&claimed.lease).await.unwrap();
    }
    assert_eq!(world.store.depth().await.unwrap().kinds["run_command"], 2);
}

pub(crate) async fn a_job_that_is_too_large_is_refused(world: World) {
    let largest = "x".repeat(NewJob::MAX_PAYLOAD_BYTES);
    accept(&world, NewJob { payload: largest.clone(), ..job(None) }).await;
    for refused in [
        world.store.accept(NewJob { payload: format!("{largest}x"), ..job(None) }, Some(key("fresh"))).await,
        world.store.accept(NewJob { kind: "x".repeat(65), ..job(None) }, Some(key("fresh"))).await,
        world.store.accept(NewJob { lane: Some("x".repeat(33)), ..job(None) }, Some(key("fresh"))).await,
        world.store.accept(job(None), Some(key(&"x".repeat(257)))).await,
    ] {
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    }
    assert_eq!(world.ready_jobs().await, 1);
    assert_eq!(world.store.accept(job(None), Some(key("fresh"))).await.unwrap(), Accepted::New);
}

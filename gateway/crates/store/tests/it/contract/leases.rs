//! Leases: one holder at a time, and no job without one for ever.

use std::time::Duration;

use neoron_store::{Claimed, Lease, LeaseError, NewJob, Start};

use crate::world::{HOUR, MINUTE, SECOND, World, job, key, session_id, worker_id};

async fn claim(world: &World) -> Option<Claimed> {
    let mut claimed = world.store.claim(worker_id(), 10, MINUTE).await.unwrap();
    assert!(claimed.len() <= 1);
    claimed.pop()
}

/// The lease of a new job.
async fn leased(world: &World) -> Lease {
    world.store.accept(job(Some(session_id())), None).await.unwrap();
    claim(world).await.unwrap().lease
}

async fn assert_lost(world: &World, lease: &Lease) {
    assert!(matches!(world.store.done(lease).await, Err(LeaseError::Lost)));
    assert!(matches!(world.store.extend(lease, HOUR).await, Err(LeaseError::Lost)));
    assert!(matches!(world.store.retry(lease, world.now(), "no").await, Err(LeaseError::Lost)));
    assert!(matches!(world.store.bury(lease, "no").await, Err(LeaseError::Lost)));
}

pub(crate) async fn a_claimed_job_is_nobody_elses(world: World) {
    leased(&world).await;
    assert!(claim(&world).await.is_none());
    world.clock.advance(MINUTE - Duration::from_millis(1));
    assert!(claim(&world).await.is_none());
}

pub(crate) async fn a_finished_job_is_gone_and_its_lease_too(world: World) {
    let lease = leased(&world).await;
    world.store.done(&lease).await.unwrap();
    assert_lost(&world, &lease).await;
    world.clock.advance(HOUR);
    assert!(claim(&world).await.is_none());
    assert_eq!(world.store.depth().await.unwrap(), Default::default());
}

pub(crate) async fn a_lease_that_runs_out_makes_the_job_claimable_with_the_next_attempt(world: World) {
    let mut lease = leased(&world).await;
    for attempt in 2..=4 {
        world.clock.advance(MINUTE);
        let next = claim(&world).await.unwrap().lease;
        assert_eq!((next.job, next.session, next.attempt), (lease.job, lease.session, attempt));
        lease = next;
    }
}

pub(crate) async fn an_older_attempt_can_do_nothing(world: World) {
    let older = leased(&world).await;
    world.clock.advance(MINUTE);
    let newer = claim(&world).await.unwrap().lease;
    assert_lost(&world, &older).await;
    assert!(claim(&world).await.is_none(), "and it has not given the job back either");
    world.store.done(&newer).await.unwrap();
}

pub(crate) async fn a_lease_that_ran_out_still_finishes_a_job_nobody_took(world: World) {
    let lease = leased(&world).await;
    world.clock.advance(HOUR);
    world.store.done(&lease).await.unwrap();
    assert!(claim(&world).await.is_none());
}

pub(crate) async fn an_extended_lease_lasts_from_now(world: World) {
    let lease = leased(&world).await;
    world.clock.advance(30 * SECOND);
    world.store.extend(&lease, MINUTE).await.unwrap();
    world.clock.advance(59 * SECOND);
    assert!(claim(&world).await.is_none());
    world.clock.advance(SECOND);
    assert_eq!(claim(&world).await.unwrap().lease.attempt, 2);
    assert_lost(&world, &lease).await;
}

pub(crate) async fn a_job_given_back_waits_for_its_time_and_counts_its_attempts(world: World) {
    let mut lease = leased(&world).await;
    for attempt in 2..=4 {
        world.store.retry(&lease, world.later(HOUR), "HTTP 503").await.unwrap();
        assert_lost(&world, &lease).await;
        world.clock.advance(HOUR - SECOND);
        assert!(claim(&world).await.is_none());
        world.clock.advance(SECOND);
        lease = claim(&world).await.unwrap().lease;
        assert_eq!(lease.attempt, attempt);
    }
}

/// A job that starts leased for a minute.
fn born_leased() -> NewJob {
    NewJob { start: Start::LeasedTo { worker: worker_id(), lease: MINUTE }, ..job(Some(session_id())) }
}

pub(crate) async fn a_job_that_starts_leased_is_claimable_once_its_lease_runs_out(world: World) {
    let accepted = born_leased();
    let first = accepted.first_lease(None);
    world.store.accept(accepted, None).await.unwrap();
    assert!(claim(&world).await.is_none());
    world.clock.advance(MINUTE);
    let second = claim(&world).await.unwrap().lease;
    assert_eq!((second.job, second.session, second.attempt), (first.job, first.session, 2));
    assert_lost(&world, &first).await;
}

pub(crate) async fn a_job_accepted_with_a_lease_is_finished_as_the_first_attempt(world: World) {
    for burn in [None, Some(key("delivery"))] {
        let accepted = born_leased();
        let lease = accepted.first_lease(burn.as_ref());
        world.store.accept(accepted, burn).await.unwrap();
        world.store.extend(&lease, HOUR).await.unwrap();
        world.store.done(&lease).await.unwrap();
    }
    world.clock.advance(2 * HOUR);
    assert!(claim(&world).await.is_none());
}

pub(crate) async fn the_lease_of_an_unknown_job_is_lost(world: World) {
    assert_lost(&world, &job(Some(session_id())).first_lease(None)).await;
}

pub(crate) async fn a_lease_from_before_a_redrive_can_do_nothing(world: World) {
    let accepted = born_leased();
    let first = accepted.first_lease(None);
    world.store.accept(accepted, None).await.unwrap();
    world.store.bury(&first, "HTTP 417").await.unwrap();
    assert!(world.store.redrive(first.job).await.unwrap());
    let anew = claim(&world).await.unwrap().lease;
    assert_eq!(anew.attempt, first.attempt, "the attempts are counted anew");
    assert_lost(&world, &first).await;
    world.store.done(&anew).await.unwrap();
}

pub(crate) async fn leases_that_ran_out_are_counted_until_a_redrive(world: World) {
    world.store.accept(born_leased(), None).await.unwrap();
    for lost in 1..=2 {
        world.clock.advance(MINUTE);
        assert_eq!(claim(&world).await.unwrap().lost, lost);
    }
    world.clock.advance(MINUTE);
    let claimed = claim(&world).await.unwrap();
    assert_eq!((claimed.lost, claimed.lease.attempt), (3, 4));
    world.store.retry(&claimed.lease, world.now(), "HTTP 503").await.unwrap();
    let again = claim(&world).await.unwrap();
    assert_eq!((again.lost, again.lease.attempt), (3, 5), "one that was given back was not lost");
    world.clock.advance(HOUR);
    world.store.bury(&again.lease, "no").await.unwrap();
    assert!(world.store.redrive(again.lease.job).await.unwrap());
    let anew = claim(&world).await.unwrap();
    assert_eq!((anew.lost, anew.lease.attempt), (0, 1));
}

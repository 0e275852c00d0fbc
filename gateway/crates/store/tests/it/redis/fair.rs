//! Claims are fair between partitions: who has much to do does not keep the others waiting.

use neoron_protocol::SessionId;
use neoron_store::{Clock, Jobs, RedisStore, Sessions};

use super::{CLUSTER, connect, patient};
use crate::world::{MINUTE, SECOND, World, clock, job, session_id, worker_id};

const PARTITIONS: u16 = 64;

fn partition(session: SessionId) -> u16 {
    job(Some(session)).first_lease(None).place % PARTITIONS
}

/// A session in a partition that none of the others is in.
fn elsewhere(others: &[SessionId]) -> SessionId {
    loop {
        let session = session_id();
        if others.iter().all(|other| partition(*other) != partition(session)) {
            return session;
        }
    }
}

/// A session with so many jobs without a lane.
async fn busy(world: &World, session: SessionId, jobs: usize) {
    let mut change = world.creation(session);
    change.jobs = (0..jobs).map(|_| job(Some(session))).collect();
    world.commit(change).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_older_jobs_of_one_session_do_not_keep_another_one_waiting() {
    let clock = clock();
    let store = std::sync::Arc::new(connect(patient(&CLUSTER), clock.clone()).await);
    let world = World { store, clock };
    let one = session_id();
    busy(&world, one, 1_000).await;
    world.clock.advance(MINUTE);
    let other = elsewhere(&[one]);
    busy(&world, other, 1).await;
    let claimed = world.store.claim(worker_id(), 10, MINUTE).await.unwrap();
    assert_eq!(claimed.len(), 10);
    assert!(claimed.iter().any(|claimed| claimed.lease.session == Some(other)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_partition_has_its_turn_even_if_jobs_are_claimed_one_by_one() {
    let clock = clock();
    let store: RedisStore = connect(patient(&CLUSTER), clock.clone()).await;
    let mut sessions = Vec::new();
    for _ in 0..12 {
        let session = elsewhere(&sessions);
        sessions.push(session);
        let mut change = neoron_store::Change::create(session, "{}".into(), clock.now().plus(MINUTE));
        change.jobs = (0..20).map(|_| job(Some(session))).collect();
        store.commit(change).await.unwrap();
        clock.advance(SECOND);
    }
    let mut claimed = std::collections::BTreeSet::new();
    for _ in 0..sessions.len() {
        claimed.extend(store.claim(worker_id(), 1, MINUTE).await.unwrap().into_iter().map(|job| job.lease.session));
    }
    assert_eq!(claimed.len(), sessions.len(), "one of each, not twelve of the oldest");
}

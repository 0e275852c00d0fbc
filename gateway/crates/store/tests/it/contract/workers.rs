//! The registry of workers.

use std::time::Duration;

use neoron_protocol::WorkerId;
use neoron_store::Beat;

use crate::world::{SECOND, World, worker_id};

const TTL: Duration = Duration::from_secs(5);

fn beat(worker: WorkerId, load: u32) -> Beat {
    Beat { worker, address: "[::1]:7001".parse().unwrap(), load, capacity: 250, draining: false }
}

pub(crate) async fn workers_that_beat_are_listed_by_id(world: World) {
    let mut beats: Vec<_> = (0..4).map(|load| beat(worker_id(), load)).collect();
    for beat in &beats {
        world.store.beat(beat.clone(), TTL).await.unwrap();
    }
    beats.sort_by_key(|beat| beat.worker);
    assert_eq!(world.store.workers().await.unwrap(), beats);
}

pub(crate) async fn a_later_beat_replaces_the_earlier_one(world: World) {
    let worker = worker_id();
    world.store.beat(beat(worker, 1), TTL).await.unwrap();
    let later = Beat { address: "10.0.0.7:7002".parse().unwrap(), draining: true, capacity: 100, ..beat(worker, 2) };
    world.store.beat(later.clone(), TTL).await.unwrap();
    assert_eq!(world.store.workers().await.unwrap(), [later]);
}

pub(crate) async fn a_worker_that_stops_beating_is_forgotten(world: World) {
    let (silent, alive) = (worker_id(), worker_id());
    world.store.beat(beat(silent, 1), TTL).await.unwrap();
    world.clock.advance(3 * SECOND);
    world.store.beat(beat(alive, 1), TTL).await.unwrap();
    assert_eq!(world.store.workers().await.unwrap().len(), 2);
    world.clock.advance(2 * SECOND);
    assert_eq!(world.store.workers().await.unwrap(), [beat(alive, 1)]);
}

pub(crate) async fn a_worker_that_leaves_is_gone_at_once(world: World) {
    let worker = worker_id();
    world.store.beat(beat(worker, 1), TTL).await.unwrap();
    world.store.leave(worker).await.unwrap();
    assert!(world.store.workers().await.unwrap().is_empty());
    world.store.leave(worker).await.unwrap();
}

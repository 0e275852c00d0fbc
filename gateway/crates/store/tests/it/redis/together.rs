//! Several processes on one store.

use std::sync::Arc;

use neoron_store::{Cursor, Events, Jobs, RedisStore, Sessions, redis::RedisOptions};

use super::{CLUSTER, connect, patient};
use crate::world::{HOUR, MINUTE, World, clock, events, job, offsets, session_id, soon, worker_id};

/// Two stores as two processes have them.
async fn two() -> (World, Arc<RedisStore>, RedisStore) {
    let (options, clock) = (patient(&CLUSTER), clock());
    let one = Arc::new(connect(options.clone(), clock.clone()).await);
    let other = connect(options, clock.clone()).await;
    (World { store: one.clone(), clock }, one, other)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_one_process_wakes_the_watch_of_another() {
    let (world, one, other) = two().await;
    let session = world.session().await;
    let mut watch = other.watch(session).await.unwrap();
    let mut known = Cursor::default();
    for number in 1..=50 {
        one.append(session, events(number..=number)).await.unwrap();
        loop {
            let page = other.read(session, &known, 10).await.unwrap().unwrap();
            known = Cursor { epoch: page.epoch, offset: page.last };
            if page.last == number {
                assert_eq!(offsets(&page.events).last().copied().unwrap_or(number), number);
                break;
            }
            assert!(soon("the wake-up", watch.changed()).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_one_process_ends_the_waiting_of_another() {
    let (_world, one, other) = two().await;
    for session in [None, Some(session_id())] {
        let accepted = job(session);
        let id = accepted.id;
        one.accept(accepted, None).await.unwrap();
        let claimed = loop {
            soon("the end of waiting", other.wait(HOUR)).await;
            if let Some(claimed) = other.claim(worker_id(), 10, MINUTE).await.unwrap().pop() {
                break claimed;
            }
        };
        assert_eq!(claimed.lease.job, id);
        one.done(&claimed.lease).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_store_ends_its_watches_and_the_cluster_is_healthy() {
    let (world, one, _other) = two().await;
    let session = world.session().await;
    let mut watch = one.watch(session).await.unwrap();
    let health = one.health().await;
    assert_eq!((health.servers, health.shards, health.partitions, health.answering), (6, 3, 64, 64));
    one.close();
    soon("the end of the watch", async { while watch.changed().await {} }).await;
    assert!(one.watch(session).await.is_err());
    assert!(one.load(session).await.unwrap().is_some(), "what is not a watch still answers");
}

#[tokio::test]
async fn too_many_watches_are_refused() {
    let store = connect(RedisOptions { watches: 1, ..patient(&CLUSTER) }, clock()).await;
    let _first = store.watch(session_id()).await.unwrap();
    assert!(store.watch(session_id()).await.is_err());
}

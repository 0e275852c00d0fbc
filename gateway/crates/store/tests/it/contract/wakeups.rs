//! Wake-ups: nobody sleeps through what they wait for.

use std::{sync::Arc, time::Duration};

use neoron_store::{Cursor, Jobs, Start};

use crate::world::{HOUR, MINUTE, PATIENCE, World, cursor, event, events, job, offsets, soon, worker_id};

pub(crate) async fn an_appended_event_wakes_the_watch(world: World) {
    let session = world.session().await;
    let mut watch = world.store.watch(session).await.unwrap();
    for number in 1..=3 {
        world.store.append(session, vec![event(number)]).await.unwrap();
        assert!(soon("the wake-up", watch.changed()).await);
    }
}

pub(crate) async fn a_change_with_events_wakes_every_watch_of_its_session(world: World) {
    let session = world.session().await;
    let mut watches = Vec::new();
    for _ in 0..3 {
        watches.push(world.store.watch(session).await.unwrap());
    }
    let mut change = world.update(session, 1);
    change.events = events(1..=2);
    world.commit(change).await;
    for watch in &mut watches {
        assert!(soon("the wake-up", watch.changed()).await);
    }
}

pub(crate) async fn a_reader_that_watches_before_it_reads_misses_nothing(world: World) {
    const COUNT: u64 = 200;
    let session = world.session().await;
    let mut watch = world.store.watch(session).await.unwrap();
    let writer = tokio::spawn({
        let store = world.store.clone();
        async move {
            for number in 1..=COUNT {
                store.append(session, vec![event(number)]).await.unwrap();
            }
        }
    });
    let (mut known, mut seen) = (Cursor::default(), Vec::new());
    while seen.len() < COUNT as usize {
        let page = world.store.read(session, &known, 7).await.unwrap().unwrap();
        assert!(!page.gap);
        seen.extend(offsets(&page.events));
        known = cursor(&page.epoch, seen.last().copied().unwrap_or(0));
        if page.last == known.offset && known.offset < COUNT {
            assert!(soon("the next event", watch.changed()).await);
        }
    }
    assert_eq!(seen, (1..=COUNT).collect::<Vec<_>>());
    writer.await.unwrap();
}

/// Somebody who waits for a job, for longer than anybody is patient.
fn waiting(world: &World) -> tokio::task::JoinHandle<()> {
    let store: Arc<_> = world.store.clone();
    tokio::spawn(async move { store.wait(2 * PATIENCE).await })
}

/// A leased job that nobody else may claim.
async fn leased(world: &World) -> neoron_store::Lease {
    world.store.accept(job(None), None).await.unwrap();
    world.store.claim(worker_id(), 1, HOUR).await.unwrap().remove(0).lease
}

pub(crate) async fn waiting_ends_at_once_when_a_job_is_claimable(world: World) {
    world.store.accept(job(None), None).await.unwrap();
    soon("the end of waiting", world.store.wait(2 * PATIENCE)).await;
}

pub(crate) async fn an_accepted_job_ends_the_waiting(world: World) {
    let delayed = neoron_store::NewJob { start: Start::At(world.later(MINUTE)), ..job(None) };
    world.store.accept(delayed, None).await.unwrap();
    let waiting = waiting(&world);
    world.store.accept(job(None), None).await.unwrap();
    soon("the end of waiting", waiting).await.unwrap();
}

pub(crate) async fn a_change_with_a_job_ends_the_waiting(world: World) {
    let session = world.session().await;
    let waiting = waiting(&world);
    let mut change = world.update(session, 1);
    change.jobs = vec![job(Some(session))];
    world.commit(change).await;
    soon("the end of waiting", waiting).await.unwrap();
}

pub(crate) async fn a_job_given_back_ends_the_waiting(world: World) {
    let lease = leased(&world).await;
    let waiting = waiting(&world);
    world.store.retry(&lease, world.now(), "again").await.unwrap();
    soon("the end of waiting", waiting).await.unwrap();
}

pub(crate) async fn a_redriven_job_ends_the_waiting(world: World) {
    let lease = leased(&world).await;
    world.store.bury(&lease, "no").await.unwrap();
    let waiting = waiting(&world);
    assert!(world.store.redrive(lease.job).await.unwrap());
    soon("the end of waiting", waiting).await.unwrap();
}

pub(crate) async fn waiting_lasts_at_most_as_long_as_asked(world: World) {
    soon("the end of waiting", Jobs::wait(&*world.store, Duration::from_millis(20))).await;
}

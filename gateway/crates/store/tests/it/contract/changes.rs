//! Changes: all or nothing.

use neoron_protocol::UnixMillis;
use neoron_store::{Accepted, Burn, Change, CommitError, DocumentKey, NewEvent, NewJob, Start, StoreError};

use crate::world::{HOUR, MINUTE, World, cursor, event, job, key, offsets, session_id, twenty_times, worker_id};

/// An update with an event, a job and a key.
fn loaded(world: &World, session: neoron_protocol::SessionId, version: u64, burn: &str) -> Change {
    let mut change = world.update(session, version);
    change.events = vec![event(1)];
    change.jobs = vec![job(Some(session))];
    change.burn = vec![key(burn)];
    change
}

/// The session is as it was at `version`, with so many events and jobs.
async fn assert_unchanged(world: &World, session: neoron_protocol::SessionId, version: u64, events: u64, jobs: u64) {
    assert_eq!(world.store.load(session).await.unwrap().unwrap().version, version);
    assert_eq!(world.store.read(session, &cursor("", 0), 10).await.unwrap().unwrap().last, events);
    assert_eq!(world.ready_jobs().await, jobs);
}

pub(crate) async fn a_change_carries_everything_at_once(world: World) {
    let session = session_id();
    let mut change = world.creation(session);
    change.events = vec![event(1), event(2)];
    change.jobs = vec![job(Some(session)), job(Some(session))];
    change.burn = vec![key("delivery-1")];
    change.calls = vec!["call-1".into()];
    change.documents = vec![DocumentKey { doctype: "Appointment".into(), name: "A-1".into() }];
    let document = change.documents[0].clone();
    let committed = world.commit(change).await;
    assert_eq!((committed.version, offsets(&committed.events)), (1, vec![1, 2]));
    assert!(committed.leases.is_empty());
    assert_unchanged(&world, session, 1, 2, 2).await;
    assert_eq!(world.store.by_call("call-1").await.unwrap(), Some(session));
    assert_eq!(world.store.by_document(&document).await.unwrap(), Some(session));
}

pub(crate) async fn a_change_with_a_burnt_key_writes_nothing(world: World) {
    let session = world.session().await;
    world.commit(loaded(&world, session, 1, "seen")).await;
    let mut again = loaded(&world, session, 2, "fresh");
    again.burn.push(key("seen"));
    let refused = world.store.commit(again).await;
    assert!(matches!(&refused, Err(CommitError::Burnt { key }) if key == "seen"), "{refused:?}");
    assert_unchanged(&world, session, 2, 1, 1).await;
    // The key before the burnt one is as fresh as it was.
    world.commit(loaded(&world, session, 2, "fresh")).await;
}

pub(crate) async fn a_conflicting_change_writes_nothing(world: World) {
    let session = world.session().await;
    let refused = world.store.commit(loaded(&world, session, 7, "fresh")).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
    assert_unchanged(&world, session, 1, 0, 0).await;
    world.commit(loaded(&world, session, 1, "fresh")).await;
}

pub(crate) async fn of_twenty_deliveries_of_one_webhook_exactly_one_takes_effect(world: World) {
    let session = world.session().await;
    let results = twenty_times(|_| {
        let store = world.store.clone();
        let expires_at = world.later(HOUR);
        async move {
            // As a worker does it: read, decide, commit; again if somebody else was faster.
            loop {
                let stored = store.load(session).await.unwrap().unwrap();
                let mut change = Change::update(session, stored.version, "{}".into(), expires_at);
                change.events = vec![event(1)];
                change.jobs = vec![job(Some(session))];
                change.burn = vec![key("delivery-1")];
                match store.commit(change).await {
                    Ok(_) => return true,
                    Err(CommitError::Burnt { .. }) => return false,
                    Err(CommitError::Conflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    })
    .await;
    assert_eq!(results.iter().filter(|won| **won).count(), 1);
    assert_unchanged(&world, session, 2, 1, 1).await;
}

pub(crate) async fn a_sessions_keys_are_its_own(world: World) {
    let (one, other) = (world.session().await, world.session().await);
    world.commit(loaded(&world, one, 1, "delivery-1")).await;
    world.commit(loaded(&world, other, 1, "delivery-1")).await;
    assert!(world.store.burn(key("delivery-1")).await.unwrap());
    let accepted = world.store.accept(job(None), Some(key("delivery-2"))).await.unwrap();
    assert_eq!(accepted, Accepted::New);
    world.commit(loaded(&world, one, 2, "delivery-2")).await;
}

pub(crate) async fn a_sessions_key_may_be_used_again_after_its_time(world: World) {
    let session = world.session().await;
    let with_key = |version| {
        let mut change = world.update(session, version);
        change.burn = vec![Burn { key: "quote".into(), keep: MINUTE }];
        change
    };
    world.commit(with_key(1)).await;
    assert!(matches!(world.store.commit(with_key(2)).await, Err(CommitError::Burnt { .. })));
    world.clock.advance(MINUTE);
    world.commit(with_key(2)).await;
    assert!(matches!(world.store.commit(with_key(3)).await, Err(CommitError::Burnt { .. })));
}

pub(crate) async fn the_leases_of_jobs_that_start_leased_come_in_their_order(world: World) {
    let session = world.session().await;
    let start = Start::LeasedTo { worker: worker_id(), lease: MINUTE };
    let mut change = world.update(session, 1);
    change.jobs = vec![
        NewJob { start, ..job(Some(session)) },
        job(Some(session)),
        NewJob { start: Start::At(world.later(MINUTE)), ..job(Some(session)) },
        NewJob { start, ..job(Some(session)) },
    ];
    let expected = [&change.jobs[0], &change.jobs[3]].map(|job| (job.id, job.session, 1));
    let committed = world.commit(change).await;
    let leases: Vec<_> = committed.leases.iter().map(|lease| (lease.job, lease.session, lease.attempt)).collect();
    assert_eq!(leases, expected);
    for lease in &committed.leases {
        world.store.done(lease).await.unwrap();
    }
}

pub(crate) async fn a_change_with_anything_too_large_is_refused(world: World) {
    let session = world.session().await;
    let long = "x".repeat(257);
    let changes: [fn(&mut Change, String); 6] = [
        |change, long| change.calls = vec![long],
        |change, long| change.burn = vec![key(&long)],
        |change, long| change.documents = vec![DocumentKey { doctype: "Order".into(), name: long }],
        |change, long| change.jobs = vec![NewJob { kind: long, ..job(None) }],
        |change, _| change.jobs = vec![NewJob { payload: "x".repeat(NewJob::MAX_PAYLOAD_BYTES + 1), ..job(None) }],
        |change, _| {
            change.events = vec![NewEvent { kind: "t".into(), data: "x".repeat(16 * 1024 + 1), at: UnixMillis(1) }];
        },
    ];
    for (number, make) in changes.into_iter().enumerate() {
        let mut change = world.update(session, 1);
        make(&mut change, long.clone());
        let refused = world.store.commit(change).await;
        assert!(matches!(refused, Err(CommitError::Store(StoreError::TooLarge { .. }))), "{number}: {refused:?}");
    }
    assert_unchanged(&world, session, 1, 0, 0).await;
}

//! Sessions: versions, expiry, lists, indexes.

use std::collections::BTreeSet;

use neoron_store::{Change, CommitError, DocumentKey, StoreError};

use crate::world::{HOUR, MINUTE, World, event, session_id, twenty_times};

fn document(doctype: &str, name: &str) -> DocumentKey {
    DocumentKey { doctype: doctype.into(), name: name.into() }
}

pub(crate) async fn a_created_session_is_read_back_as_it_was_written(world: World) {
    let session = session_id();
    let change = Change::create(session, "{\"name\":\"Zoë\"}".into(), world.later(HOUR));
    assert_eq!(world.commit(change).await.version, 1);
    let stored = world.store.load(session).await.unwrap().unwrap();
    assert_eq!(stored.session, session);
    assert_eq!(stored.version, 1);
    assert_eq!(stored.body, "{\"name\":\"Zoë\"}");
    assert!(stored.live);
    assert_eq!(stored.expires_at, world.later(HOUR));
}

pub(crate) async fn an_unknown_session_is_not_there(world: World) {
    assert_eq!(world.store.load(session_id()).await.unwrap(), None);
}

pub(crate) async fn a_session_is_not_created_twice(world: World) {
    let session = world.session().await;
    let second = Change::create(session, "another".into(), world.later(HOUR));
    assert!(matches!(world.store.commit(second).await, Err(CommitError::Conflict)));
    assert_eq!(world.store.load(session).await.unwrap().unwrap().body, "{\"step\":0}");
}

pub(crate) async fn a_change_at_the_present_version_applies_and_counts_up(world: World) {
    let session = world.session().await;
    for version in 1..=5 {
        assert_eq!(world.commit(world.update(session, version)).await.version, version + 1);
    }
    let stored = world.store.load(session).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.body.as_str()), (6, "{\"step\":5}"));
}

pub(crate) async fn a_change_at_another_version_is_a_conflict(world: World) {
    let session = world.session().await;
    world.commit(world.update(session, 1)).await;
    for version in [0, 1, 3] {
        let refused = world.store.commit(world.update(session, version)).await;
        assert!(matches!(refused, Err(CommitError::Conflict)), "version {version}");
    }
    assert_eq!(world.store.load(session).await.unwrap().unwrap().version, 2);
}

pub(crate) async fn a_change_to_an_unknown_session_is_a_conflict(world: World) {
    for version in [0, 1] {
        let refused = world.store.commit(world.update(session_id(), version)).await;
        assert!(matches!(refused, Err(CommitError::Conflict)));
    }
}

/// Of twenty changes made at once, the one that won.
async fn winner(world: &World, make: impl Fn(usize) -> Change) -> usize {
    let results = twenty_times(|number| {
        let (store, change) = (world.store.clone(), make(number));
        async move { store.commit(change).await }
    })
    .await;
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(CommitError::Conflict))), "{results:?}");
    let winners: Vec<_> = results.iter().enumerate().filter(|(_, result)| result.is_ok()).collect();
    assert_eq!(winners.len(), 1);
    winners[0].0
}

pub(crate) async fn of_twenty_changes_at_one_version_exactly_one_wins(world: World) {
    let session = world.session().await;
    let winner = winner(&world, |number| Change::update(session, 1, number.to_string(), world.later(HOUR))).await;
    let stored = world.store.load(session).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.body), (2, winner.to_string()));
}

pub(crate) async fn of_twenty_creations_exactly_one_wins(world: World) {
    let session = session_id();
    let winner = winner(&world, |number| Change::create(session, number.to_string(), world.later(HOUR))).await;
    let stored = world.store.load(session).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.body), (1, winner.to_string()));
}

pub(crate) async fn an_expired_session_is_gone_and_may_be_created_anew(world: World) {
    let session = session_id();
    let mut first = Change::create(session, "first".into(), world.later(MINUTE));
    first.events = vec![event(1), event(2)];
    world.commit(first).await;
    let epoch = world.epoch(session).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.store.load(session).await.unwrap(), None);
    assert!(matches!(world.store.commit(world.update(session, 1)).await, Err(CommitError::Conflict)));

    let anew = world.commit(Change::create(session, "second".into(), world.later(MINUTE))).await;
    assert_eq!(anew.version, 1);
    let page = world.store.read(session, &Default::default(), 10).await.unwrap().unwrap();
    assert_eq!((page.last, page.events.len(), page.gap), (0, 0, false));
    assert_ne!(page.epoch, epoch, "a new stream has a new epoch");
}

pub(crate) async fn a_change_moves_the_expiry(world: World) {
    let session = session_id();
    world.commit(Change::create(session, "".into(), world.later(MINUTE))).await;
    world.commit(Change::update(session, 1, "".into(), world.later(HOUR))).await;
    world.clock.advance(2 * MINUTE);
    assert!(world.store.load(session).await.unwrap().is_some());
    world.clock.advance(HOUR);
    assert!(world.store.load(session).await.unwrap().is_none());
}

pub(crate) async fn an_ended_session_is_still_read_but_not_listed_as_live(world: World) {
    let session = world.session().await;
    let mut end = world.update(session, 1);
    end.live = false;
    world.commit(end).await;
    assert!(!world.store.load(session).await.unwrap().unwrap().live);
    assert!(world.store.live(None, 100).await.unwrap().sessions.is_empty());
}

pub(crate) async fn live_sessions_are_listed_in_pages_by_id(world: World) {
    let mut expected = BTreeSet::new();
    for _ in 0..7 {
        expected.insert(world.session().await);
    }
    let (mut listed, mut after) = (Vec::new(), None);
    for _ in 0..10 {
        let page = world.store.live(after, 3).await.unwrap();
        assert!(page.sessions.len() <= 3);
        assert!(page.sessions.iter().all(|live| live.body == "{\"step\":0}"));
        listed.extend(page.sessions.iter().map(|live| live.session));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(after, None);
    assert_eq!(listed, expected.into_iter().collect::<Vec<_>>());
}

pub(crate) async fn an_expired_session_is_not_listed_as_live(world: World) {
    world.commit(Change::create(session_id(), "".into(), world.later(MINUTE))).await;
    let kept = world.session().await;
    world.clock.advance(MINUTE);
    let page = world.store.live(None, 1).await.unwrap();
    assert_eq!(page.sessions.iter().map(|live| live.session).collect::<Vec<_>>(), [kept]);
}

pub(crate) async fn the_largest_body_is_taken_and_a_larger_one_is_refused(world: World) {
    let session = session_id();
    let largest = "x".repeat(Change::MAX_BODY_BYTES);
    world.commit(Change::create(session, largest.clone(), world.later(HOUR))).await;
    let refused = world.store.commit(Change::update(session, 1, format!("{largest}x"), world.later(HOUR))).await;
    let Err(CommitError::Store(StoreError::TooLarge { bytes, limit })) = refused else { panic!("{refused:?}") };
    assert_eq!((bytes, limit), (Change::MAX_BODY_BYTES + 1, Change::MAX_BODY_BYTES));
    assert_eq!(world.store.load(session).await.unwrap().unwrap().body, largest);
}

pub(crate) async fn a_call_leads_to_the_session_that_named_it_last(world: World) {
    let first = session_id();
    let mut change = world.creation(first);
    change.calls = vec!["call-1".into(), "call-2".into()];
    world.commit(change).await;
    assert_eq!(world.store.by_call("call-1").await.unwrap(), Some(first));
    assert_eq!(world.store.by_call("call-2").await.unwrap(), Some(first));

    world.commit(world.update(first, 1)).await;
    assert_eq!(world.store.by_call("call-1").await.unwrap(), Some(first), "a change without calls forgets none");

    let second = session_id();
    let mut change = world.creation(second);
    change.calls = vec!["call-2".into()];
    world.commit(change).await;
    assert_eq!(world.store.by_call("call-1").await.unwrap(), Some(first));
    assert_eq!(world.store.by_call("call-2").await.unwrap(), Some(second));
}

pub(crate) async fn a_document_leads_to_its_session_whatever_the_case_of_its_name(world: World) {
    let session = session_id();
    let mut change = world.creation(session);
    change.documents = vec![document("Restaurant Order", "RO-Größe-00001")];
    world.commit(change).await;
    for name in ["RO-Größe-00001", "ro-größe-00001", "RO-GRÖßE-00001"] {
        let found = world.store.by_document(&document("Restaurant Order", name)).await.unwrap();
        assert_eq!(found, Some(session), "{name}");
    }
    assert_eq!(world.store.by_document(&document("Support Ticket", "RO-Größe-00001")).await.unwrap(), None);
}

pub(crate) async fn an_unknown_call_or_document_leads_nowhere(world: World) {
    world.session().await;
    assert_eq!(world.store.by_call("nobody's").await.unwrap(), None);
    assert_eq!(world.store.by_document(&document("Restaurant Order", "none")).await.unwrap(), None);
}

//! Streams: offsets, cursors, gaps.

use neoron_protocol::UnixMillis;
use neoron_store::{Change, Cursor, MAX_KEPT_EVENTS, NewEvent, Page, StoreError};

use crate::world::{HOUR, MINUTE, World, cursor, event, events, offsets, session_id, twenty_times};

async fn read(world: &World, session: neoron_protocol::SessionId, after: &Cursor, limit: usize) -> Page {
    world.store.read(session, after, limit).await.unwrap().unwrap()
}

pub(crate) async fn events_are_numbered_from_one_in_their_order(world: World) {
    let session = session_id();
    let mut change = world.creation(session);
    change.events = events(1..=2);
    assert_eq!(offsets(&world.commit(change).await.events), [1, 2]);
    let appended = world.store.append(session, events(3..=4)).await.unwrap().unwrap();
    assert_eq!(offsets(&appended), [3, 4]);
    let mut change = world.update(session, 1);
    change.events = events(5..=5);
    assert_eq!(offsets(&world.commit(change).await.events), [5]);

    let page = read(&world, session, &cursor("", 0), 100).await;
    assert_eq!(offsets(&page.events), [1, 2, 3, 4, 5]);
    for (read, written) in page.events.iter().zip(events(1..=5)) {
        assert_eq!((&read.kind, &read.data, read.at), (&written.kind, &written.data, written.at));
    }
}

pub(crate) async fn an_epoch_is_sixteen_hex_digits_and_stays(world: World) {
    let (session, other) = (world.session().await, world.session().await);
    let epoch = world.epoch(session).await;
    assert_eq!(epoch.len(), 16);
    assert!(epoch.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{epoch}");
    assert_ne!(world.epoch(other).await, epoch);
    let mut change = world.update(session, 1);
    change.events = events(1..=3);
    world.commit(change).await;
    assert_eq!(world.epoch(session).await, epoch);
}

pub(crate) async fn a_reader_gets_exactly_what_it_missed(world: World) {
    let session = world.session().await;
    world.store.append(session, events(1..=10)).await.unwrap();
    let epoch = world.epoch(session).await;
    for known in 0..=10 {
        let page = read(&world, session, &cursor(&epoch, known), 100).await;
        assert_eq!(offsets(&page.events), (known + 1..=10).collect::<Vec<_>>());
        assert_eq!((page.gap, page.last, &page.epoch), (false, 10, &epoch));
    }
}

pub(crate) async fn a_page_holds_at_most_its_limit_and_tells_the_last_offset(world: World) {
    let session = world.session().await;
    world.store.append(session, events(1..=10)).await.unwrap();
    let epoch = world.epoch(session).await;
    let page = read(&world, session, &cursor(&epoch, 2), 3).await;
    assert_eq!((offsets(&page.events), page.last), (vec![3, 4, 5], 10));
}

pub(crate) async fn a_reader_without_an_epoch_starts_at_the_beginning(world: World) {
    let session = world.session().await;
    let empty = read(&world, session, &Cursor::default(), 10).await;
    assert_eq!((empty.last, empty.gap, empty.events.len()), (0, false, 0));
    world.store.append(session, events(1..=2)).await.unwrap();
    let page = read(&world, session, &Cursor::default(), 10).await;
    assert_eq!((offsets(&page.events), page.gap), (vec![1, 2], false));
}

pub(crate) async fn a_cursor_of_another_epoch_has_a_gap(world: World) {
    let session = world.session().await;
    world.store.append(session, events(1..=5)).await.unwrap();
    let page = read(&world, session, &cursor("0123456789abcdef", 2), 10).await;
    assert_eq!((page.gap, page.last, page.events.len()), (true, 5, 0));
    assert_eq!(page.epoch, world.epoch(session).await, "it names the epoch to go on in");
}

pub(crate) async fn a_cursor_ahead_of_the_stream_has_a_gap(world: World) {
    let session = world.session().await;
    world.store.append(session, events(1..=5)).await.unwrap();
    let epoch = world.epoch(session).await;
    assert!(!read(&world, session, &cursor(&epoch, 5), 10).await.gap);
    for offset in [6, u64::MAX] {
        let page = read(&world, session, &cursor(&epoch, offset), 10).await;
        assert_eq!((page.gap, page.last, page.events.len()), (true, 5, 0));
    }
}

pub(crate) async fn a_reader_behind_what_is_kept_has_a_gap_and_goes_on_after_the_last(world: World) {
    let session = world.session().await;
    let epoch = world.epoch(session).await;
    let (kept, forgotten) = (MAX_KEPT_EVENTS as u64, 50);
    let mut next = 1;
    while next <= kept + forgotten {
        let until = (next + 499).min(kept + forgotten);
        world.store.append(session, events(next..=until)).await.unwrap();
        next = until + 1;
    }
    for behind in [cursor(&epoch, 0), cursor(&epoch, forgotten - 1), Cursor::default()] {
        let page = read(&world, session, &behind, 10).await;
        assert_eq!((page.gap, page.last, page.events.len()), (true, kept + forgotten, 0), "{behind:?}");
    }
    let oldest = read(&world, session, &cursor(&epoch, forgotten), 2).await;
    assert_eq!((oldest.gap, offsets(&oldest.events)), (false, vec![forgotten + 1, forgotten + 2]));

    world.store.append(session, vec![event(1)]).await.unwrap();
    let on = read(&world, session, &cursor(&epoch, kept + forgotten), 10).await;
    assert_eq!((on.gap, offsets(&on.events)), (false, vec![kept + forgotten + 1]));
}

pub(crate) async fn an_unknown_or_expired_session_has_no_stream(world: World) {
    let unknown = session_id();
    assert_eq!(world.store.append(unknown, events(1..=1)).await.unwrap(), None);
    assert_eq!(world.store.read(unknown, &Cursor::default(), 10).await.unwrap(), None);

    let session = session_id();
    world.commit(Change::create(session, "".into(), world.later(MINUTE))).await;
    world.clock.advance(HOUR);
    assert_eq!(world.store.append(session, events(1..=1)).await.unwrap(), None);
    assert_eq!(world.store.read(session, &Cursor::default(), 10).await.unwrap(), None);
}

pub(crate) async fn parallel_appends_leave_no_hole_and_no_double(world: World) {
    let session = world.session().await;
    let results = twenty_times(|number| {
        let store = world.store.clone();
        async move {
            let number = number as u64;
            store.append(session, events(number * 2..=number * 2 + 1)).await.unwrap().unwrap()
        }
    })
    .await;
    for pair in &results {
        assert_eq!(pair[1].offset, pair[0].offset + 1, "what is appended together stays together");
    }
    let mut all: Vec<_> = results.into_iter().flatten().collect();
    all.sort_by_key(|event| event.offset);
    assert_eq!(offsets(&all), (1..=40).collect::<Vec<_>>());
    assert_eq!(read(&world, session, &Cursor::default(), 100).await.events, all);
}

pub(crate) async fn the_largest_event_is_taken_and_a_larger_one_is_refused(world: World) {
    let session = world.session().await;
    let of = |bytes: usize| vec![NewEvent { kind: "tool".into(), data: "x".repeat(bytes), at: UnixMillis(1) }];
    world.store.append(session, of(16 * 1024)).await.unwrap().unwrap();
    let refused = world.store.append(session, of(16 * 1024 + 1)).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    assert_eq!(read(&world, session, &Cursor::default(), 10).await.last, 1);
}

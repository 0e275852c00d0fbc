//! A reader that is cut off anywhere, and comes back with what it has, ends with everything once.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU8, Ordering};

use neoron_protocol::frame::{self, Speaker, Transcript};
use neoron_store::{Change, EmbeddedStore, MAX_KEPT_EVENTS, NewEvent, SystemClock};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{app::event, ledger::samples};

const PATIENT: Duration = Duration::from_secs(30);

struct World {
    store: SharedStore,
    session: SessionId,
}

static NUMBER: AtomicU8 = AtomicU8::new(0);

impl World {
    async fn new() -> Self {
        let store: SharedStore = Arc::new(EmbeddedStore::in_memory(Arc::new(SystemClock)).unwrap());
        let world =
            Self { store, session: SessionId::new(UnixMillis(1), [NUMBER.fetch_add(1, Ordering::Relaxed); 10]) };
        let mut record = samples::record();
        record.session = world.session;
        let body = serde_json::to_string(&record).unwrap();
        let forever = SystemClock.now().plus(Duration::from_secs(3_600));
        world.store.commit(Change::create(world.session, body, forever)).await.unwrap();
        world
    }

    async fn append(&self, lines: impl Iterator<Item = u64>) {
        let line = |number: u64| {
            let text = format!("line {number}");
            let line = Transcript { line: format!("a{number}"), speaker: Speaker::Agent, text, r#final: true };
            event(UnixMillis(number), &Body::Transcript(line))
        };
        let events: Vec<NewEvent> = lines.map(line).collect();
        for chunk in events.chunks(500) {
            self.store.append(self.session, chunk.to_vec()).await.unwrap().unwrap();
        }
    }

    async fn feed(&self, cursor: &Cursor) -> Feed {
        Feed::open(self.store.clone(), Arc::new(SystemClock), self.session, cursor.clone()).await.unwrap()
    }
}

/// A popup: it keeps the lines it was told, and its cursor, as the client's state machine does.
#[derive(Default)]
struct Reader {
    lines: Vec<String>,
    cursor: Cursor,
    snapshots: usize,
}

impl Reader {
    fn take(&mut self, frame: &Frame) {
        let value: Value = serde_json::from_str(&frame.text).unwrap();
        let decoded = frame::server(&value).unwrap();
        match decoded.body {
            Body::Transcript(line) => {
                assert_eq!(decoded.offset, self.cursor.offset + 1, "an event was lost or repeated");
                self.lines.push(line.line);
                self.cursor = Cursor { epoch: decoded.epoch, offset: decoded.offset };
            }
            Body::Snapshot(snapshot) => {
                self.snapshots += 1;
                self.lines = snapshot.transcript.into_iter().map(|line| line.line).collect();
                self.cursor = Cursor { epoch: decoded.epoch, offset: snapshot.upto };
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(self.cursor, frame.after);
    }

    /// Reads until it has seen the event at `last`, and drops its connection after each `breaks` frames.
    async fn catch_up(&mut self, world: &World, last: u64, mut breaks: impl Iterator<Item = usize>) {
        while self.cursor.offset < last {
            let mut feed = world.feed(&self.cursor).await;
            let mut left = breaks.next().unwrap_or(usize::MAX);
            while left > 0 && self.cursor.offset < last {
                let frames = tokio::time::timeout(PATIENT, feed.next()).await.unwrap().unwrap().unwrap();
                // What was not taken before the break was never received.
                for frame in frames.iter().take(left) {
                    self.take(frame);
                }
                left = left.saturating_sub(frames.len());
            }
        }
    }
}

fn names(upto: u64) -> Vec<String> {
    (1..=upto).map(|number| format!("a{number}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_reader_that_is_cut_off_anywhere_gets_every_event_once(
        batches in prop::collection::vec(1u64..90, 1..6),
        breaks in prop::collection::vec(1usize..70, 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (world, mut reader, mut last) = (World::new().await, Reader::default(), 0);
            let mut breaks = breaks.into_iter();
            for batch in batches {
                world.append(last + 1..=last + batch).await;
                last += batch;
                reader.catch_up(&world, last, &mut breaks).await;
                assert_eq!(reader.lines, names(last));
            }
            assert_eq!(reader.snapshots, 0);
        });
    }
}

#[tokio::test]
async fn a_reader_of_another_epoch_gets_one_snapshot_and_then_goes_on() {
    let world = World::new().await;
    world.append(1..=5).await;
    let mut reader = Reader { cursor: Cursor { epoch: "lost".into(), offset: 3 }, ..Reader::default() };
    let mut feed = world.feed(&reader.cursor).await;
    feed.next().await.unwrap().unwrap().iter().for_each(|frame| reader.take(frame));
    world.append(6..=7).await;
    reader.catch_up(&world, 7, std::iter::empty()).await;
    assert_eq!((reader.lines, reader.snapshots), (names(7), 1));
}

#[tokio::test]
async fn a_reader_behind_what_is_kept_gets_the_latest_lines_in_a_snapshot_that_fits_a_frame() {
    let world = World::new().await;
    let last = MAX_KEPT_EVENTS as u64 + 40;
    world.append(1..=last).await;
    let mut reader = Reader::default();
    reader.catch_up(&world, last, std::iter::empty()).await;
    assert_eq!(reader.snapshots, 1);
    assert_eq!(reader.lines.last(), names(last).last());
    world.append(last + 1..=last + 1).await;
    reader.catch_up(&world, last + 1, std::iter::empty()).await;
    assert_eq!(reader.snapshots, 1);
}

#[tokio::test]
async fn a_reader_that_waits_is_woken_and_a_forgotten_session_ends_it() {
    let world = World::new().await;
    let mut feed = world.feed(&Cursor::default()).await;
    let appended = async {
        tokio::task::yield_now().await;
        world.append(1..=1).await;
    };
    let (frames, ()) = tokio::join!(tokio::time::timeout(PATIENT, feed.next()), appended);
    assert_eq!(frames.unwrap().unwrap().unwrap().len(), 1);
    let nobody = SessionId::new(UnixMillis(2), [1; 10]);
    let clock = Arc::new(SystemClock);
    let mut feed = Feed::open(world.store.clone(), clock, nobody, Cursor::default()).await.unwrap();
    assert!(feed.next().await.unwrap().is_none());
}

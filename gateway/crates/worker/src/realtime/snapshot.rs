//! Everything at once: the record's state, quotes and documents, and the lines of the events that are kept.

use std::collections::HashMap;

use neoron_protocol::{
    SessionId, UnixMillis,
    frame::{self, Body, Document, Snapshot, Transcript},
};
use neoron_store::{Cursor, Event, MAX_KEPT_EVENTS, SharedStore, StoreError};
use serde_json::{Value, json};

use crate::app;

/// Events read at once.
const PAGE: usize = 1_000;
/// Lines of a snapshot at most: the latest.
const MAX_LINES: usize = 400;
/// Bytes of its lines, and of its documents: both fit into one frame of a socket's write buffer.
const MAX_LINE_BYTES: usize = 96 * 1024;
const MAX_DOCUMENT_BYTES: usize = 96 * 1024;

/// A snapshot and the stream it belongs to.
pub(crate) struct Taken {
    pub(crate) epoch: String,
    pub(crate) snapshot: Snapshot,
}

/// Takes a snapshot; `None` if there is no such session.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn snapshot(
    store: &SharedStore,
    session: SessionId,
    now: UnixMillis,
) -> Result<Option<Taken>, StoreError> {
    let Some((cursor, lines)) = lines(store, session).await? else { return Ok(None) };
    // After the events: what the record holds is at least as new as `upto` says, and telling it twice is harmless.
    let Some(record) = app::read(store, session).await? else { return Ok(None) };
    let snapshot = Snapshot {
        state: record.state,
        upto: cursor.offset,
        transcript: lines,
        quotes: record.open_quotes(now),
        documents: latest(record.cards()),
    };
    Ok(Some(Taken { epoch: cursor.epoch, snapshot }))
}

/// Reads what is kept of the stream to its end.
async fn lines(store: &SharedStore, session: SessionId) -> Result<Option<(Cursor, Vec<Transcript>)>, StoreError> {
    let (mut cursor, mut lines) = (Cursor::default(), Lines::default());
    // How far back the next try goes, should the beginning be forgotten.
    let mut back = MAX_KEPT_EVENTS as u64;
    loop {
        let Some(page) = store.read(session, &cursor, PAGE).await? else { return Ok(None) };
        if page.gap {
            (cursor, lines) = (Cursor { epoch: page.epoch, offset: page.last.saturating_sub(back) }, Lines::default());
            // At zero the cursor is at the end, where there is never a gap.
            back /= 2;
            continue;
        }
        page.events.iter().for_each(|event| lines.fold(event));
        let offset = page.events.last().map_or(cursor.offset.min(page.last), |event| event.offset);
        cursor = Cursor { epoch: page.epoch, offset };
        if offset >= page.last {
            return Ok(Some((cursor, lines.finish())));
        }
    }
}

/// The lines so far; a later event of a line replaces its text, not its place.
#[derive(Default)]
struct Lines {
    all: Vec<Transcript>,
    places: HashMap<String, usize>,
}

impl Lines {
    fn fold(&mut self, event: &Event) {
        if event.kind != "transcript" {
            return;
        }
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let whole = json!({"epoch": "", "offset": 0, "at": 0, "type": "transcript", "data": data});
        // The protocol's own decoder, so that there is only one.
        let Ok(Body::Transcript(line)) = frame::server(&whole).map(|frame| frame.body) else { return };
        match self.places.get(&line.line) {
            Some(place) => self.all[*place] = line,
            None => {
                self.places.insert(line.line.clone(), self.all.len());
                self.all.push(line);
            }
        }
    }

    /// The latest of them, oldest first.
    fn finish(self) -> Vec<Transcript> {
        let mut bytes = 0;
        let fits = |line: &Transcript| {
            bytes += json_bytes(line);
            bytes <= MAX_LINE_BYTES
        };
        let mut kept: Vec<Transcript> = self.all.into_iter().rev().take(MAX_LINES).take_while(fits).collect();
        kept.reverse();
        kept
    }
}

/// The latest documents, in their order.
fn latest(documents: Vec<Document>) -> Vec<Document> {
    let mut bytes = 0;
    let fits = |document: &Document| {
        bytes += json_bytes(document);
        bytes <= MAX_DOCUMENT_BYTES
    };
    let mut kept: Vec<Document> = documents.into_iter().rev().take_while(fits).collect();
    kept.reverse();
    kept
}

fn json_bytes(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use neoron_protocol::frame::Speaker;

    use super::*;
    use crate::app::event;

    fn line(name: &str, text: &str, r#final: bool) -> Event {
        let line = Transcript { line: name.into(), speaker: Speaker::Agent, text: text.into(), r#final };
        let new = event(UnixMillis(1), &Body::Transcript(line));
        Event { offset: 1, kind: new.kind, data: new.data, at: new.at }
    }

    fn fold(events: impl IntoIterator<Item = Event>) -> Vec<Transcript> {
        let mut lines = Lines::default();
        events.into_iter().for_each(|event| lines.fold(&event));
        lines.finish()
    }

    #[test]
    fn a_line_keeps_its_place_and_takes_its_latest_text() {
        let folded = fold([line("a1", "Hel", false), line("u2", "Hi", true), line("a1", "Hello.", true)]);
        let texts: Vec<&str> = folded.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["Hello.", "Hi"]);
    }

    #[test]
    fn only_the_latest_lines_are_kept_by_count_and_by_size() {
        let many = fold((0..MAX_LINES + 10).map(|number| line(&format!("a{number}"), "x", true)));
        assert_eq!((many.len(), many[0].line.as_str()), (MAX_LINES, "a10"));
        let large = fold((0..30).map(|number| line(&format!("a{number}"), &"x".repeat(8_000), true)));
        assert!(large.len() < 13 && large.last().is_some_and(|line| line.line == "a29"), "{}", large.len());
    }

    #[test]
    fn an_event_of_another_type_or_a_broken_one_is_passed_over() {
        let mut other = line("a1", "x", true);
        other.kind = "tool".into();
        let mut broken = line("a2", "x", true);
        broken.data = "{".into();
        assert!(fold([other, broken]).is_empty());
    }
}

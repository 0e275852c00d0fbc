//! The cursor's way through a session's stream: what was missed, or one snapshot, and then whatever comes.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use neoron_protocol::{
    SessionId, UnixMillis,
    frame::{Body, ServerFrame},
};
use neoron_store::{Clock, Cursor, Event, EventWatch, SharedStore, StoreError};
use tokio::time::Instant;

use super::snapshot::snapshot;

/// Events read at once. Each has at most 16 KiB; most have some hundred bytes.
const PAGE: usize = 64;
/// A wake-up may be lost with a store that sends them over a network: the stream is read again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// A frame, as text, and the cursor of a reader who has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) text: String,
    pub(super) after: Cursor,
}

/// A reader's place in a stream.
pub(super) struct Feed {
    store: SharedStore,
    clock: Arc<dyn Clock>,
    session: SessionId,
    cursor: Cursor,
    watch: EventWatch,
    /// Whether there may be something behind the cursor; if not, nothing is read before the stream moves.
    behind: bool,
    /// When the stream is read again although nobody said that it moved. It outlives a call that is dropped midway.
    look_at: Instant,
}

impl Feed {
    /// A reader who has everything up to `cursor`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn open(
        store: SharedStore,
        clock: Arc<dyn Clock>,
        session: SessionId,
        cursor: Cursor,
    ) -> Result<Self, StoreError> {
        // Before the first read, so that nothing falls between the two.
        let watch = store.watch(session).await?;
        Ok(Self { store, clock, session, cursor, watch, behind: true, look_at: Instant::now() })
    }

    /// Waits for the next frames and moves on behind them. `None` once the session is forgotten or the store closes.
    /// It may be dropped at any time: the cursor moves only with frames that are returned.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Frame>>, StoreError> {
        loop {
            if self.behind {
                match self.ready().await? {
                    None => return Ok(None),
                    Some(frames) if !frames.is_empty() => return Ok(Some(frames)),
                    Some(_) => {}
                }
            }
            if matches!(tokio::time::timeout_at(self.look_at, self.watch.changed()).await, Ok(false)) {
                return Ok(None);
            }
            self.behind = true;
        }
    }

    /// What is there now.
    async fn ready(&mut self) -> Result<Option<Vec<Frame>>, StoreError> {
        let Some(page) = self.store.read(self.session, &self.cursor, PAGE).await? else { return Ok(None) };
        self.look_at = Instant::now() + LOOK_AGAIN;
        if page.gap {
            let Some(taken) = snapshot(&self.store, self.session, self.clock.now()).await? else { return Ok(None) };
            let after = Cursor { epoch: taken.epoch.clone(), offset: taken.snapshot.upto };
            let text = outside(&taken.epoch, self.clock.now(), Body::Snapshot(taken.snapshot));
            self.cursor = after.clone();
            return Ok(Some(vec![Frame { text, after }]));
        }
        let frames = page.events.iter().map(|event| Frame {
            text: inside(&page.epoch, event),
            after: Cursor { epoch: page.epoch.clone(), offset: event.offset },
        });
        let frames: Vec<Frame> = frames.collect();
        // Without an event the epoch is learned all the same.
        let offset = page.events.last().map_or(self.cursor.offset, |event| event.offset);
        let known = !page.events.is_empty() || !self.cursor.epoch.is_empty();
        self.cursor = if known { Cursor { epoch: page.epoch, offset } } else { Cursor::default() };
        self.behind = offset < page.last;
        Ok(Some(frames))
    }

    /// The epoch as far as it is known.
    pub(super) fn epoch(&self) -> &str {
        &self.cursor.epoch
    }
}

/// An event of the stream as a frame. Its data is JSON already and is passed on as it is.
fn inside(epoch: &str, event: &Event) -> String {
    let mut text = String::with_capacity(event.data.len() + 96);
    // Writing to a string cannot fail; epoch and kind are our own words, quoted all the same.
    let _ = write!(
        text,
        "{{\"epoch\":{},\"offset\":{},\"at\":{},\"type\":{},\"data\":{}}}",
        quoted(epoch),
        event.offset,
        event.at.0,
        quoted(&event.kind),
        event.data
    );
    text
}

/// A frame outside the stream.
pub(super) fn outside(epoch: &str, at: UnixMillis, body: Body) -> String {
    // Strings, numbers and lists: serialisation cannot fail.
    serde_json::to_string(&ServerFrame { epoch: epoch.to_owned(), offset: 0, at, body }).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests;

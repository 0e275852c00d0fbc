//! Who watches which session's stream inside the process. Only hints go through here; the stream itself is the truth.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use neoron_protocol::SessionId;
use tokio::sync::watch;

use crate::{EventWatch, StoreError};

/// Below this many entries nobody looks for abandoned ones.
const FIRST_PURGE: usize = 64;

struct Streams {
    senders: HashMap<SessionId, watch::Sender<u64>>,
    /// Look for abandoned entries when there are this many. It doubles with what is left, so that a watch costs
    /// constant time on average.
    purge_at: usize,
    closed: bool,
}

/// The watched sessions.
pub(crate) struct Watches {
    streams: Mutex<Streams>,
    max_streams: usize,
}

impl Watches {
    /// For at most `max_streams` watched sessions.
    pub(crate) fn new(max_streams: usize) -> Self {
        let streams = Streams { senders: HashMap::new(), purge_at: FIRST_PURGE, closed: false };
        Self { streams: Mutex::new(streams), max_streams: max_streams.max(1) }
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a session's stream.
    ///
    /// # Errors
    /// [`StoreError::Full`] if too many are watched, [`StoreError::Unavailable`] once the store is closed.
    pub(crate) fn watch(&self, session: SessionId) -> Result<EventWatch, StoreError> {
        let mut streams = self.lock();
        if streams.closed {
            return Err(StoreError::Unavailable("the store is closed".to_owned()));
        }
        if let Some(sender) = streams.senders.get(&session) {
            return Ok(EventWatch::new(sender.subscribe()));
        }
        if streams.senders.len() >= streams.purge_at.min(self.max_streams) {
            streams.senders.retain(|_, sender| sender.receiver_count() > 0);
            streams.purge_at = streams.senders.len().saturating_mul(2).max(FIRST_PURGE);
        }
        if streams.senders.len() >= self.max_streams {
            return Err(StoreError::Full);
        }
        let (sender, receiver) = watch::channel(0);
        streams.senders.insert(session, sender);
        Ok(EventWatch::new(receiver))
    }

    /// Wakes who watches these sessions; each comes with its stream's last offset.
    pub(crate) fn wake(&self, moved: impl IntoIterator<Item = (SessionId, u64)>) {
        let mut streams = self.lock();
        for (session, last) in moved {
            let abandoned = match streams.senders.get(&session) {
                Some(sender) if sender.receiver_count() > 0 => {
                    sender.send_replace(last);
                    false
                }
                Some(_) => true,
                None => false,
            };
            if abandoned {
                streams.senders.remove(&session);
            }
        }
    }

    /// Wakes who watches a session, unless they were woken at this offset last.
    pub(crate) fn wake_if_moved(&self, session: SessionId, last: u64) {
        if let Some(sender) = self.lock().senders.get(&session) {
            sender.send_if_modified(|told| std::mem::replace(told, last) != last);
        }
    }

    /// The sessions somebody watches.
    pub(crate) fn watched(&self) -> Vec<SessionId> {
        let streams = self.lock();
        let watched = streams.senders.iter().filter(|(_, sender)| sender.receiver_count() > 0);
        watched.map(|(session, _)| *session).collect()
    }

    /// Ends every watch.
    pub(crate) fn close(&self) {
        let mut streams = self.lock();
        streams.closed = true;
        streams.senders = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use neoron_protocol::UnixMillis;

    use super::*;

    fn session(number: u8) -> SessionId {
        SessionId::new(UnixMillis(1), [number; 10])
    }

    #[test]
    fn abandoned_watches_make_room_for_new_ones() {
        let watches = Watches::new(3);
        for number in 0..50 {
            drop(watches.watch(session(number)).unwrap());
        }
        assert!(watches.lock().senders.len() <= 3);
        assert!(watches.watched().is_empty());
    }

    #[test]
    fn too_many_watched_sessions_are_refused_but_a_second_watcher_of_one_is_not() {
        let watches = Watches::new(2);
        let _first = watches.watch(session(1)).unwrap();
        let _second = watches.watch(session(2)).unwrap();
        assert!(matches!(watches.watch(session(3)), Err(StoreError::Full)));
        assert!(watches.watch(session(2)).is_ok());
        assert_eq!(watches.watched().len(), 2);
    }

    #[tokio::test]
    async fn closing_ends_every_watch() {
        let watches = Watches::new(2);
        let mut watch = watches.watch(session(1)).unwrap();
        watches.close();
        assert!(!watch.changed().await);
        assert!(watches.watch(session(1)).is_err());
    }
}

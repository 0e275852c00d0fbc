//! Wake-ups inside the process: streams that moved on, jobs that may be claimed. Only hints: what is true is in the
//! database, and whoever wakes up reads it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use neoron_protocol::SessionId;
use tokio::sync::{Notify, watch};

use super::queue::closed;
use crate::{EventWatch, StoreError};

/// Below this many entries nobody looks for abandoned ones.
const FIRST_PURGE: usize = 64;

/// What a batch of writes changed that somebody may wait for.
#[derive(Debug, Default)]
pub(super) struct Effects {
    streams: Vec<(SessionId, u64)>,
    jobs: bool,
}

/// Where the effects stood before a step.
pub(super) struct Mark(usize, bool);

impl Effects {
    /// A stream's last offset is now `last`.
    pub(super) fn stream(&mut self, session: SessionId, last: u64) {
        self.streams.push((session, last));
    }

    /// A job waits that may not have waited before.
    pub(super) fn job(&mut self) {
        self.jobs = true;
    }

    /// Where the effects stand.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.streams.len(), self.jobs)
    }

    /// Forgets what came after the mark: its step was undone.
    pub(super) fn rewind(&mut self, mark: Mark) {
        self.streams.truncate(mark.0);
        self.jobs = mark.1;
    }
}

struct Streams {
    senders: HashMap<SessionId, watch::Sender<u64>>,
    /// Look for abandoned entries when there are this many. It doubles with what is left, so that a watch costs
    /// constant time on average.
    purge_at: usize,
    closed: bool,
}

/// Who waits for what.
pub(super) struct Hub {
    streams: Mutex<Streams>,
    max_streams: usize,
    jobs: Notify,
}

impl Hub {
    /// A hub for at most `max_streams` watched sessions.
    pub(super) fn new(max_streams: usize) -> Self {
        let streams = Streams { senders: HashMap::new(), purge_at: FIRST_PURGE, closed: false };
        Self { streams: Mutex::new(streams), max_streams: max_streams.max(1), jobs: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a session's stream.
    ///
    /// # Errors
    /// [`StoreError::Full`] if too many are watched, [`StoreError::Unavailable`] once the store is closed.
    pub(super) fn watch(&self, session: SessionId) -> Result<EventWatch, StoreError> {
        let mut streams = self.lock();
        if streams.closed {
            return Err(closed());
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

    /// Where those wait who want a job. Enable it before looking for one.
    pub(super) fn jobs(&self) -> &Notify {
        &self.jobs
    }

    /// Wakes whoever waits for what a committed batch changed.
    pub(super) fn publish(&self, effects: &Effects) {
        if !effects.streams.is_empty() {
            let mut streams = self.lock();
            for (session, last) in &effects.streams {
                let abandoned = match streams.senders.get(session) {
                    Some(sender) if sender.receiver_count() > 0 => {
                        sender.send_replace(*last);
                        false
                    }
                    Some(_) => true,
                    None => false,
                };
                if abandoned {
                    streams.senders.remove(session);
                }
            }
        }
        if effects.jobs {
            self.jobs.notify_waiters();
        }
    }

    /// Ends every watch.
    pub(super) fn close(&self) {
        let mut streams = self.lock();
        streams.closed = true;
        streams.senders = HashMap::new();
        drop(streams);
        self.jobs.notify_waiters();
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
        let hub = Hub::new(3);
        for number in 0..50 {
            drop(hub.watch(session(number)).unwrap());
        }
        assert!(hub.lock().senders.len() <= 3);
    }

    #[test]
    fn too_many_watched_sessions_are_refused_but_a_second_watcher_of_one_is_not() {
        let hub = Hub::new(2);
        let _first = hub.watch(session(1)).unwrap();
        let _second = hub.watch(session(2)).unwrap();
        assert!(matches!(hub.watch(session(3)), Err(StoreError::Full)));
        assert!(hub.watch(session(2)).is_ok());
    }

    #[test]
    fn an_undone_step_leaves_no_effects() {
        let mut effects = Effects::default();
        effects.stream(session(1), 1);
        let mark = effects.mark();
        effects.stream(session(2), 1);
        effects.job();
        effects.rewind(mark);
        assert_eq!(effects.streams, [(session(1), 1)]);
        assert!(!effects.jobs);
    }

    #[tokio::test]
    async fn a_closed_hub_ends_its_watches() {
        let hub = Hub::new(2);
        let mut watch = hub.watch(session(1)).unwrap();
        hub.close();
        assert!(!watch.changed().await);
        assert!(hub.watch(session(1)).is_err());
    }
}

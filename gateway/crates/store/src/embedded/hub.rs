//! Wake-ups inside the process: streams that moved on, jobs that may be claimed. Only hints: what is true is in the
//! database, and whoever wakes up reads it.

use neoron_protocol::SessionId;
use tokio::sync::Notify;

use crate::{EventWatch, StoreError, watches::Watches};

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

/// Who waits for what.
pub(super) struct Hub {
    watches: Watches,
    jobs: Notify,
}

impl Hub {
    /// A hub for at most `max_streams` watched sessions.
    pub(super) fn new(max_streams: usize) -> Self {
        Self { watches: Watches::new(max_streams), jobs: Notify::new() }
    }

    /// Watches a session's stream; see [`Watches::watch`].
    pub(super) fn watch(&self, session: SessionId) -> Result<EventWatch, StoreError> {
        self.watches.watch(session)
    }

    /// Where those wait who want a job. Enable it before looking for one.
    pub(super) fn jobs(&self) -> &Notify {
        &self.jobs
    }

    /// Wakes whoever waits for what a committed batch changed.
    pub(super) fn publish(&self, effects: &Effects) {
        if !effects.streams.is_empty() {
            self.watches.wake(effects.streams.iter().copied());
        }
        if effects.jobs {
            self.jobs.notify_waiters();
        }
    }

    /// Ends every watch.
    pub(super) fn close(&self) {
        self.watches.close();
        self.jobs.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use neoron_protocol::UnixMillis;

    use super::*;

    fn session(number: u8) -> SessionId {
        SessionId::new(UnixMillis(1), [number; 10])
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
}

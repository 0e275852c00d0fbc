//! What this process knows and who waits in it: watched sessions, streams seen, when jobs are due. Messages from Redis
//! come in here. It never talks to Redis.

use std::sync::{Mutex, MutexGuard, PoisonError};

use neoron_protocol::SessionId;
use tokio::sync::Notify;

use super::{
    hints::Hints,
    layout::Partition,
    seen::{Seen, epoch_number},
};
use crate::{rules, watches::Watches};

/// A session's id and an epoch, in characters.
const SESSION: usize = 28;
const EPOCH: usize = 16;

/// What is known, and who waits.
pub(super) struct Hub {
    /// The watched sessions.
    pub(super) watches: Watches,
    /// Wakes those who wait for jobs.
    pub(super) jobs: Notify,
    seen: Mutex<Seen>,
    hints: Mutex<Hints>,
}

/// A message of a partition's channel.
#[derive(Debug, PartialEq, Eq)]
enum Message {
    /// A session's stream has moved on to this epoch and offset.
    Event(SessionId, u64, u64),
    /// A job is due then.
    Job(u64),
}

impl Message {
    fn read(text: &str) -> Option<Self> {
        match text.split_at_checked(1)? {
            ("j", due) => Some(Self::Job(due.parse().ok()?)),
            ("e", rest) => {
                let (session, rest) = rest.split_at_checked(SESSION)?;
                let (epoch, last) = rest.split_at_checked(EPOCH)?;
                Some(Self::Event(session.parse().ok()?, epoch_number(epoch)?, last.parse().ok()?))
            }
            _ => None,
        }
    }
}

impl Hub {
    /// A hub for so many partitions and watched sessions.
    pub(super) fn new(partitions: usize, watches: usize) -> Self {
        Self {
            watches: Watches::new(watches),
            jobs: Notify::new(),
            seen: Mutex::default(),
            hints: Mutex::new(Hints::new(partitions)),
        }
    }

    /// The hints of due jobs.
    pub(super) fn hints(&self) -> MutexGuard<'_, Hints> {
        self.hints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this process has seen of a stream, as a script takes it; an empty epoch for nothing.
    pub(super) fn known(&self, session: SessionId) -> (String, u64) {
        self.seen().get(session).map_or_else(Default::default, |(epoch, last)| (format!("{epoch:016x}"), last))
    }

    /// A stream is in this epoch at this offset. `true` if that was new.
    pub(super) fn note(&self, session: SessionId, epoch: &str, last: u64) -> bool {
        let Some(epoch) = epoch_number(epoch) else { return false };
        let mut seen = self.seen();
        let new = seen.get(session) != Some((epoch, last));
        seen.note(session, epoch, last);
        new
    }

    /// A job of the partition is due then.
    pub(super) fn due(&self, partition: Partition, due: u64) {
        self.hints().lower(partition, due);
        self.jobs.notify_waiters();
    }

    /// A message came from a partition's channel.
    pub(super) fn message(&self, partition: Partition, text: &str) {
        match Message::read(text) {
            Some(Message::Event(session, epoch, last)) => {
                self.seen().note(session, epoch, last);
                self.watches.wake([(session, last)]);
            }
            Some(Message::Job(due)) => self.due(partition, due),
            // A newer program may say more.
            None => {}
        }
    }

    /// Nothing that was heard can be relied on any more.
    pub(super) fn forget_hints(&self) {
        self.hints().forget();
        self.jobs.notify_waiters();
    }

    /// Ends every watch and every waiting.
    pub(super) fn close(&self) {
        self.watches.close();
        self.jobs.notify_waiters();
    }
}

/// A step's name: what is sent again under it is done once.
pub(super) fn step_name() -> Result<String, crate::StoreError> {
    Ok(format!("{:016x}", rules::random_u64()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use neoron_protocol::UnixMillis;
    use proptest::prelude::*;

    use super::*;

    fn session() -> SessionId {
        SessionId::new(UnixMillis(1), [3; 10])
    }

    #[tokio::test]
    async fn a_message_of_an_event_wakes_its_watch_and_is_remembered() {
        let hub = Hub::new(2, 10);
        let mut watch = hub.watches.watch(session()).unwrap();
        hub.message(1, &format!("e{}00000000000000ab12", session()));
        assert!(watch.changed().await);
        assert_eq!(hub.known(session()), ("00000000000000ab".to_owned(), 12));
    }

    #[test]
    fn a_message_of_a_job_lowers_its_partitions_hint() {
        let hub = Hub::new(2, 10);
        hub.message(1, "j500");
        assert_eq!(
            hub.hints().ready(&std::collections::HashSet::new(), 8, UnixMillis(500), std::time::Instant::now()),
            [1]
        );
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(text in "[ej]?.{0,60}", partition in 0_usize..4) {
            Hub::new(2, 10).message(partition, &text);
        }
    }
}

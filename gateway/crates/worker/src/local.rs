//! What one worker itself holds: its sessions' slots, its sockets, its tasks. Everything else is in the store, and any
//! worker could go on with it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use neoron_protocol::SessionId;
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::app::App;

/// How often the worker looks whether a session that it holds was ended by another one.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The same while it drains and waits to be empty.
const LOOK_EVERY_DRAINING: Duration = Duration::from_secs(1);
/// Sessions looked at in one turn, so that a full worker does not read all of them at once.
const LOOK_AT_MOST: usize = 128;

/// A held slot.
struct Slot {
    site: String,
    looked_at: Instant,
}

/// What this worker itself holds.
#[derive(Default)]
pub(crate) struct Local {
    slots: Mutex<HashMap<SessionId, Slot>>,
    /// Turns true once, when the worker begins to leave: sockets say so and go.
    pub(crate) leaving: watch::Sender<bool>,
    /// The end.
    pub(crate) stop: CancellationToken,
    /// Everything that runs in the background.
    pub(crate) tasks: TaskTracker,
}

impl Local {
    fn slots(&self) -> MutexGuard<'_, HashMap<SessionId, Slot>> {
        // A map of plain values: a panic elsewhere cannot leave it half changed.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for a session. `false` if all `capacity` are taken, or the session is being made already.
    pub(crate) fn take(&self, session: SessionId, site: &str, capacity: u32) -> bool {
        let mut slots = self.slots();
        if slots.len() >= usize::try_from(capacity).unwrap_or(usize::MAX) || slots.contains_key(&session) {
            return false;
        }
        slots.insert(session, Slot { site: site.to_owned(), looked_at: Instant::now() });
        true
    }

    /// Takes a slot for a session that goes on already, also beyond the capacity: then no new one gets any until
    /// enough of them are over.
    pub(crate) fn hold(&self, session: SessionId, site: &str) {
        self.slots().entry(session).or_insert_with(|| Slot { site: site.to_owned(), looked_at: Instant::now() });
    }

    /// Slots that are free.
    pub(crate) fn room(&self, capacity: u32) -> u32 {
        capacity.saturating_sub(self.load())
    }

    /// Gives a session's slot back, if this worker holds it.
    pub(crate) fn free(&self, session: SessionId) {
        self.slots().remove(&session);
    }

    /// Slots taken.
    pub(crate) fn load(&self) -> u32 {
        u32::try_from(self.slots().len()).unwrap_or(u32::MAX)
    }

    /// Slots taken, by site.
    pub(crate) fn by_site(&self) -> HashMap<String, i64> {
        let mut sites = HashMap::new();
        for slot in self.slots().values() {
            *sites.entry(slot.site.clone()).or_insert(0) += 1;
        }
        sites
    }

    /// The sessions whose turn it is to be looked at.
    fn due(&self, every: Duration) -> Vec<SessionId> {
        let now = Instant::now();
        let mut slots = self.slots();
        let due = slots.iter_mut().filter(|(_, slot)| now.duration_since(slot.looked_at) >= every);
        due.take(LOOK_AT_MOST)
            .map(|(session, slot)| {
                slot.looked_at = now;
                *session
            })
            .collect()
    }
}

/// Frees the slots of sessions that are over, whoever ended them, and of those that another worker counts because this
/// one seemed dead for a while.
pub(crate) async fn look(app: &App, draining: bool) {
    let every = if draining { LOOK_EVERY_DRAINING } else { LOOK_EVERY };
    for session in app.local.due(every) {
        match app.load(session).await {
            Ok(Some(record)) if !record.state.is_final() => {
                if record.worker != app.id {
                    app.local.free(session);
                }
            }
            Ok(_) => {
                app.local.free(session);
                app.legs.leave(session);
            }
            Err(error) => {
                tracing::debug!(%error, "a session could not be looked at");
                return;
            }
        }
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

    #[tokio::test]
    async fn a_slot_is_given_back_once_and_by_its_session_only() {
        let local = Local::default();
        assert!(local.take(session(1), "a", 2) && local.take(session(2), "b", 2));
        assert!(!local.take(session(3), "a", 2));
        local.free(session(3));
        assert_eq!(local.load(), 2);
        local.free(session(1));
        local.free(session(1));
        assert!(local.take(session(3), "b", 2));
        assert_eq!(local.by_site(), HashMap::from([("b".to_owned(), 2)]));
        assert!(!local.take(session(3), "b", 9), "it has one");
    }

    #[tokio::test]
    async fn a_session_that_is_taken_over_gets_a_slot_of_a_full_worker_and_newcomers_wait() {
        let local = Local::default();
        assert!(local.take(session(1), "a", 1));
        local.hold(session(2), "a");
        local.hold(session(2), "a");
        assert_eq!((local.load(), local.room(1)), (2, 0));
        local.free(session(1));
        assert!(!local.take(session(3), "a", 1));
        local.free(session(2));
        assert!(local.take(session(3), "a", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn each_held_session_is_looked_at_in_its_turn() {
        let local = Local::default();
        local.take(session(1), "a", 9);
        assert!(local.due(LOOK_EVERY).is_empty());
        tokio::time::advance(LOOK_EVERY).await;
        assert_eq!(local.due(LOOK_EVERY), [session(1)]);
        assert!(local.due(LOOK_EVERY).is_empty());
    }
}

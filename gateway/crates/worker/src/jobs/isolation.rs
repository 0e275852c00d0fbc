//! Keeps a job whose worker died over it apart from others. Plain bookkeeping of one worker: no clock, no store.
//!
//! A suspect runs alone of its session, and is the only suspect of its worker: if the worker dies of it, the others that
//! were suspected with it are not suspected more. The jobs that run beside it are of other sessions; one of those is
//! lost with it once, and then runs as a suspect itself, without it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use neoron_protocol::SessionId;

/// What runs at present.
#[derive(Clone, Debug, Default)]
pub(super) struct Isolation(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    /// How many jobs of a session; only sessions with any.
    of_session: HashMap<SessionId, u32>,
    suspect: Option<Suspect>,
}

#[derive(Debug)]
struct Suspect {
    session: Option<SessionId>,
}

impl Isolation {
    /// Lets a job begin; `None` if it must not run now.
    pub(super) fn enter(&self, session: Option<SessionId>, suspect: bool) -> Option<Entered> {
        let mut running = self.running();
        let shared = |it: &Suspect| session.is_some() && it.session == session;
        let busy = session.is_some_and(|session| running.of_session.contains_key(&session));
        let apart = match &running.suspect {
            Some(other) => suspect || shared(other),
            None => suspect && busy,
        };
        if apart {
            return None;
        }
        if suspect {
            running.suspect = Some(Suspect { session });
        }
        if let Some(session) = session {
            *running.of_session.entry(session).or_default() += 1;
        }
        Some(Entered { isolation: self.clone(), session, suspect })
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        // Counts: a panic elsewhere cannot leave them half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job runs for as long as this lives.
#[derive(Debug)]
pub(super) struct Entered {
    isolation: Isolation,
    session: Option<SessionId>,
    suspect: bool,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut running = self.isolation.running();
        if self.suspect {
            running.suspect = None;
        }
        let Some(session) = self.session else { return };
        if let Some(count) = running.of_session.get_mut(&session) {
            *count -= 1;
            if *count == 0 {
                running.of_session.remove(&session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use neoron_protocol::UnixMillis;
    use proptest::prelude::*;

    use super::*;

    fn session(number: u8) -> SessionId {
        SessionId::new(UnixMillis(1), [number; 10])
    }

    #[test]
    fn a_suspect_runs_alone_of_its_session_and_alone_of_its_kind() {
        let isolation = Isolation::default();
        let enter = |number, suspect| isolation.enter(Some(session(number)), suspect);
        let usual = enter(1, false).unwrap();
        assert!(enter(1, true).is_none(), "something of its session runs");
        let suspect = enter(2, true).unwrap();
        assert!(enter(2, false).is_none(), "a suspect of its session runs");
        assert!(enter(3, true).is_none(), "a suspect runs");
        let other = enter(3, false).unwrap();
        drop(suspect);
        let _second = enter(2, false).unwrap();
        drop((usual, other));
        assert!(enter(1, true).is_some());
    }

    #[test]
    fn jobs_without_a_session_have_only_their_suspicion_in_common() {
        let isolation = Isolation::default();
        let _usual = isolation.enter(None, false).unwrap();
        let _suspect = isolation.enter(None, true).unwrap();
        assert!(isolation.enter(None, false).is_some());
        assert!(isolation.enter(None, true).is_none());
    }

    proptest! {
        #[test]
        fn whatever_runs_and_ends_a_suspect_is_alone(
            steps in prop::collection::vec((any::<bool>(), 0u8..4, any::<bool>(), any::<prop::sample::Index>()), 0..100),
        ) {
            let isolation = Isolation::default();
            let mut inside: Vec<(u8, Entered)> = Vec::new();
            for (enters, number, suspect, which) in steps {
                if enters {
                    inside.extend(isolation.enter(Some(session(number)), suspect).map(|it| (number, it)));
                } else if !inside.is_empty() {
                    inside.swap_remove(which.index(inside.len()));
                }
                let suspects: Vec<u8> = inside.iter().filter(|(_, it)| it.suspect).map(|(number, _)| *number).collect();
                prop_assert!(suspects.len() <= 1);
                for number in suspects {
                    prop_assert_eq!(inside.iter().filter(|(of, _)| *of == number).count(), 1);
                }
            }
            inside.clear();
            prop_assert!(isolation.running().of_session.is_empty() && isolation.running().suspect.is_none());
        }
    }
}

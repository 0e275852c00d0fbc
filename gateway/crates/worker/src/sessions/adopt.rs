//! Who counts a session. Its record names the worker that does; when that one has died, the first other one that
//! touches the session takes it over, so that every live call is counted once again and a full worker knows it is full.
//!
//! Nothing of the session is moved: its state is in the store, and any worker could serve it all along.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use neoron_protocol::WorkerId;
use neoron_store::SharedStore;
use tokio::time::Instant;

use crate::{app::App, record::Record};

/// How old the list of workers may be. They beat every second.
const FRESH: Duration = Duration::from_secs(1);

/// Whether a worker takes a session over: it goes on, and the one that counts it beats no more. A list that does not
/// even name ourselves is not believed: the registry was lost, not its workers.
fn is_orphan(record: &Record, own: WorkerId, alive: &HashSet<WorkerId>) -> bool {
    !record.state.is_final() && record.worker != own && alive.contains(&own) && !alive.contains(&record.worker)
}

/// The workers that beat, as they were seen last.
#[derive(Default)]
pub(crate) struct Peers {
    seen: Mutex<Option<(Instant, Arc<HashSet<WorkerId>>)>>,
}

impl Peers {
    fn fresh(&self) -> Option<Arc<HashSet<WorkerId>>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, alive)| alive.clone())
    }

    /// Who beats. `None` if the store does not say: then nobody counts as dead.
    async fn alive(&self, store: &SharedStore) -> Option<Arc<HashSet<WorkerId>>> {
        if let Some(alive) = self.fresh() {
            return Some(alive);
        }
        let beats = store.workers().await.ok()?;
        let alive = Arc::new(beats.into_iter().map(|beat| beat.worker).collect());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&alive)));
        Some(alive)
    }
}

/// This worker serves a session: it takes it over beside its work if nobody counts it.
pub(crate) fn touch(app: &Arc<App>, record: &Record) {
    let known = |alive: Arc<HashSet<WorkerId>>| !is_orphan(record, app.id, &alive);
    if record.worker == app.id || record.state.is_final() || app.peers.fresh().is_some_and(known) {
        return;
    }
    let (app, record) = (app.clone(), record.clone());
    let tasks = app.local.tasks.clone();
    tasks.spawn(async move { adopt(&app, &record).await });
}

/// Takes a session over if nobody counts it.
pub(crate) async fn adopt(app: &Arc<App>, record: &Record) {
    if record.worker == app.id || record.state.is_final() {
        return;
    }
    let Some(alive) = app.peers.alive(&app.store).await else { return };
    if !is_orphan(record, app.id, &alive) {
        return;
    }
    let session = record.session;
    let adopted = app.step(session, |record, _| {
        let orphan = is_orphan(record, app.id, &alive);
        if orphan {
            record.worker = app.id;
        }
        orphan
    });
    match adopted.await {
        Ok(done) if done.value => {
            app.local.hold(session, &done.record.site);
            tracing::info!(%session, "a session of a worker that is gone is counted here");
        }
        Ok(_) => {}
        // Whoever touches it next tries again.
        Err(error) => tracing::debug!(%session, %error, "a session could not be taken over"),
    }
}

#[cfg(test)]
mod tests {
    use neoron_protocol::{UnixMillis, session::State};

    use super::*;
    use crate::ledger::samples;

    fn worker(number: u8) -> WorkerId {
        WorkerId::new(UnixMillis(1), [number; 10])
    }

    #[test]
    fn only_a_live_session_of_a_dead_worker_is_an_orphan() {
        let mut record = samples::record();
        record.worker = worker(1);
        let both = HashSet::from([worker(1), worker(2)]);
        let (second, nobody) = (HashSet::from([worker(2)]), HashSet::new());
        assert!(is_orphan(&record, worker(2), &second));
        assert!(!is_orphan(&record, worker(2), &both), "its worker beats");
        assert!(!is_orphan(&record, worker(1), &HashSet::from([worker(1)])), "it is our own");
        assert!(!is_orphan(&record, worker(2), &nobody), "the list knows nobody, not even us");
        record.state = State::Completed;
        assert!(!is_orphan(&record, worker(2), &second), "it is over");
    }
}

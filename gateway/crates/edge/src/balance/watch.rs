//! Keeps the roster true: reads the registry twice a second, and asks every worker now and then whether it is well.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use neoron_protocol::WorkerId;
use neoron_store::Beat;
use pingora_core::{
    server::{ListenFds, ShutdownWatch},
    services::Service,
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Worker, health::Health, probe::probe, roster::Snapshot};
use crate::{entropy, world::World};

/// Workers that are watched; the registry is ours, but a bound is a bound.
const WORKERS_AT_MOST: usize = 1_024;
/// How long the registry may take to answer.
const REGISTRY_PATIENCE: Duration = Duration::from_secs(2);

/// The service that does it.
pub(crate) struct Watch {
    world: Arc<World>,
    known: HashMap<WorkerId, Known>,
}

#[derive(Clone, Copy)]
struct Known {
    health: Health,
    check_at: Instant,
}

impl Watch {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world, known: HashMap::new() }
    }

    /// One turn: the registry, then the checks that are due. Newcomers are checked at once.
    async fn turn(&mut self) {
        self.take_doubts();
        let beats = match timeout(REGISTRY_PATIENCE, self.world.store.workers()).await {
            Ok(Ok(beats)) => beats,
            Ok(Err(error)) => return self.keep_what_is_known(&error.to_string()),
            Err(_) => return self.keep_what_is_known("the registry did not answer in time"),
        };
        let beats: Vec<Beat> = beats.into_iter().take(WORKERS_AT_MOST).collect();
        self.known.retain(|id, _| beats.iter().any(|beat| beat.worker == *id));
        self.publish(&beats);
        if self.check(&beats).await {
            self.publish(&beats);
        }
    }

    /// A request that could not reach a worker is a check that failed.
    fn take_doubts(&mut self) {
        for worker in self.world.roster.workers() {
            let Some(known) = self.known.get_mut(&worker.id) else { continue };
            if known.health.is_well() && !worker.is_healthy() {
                *known = Known { health: known.health.doubted(), check_at: Instant::now() };
            }
        }
    }

    /// Without the registry the last known workers are the best guess there is: a store that is gone for a moment
    /// must not hang up on anybody.
    fn keep_what_is_known(&self, error: &str) {
        tracing::warn!(error, "the registry of workers cannot be read");
        let workers = self.world.roster.workers();
        self.world.roster.replace(Snapshot { workers, store_answers: false });
    }

    fn publish(&self, beats: &[Beat]) {
        let well = |id: &WorkerId| self.known.get(id).is_some_and(|known| known.health.is_well());
        let workers: Vec<_> = beats.iter().map(|beat| Arc::new(Worker::new(beat, well(&beat.worker)))).collect();
        let healthy = workers.iter().filter(|worker| worker.is_healthy()).count();
        self.world.metrics.workers(healthy, workers.len() - healthy);
        self.world.roster.replace(Snapshot { workers, store_answers: true });
    }

    /// Checks, all at the same time, whoever is due. `true` if anybody was.
    async fn check(&mut self, beats: &[Beat]) -> bool {
        let settings = &self.world.config.workers;
        let now = Instant::now();
        let mut checks = JoinSet::new();
        for beat in beats {
            if self.known.get(&beat.worker).is_some_and(|known| known.check_at > now) {
                continue;
            }
            let (world, address, id) = (Arc::clone(&self.world), beat.address, beat.worker);
            let limit = settings.check_timeout;
            checks.spawn(async move { (id, probe(address, world.config.worker_key.expose(), limit).await) });
        }
        let any = !checks.is_empty();
        while let Some(done) = checks.join_next().await {
            let Ok((id, good)) = done else { continue };
            let before = self.known.get(&id).map(|known| known.health).unwrap_or_default();
            let health = before.after(good);
            if before.is_well() != health.is_well() {
                tracing::info!(worker = %id, well = health.is_well(), "a worker's health changed");
            }
            // A sick one is looked at with every turn: it is wanted back.
            let pause = if health.is_well() && good { settings.check_every } else { settings.refresh_every };
            let check_at = Instant::now() + pause + entropy::part_of(settings.check_jitter);
            self.known.insert(id, Known { health, check_at });
        }
        any
    }
}

#[async_trait]
impl Service for Watch {
    async fn start_service(&mut self, _fds: Option<ListenFds>, mut shutdown: ShutdownWatch, _listeners: usize) {
        loop {
            self.turn().await;
            let world = Arc::clone(&self.world);
            tokio::select! {
                () = tokio::time::sleep(world.config.workers.refresh_every) => {}
                () = world.roster.doubt.notified() => {}
                _ = shutdown.changed() => return,
            }
        }
    }

    fn name(&self) -> &str {
        "edge-watch"
    }

    fn threads(&self) -> Option<usize> {
        Some(1)
    }
}

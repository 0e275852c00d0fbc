//! The workers as they were seen last. Readers take a snapshot without a lock; the watch replaces it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use arc_swap::ArcSwap;
use neoron_protocol::WorkerId;
use neoron_store::Beat;
use tokio::sync::Notify;

use super::{Choice, Wanted, choose::choose};

/// A worker of one snapshot.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) address: SocketAddr,
    pub(crate) load: u32,
    pub(crate) capacity: u32,
    pub(crate) draining: bool,
    /// Sessions this edge has sent there since the beat that `load` comes from.
    sent: AtomicU32,
    healthy: AtomicBool,
}

impl Worker {
    pub(super) fn new(beat: &Beat, healthy: bool) -> Self {
        Self {
            id: beat.worker,
            address: beat.address,
            load: beat.load,
            capacity: beat.capacity,
            draining: beat.draining,
            sent: AtomicU32::new(0),
            healthy: AtomicBool::new(healthy),
        }
    }

    /// Sessions it can still take, as far as is known.
    pub(crate) fn room(&self) -> u32 {
        self.capacity.saturating_sub(self.load).saturating_sub(self.sent.load(Ordering::Relaxed))
    }

    /// Whether it answers.
    pub(crate) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// It did not answer.
    pub(super) fn fail(&self) {
        self.healthy.store(false, Ordering::Relaxed);
    }
}

/// What is known of the registry.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) workers: Vec<Arc<Worker>>,
    /// Whether the store answered the last time it was asked.
    pub(super) store_answers: bool,
}

/// The workers.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    snapshot: ArcSwap<Snapshot>,
    /// Somebody failed: check now.
    pub(super) doubt: Notify,
}

impl Roster {
    /// Chooses a worker; see [`Wanted`].
    pub(crate) fn choose(&self, wanted: Wanted, tried: &[Arc<Worker>], chance: u64) -> Choice {
        let choice = choose(&self.snapshot.load().workers, wanted, tried, chance);
        if let (Wanted::Room, Choice::Worker(worker)) = (wanted, &choice) {
            worker.sent.fetch_add(1, Ordering::Relaxed);
        }
        choice
    }

    /// A worker could not be reached: it gets nothing until a check finds it well.
    pub(crate) fn suspect(&self, worker: &Arc<Worker>) {
        for known in self.snapshot.load().workers.iter().filter(|known| known.id == worker.id) {
            known.fail();
        }
        self.doubt.notify_one();
    }

    /// Everybody, for the operators.
    pub(crate) fn workers(&self) -> Vec<Arc<Worker>> {
        self.snapshot.load().workers.clone()
    }

    /// Whether the store answered the last time it was asked.
    pub(crate) fn store_answers(&self) -> bool {
        self.snapshot.load().store_answers
    }

    pub(super) fn replace(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }
}

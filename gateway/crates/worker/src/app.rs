//! What every part of a worker shares, and the one way a session changes.

mod random;
mod step;

use std::sync::Arc;

use neoron_protocol::{UnixMillis, WorkerId};
use neoron_store::{Clock, SharedStore};
pub use random::{Random, SystemRandom};
#[cfg(test)]
pub(crate) use step::event;
pub(crate) use step::{Step, StepError, new_job, read};

use crate::{config::WorkerConfig, erpnext, local::Local, metrics::Metrics, sessions::Peers, tools::Tools, ultravox};

/// Shared by all handlers and tasks of one worker.
pub(crate) struct App {
    pub(crate) id: WorkerId,
    pub(crate) config: WorkerConfig,
    pub(crate) store: SharedStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) metrics: Metrics,
    /// Tool specifications, compiled: schemas and templates.
    pub(crate) tools: Tools,
    /// The business system.
    pub(crate) erpnext: erpnext::Client,
    /// The voice service.
    pub(crate) ultravox: ultravox::Client,
    /// Text legs of the calls that this worker joined for its visitors.
    pub(crate) legs: ultravox::Legs,
    /// The workers that beat.
    pub(crate) peers: Peers,
    /// Refuses new sessions once set.
    pub(crate) draining: std::sync::atomic::AtomicBool,
    /// What this worker itself holds: slots, sockets, tasks.
    pub(crate) local: Local,
}

impl App {
    /// Now.
    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }
}

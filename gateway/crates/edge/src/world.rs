//! What every part of the edge may look at: settings, the clock, the keys, the store, the workers, the counters. It
//! decides nothing.

use std::sync::Arc;

use arc_swap::ArcSwap;
use neoron_protocol::{RequestId, grant::KeyRing};
use neoron_store::{Clock, SharedStore};

use crate::{
    EdgeConfig, MoreMetrics, balance::Roster, clients::Clients, connections::Connections, demand::Demand, drain::Drain,
    entropy, head::HeadLimits, metrics::Metrics, proof::Prover, static_files::Files,
};

/// The shared parts.
pub(crate) struct World {
    pub(crate) config: EdgeConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Arc<ArcSwap<KeyRing>>,
    pub(crate) store: SharedStore,
    pub(crate) roster: Roster,
    pub(crate) clients: Clients,
    pub(crate) demand: Demand,
    pub(crate) prover: Prover,
    pub(crate) connections: Arc<Connections>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) files: Files,
    pub(crate) metrics: Metrics,
    pub(crate) more_metrics: Option<MoreMetrics>,
}

impl World {
    /// A name for a request that just came.
    pub(crate) fn new_request(&self) -> RequestId {
        RequestId::new(self.clock.now(), entropy::bytes())
    }

    /// How large a head may be.
    pub(crate) fn head_limits(&self) -> HeadLimits {
        HeadLimits { bytes: self.config.max_head_bytes, headers: self.config.max_headers }
    }
}

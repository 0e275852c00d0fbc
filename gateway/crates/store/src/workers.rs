//! The registry of workers: who is there, where, and with how much room.

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use neoron_protocol::WorkerId;

use crate::StoreError;

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Who.
    pub worker: WorkerId,
    /// Where it listens for the edge.
    pub address: SocketAddr,
    /// Sessions it holds.
    pub load: u32,
    /// Sessions it takes at most.
    pub capacity: u32,
    /// It takes no new sessions.
    pub draining: bool,
}

/// The registry.
#[async_trait]
pub trait Workers: Send + Sync {
    /// Tells that a worker is alive; it is forgotten after `ttl` without another beat.
    async fn beat(&self, beat: Beat, ttl: Duration) -> Result<(), StoreError>;

    /// All that are alive, by id.
    async fn workers(&self) -> Result<Vec<Beat>, StoreError>;

    /// A worker leaves.
    async fn leave(&self, worker: WorkerId) -> Result<(), StoreError>;
}

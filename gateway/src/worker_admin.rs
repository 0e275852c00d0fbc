//! The operators' port of a process that runs workers only: is it alive, is it ready, what does it count. Read only.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use neoron_store::SharedStore;
use neoron_worker::Counters;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::exposition;

/// A store that takes longer to answer does not answer.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// A running listener.
pub(crate) struct WorkerAdmin {
    address: SocketAddr,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Shown {
    counters: Arc<OnceLock<Vec<Counters>>>,
    store: SharedStore,
}

impl WorkerAdmin {
    /// Starts it.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub(crate) async fn start(
        address: SocketAddr,
        counters: Arc<OnceLock<Vec<Counters>>>,
        store: SharedStore,
    ) -> Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("worker.admin: {address} cannot be listened on"))?;
        let address = listener.local_addr().context("worker.admin has no address")?;
        let router = Router::new()
            .route("/livez", get(|| async { Json(json!({"status": "alive"})) }))
            .route("/readyz", get(readiness))
            .route("/metrics", get(metrics))
            .with_state(Shown { counters, store });
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the operators' port stopped serving");
            }
        });
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it at once.
    pub(crate) fn stop(self) {
        self.task.abort();
    }
}

/// Ready while it can serve: the store answers and no worker is leaving. ERPNext and the voice service are not asked.
async fn readiness(State(shown): State<Shown>) -> (StatusCode, Json<Value>) {
    let asked = tokio::time::timeout(STORE_PATIENCE, shown.store.workers()).await;
    let store = matches!(asked, Ok(Ok(_)));
    let draining = shown.counters.get().into_iter().flatten().any(Counters::is_draining);
    let status = match (draining, store) {
        (true, _) => "draining",
        (false, true) => "ready",
        (false, false) => "degraded",
    };
    let code = if status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({"status": status, "store": store})))
}

async fn metrics(State(shown): State<Shown>, headers: HeaderMap) -> impl IntoResponse {
    let text = exposition::of_process(shown.counters.get().map_or(&[], Vec::as_slice)) + "# EOF\n";
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let (kind, text) = neoron_telemetry::exposition::negotiated(accept, text);
    ([(header::CONTENT_TYPE, kind)], text)
}

//! `neoron run`: opens the store, starts the edge and the workers, and ends them in peace.
//!
//! This is the only place where the parts are put together; it holds none of their logic.

use std::{
    net::Ipv4Addr,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use neoron_edge::{Edge, EdgeDeps, EdgeHandle};
use neoron_store::{EmbeddedStore, SystemClock, embedded};
use neoron_worker::{Counters, Deps, SystemRandom, Worker};
use tokio::net::TcpListener;

use crate::{
    Failure,
    cli::Role,
    config::{self, Config, Sources},
    exposition, logs, out, random,
    stop::Signals,
};

/// `neoron run`.
pub(crate) fn command(role: Role, sources: &Sources) -> Result<(), Failure> {
    let config = config::load(sources)?;
    if role != Role::All {
        let name = if role == Role::Gateway { "gateway" } else { "worker" };
        return Err(Failure::Setup(format!(
            "--role {name} needs a store that several processes share, but the embedded store serves one process: run \
             `neoron run` without --role, and set gateway.workers for more workers"
        )));
    }
    logs::start(&config.log_level, config.log_json)?;
    runtime()?.block_on(run(config))
}

/// The runtime of the workers, the store's callers and the jobs; the edge brings its own threads.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the async runtime cannot be started")
}

async fn run(config: Config) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let path = config.store.clone();
    let store = open_store(&path)?;
    let sites: Vec<String> = config.keys.ids().map(str::to_owned).collect();
    let patience = config.drain;
    let gateway = Gateway::start(config, store, false).await?;
    out::line(format!("Neoron Voice {} is running.", env!("CARGO_PKG_VERSION")));
    out::line(format!("  public   http://{}", gateway.edge.public_address()));
    out::line(format!("  admin    http://{}", gateway.edge.admin_address()));
    out::line(format!("  store    {}", path.display()));
    out::line(format!("  workers  {}", gateway.workers.len()));
    out::line(format!("  sites    {}", sites.join(", ")));
    let signal = signals.next().await;
    tracing::info!(signal, "draining; a second signal stops at once");
    tokio::select! {
        () = gateway.drain(patience) => {}
        again = signals.next() => tracing::warn!(signal = again, "stopping at once"),
    }
    gateway.stop().await;
    Ok(())
}

/// Opens the store, with its folder.
pub(crate) fn open_store(path: &Path) -> Result<Arc<EmbeddedStore>> {
    use std::os::unix::fs::DirBuilderExt as _;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // It holds personal data: only its owner enters.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    let opened = EmbeddedStore::open(path, embedded::Options::default(), Arc::new(SystemClock));
    Ok(Arc::new(opened.with_context(|| format!("the store {} cannot be opened", path.display()))?))
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) edge: EdgeHandle,
    pub(crate) workers: Vec<Worker>,
    store: Arc<EmbeddedStore>,
}

impl Gateway {
    /// Starts everything. The edge comes first, because its port may be chosen by the system; it is not ready until a
    /// worker is there. With `own_address` the edge's address is also the public URL.
    ///
    /// # Errors
    /// If a part does not start; nothing is left running then.
    pub(crate) async fn start(mut config: Config, store: Arc<EmbeddedStore>, own_address: bool) -> Result<Self> {
        if config.edge_key_missing {
            config.set_edge_key(&random::token());
        }
        // Known once the workers are there; they come after the edge.
        let counters: Arc<OnceLock<Vec<Counters>>> = Arc::default();
        let shown = counters.clone();
        let metrics = move || {
            let workers = shown.get().into_iter().flatten();
            exposition::merge(workers.map(|counters| (counters.worker().to_string(), counters.text())))
        };
        let deps = EdgeDeps {
            more_metrics: Some(Arc::new(metrics)),
            store: store.clone(),
            clock: Arc::new(SystemClock),
            keys: Arc::new(ArcSwap::from_pointee(config.keys.clone())),
        };
        let edge_config = config.edge.clone();
        let edge = tokio::task::spawn_blocking(move || Edge::start(edge_config, deps))
            .await
            .context("the edge failed while it started")?
            .context("the edge cannot be started")?;
        if own_address {
            config.worker.public_url = format!("http://{}", edge.public_address());
        }
        let mut workers = Vec::with_capacity(config.workers);
        for _ in 0..config.workers {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port for a worker")?;
            let deps = Deps { store: store.clone(), clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
            let worker = Worker::start(config.worker.clone(), deps, listener).await;
            workers.push(worker.context("a worker cannot be started")?);
        }
        counters.set(workers.iter().map(Worker::counters).collect()).ok();
        Ok(Self { edge, workers, store })
    }

    /// Takes no new calls and waits until the running ones have ended, at most this long.
    pub(crate) async fn drain(&self, patience: Duration) {
        let workers = async {
            for worker in &self.workers {
                worker.drain().await;
            }
        };
        let all = async { tokio::join!(self.edge.drain(), workers) };
        match tokio::time::timeout(patience, all).await {
            Ok((drained, ())) if drained.left == 0 => tracing::info!("drained"),
            _ => tracing::warn!("the time to drain is over; what is left goes on after the next start"),
        }
    }

    /// Stops everything at once. What was promised is in the store.
    pub(crate) async fn stop(self) {
        self.edge.stop().await;
        for worker in self.workers {
            worker.stop().await;
        }
        let store = self.store;
        // Closing waits for the writer's last commit.
        if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
            tracing::warn!(%error, "the store could not be closed");
        }
    }
}

/// A client for commands: no proxies, no redirects, one deadline for everything.
pub(crate) fn http_client(timeout: Duration) -> Result<reqwest::Client> {
    // Fails only when a provider is installed already, which serves as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(timeout);
    builder.build().context("the HTTP client cannot be built")
}

//! `neoron run`: opens the store, starts the edge and the workers, or one of the two, and ends them in peace.
//!
//! This is the only place where the parts are put together; it holds none of their logic.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use neoron_edge::{Edge, EdgeDeps, EdgeHandle};
use neoron_store::SystemClock;
use neoron_telemetry::Telemetry;
use neoron_worker::{Counters, Deps, SystemRandom, Worker};
use tokio::net::TcpListener;

use crate::{
    Failure,
    cli::Role,
    config::{self, Config, Sources},
    exposition, logs, out, random,
    stop::Signals,
    store::Opened,
    worker_admin::WorkerAdmin,
};

/// `neoron run`.
pub(crate) fn command(role: Role, until_eof: bool, sources: &Sources) -> Result<(), Failure> {
    let config = config::load(sources)?;
    check_role(role, &config)?;
    let runtime = runtime()?;
    let telemetry = match &config.telemetry {
        Some(options) => Some(Telemetry::start(options, runtime.handle().clone()).context("telemetry")?),
        None => None,
    };
    logs::start(&config.log_level, config.log_json, telemetry.as_ref())?;
    let ended = runtime.block_on(run(role, until_eof, config));
    // The last spans of a process that leaves in peace; those of one that is killed are lost.
    telemetry.inspect(Telemetry::finish);
    ended
}

/// Processes that run one of the parts need what they share.
fn check_role(role: Role, config: &Config) -> Result<(), Failure> {
    let name = match role {
        Role::All => return Ok(()),
        Role::Gateway => "gateway",
        Role::Worker => "worker",
    };
    if !config.store.is_shared() {
        return Err(Failure::Setup(format!(
            "--role {name} needs a store that several processes share, but the embedded store serves one process: set \
             store.url to a Redis, or run `neoron run` without --role and set gateway.workers for more workers"
        )));
    }
    if config.edge_key_missing {
        return Err(Failure::Setup(format!(
            "--role {name} needs edge.key, the same for all gateways and workers: by it they know each other"
        )));
    }
    Ok(())
}

/// The runtime of the workers, the store's callers and the jobs; the edge brings its own threads.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the async runtime cannot be started")
}

async fn run(role: Role, until_eof: bool, config: Config) -> Result<(), Failure> {
    let mut signals = Signals::listen(until_eof)?;
    let opened = tokio::select! {
        opened = config.store.open() => opened?,
        _ = signals.next() => return Ok(()),
    };
    let (place, patience) = (config.store.describe(), config.drain);
    let sites: Vec<String> = config.keys.ids().map(str::to_owned).collect();
    let gateway = Gateway::start(config, opened, role, false).await?;
    out::line(format!("Neoron Voice {} is running.", env!("CARGO_PKG_VERSION")));
    for (name, value) in gateway.whereabouts() {
        out::line(format!("  {name:<8} {value}"));
    }
    out::line(format!("  store    {place}"));
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

/// A running gateway, or the part of it that this process runs.
pub(crate) struct Gateway {
    edge: Option<EdgeHandle>,
    workers: Vec<Worker>,
    admin: Option<WorkerAdmin>,
    store: Opened,
}

impl Gateway {
    /// Starts what the role names. The edge comes first, because its port may be chosen by the system; it is not ready
    /// until a worker is there. With `own_address` the edge's address is also the public URL.
    ///
    /// # Errors
    /// If a part does not start; nothing is left running then.
    pub(crate) async fn start(mut config: Config, store: Opened, role: Role, own_address: bool) -> Result<Self> {
        if config.edge_key_missing {
            config.set_edge_key(&random::token());
        }
        // Known once the workers are there; they come after the edge.
        let counters: Arc<OnceLock<Vec<Counters>>> = Arc::default();
        let edge = match role {
            Role::All | Role::Gateway => Some(start_edge(&config, &store, counters.clone()).await?),
            Role::Worker => None,
        };
        if let (Some(edge), true) = (&edge, own_address) {
            config.worker.public_url = format!("http://{}", edge.public_address());
        }
        let workers = if role == Role::Gateway { Vec::new() } else { start_workers(&config, &store).await? };
        counters.set(workers.iter().map(Worker::counters).collect()).ok();
        let admin = match (role, config.worker_admin) {
            (Role::Worker, Some(address)) => Some(WorkerAdmin::start(address, counters, store.shared()).await?),
            _ => None,
        };
        Ok(Self { edge, workers, admin, store })
    }

    /// Where clients connect, if this process has an edge.
    pub(crate) fn public_address(&self) -> Option<SocketAddr> {
        self.edge.as_ref().map(EdgeHandle::public_address)
    }

    /// Where operators connect.
    pub(crate) fn admin_address(&self) -> Option<SocketAddr> {
        self.edge.as_ref().map(EdgeHandle::admin_address).or(self.admin.as_ref().map(WorkerAdmin::address))
    }

    /// What an operator wants to see at the start, by name.
    fn whereabouts(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        lines.extend(self.public_address().map(|address| ("public", format!("http://{address}"))));
        lines.extend(self.admin_address().map(|address| ("admin", format!("http://{address}"))));
        if !self.workers.is_empty() {
            let each = self.workers.iter().map(|worker| format!("{} at {}", worker.id(), worker.address()));
            lines.push(("workers", each.collect::<Vec<_>>().join(", ")));
        }
        lines
    }

    /// Takes no new calls and waits until the running ones have ended, at most this long.
    pub(crate) async fn drain(&self, patience: Duration) {
        let workers = async {
            for worker in &self.workers {
                worker.drain().await;
            }
        };
        let edge = async {
            match &self.edge {
                Some(edge) => edge.drain().await.left,
                None => 0,
            }
        };
        match tokio::time::timeout(patience, async { tokio::join!(edge, workers) }).await {
            Ok((0, ())) => tracing::info!("drained"),
            _ => tracing::warn!("the time to drain is over; what is left goes on elsewhere, or after the next start"),
        }
    }

    /// Stops everything at once. What was promised is in the store.
    pub(crate) async fn stop(self) {
        if let Some(edge) = self.edge {
            edge.stop().await;
        }
        if let Some(admin) = self.admin {
            admin.stop();
        }
        for worker in self.workers {
            worker.stop().await;
        }
        self.store.close().await;
    }
}

async fn start_edge(config: &Config, store: &Opened, counters: Arc<OnceLock<Vec<Counters>>>) -> Result<EdgeHandle> {
    let metrics = move || exposition::of_process(counters.get().map_or(&[], Vec::as_slice));
    let deps = EdgeDeps {
        more_metrics: Some(Arc::new(metrics)),
        store: store.shared(),
        clock: Arc::new(SystemClock),
        keys: Arc::new(ArcSwap::from_pointee(config.keys.clone())),
    };
    let edge = config.edge.clone();
    tokio::task::spawn_blocking(move || Edge::start(edge, deps))
        .await
        .context("the edge failed while it started")?
        .context("the edge cannot be started")
}

async fn start_workers(config: &Config, store: &Opened) -> Result<Vec<Worker>> {
    let mut workers = Vec::with_capacity(config.workers);
    for _ in 0..config.workers {
        let address = config.worker_listen;
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("worker.listen: {address} cannot be listened on"))?;
        let deps = Deps { store: store.shared(), clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
        let worker = Worker::start(config.worker.clone(), deps, listener).await;
        workers.push(worker.context("a worker cannot be started")?);
    }
    Ok(workers)
}

/// A client for commands: no proxies, no redirects, one deadline for everything.
pub(crate) fn http_client(timeout: Duration) -> Result<reqwest::Client> {
    // Fails only when a provider is installed already, which serves as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(timeout);
    builder.build().context("the HTTP client cannot be built")
}

//! Starting and ending the edge.
//!
//! Pingora's `Server` runs on a thread of its own and makes its own runtimes. It gets sockets that are bound already,
//! so that a taken port is an error here and not a panic there; and a shutdown signal of our own, which comes only when
//! the process is empty.

mod bound;

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use neoron_protocol::grant::KeyRing;
use neoron_store::{Clock, SharedStore};
use pingora_core::server::{RunArgs, Server, ShutdownSignal, ShutdownSignalWatch, configuration::ServerConf};
use tempfile::TempDir;
use tokio::sync::oneshot;

use self::bound::Bound;
use crate::{
    EdgeConfig,
    admin::Admin,
    balance::{Roster, Watch},
    clients::Clients,
    connection::Front,
    connections::Connections,
    demand::Demand,
    drain::{Drain, Drained, LAST_REQUESTS, Phase},
    metrics::Metrics,
    proof::Prover,
    proxy::Proxy,
    static_files::{Files, LoadError},
    world::World,
};

/// How long services may take to come up; they have nothing to wait for.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// How often a drain looks whether the kept connections are gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the edge is given.
#[derive(Clone)]
pub struct EdgeDeps {
    /// Workers, limits and burned grants.
    pub store: SharedStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The sites and their keys; replaced while running.
    pub keys: Arc<ArcSwap<KeyRing>>,
    /// Counters of others in this process, shown on `/metrics` after the edge's own.
    pub more_metrics: Option<MoreMetrics>,
}

/// Gives counters in the text format of OpenMetrics, without its closing line.
pub type MoreMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Why the edge does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings out of their bounds, all of them.
    #[error("the edge's settings are wrong: {}", .0.join("; "))]
    Settings(Vec<&'static str>),
    /// An address that cannot be listened on.
    #[error("{address} cannot be listened on")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The popup's folder cannot be served.
    #[error("the widget folder cannot be served")]
    Widget(#[source] LoadError),
    /// No thread or private folder could be made.
    #[error("the edge's server cannot be set up")]
    Setup(#[source] io::Error),
    /// The services did not come up.
    #[error("the edge's services did not come up")]
    Services,
}

/// The edge.
#[derive(Debug)]
pub struct Edge;

impl Edge {
    /// Starts the edge; returns when it takes connections. Blocks for some milliseconds: it reads the widget's folder.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start(config: EdgeConfig, deps: EdgeDeps) -> Result<EdgeHandle, StartError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(StartError::Settings(problems));
        }
        let files = match &config.widget_dir {
            Some(folder) => Files::load(folder).map_err(StartError::Widget)?,
            None => Files::default(),
        };
        let (public, public_address) = listen(config.listen)?;
        let (admin, admin_address) = listen(config.admin_listen)?;
        // Pingora would put both paths into the shared temporary folder, where anybody may wait for them.
        let private = tempfile::Builder::new().prefix("neoron-edge-").tempdir().map_err(StartError::Setup)?;
        let world = Arc::new(World {
            clients: Clients::new(config.limits.address, config.limits.tracked_addresses),
            connections: Arc::new(Connections::new(config.max_connections, config.max_connections_per_address)),
            drain: Arc::new(Drain::new()),
            roster: Roster::default(),
            demand: Demand::default(),
            prover: Prover::new(config.worker_key.expose()),
            metrics: Metrics::new(),
            clock: deps.clock,
            keys: deps.keys,
            store: deps.store,
            more_metrics: deps.more_metrics,
            files,
            config,
        });
        let (ready_sender, ready) = std::sync::mpsc::sync_channel(2);
        let (over_sender, over) = oneshot::channel();
        let inner = Arc::clone(&world);
        let run = move || {
            serve(&inner, (public, admin), &ready_sender, &private);
            // Nobody may be waiting any more.
            let _ = over_sender.send(());
        };
        thread::Builder::new().name("edge-server".to_owned()).spawn(run).map_err(StartError::Setup)?;
        let handle = EdgeHandle { world, public: public_address, admin: admin_address, over: Some(over) };
        for _service in 0..2 {
            // An error drops the handle, which ends the server.
            ready.recv_timeout(START_PATIENCE).map_err(|_| StartError::Services)?;
        }
        Ok(handle)
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Runs Pingora's server until it is told to end.
fn serve(
    world: &Arc<World>,
    (public, admin): (TcpListener, TcpListener),
    ready: &std::sync::mpsc::SyncSender<()>,
    private: &TempDir,
) {
    let path = |name: &str| private.path().join(name).to_string_lossy().into_owned();
    let conf = ServerConf {
        threads: world.config.threads,
        pid_file: path("edge.pid"),
        upgrade_sock: path("upgrade.sock"),
        // Our own drain is over when Pingora hears of the end; its grace would be slept in full even when idle.
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        upstream_keepalive_pool_size: 1_024,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    let proxy = pingora_proxy::http_proxy(&server.configuration, Proxy::new(Arc::clone(world)));
    let front = Front::new(Arc::clone(world), proxy);
    server.add_service(Bound::new("edge-public", public, front, None, ready.clone()));
    server.add_service(Bound::new("edge-admin", admin, Admin::new(Arc::clone(world)), Some(1), ready.clone()));
    server.add_service(Watch::new(Arc::clone(world)));
    server.run(RunArgs { shutdown_signal: Box::new(Stop(Arc::clone(&world.drain))) });
}

/// Tells Pingora to end when the edge has stopped. Signals of the process are the gateway's to hear.
struct Stop(Arc<Drain>);

#[async_trait]
impl ShutdownSignalWatch for Stop {
    async fn recv(&self) -> ShutdownSignal {
        self.0.phases().stopped().await;
        ShutdownSignal::GracefulTerminate
    }
}

/// A running edge. Dropping it ends it at once.
pub struct EdgeHandle {
    world: Arc<World>,
    public: SocketAddr,
    admin: SocketAddr,
    over: Option<oneshot::Receiver<()>>,
}

impl fmt::Debug for EdgeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (public, admin) = (self.public, self.admin);
        f.debug_struct("EdgeHandle").field("public", &public).field("admin", &admin).finish_non_exhaustive()
    }
}

impl EdgeHandle {
    /// Where clients connect.
    pub fn public_address(&self) -> SocketAddr {
        self.public
    }

    /// Where operators connect.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Drains: refuses new sessions, asks the WebSockets to leave, and returns when nothing is going on or the deadline
    /// has come. The listeners answer until [`EdgeHandle::stop`].
    pub async fn drain(&self) -> Drained {
        let (drain, limit, began) = (&self.world.drain, self.world.config.drain_deadline, Instant::now());
        drain.enter(Phase::Draining);
        drain.emptied(limit).await;
        // Connections without a request are told by being closed; until then they may still ask.
        let last = LAST_REQUESTS.min(limit);
        while self.world.connections.count() > 0 && began.elapsed() < last {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        drain.emptied(limit.saturating_sub(began.elapsed())).await
    }

    /// Closes the listeners, cuts what is left, and returns when the server's threads are gone.
    pub async fn stop(mut self) {
        self.world.drain.enter(Phase::Stopped);
        if let Some(over) = self.over.take() {
            // An error means that the thread is gone already.
            let _ = over.await;
        }
    }
}

impl Drop for EdgeHandle {
    fn drop(&mut self) {
        self.world.drain.enter(Phase::Stopped);
    }
}

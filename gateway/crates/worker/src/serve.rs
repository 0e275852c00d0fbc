//! A worker from its start to its end: what it is made of, its heartbeat, how it drains and stops.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::serve::ListenerExt;
use neoron_protocol::WorkerId;
use neoron_store::{Beat, Clock, SharedStore};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    app::{App, Random},
    config::{Business, WorkerConfig},
    erpnext,
    http::router,
    jobs,
    local::{self, Local},
    metrics::Metrics,
    sessions::Peers,
    tools::{Tools, catalogue},
    ultravox,
};

/// How often the worker tells that it is alive, and when the others forget it.
const BEAT_EVERY: Duration = Duration::from_secs(1);
const BEAT_TTL: Duration = Duration::from_secs(5);
/// How often a draining worker looks whether it is empty.
const DRAIN_LOOK: Duration = Duration::from_millis(100);
/// How long connections and tasks may take to end when the worker stops.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What a worker needs from outside.
pub struct Deps {
    /// Where everything is remembered.
    pub store: SharedStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The chance.
    pub random: Arc<dyn Random>,
}

/// Why a worker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A business profile has a wrong schema, sentence or reference; one line each.
    #[error("the business profiles are wrong: {}", .0.join("; "))]
    Businesses(Vec<String>),
    /// A client cannot be made from its settings.
    #[error("{0}")]
    Client(String),
    /// The listener has no address.
    #[error("the listener has no address")]
    Address(#[source] std::io::Error),
}

/// A running worker. Dropping it leaves it running; [`Worker::stop`] ends it.
pub struct Worker {
    app: Arc<App>,
    address: SocketAddr,
    server: JoinHandle<()>,
    runner: JoinHandle<()>,
    heart: JoinHandle<()>,
}

/// A worker's counters. They outlive the worker.
#[derive(Clone)]
pub struct Counters(Arc<App>);

impl Counters {
    /// Whose they are.
    pub fn worker(&self) -> WorkerId {
        self.0.id
    }

    /// Whether the worker is leaving.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// All of them in the text format of OpenMetrics.
    pub fn text(&self) -> String {
        let app = &self.0;
        let draining = app.draining.load(Ordering::Relaxed);
        app.metrics.text(&app.local, app.legs.count(), draining, app.config.sites.keys())
    }
}

impl std::fmt::Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Counters").field(&self.0.id).finish()
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("id", &self.app.id).field("address", &self.address).finish_non_exhaustive()
    }
}

impl Worker {
    /// Starts a worker on a listener that only the edge reaches.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(config: WorkerConfig, deps: Deps, listener: TcpListener) -> Result<Self, StartError> {
        let mut address = listener.local_addr().map_err(StartError::Address)?;
        if let Some(reached_at) = config.advertise {
            address.set_ip(reached_at);
        }
        let client = |error: &dyn std::error::Error| StartError::Client(error.to_string());
        let metrics = Metrics::default();
        let app = Arc::new(App {
            id: WorkerId::new(deps.clock.now(), deps.random.bytes()),
            tools: Tools::compile(&config.businesses).map_err(StartError::Businesses)?,
            erpnext: erpnext::Client::new(&config.erpnext, metrics.erpnext.clone()).map_err(|error| client(&error))?,
            ultravox: ultravox::Client::new(&config.ultravox).map_err(|error| client(&error))?,
            legs: ultravox::Legs::default(),
            metrics,
            local: Local::default(),
            peers: Peers::default(),
            draining: false.into(),
            store: deps.store,
            clock: deps.clock,
            random: deps.random,
            config,
        });
        let stop = app.local.stop.clone();
        app.local.tasks.spawn(stop.run_until_cancelled_owned(catalogue::keep_fresh(app.clone())));
        // Known before it is asked: an edge that starts at the same moment finds it.
        beat(&app, address).await;
        Ok(Self {
            server: tokio::spawn(serve(app.clone(), listener)),
            runner: tokio::spawn(jobs::runner::run(app.clone())),
            heart: tokio::spawn(heart(app.clone(), address)),
            app,
            address,
        })
    }

    /// Its id.
    pub fn id(&self) -> WorkerId {
        self.app.id
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its counters, to be read at any time.
    pub fn counters(&self) -> Counters {
        Counters(self.app.clone())
    }

    /// Takes no new sessions, sends the sockets away, and waits until the last of its calls is over. How long that may
    /// take is the caller's decision: the longest call has an hour.
    pub async fn drain(&self) {
        self.app.draining.store(true, Ordering::Relaxed);
        beat(&self.app, self.address).await;
        self.app.local.leaving.send_replace(true);
        // A text call whose session another worker counts by now ends with its leg all the same.
        while self.app.local.load() > 0 || self.app.legs.count() > 0 {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
    }

    /// Stops at once: sockets are closed with 1012, running jobs get a few seconds, the rest is left to the store.
    pub async fn stop(self) {
        let Self { app, server, runner, heart, .. } = self;
        app.draining.store(true, Ordering::Relaxed);
        app.local.stop.cancel();
        app.local.tasks.close();
        let tasks = app.local.tasks.clone();
        let waiting = async move { tasks.wait().await };
        let waiting = tokio::spawn(waiting);
        for mut task in [heart, server, runner, waiting] {
            if tokio::time::timeout(STOP_GRACE, &mut task).await.is_err() {
                task.abort();
            }
        }
        if let Err(error) = app.store.leave(app.id).await {
            tracing::debug!(%error, "the worker is forgotten by its missing heartbeat");
        }
    }
}

/// Everything that is wrong with business profiles, each with its business and tool; empty if nothing is.
pub fn check_businesses(businesses: &BTreeMap<String, Business>) -> Vec<String> {
    Tools::compile(businesses).err().unwrap_or_default()
}

async fn serve(app: Arc<App>, listener: TcpListener) {
    // Small answers to a waiting visitor: Nagle's algorithm would hold them back.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with delayed sends");
        }
    });
    let stop = app.local.stop.clone().cancelled_owned();
    if let Err(error) = axum::serve(listener, router::router(&app)).with_graceful_shutdown(stop).await {
        tracing::error!(%error, "the worker stopped serving");
    }
}

async fn heart(app: Arc<App>, address: SocketAddr) {
    let mut ticks = tokio::time::interval(BEAT_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while app.local.stop.run_until_cancelled(ticks.tick()).await.is_some() {
        beat(&app, address).await;
        local::look(&app, app.draining.load(Ordering::Relaxed)).await;
        match app.store.depth().await {
            Ok(depth) => app.metrics.queue(&depth),
            Err(error) => tracing::debug!(%error, "the queue could not be measured"),
        }
    }
}

async fn beat(app: &App, address: SocketAddr) {
    let beat = Beat {
        worker: app.id,
        address,
        load: app.local.load(),
        capacity: app.config.capacity,
        draining: app.draining.load(Ordering::Relaxed),
    };
    if let Err(error) = app.store.beat(beat, BEAT_TTL).await {
        tracing::warn!(%error, "the heartbeat could not be written");
    }
}

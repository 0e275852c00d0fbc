//! An ERPNext that runs on localhost: an HTTP server that answers as a Frappe
//! v15 site with the apps `voice_agent` and `business_workflows` does.
//!
//! It exists for the demo and for tests, and keeps to recorded answers of a
//! real site (`contract/frappe-answers.json`, replayed by a test). It is as
//! strict as the real thing where strictness has cost people time: naive
//! datetimes, exact options, names without case, statuses that are not what
//! one expects, connections that close.
//!
//! It is never used for business: all state is in memory and gone with the
//! process, its keys are published in its source, and its control API under
//! `/_control` obeys everyone who reaches it. Bind it to loopback.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use neoron_simulators::erpnext::{Options, Simulator};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let site = Simulator::start(listener, Options::default()).await?;
//! println!("http://{}/_control/", site.address());
//! site.stop().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod business;
mod check;
mod clock;
mod control;
mod cut;
mod doctype;
mod document;
mod failure;
mod fault;
mod gate;
mod json;
mod limit;
mod method;
mod options;
mod permission;
mod query;
mod record;
mod request;
mod route;
mod server;
mod site;
mod table;
mod webhook;

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::{
    clock::{Clock, system_clock},
    fault::{FailNext, Faults},
    limit::SiteLimit,
    options::{Options, REAL_LATENCY, User, WebhookTarget},
    webhook::{Delivery, sign},
};
use self::{
    cut::{Listening, Scissors},
    server::{Inner, values},
};

/// How long `stop` waits for open requests.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The time zone's name is not in the machine's database.
    #[error("unknown time zone {name:?}")]
    TimeZone {
        /// The name.
        name: String,
        /// What the database says.
        source: jiff::Error,
    },
    /// The listener has no address.
    #[error("the listener has no local address")]
    Listener(#[source] io::Error),
    /// The client that sends webhooks cannot be made.
    #[error("the HTTP client for webhooks cannot be made")]
    Client(#[source] reqwest::Error),
}

/// A change of status that the site refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{exc_type} ({status})")]
pub struct Refused {
    /// The HTTP status that a client would have got.
    pub status: u16,
    /// The exception's class name.
    pub exc_type: String,
}

/// A running simulator. Dropping it stops it without waiting.
pub struct Simulator {
    address: SocketAddr,
    inner: Arc<Inner>,
    stop: DropGuard,
    server: JoinHandle<()>,
    courier: JoinHandle<()>,
}

impl Simulator {
    /// Starts to serve on a listener, inside the current tokio runtime.
    ///
    /// # Errors
    /// When the options name an unknown time zone, when the listener has no
    /// address, or when no HTTP client for the webhooks can be made.
    pub async fn start(listener: TcpListener, options: Options) -> Result<Self, StartError> {
        let zone = TimeZone::get(&options.time_zone)
            .map_err(|source| StartError::TimeZone { name: options.time_zone.clone(), source })?;
        let address = listener.local_addr().map_err(StartError::Listener)?;
        let client = webhook_client().map_err(StartError::Client)?;
        let (parcels, queue) = mpsc::channel(webhook::MAX_QUEUED);
        let stop = CancellationToken::new();
        let inner = Arc::new(Inner::new(options, zone, parcels, stop.clone()));
        let app = Router::new()
            .merge(control::router(Arc::clone(&inner)))
            .fallback(gate::serve)
            .with_state(Arc::clone(&inner))
            .into_make_service_with_connect_info::<Scissors>();
        let stopped = stop.clone();
        let server = tokio::spawn(async move {
            let served = axum::serve(Listening::new(listener), app)
                .with_graceful_shutdown(async move { stopped.cancelled().await })
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the ERPNext simulator stopped serving");
            }
        });
        let courier = tokio::spawn(webhook::deliver_all(Arc::clone(&inner), client, queue, stop.clone()));
        Ok(Self { address, inner, stop: stop.drop_guard(), server, courier })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All documents of a doctype, the latest changed first; none for a
    /// doctype that does not exist.
    #[must_use]
    pub fn documents(&self, doctype: &str) -> Vec<Value> {
        values(self.inner.documents(doctype, usize::MAX).unwrap_or_default())
    }

    /// All orders, the latest changed first.
    #[must_use]
    pub fn orders(&self) -> Vec<Value> {
        self.documents(doctype::ORDER.name)
    }

    /// All appointments, the latest changed first.
    #[must_use]
    pub fn appointments(&self) -> Vec<Value> {
        self.documents(doctype::APPOINTMENT.name)
    }

    /// All support tickets, the latest changed first.
    #[must_use]
    pub fn tickets(&self) -> Vec<Value> {
        self.documents(doctype::TICKET.name)
    }

    /// All Voice Sessions, the latest changed first.
    #[must_use]
    pub fn sessions(&self) -> Vec<Value> {
        self.documents(doctype::VOICE_SESSION.name)
    }

    /// Changes the status of a business document as staff would, which sends
    /// the status webhook. `name` is a document's name or an order's number.
    ///
    /// # Errors
    /// When there is no such document or it cannot have this status.
    pub fn set_status(
        &self,
        doctype: &str,
        name: &str,
        status: &str,
        estimated_time: Option<u32>,
    ) -> Result<Value, Refused> {
        let changed = self.inner.set_status(doctype, name, status, estimated_time);
        changed
            .map(Value::Object)
            .map_err(|failure| Refused { status: failure.status().as_u16(), exc_type: failure.exc_type().to_owned() })
    }

    /// Replaces the faults.
    pub fn set_faults(&self, faults: Faults) {
        self.inner.set_faults(faults);
    }

    /// Sets where status webhooks go.
    pub fn set_webhook(&self, target: Option<WebhookTarget>) {
        self.inner.set_target(target);
    }

    /// Requests so far, by method and path; names are left out of paths.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.inner.requests()
    }

    /// Status webhooks that were delivered or given up.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inner.deliveries()
    }

    /// Forgets every document, fault, count and delivery.
    pub fn reset(&self) {
        self.inner.reset();
    }

    /// Stops: no new connection, at most five seconds for open requests.
    pub async fn stop(self) {
        self.stop.disarm().cancel();
        for mut task in [self.server, self.courier] {
            if timeout(STOP_GRACE, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

/// A client without proxies and without redirects. The process's crypto
/// provider is set when nothing set one before.
fn webhook_client() -> Result<reqwest::Client, reqwest::Error> {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::trace!("the process has a crypto provider already");
    }
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()
}

//! An Ultravox on localhost, as strict as the real one.
//!
//! It creates calls, lets participants join them, calls tools, sends signed webhooks and dials data connections the
//! way Ultravox does, and a scripted agent holds the conversation. What it never does: understand or produce audio,
//! open a WebRTC room, or reach for anything but the addresses that its calls name.
//!
//! | module | what it is for |
//! |---|---|
//! | `rest`, `sockets`, `control` | the three surfaces |
//! | `create`, `registration`, `limits` | what a request may ask for |
//! | `life`, `conversation`, `agent` | a call's course, its turns, what the agent says |
//! | `tool_request`, `tool_call` | building and executing tool calls |
//! | `webhooks`, `data_connection`, `signature` | what goes out, and how it is signed |
//! | `world`, `call`, `records`, `faults` | state |

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

mod agent;
mod call;
mod clock;
mod control;
mod conversation;
mod create;
mod data_connection;
mod duration;
mod faults;
mod life;
mod limits;
mod records;
mod registration;
mod rest;
pub mod signature;
mod sockets;
mod tool_call;
mod tool_request;
mod webhooks;
mod wire;
mod world;

pub use call::EndReason;
pub use clock::TimestampSpelling;
pub use faults::Faults;
pub use limits::Plan;
pub use records::{CallView, Delivery, ToolOutcome, ToolRequest};
pub use registration::Registration;

use world::World;

/// An agent that calls can be created from.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentTemplate {
    /// Its id in `/api/agents/{id}/calls`.
    pub agent_id: String,
    /// Its name, shown in calls.
    pub name: String,
    /// The body of `POST /api/calls` that its calls start from.
    pub call_template: Map<String, Value>,
}

/// How the simulated service is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key that `X-API-Key` has to carry.
    pub api_key: String,
    /// What the account may do.
    pub plan: Plan,
    /// `ws://host:port` in join URLs; the listener's address when `None`.
    pub socket_base: Option<String>,
    /// How long a call waits for its participant when it does not say; documented as 30 s.
    pub join_timeout: Duration,
    /// How long a tool may take when it does not say; documented as 2.5 s.
    pub tool_timeout: Duration,
    /// How often the agent calls a tool again, with identical arguments, after a late result.
    pub late_repeats: u32,
    /// The wait before a webhook's first retry, which doubles; documented as about 30 s. At most 10 retries follow.
    pub retry_base: Duration,
    /// How the timestamp header of webhooks is spelled.
    pub timestamp_spelling: TimestampSpelling,
    /// From the end of a call to its billing.
    pub billing_delay: Duration,
    /// The pause after each piece of a spoken line.
    pub speech_pace: Duration,
    /// Account webhooks that exist from the start.
    pub webhooks: Vec<Registration>,
    /// Agents that exist.
    pub agents: Vec<AgentTemplate>,
    /// Calls kept, ended ones included; beyond that the oldest ended call is forgotten, or 429 answered.
    pub most_calls: usize,
    /// Makes ids and tokens repeatable; random when `None`.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_key: "simulate.00000000000000000000000000000000".to_owned(),
            plan: Plan::scale(),
            socket_base: None,
            join_timeout: Duration::from_secs(30),
            tool_timeout: create::tool::DEFAULT_TIMEOUT,
            late_repeats: 1,
            retry_base: Duration::from_secs(30),
            timestamp_spelling: TimestampSpelling::default(),
            billing_delay: Duration::from_secs(1),
            speech_pace: Duration::from_millis(30),
            webhooks: Vec::new(),
            agents: Vec::new(),
            most_calls: 10_000,
            seed: None,
        }
    }
}

/// Why the simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener has no address.
    #[error("the listener's address cannot be read")]
    Address(#[source] io::Error),
    /// There is no randomness for the seed.
    #[error("no seed can be drawn")]
    Seed(#[source] getrandom::Error),
    /// The client for tools and webhooks cannot be built.
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}

/// No call of this id takes part in what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such call, or it is not live")]
pub struct NotLive;

/// A running simulator. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Simulator {
    world: Arc<World>,
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

impl Simulator {
    /// Starts serving on a listener.
    ///
    /// # Errors
    /// [`StartError`], before anything is served.
    pub fn start(listener: TcpListener, options: Options) -> Result<Self, StartError> {
        let address = listener.local_addr().map_err(StartError::Address)?;
        let socket_base = options.socket_base.clone().unwrap_or_else(|| format!("ws://{address}"));
        let seed = match options.seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(StartError::Seed)?,
        };
        let http = http_client().map_err(StartError::Client)?;
        let world = Arc::new(World::new(options, socket_base, http, seed));
        let stop = world.stop.clone();
        let server = axum::serve(listener, router(&world)).with_graceful_shutdown(stop.cancelled_owned());
        Ok(Self { world, address, server: tokio::spawn(server.into_future()) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of the REST API, `http://host:port/api`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// All calls that are kept, newest first.
    #[must_use]
    pub fn calls(&self) -> Vec<CallView> {
        control::calls(&self.world)
    }

    /// One call.
    #[must_use]
    pub fn call(&self, call_id: &str) -> Option<CallView> {
        self.calls().into_iter().find(|view| view.call["callId"] == call_id)
    }

    /// The requests made to HTTP tools, oldest first.
    #[must_use]
    pub fn tool_requests(&self) -> Vec<ToolRequest> {
        control::tool_requests(&self.world)
    }

    /// The attempts to deliver webhooks, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        control::deliveries(&self.world)
    }

    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.world.faults.borrow().clone()
    }

    /// Replaces the faults.
    pub fn set_faults(&self, faults: Faults) {
        self.world.faults.send_replace(faults);
    }

    /// Speaks in a live call as if the visitor did.
    ///
    /// # Errors
    /// [`NotLive`].
    pub async fn say(&self, call_id: &str, text: &str) -> Result<(), NotLive> {
        let call = self.world.call(call_id).ok_or(NotLive)?;
        control::say(&call, text.to_owned()).await.map_err(|_| NotLive)
    }

    /// Joins a call without any socket.
    ///
    /// # Errors
    /// [`NotLive`] when the call has ended.
    pub async fn join(&self, call_id: &str) -> Result<(), NotLive> {
        let call = self.world.call(call_id).ok_or(NotLive)?;
        control::join(&self.world, &call).await.map_err(|_| NotLive)
    }

    /// Ends a call.
    ///
    /// # Errors
    /// [`NotLive`] when it has ended already.
    pub async fn end(&self, call_id: &str, reason: EndReason) -> Result<(), NotLive> {
        let call = self.world.call(call_id).ok_or(NotLive)?;
        control::end(&call, reason).await.map_err(|_| NotLive)
    }

    /// Forgets calls, records and faults.
    pub fn reset(&self) {
        self.world.reset();
    }

    /// Ends everything and waits until nothing of it runs any more, at most five seconds for open connections.
    pub async fn stop(mut self) {
        self.world.stop.cancel();
        self.world.tasks.close();
        let patience = Duration::from_secs(5);
        if tokio::time::timeout(patience, &mut self.server).await.is_err() {
            self.server.abort();
        }
        let _ = tokio::time::timeout(patience, self.world.tasks.wait()).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.world.stop.cancel();
    }
}

fn router(world: &Arc<World>) -> Router {
    Router::new()
        .nest("/api", rest::router(world))
        .nest("/_control", control::router())
        .route("/calls/{id}", get(sockets::join_browser))
        .route("/calls/{id}/server_web_socket", get(sockets::join_server))
        .with_state(Arc::clone(world))
}

/// The client for tools and webhooks. It follows no redirect, so that a 3xx is seen as the answer it is.
fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    // Fails only when a provider is installed already, which serves as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()
}

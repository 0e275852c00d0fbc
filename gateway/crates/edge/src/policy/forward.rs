//! How a request goes on: to whom, without which headers, with which, for how long, and how its answer comes back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use data_encoding::BASE64URL_NOPAD;
use http::{HeaderName, HeaderValue, header};
use neoron_protocol::{ErrorCode, RequestId, grant::Claims};

use super::{
    Incoming, Refused, cors, entity,
    routes::{Route, Shape},
};
use crate::{
    EdgeConfig,
    balance::{Wanted, Worker},
    observe::Trail,
    world::World,
};

/// Workers that are asked for one request, at most.
const WORKERS_TRIED: usize = 3;

/// A WebSocket handshake that keeps the rules.
#[derive(Clone, Debug)]
pub(crate) struct Upgrade {
    /// The client's key.
    pub(crate) key: String,
    /// The subprotocols it offers; one of them holds the ticket.
    pub(crate) protocols: Vec<String>,
}

/// Who asks for a new session.
pub(super) struct Newcomer<'a> {
    /// The grant's, verified.
    pub(super) claims: &'a Claims,
    /// [`crate::network::name`].
    pub(super) network: String,
}

/// A request that goes to a worker.
pub(crate) struct Forward {
    pub(crate) route: &'static Route,
    /// Who gets it.
    pub(crate) worker: Arc<Worker>,
    /// Who could not be reached.
    pub(crate) tried: Vec<Arc<Worker>>,
    pub(crate) wanted: Wanted,
    /// What the edge adds.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The page's origin, if a site has pages there.
    pub(crate) origin: Option<String>,
    pub(crate) request: RequestId,
    pub(crate) trail: Trail,
    pub(crate) began: Instant,
    /// Set if it becomes a WebSocket.
    pub(crate) upgrade: Option<Upgrade>,
}

impl Forward {
    /// How long the worker may be silent.
    pub(crate) fn patience(&self, config: &EdgeConfig) -> Duration {
        match self.route.shape {
            Shape::Plain | Shape::Files => config.body_deadline,
            Shape::Slow => config.tool_deadline,
            Shape::Events | Shape::WebSocket => config.stream_idle,
        }
    }

    /// Turns to another worker, if there is one; the present one is told on, and checked at once.
    pub(crate) fn turn(&mut self, world: &World) -> bool {
        world.roster.suspect(&self.worker);
        self.tried.push(Arc::clone(&self.worker));
        if self.tried.len() >= WORKERS_TRIED {
            return false;
        }
        match super::worker(world, self.wanted, &self.tried) {
            Ok(worker) => {
                self.worker = worker;
                true
            }
            Err(_) => false,
        }
    }

    /// Counts the body on its way: 413 beyond the route's bound, 408 beyond the deadline.
    pub(crate) fn body_so_far(&self, bytes: u64, config: &EdgeConfig) -> Result<(), Refused> {
        if bytes > self.route.max_body {
            return Err(entity::too_large());
        }
        if self.began.elapsed() > config.body_deadline {
            return Err(Refused::new(ErrorCode::RequestTimeout, "the body took too long to arrive"));
        }
        Ok(())
    }

    /// What every answer carries on its way back, whoever made it.
    pub(crate) fn response_headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("x-request-id", self.request.as_str().to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
        ];
        if self.route.cors {
            headers.extend(cors::headers(self.origin.as_deref()));
        }
        headers
    }
}

/// Whether a client's header stops here. What the edge says of itself and of the client, nobody else may say; and a
/// grant is used up, so its token goes no further.
pub(crate) fn is_stripped(route: &Route, name: &HeaderName) -> bool {
    let text = name.as_str();
    text.starts_with("x-neoron-")
        || text.starts_with("x-forwarded-")
        || matches!(text, "forwarded" | "x-real-ip" | "x-request-id" | "proxy-authorization" | "proxy-connection")
        || matches!(text, "traceparent" | "tracestate" | "baggage")
        || (*name == header::AUTHORIZATION && route.auth == super::routes::Auth::Grant)
}

/// Whether a worker's header stops here: the edge sets these itself.
pub(crate) fn is_hidden(name: &HeaderName) -> bool {
    let text = name.as_str();
    text.starts_with("x-neoron-")
        || text.starts_with("access-control-")
        || matches!(text, "server" | "x-powered-by" | "x-request-id" | "x-content-type-options" | "referrer-policy")
}

/// What the edge adds.
pub(super) fn added(
    config: &EdgeConfig,
    incoming: &Incoming<'_>,
    newcomer: Option<&Newcomer<'_>>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut texts = vec![
        ("x-neoron-edge", config.worker_key.expose().to_owned()),
        ("x-request-id", incoming.request.as_str().to_owned()),
        ("x-forwarded-for", incoming.client.to_string()),
    ];
    if let Some(newcomer) = newcomer {
        // Strings and integers only: serialisation cannot fail.
        let json = serde_json::to_vec(newcomer.claims).unwrap_or_default();
        texts.push(("x-neoron-grant", BASE64URL_NOPAD.encode(&json)));
        texts.push(("x-neoron-network", newcomer.network.clone()));
    }
    let header = |(name, text): (&'static str, String)| {
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(name.starts_with("x-neoron-"));
        Some((HeaderName::from_static(name), value))
    };
    // The key's alphabet is checked at the start; the others are ASCII by their making.
    texts.into_iter().filter_map(header).chain(incoming.trail.header()).collect()
}

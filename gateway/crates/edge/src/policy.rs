//! What becomes of a request. The one place that decides it, once, from the head alone; the drivers only do it.
//!
//! Cheapest first: route and method, size and type, origin, the address's limit, credentials, a worker, and last the
//! steps that cost a signature or a write to the store. Nothing here touches a socket.

mod admit;
mod cors;
mod credentials;
mod entity;
mod forward;
mod routes;
mod websocket;

use std::{net::IpAddr, sync::Arc, time::Instant};

use neoron_protocol::{ErrorCode, RequestId, error::Problem};

use self::{
    credentials::Checked,
    routes::{Auth, Found, Pick},
};
pub(crate) use self::{
    forward::{Forward, is_hidden, is_stripped},
    routes::{Shape, pattern},
    websocket::accept_key,
};
use crate::{
    answer::Answer,
    balance::{Choice, Wanted, Worker},
    entropy,
    head::Head,
    network,
    observe::Trail,
    world::World,
};

/// The name of what fits no route, in the log and the metrics.
pub(crate) const NO_ROUTE: &str = "none";

/// A request as the policy sees it.
pub(crate) struct Incoming<'a> {
    /// Its head.
    pub(crate) head: &'a Head,
    /// Whose it is.
    pub(crate) client: IpAddr,
    /// Its name.
    pub(crate) request: RequestId,
    /// What it leaves behind.
    pub(crate) trail: &'a Trail,
    /// When its head was complete.
    pub(crate) began: Instant,
}

/// What to do.
pub(crate) enum Action {
    /// Answer, and forward nothing.
    Answer(Answer),
    /// Forward it.
    Forward(Box<Forward>),
}

/// What to do, and under which name to count it.
pub(crate) struct Verdict {
    /// The route's name.
    pub(crate) route: &'static str,
    /// What to do.
    pub(crate) action: Action,
}

/// A refusal on its way to becoming an answer.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: ErrorCode,
    pub(crate) detail: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// What is to be solved first.
    pub(crate) challenge: Option<serde_json::Value>,
}

impl Refused {
    pub(crate) fn new(code: ErrorCode, detail: &'static str) -> Self {
        Self { code, detail, headers: Vec::new(), challenge: None }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn into_answer(self, request: RequestId) -> Answer {
        let mut problem = Problem::new(self.code).with_detail(self.detail).with_request_id(request.as_str());
        problem.challenge = self.challenge;
        let mut answer = Answer::document(self.code, problem);
        answer.headers.extend(self.headers);
        answer
    }
}

/// Decides.
pub(crate) async fn decide(world: &World, incoming: &Incoming<'_>) -> Verdict {
    let head = incoming.head;
    let Some(found) = routes::find(head.path()) else {
        let refused = Refused::new(ErrorCode::NotFound, "no route has this path");
        return Verdict { route: NO_ROUTE, action: Action::Answer(refused.into_answer(incoming.request)) };
    };
    let origin = found.route.cors.then(|| cors::origin(head, &world.keys.load())).flatten();
    let action = match settle(world, incoming, &found, origin.as_deref()).await {
        Ok(action) => action,
        Err(refused) => {
            let mut answer = refused.into_answer(incoming.request);
            // A browser hides an answer without these from the page, and with it the reason.
            answer.headers.extend(cors::headers(origin.as_deref()));
            Action::Answer(answer)
        }
    };
    Verdict { route: found.route.name, action }
}

async fn settle(
    world: &World,
    incoming: &Incoming<'_>,
    found: &Found,
    origin: Option<&str>,
) -> Result<Action, Refused> {
    let (head, route) = (incoming.head, found.route);
    if route.cors && head.method == http::Method::OPTIONS {
        return cors::preflight(route, origin).map(Action::Answer);
    }
    entity::method(route, head)?;
    entity::body(route, head)?;
    let client = incoming.client;
    admit::address(world, client)?;
    if route.shape == Shape::Files {
        return world.files.answer(head).map(Action::Answer).ok_or_else(no_such_file);
    }
    if route.cors && origin.is_none() && head.has(http::header::ORIGIN) {
        return Err(Refused::new(ErrorCode::OriginRefused, "no site has pages at this origin"));
    }
    let upgrade = websocket::offer(route, head)?;
    let checked = credentials::check(route, head, upgrade.as_ref())?;
    if route.auth == Auth::Grant && world.drain.is_draining() {
        return Err(Refused::new(ErrorCode::Draining, "this process takes no new sessions").with("retry-after", "1"));
    }
    let grant = match checked {
        Checked::Grant(token) => Some(admit::read_grant(world, head, token)?),
        Checked::Session(_) | Checked::Present => None,
    };
    let session = found.session.or(match checked {
        Checked::Session(session) => Some(session),
        Checked::Grant(_) | Checked::Present => None,
    });
    let wanted = match (route.pick, session) {
        (Pick::Session, Some(session)) => Wanted::Session(session),
        (Pick::Room, _) if matches!(route.auth, Auth::Grant | Auth::Ticket) => Wanted::Room,
        _ => Wanted::Any,
    };
    let worker = worker(world, wanted, &[])?;
    let claims = match grant {
        Some(grant) => Some(admit::redeem(world, head, grant, client).await?),
        None => None,
    };
    let newcomer = claims
        .as_ref()
        .map(|claims| forward::Newcomer { claims, network: network::name(world.config.worker_key.expose(), client) });
    Ok(Action::Forward(Box::new(Forward {
        route,
        worker,
        tried: Vec::new(),
        wanted,
        headers: forward::added(&world.config, incoming, newcomer.as_ref()),
        origin: origin.map(str::to_owned),
        request: incoming.request,
        trail: incoming.trail.clone(),
        began: incoming.began,
        upgrade,
    })))
}

fn no_such_file() -> Refused {
    Refused::new(ErrorCode::NotFound, "there is no such file").with("access-control-allow-origin", "*")
}

/// A worker for a request, none of those that were tried.
pub(crate) fn worker(world: &World, wanted: Wanted, tried: &[Arc<Worker>]) -> Result<Arc<Worker>, Refused> {
    match world.roster.choose(wanted, tried, entropy::number()) {
        Choice::Worker(worker) => Ok(worker),
        Choice::NoRoom => Err(Refused::new(ErrorCode::NoRoom, "every worker is leaving").with("retry-after", "5")),
        Choice::Nobody => Err(Refused::new(ErrorCode::NoRoom, "no worker is ready").with("retry-after", "2")),
    }
}

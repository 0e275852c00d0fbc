//! The routes, and what stands before all of them: the edge's key, the request's name, the form of refusals.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderName, HeaderValue, header};
use neoron_protocol::{ErrorCode, RequestId};
use serde::Serialize;
use tracing::Instrument;

use super::{auth, problem};
use crate::{
    analytics,
    app::App,
    data_connection,
    http::problem::Refusal,
    openapi, realtime, sessions, tools,
    trace::{self, Cause},
    webhooks,
};

const EDGE_KEY: &str = "x-neoron-edge";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The largest body of a tool call; everything else reads its own.
const MAX_TOOL_BYTES: usize = 64 * 1024;

/// All routes of a worker.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let refuse = |code| async move { Refusal::of(code) };
    Router::new()
        .route("/v1/sessions", post(sessions::create_session))
        .route("/v1/sessions/{id}", get(sessions::read_session))
        .route("/v1/sessions/{id}/messages", post(sessions::send_message))
        .route("/v1/sessions/{id}/end", post(sessions::end_session))
        .route("/v1/sessions/{id}/events", get(realtime::session_events))
        .route("/v1/waiting/{id}", post(sessions::ask_for_place).delete(sessions::leave_place))
        .route("/v1/tools/{tool}", post(tools::http::call).layer(DefaultBodyLimit::max(MAX_TOOL_BYTES)))
        .route("/v1/ultravox/data/{id}", get(data_connection::data_connection))
        .route("/webhook/ultravox", post(webhooks::ultravox_webhook))
        .route("/webhook/order-update", post(webhooks::order_update))
        .route("/webhook/erpnext", post(webhooks::erpnext_webhook))
        .route("/v1/analytics", get(analytics::read_analytics))
        .route("/v1/openapi.json", get(openapi::serve))
        .route("/internal/health", get(health))
        .method_not_allowed_fallback(move || refuse(ErrorCode::MethodNotAllowed))
        .fallback(move || refuse(ErrorCode::NotFound))
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .with_state(app.clone())
}

/// Everything that is true of every request.
async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let id = given.and_then(|id| RequestId::parse(id).ok());
    let id = id.unwrap_or_else(|| RequestId::new(app.now(), app.random.bytes()));
    let key = request.headers().get(EDGE_KEY).and_then(|key| key.to_str().ok()).unwrap_or_default();
    let response = if auth::same(&auth::hash_token(key), &auth::hash_token(app.config.edge_key.expose())) {
        // The route's pattern, not the path: an id in a span is found by its own field.
        let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
        let logged = tracing::info_span!("request", %id, method = %request.method(), route);
        let span = trace::request(id, request.method(), route, request.headers());
        let work = trace::because(Cause::Request(id), next.run(request));
        let response = work.instrument(span.clone()).instrument(logged).await;
        trace::answered(&span, response.status());
        response
    } else {
        Refusal::of(ErrorCode::EdgeKeyInvalid).into_response()
    };
    let mut response = problem::finish(response, id.as_str());
    // Ids are ASCII.
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// How this worker is, for the edge.
#[derive(Serialize)]
struct Health {
    worker: String,
    load: u32,
    capacity: u32,
    draining: bool,
}

async fn health(State(app): State<Arc<App>>) -> Response {
    if app.local.stop.is_cancelled() {
        return Refusal::of(ErrorCode::Draining).into_response();
    }
    let health = Health {
        worker: app.id.to_string(),
        load: app.local.load(),
        capacity: app.config.capacity,
        draining: app.draining.load(Ordering::Relaxed),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(health)).into_response()
}

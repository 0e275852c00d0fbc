//! The public surface: the REST API under `/api`, behind its key and its rate limit.
//!
//! Only what the design uses of the API exists here; the rest of it answers 404 like any unknown address.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::time::Instant;

use super::world::World;
use error::Refusal;

pub(super) mod accounts;
pub(super) mod body;
pub(super) mod calls;
pub(super) mod create;
pub(super) mod error;
pub(super) mod webhooks;

/// The longest request body, in bytes. Prompts of a few hundred kilobytes are seen in practice.
const LONGEST_BODY: usize = 1024 * 1024;

/// The routes under `/api`.
pub(super) fn router(world: &Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route("/calls", get(calls::list).post(create::call))
        .route("/calls/{id}", get(calls::read).delete(calls::delete))
        .route("/calls/{id}/messages", get(calls::messages))
        .route("/calls/{id}/tools", get(calls::tools))
        .route("/calls/{id}/send_data_message", post(calls::send_data_message))
        .route("/agents/{id}/calls", post(create::agent_call))
        .route("/webhooks", get(webhooks::list).post(webhooks::create))
        .route(
            "/webhooks/{id}",
            get(webhooks::read).put(webhooks::replace).patch(webhooks::change).delete(webhooks::delete),
        )
        .route("/accounts/me", get(accounts::me))
        .fallback(|| async { Refusal::NotFound })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(world), guard))
}

/// Checks the key, then the rate of requests.
async fn guard(State(world): State<Arc<World>>, request: Request, next: Next) -> Result<Response, Refusal> {
    let key = request.headers().get("x-api-key").ok_or(Refusal::Unauthenticated)?;
    if key.as_bytes() != world.options.api_key.as_bytes() {
        return Err(Refusal::Forbidden);
    }
    world.books().limits.request(Instant::now()).map_err(Refusal::TooMany)?;
    Ok(next.run(request).await)
}

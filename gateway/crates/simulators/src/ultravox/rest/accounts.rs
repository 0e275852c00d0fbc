//! `GET /api/accounts/me`: what the account uses and may use.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::ultravox::world::World;

pub(super) async fn me(State(world): State<Arc<World>>) -> Json<Value> {
    let open = world.books().open_calls();
    Json(json!({
        "name": "simulated",
        "activeCalls": open,
        "allowedConcurrentCalls": world.options.plan.concurrency,
        "freeTimeRemaining": "0s",
        "subscriptionTier": world.options.plan.tier,
    }))
}

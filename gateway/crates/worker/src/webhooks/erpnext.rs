//! `POST /webhook/order-update` and `/webhook/erpnext`: a document's status has changed.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use neoron_protocol::{ErrorCode, UnixMillis};
use serde_json::Value;

use super::accept;
use crate::{
    app::App,
    erpnext::site_time::{self, Naive},
    http::{auth, body, problem::Refusal},
    jobs::Job,
    tools::documents::{self, Applied},
    ultravox::signature::{self, Rule},
};

const MAX_BODY_BYTES: usize = 64 * 1024;
const SENDER: &str = "erpnext";

/// Takes a status change, at the name the Frappe app was told first.
#[utoipa::path(
    post,
    path = "/webhook/order-update",
    tag = "erpnext",
    security(("frappe_webhook" = [])),
    request_body(content = Object, description = "The status webhook, as ERPNext sends it.", content_type = "application/json"),
    responses((status = 204, description = "It is durable, or was before."))
)]
pub(crate) async fn order_update(state: State<Arc<App>>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    take(&state.0, &headers, body).await
}

/// Takes a status change.
#[utoipa::path(
    post,
    path = "/webhook/erpnext",
    tag = "erpnext",
    security(("frappe_webhook" = [])),
    request_body(content = Object, description = "The status webhook, as ERPNext sends it.", content_type = "application/json"),
    responses((status = 204, description = "It is durable, or was before."))
)]
pub(crate) async fn erpnext_webhook(
    state: State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    take(&state.0, &headers, body).await
}

async fn take(app: &Arc<App>, headers: &HeaderMap, body: Body) -> Result<Response, Refusal> {
    let bytes = body::raw(body, MAX_BODY_BYTES).await?;
    let signed = headers.get(signature::FRAPPE_SIGNATURE).and_then(|value| value.to_str().ok());
    let secrets = &app.config.erpnext.webhook_secrets;
    if !signature::frappe(secrets, &bytes, signed) {
        app.metrics.webhook(SENDER, "invalid");
        return Err(Refusal::of(ErrorCode::SignatureInvalid));
    }
    let update: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let event = update["event_id"].as_str().filter(|id| !id.is_empty());
    let sent = update["sent_at"].as_str().map(|text| sent_at(&app.config.erpnext.time_zone, text));
    let (Some(event), Some(sent)) = (event, sent.filter(|times| !times.is_empty())) else {
        return accept::quarantine(app, SENDER, &bytes).await;
    };
    // The signature covers no header, so the body itself bounds a replay.
    let rule = Rule { secrets, now: app.now(), window: app.config.webhook_window };
    if !sent.iter().any(|at| rule.is_fresh(*at)) {
        tracing::warn!("a webhook of ERPNext is signed but its time is outside the window");
        app.metrics.webhook(SENDER, "stale");
        return Err(Refusal::of(ErrorCode::SignatureStale));
    }
    if let Some(applied) = documents::apply_at_once(app, &update).await {
        app.metrics.webhook(SENDER, if applied == Applied::Changed { "applied" } else { "old" });
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // Hashed: the id holds a document's name, which may be long.
    let key = format!("erpnext:{}", auth::hash_token(event));
    let job = Job::ApplyDocumentWebhook { update, accepted_at: app.now() };
    accept::job(app, SENDER, key, &job).await
}

/// The instants that a naive time may mean: two in the hour that comes twice.
fn sent_at(zone: &str, text: &str) -> Vec<UnixMillis> {
    let Some(first) = site_time::from_site(zone, text) else { return Vec::new() };
    match site_time::instant(zone, text) {
        Err(Naive::Twice) => vec![first, first.plus(Duration::from_secs(3_600))],
        _ => vec![first],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_that_comes_twice_may_be_either() {
        assert_eq!(sent_at("Europe/London", "2026-11-24 10:00:01").len(), 1);
        let twice = sent_at("Europe/London", "2026-10-25 01:30:00");
        assert_eq!(twice[1].since(twice[0]), Duration::from_secs(3_600));
        assert!(sent_at("Europe/London", "yesterday").is_empty());
    }
}

//! `POST /webhook/ultravox`: what became of a call.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use neoron_protocol::ErrorCode;
use serde_json::Value;

use super::accept;
use crate::{
    app::App,
    http::{body, problem::Refusal},
    jobs::Job,
    ultravox::{
        Call,
        signature::{self, Rule, Verdict},
    },
};

/// A full call object carries its prompt; a job holds as much.
const MAX_BODY_BYTES: usize = 256 * 1024;
const SENDER: &str = "ultravox";

/// Takes a report of a call.
#[utoipa::path(
    post,
    path = "/webhook/ultravox",
    tag = "ultravox",
    security(("ultravox_webhook" = [])),
    request_body(content = Object, description = "`{event, call}`, as Ultravox sends it.", content_type = "application/json"),
    responses((status = 204, description = "It is durable, or was before."))
)]
pub(crate) async fn ultravox_webhook(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let bytes = body::raw(body, MAX_BODY_BYTES).await?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let rule =
        Rule { secrets: &app.config.ultravox.webhook_secrets, now: app.now(), window: app.config.webhook_window };
    match rule.webhook(&bytes, header(signature::WEBHOOK_TIMESTAMP), header(signature::WEBHOOK_SIGNATURE)) {
        Verdict::Valid => {}
        Verdict::Stale => {
            // Theirs, but late: if a retry keeps its first timestamp, this is a lost webhook and not an attack.
            tracing::warn!("a webhook of Ultravox is signed but its time is outside the window");
            app.metrics.webhook(SENDER, "stale");
            return Err(Refusal::of(ErrorCode::SignatureStale));
        }
        Verdict::Invalid => {
            app.metrics.webhook(SENDER, "invalid");
            return Err(Refusal::of(ErrorCode::SignatureInvalid));
        }
    }
    let Some((event, call)) = read(&bytes) else { return accept::quarantine(&app, SENDER, &bytes).await };
    if matches!(event.as_str(), "call.started" | "call.billed") {
        // The first says what the answer to our own request said; the bill is the account's.
        app.metrics.webhook(SENDER, "noted");
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let key = format!("ultravox:{event}:{}", call.call_id);
    // Only what is needed of the call: neither its prompt nor its join URL.
    let kept = serde_json::to_value(&call).unwrap_or_default();
    let job = Job::ApplyCallWebhook { event, call: kept, accepted_at: app.now() };
    accept::job(&app, SENDER, key, &job).await
}

/// The event and the call of a body; `None` if it is not one that we know.
fn read(bytes: &[u8]) -> Option<(String, Call)> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    let event = body["event"].as_str()?;
    if !matches!(event, "call.started" | "call.joined" | "call.ended" | "call.billed") {
        return None;
    }
    let call = Call::read(&body["call"])?;
    // An end without a time is not one.
    (event != "call.ended" || call.end().is_some()).then(|| (event.to_owned(), call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_shapes_are_understood() {
        for body in [
            "",
            "{}",
            "[]",
            "{\"event\":\"call.ended\"}",
            "{\"event\":\"call.ended\",\"call\":{\"callId\":\"c\"}}",
            "{\"event\":\"tool_called\",\"call\":{\"callId\":\"c\"}}",
            "{\"event\":\"call.joined\",\"call\":{}}",
            "\u{1}",
        ] {
            assert!(read(body.as_bytes()).is_none(), "{body}");
        }
        assert!(read(b"{\"event\":\"call.joined\",\"call\":{\"callId\":\"c\"}}").is_some());
        assert!(read(&[0xff, 0xfe]).is_none());
    }
}

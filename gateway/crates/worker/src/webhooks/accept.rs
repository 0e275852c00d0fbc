//! The durable moment of a webhook: once, and before the answer.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use neoron_store::{Accepted, Burn, Start};

use crate::{
    app::{App, new_job},
    http::{auth, problem::Refusal},
    jobs::Job,
};

/// How long a repeat is recognised: Ultravox tries for eight and a half hours.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// How much of a body nobody understands is kept, in bytes.
const MAX_KEPT_BYTES: usize = 32 * 1024;

/// Accepts a webhook; `key` names its content.
///
/// # Errors
/// 503 if it is not durable, so that the sender comes again.
pub(super) async fn job(app: &App, sender: &'static str, key: String, job: &Job) -> Result<Response, Refusal> {
    let burn = Burn { key, keep: REMEMBERED };
    let accepted = app.store.accept(new_job(app, None, job, Start::Now), Some(burn)).await;
    let outcome = match &accepted {
        Ok(Accepted::New) => "accepted",
        Ok(Accepted::Duplicate) => "duplicate",
        Err(_) => "store_unavailable",
    };
    app.metrics.webhook(sender, outcome);
    accepted?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Keeps a signed webhook that nobody understands among the dead jobs.
///
/// # Errors
/// 503 if it is not durable.
pub(super) async fn quarantine(app: &App, sender: &'static str, body: &[u8]) -> Result<Response, Refusal> {
    app.metrics.webhook(sender, "quarantined");
    let text = String::from_utf8_lossy(body);
    let mut end = text.len().min(MAX_KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = Job::Quarantined { sender: sender.to_owned(), body: text[..end].to_owned() };
    // Leased to ourselves, so that no runner ever sees it.
    let start = Start::LeasedTo { worker: app.id, lease: app.config.job_lease };
    let job = new_job(app, None, &kept, start);
    let burn = Burn { key: format!("quarantine:{}", auth::hash_token(&text)), keep: REMEMBERED };
    let lease = job.first_lease(Some(&burn));
    if app.store.accept(job, Some(burn)).await? == Accepted::New {
        tracing::warn!(sender, "a signed webhook is not understood; it is kept among the dead jobs");
        if let Err(error) = app.store.bury(&lease, "the webhook's body is not understood").await {
            // A runner finds it when the lease is over, and buries it then.
            tracing::debug!(%error, "a quarantined webhook is not buried yet");
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

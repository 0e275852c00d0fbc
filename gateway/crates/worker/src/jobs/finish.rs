//! How a job ends: failures that may never pass are counted, and the end is written, again if the store does not answer.
//!
//! A job's lease tells how often it was tried, for whatever reason: because ERPNext was down for a night, too. How often
//! it met one particular failure is kept beside it, as keys that are burnt one after another.

use std::time::Duration;

use neoron_store::{Burn, Lease, LeaseError, StoreError};

use super::{Outcome, backoff};
use crate::app::App;

/// How often the end of a job is written again when the store does not answer.
const TRIES: u32 = 5;
/// Failures of a job are remembered for as long as any job is tried.
const KEEP: Duration = Duration::from_secs(8 * 24 * 3_600);

/// Decides about a failure that is tried again only so often: from here on the outcome is done, retry or bury.
pub(crate) async fn resolve(app: &App, lease: &Lease, outcome: Outcome) -> Outcome {
    let Outcome::Limited { failure, retries, reason } = outcome else { return outcome };
    match may_retry(app, lease, failure, retries).await {
        Ok(true) => Outcome::Retry { after: None, reason },
        Ok(false) => Outcome::Bury { reason: format!("given up after {retries} retries: {reason}") },
        // Not counted then: one attempt more does less harm than one too few.
        Err(error) => {
            tracing::debug!(job = %lease.job, %error, "a failure could not be counted");
            Outcome::Retry { after: None, reason }
        }
    }
}

/// Counts a failure; `false` if it was one too many.
async fn may_retry(app: &App, lease: &Lease, failure: &str, retries: u32) -> Result<bool, StoreError> {
    for number in 1..=retries {
        let key = format!("failure:{}:{failure}:{number}", lease.job);
        if app.store.burn(Burn { key, keep: KEEP }).await? {
            return Ok(true);
        }
    }
    // A job that an operator starts anew has its attempts counted anew, and so its failures: there cannot have been
    // more of them than attempts.
    Ok(lease.attempt <= retries)
}

/// Writes the end of a job.
pub(crate) async fn finish(app: &App, lease: &Lease, outcome: &Outcome) {
    for attempt in 1..=TRIES {
        let finished = match outcome {
            Outcome::Done => app.store.done(lease).await,
            Outcome::Retry { after, reason } => retry(app, lease, *after, reason).await,
            Outcome::Limited { reason, .. } => retry(app, lease, None, reason).await,
            Outcome::Bury { reason } => app.store.bury(lease, reason).await,
        };
        match finished {
            Ok(()) | Err(LeaseError::Lost) => return,
            Err(LeaseError::Store(error)) => {
                tracing::warn!(job = %lease.job, %error, "the end of a job could not be written");
                tokio::time::sleep(backoff::wait(attempt, chance(app))).await;
            }
        }
    }
    // The lease runs out, and the job runs again: that is what at-least-once means.
}

async fn retry(app: &App, lease: &Lease, after: Option<Duration>, reason: &str) -> Result<(), LeaseError> {
    let wait = after.unwrap_or_else(|| backoff::wait(lease.attempt, chance(app)));
    app.store.retry(lease, app.now().plus(wait), reason).await
}

pub(super) fn chance(app: &App) -> u32 {
    u32::from_be_bytes(app.random.bytes())
}

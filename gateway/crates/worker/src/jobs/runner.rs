//! The runner: claims jobs, keeps their leases while they run, and finishes them as they say.
//!
//! A handler that panics is tried again like any other failure; one whose lease is lost is stopped, because somebody
//! else has the job. What is running when the worker stops is left to its lease.

use std::{sync::Arc, time::Duration};

use neoron_store::{Claimed, LeaseError};
use tokio::{sync::Semaphore, task::JoinHandle};

use super::{Job, Outcome, backoff, dispatch};
use crate::app::App;

/// How long the runner waits for work before it looks by itself.
const IDLE: Duration = Duration::from_secs(1);
/// How long it rests when the store does not answer.
const STORE_REST: Duration = Duration::from_millis(500);
/// Jobs claimed at once at most; a store takes no more.
const CLAIM: usize = 100;
/// How often the end of a job is written again when the store does not answer.
const FINISH_TRIES: u32 = 5;
/// How long running jobs may take to end when the worker stops.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Runs jobs until the worker stops.
pub(crate) async fn run(app: Arc<App>) {
    let room = app.config.job_concurrency.max(1);
    let permits = Arc::new(Semaphore::new(room));
    let stop = app.local.stop.clone();
    // A claim that is dropped midway may have leased jobs; they come back when the lease is over.
    let _ = stop.run_until_cancelled(claim_for_ever(&app, &permits)).await;
    let all = u32::try_from(room).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(STOP_GRACE, permits.acquire_many(all)).await;
}

async fn claim_for_ever(app: &Arc<App>, permits: &Arc<Semaphore>) {
    loop {
        let Ok(first) = permits.clone().acquire_owned().await else { return };
        let wanted = (1 + permits.available_permits()).min(CLAIM);
        let claimed = match app.store.claim(app.id, wanted, app.config.job_lease).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(%error, "no jobs can be claimed");
                tokio::time::sleep(STORE_REST).await;
                continue;
            }
        };
        if claimed.is_empty() {
            drop(first);
            app.store.wait(IDLE).await;
            continue;
        }
        let mut first = Some(first);
        for job in claimed {
            let permit = match first.take() {
                Some(permit) => permit,
                // Only this loop takes permits, so there are as many as were counted.
                None => match permits.clone().acquire_owned().await {
                    Ok(permit) => permit,
                    Err(_) => return,
                },
            };
            let app = app.clone();
            tokio::spawn(async move {
                work(&app, Arc::new(job)).await;
                drop(permit);
            });
        }
    }
}

/// Runs a claimed job and finishes it.
async fn work(app: &Arc<App>, claimed: Arc<Claimed>) {
    let Some(job) = Job::from_parts(&claimed.kind, &claimed.payload) else {
        app.metrics.job_run("unknown", "buried");
        return finish(app, &claimed, &Outcome::Bury { reason: "this version does not know such a job".into() }).await;
    };
    let (name, longest) = (job.name(), dispatch::longest_age(&job));
    let handler = tokio::spawn(dispatch::run(app.clone(), claimed.clone(), job));
    let Some(outcome) = attend(app, &claimed, handler).await else {
        app.metrics.job_run(name, "lost");
        return;
    };
    let age = app.now().since(claimed.enqueued_at);
    let outcome = aged(outcome, age, longest);
    let word = match &outcome {
        Outcome::Done => "done",
        Outcome::Retry { .. } => "retried",
        Outcome::Bury { .. } => "buried",
    };
    app.metrics.job_run(name, word);
    if let Outcome::Bury { reason } = &outcome {
        tracing::warn!(job = %claimed.lease.job, kind = name, attempt = claimed.lease.attempt, reason, "a job is given up");
    }
    finish(app, &claimed, &outcome).await;
}

/// Waits for a handler and prolongs its lease meanwhile. `None` if the lease was lost.
async fn attend(app: &App, claimed: &Claimed, mut handler: JoinHandle<Outcome>) -> Option<Outcome> {
    let lease = app.config.job_lease;
    loop {
        match tokio::time::timeout(lease / 3, &mut handler).await {
            Ok(Ok(outcome)) => return Some(outcome),
            Ok(Err(error)) => {
                tracing::error!(job = %claimed.lease.job, panic = error.is_panic(), "a job's handler broke");
                return Some(Outcome::Retry { after: None, reason: "its handler broke".to_owned() });
            }
            Err(_) => match app.store.extend(&claimed.lease, lease).await {
                Ok(()) => {}
                Err(LeaseError::Lost) => {
                    handler.abort();
                    return None;
                }
                // Two more chances before the lease is over.
                Err(LeaseError::Store(error)) => tracing::debug!(%error, "a lease could not be prolonged"),
            },
        }
    }
}

/// An outcome, seen with the job's age.
fn aged(outcome: Outcome, age: Duration, longest: Option<Duration>) -> Outcome {
    match outcome {
        Outcome::Retry { reason, .. } if longest.is_some_and(|longest| age >= longest) => {
            Outcome::Bury { reason: format!("given up after {} s: {reason}", age.as_secs()) }
        }
        outcome => outcome,
    }
}

async fn finish(app: &App, claimed: &Claimed, outcome: &Outcome) {
    for attempt in 1..=FINISH_TRIES {
        let lease = &claimed.lease;
        let finished = match outcome {
            Outcome::Done => app.store.done(lease).await,
            Outcome::Retry { after, reason } => {
                let chance = u32::from_be_bytes(app.random.bytes());
                let wait = after.unwrap_or_else(|| backoff::wait(lease.attempt, chance));
                app.store.retry(lease, app.now().plus(wait), reason).await
            }
            Outcome::Bury { reason } => app.store.bury(lease, reason).await,
        };
        match finished {
            Ok(()) | Err(LeaseError::Lost) => return,
            Err(LeaseError::Store(error)) => {
                tracing::warn!(job = %lease.job, %error, "the end of a job could not be written");
                let chance = u32::from_be_bytes(app.random.bytes());
                tokio::time::sleep(backoff::wait(attempt, chance)).await;
            }
        }
    }
    // The lease runs out, and the job runs again: that is what at-least-once means.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_too_old_is_given_up_with_its_last_reason() {
        let retry = || Outcome::Retry { after: None, reason: "down".to_owned() };
        let hour = Duration::from_secs(3_600);
        assert_eq!(aged(retry(), hour, None), retry());
        assert_eq!(aged(retry(), hour, Some(hour * 2)), retry());
        let given_up = Outcome::Bury { reason: "given up after 3600 s: down".to_owned() };
        assert_eq!(aged(retry(), hour, Some(hour)), given_up);
        assert_eq!(aged(Outcome::Done, hour, Some(hour)), Outcome::Done);
    }
}

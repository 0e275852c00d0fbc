//! The runner: claims jobs, keeps their leases while they run, and finishes them as they say.
//!
//! A handler that panics is tried again a few times; one whose lease is lost is stopped, because somebody else has the
//! job. A job whose worker died over it runs apart from others, and is given up when that happens again and again. What
//! is running when the worker stops is left to its lease.

use std::{pin::Pin, sync::Arc, time::Duration};

use neoron_store::{Claimed, Jobs, LeaseError};
use tokio::{sync::Semaphore, task::JoinHandle};
use tracing::Instrument as _;

use super::{
    Job, Outcome, dispatch,
    finish::{chance, finish, resolve},
    isolation::Isolation,
    origin,
};
use crate::{
    app::App,
    tools::commands,
    trace::{self, Cause},
};

/// How long the runner waits for work before it looks by itself.
const IDLE: Duration = Duration::from_secs(1);
/// How long it rests when the store does not answer.
const STORE_REST: Duration = Duration::from_millis(500);
/// Jobs claimed at once at most; a store takes no more.
const CLAIM: usize = 100;
/// How long running jobs may take to end when the worker stops.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// A job that so many workers died over is given up. One death proves little: every job on a machine that loses power
/// has it.
const MAX_LOST: u32 = 3;
/// How often a handler that panicked is started again. A panic is a fault of ours, and most come again.
const PANIC_RETRIES: u32 = 4;
/// The longest that a job is put off that must run apart from what runs now. After the death of a worker there are as
/// many as it had: by chance they come back one by one.
const PUT_OFF: Duration = Duration::from_secs(1);

/// What runs a job; tests have another one.
type Handler = fn(Arc<App>, Arc<Claimed>, Job) -> Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Runs jobs until the worker stops.
pub(crate) async fn run(app: Arc<App>) {
    let room = app.config.job_concurrency.max(1);
    let permits = Arc::new(Semaphore::new(room));
    let stop = app.local.stop.clone();
    let handler: Handler = |app, claimed, job| Box::pin(dispatch::run(app, claimed, job));
    let runner = Runner { app, isolation: Isolation::default(), handler };
    // A claim that is dropped midway may have leased jobs; they come back when the lease is over.
    let _ = stop.run_until_cancelled(claim_for_ever(&runner, &permits)).await;
    let all = u32::try_from(room).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(STOP_GRACE, permits.acquire_many(all)).await;
}

async fn claim_for_ever(runner: &Runner, permits: &Arc<Semaphore>) {
    let app = &runner.app;
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
            let runner = runner.clone();
            tokio::spawn(async move {
                runner.work(Arc::new(job)).await;
                drop(permit);
            });
        }
    }
}

#[derive(Clone)]
struct Runner {
    app: Arc<App>,
    isolation: Isolation,
    handler: Handler,
}

impl Runner {
    /// Runs a claimed job and finishes it.
    async fn work(&self, claimed: Arc<Claimed>) {
        let app = &self.app;
        let (from, payload) = origin::opened(&claimed.payload);
        let Some(job) = Job::from_parts(&claimed.kind, payload) else {
            app.metrics.job_run("unknown", "buried");
            let reason = "this version does not know such a job".to_owned();
            return finish(app, &claimed.lease, &Outcome::Bury { reason }).await;
        };
        let name = job.name();
        if claimed.lost > 0 {
            app.metrics.suspect();
            tracing::warn!(job = %claimed.lease.job, kind = name, lost = claimed.lost, "a job outlived its worker");
        }
        if claimed.lost >= MAX_LOST {
            let reason = format!("given up: {} workers died while they ran it", claimed.lost);
            return self.give_up(&claimed, &job, reason).await;
        }
        let Some(entered) = self.isolation.enter(claimed.lease.session, claimed.lost > 0) else {
            app.metrics.job_run(name, "put_off");
            let after = PUT_OFF.mul_f64(f64::from(chance(app)) / f64::from(u32::MAX));
            let reason = "it must not run beside what runs now".to_owned();
            return finish(app, &claimed.lease, &Outcome::Retry { after: Some(after), reason }).await;
        };
        let span = trace::job(name, &claimed.lease, from);
        let logged = tracing::info_span!("job", id = %claimed.lease.job, kind = name);
        let run = (self.handler)(app.clone(), claimed.clone(), job.clone());
        let run = trace::because(Cause::Job(claimed.lease.job), run);
        let handler = tokio::spawn(run.instrument(span.clone()).instrument(logged));
        let outcome = attend(&*app.store, app.config.job_lease, &claimed, handler).await;
        drop(entered);
        trace::ran(&span, outcome.word());
        drop(span);
        match outcome {
            Attended::Lost => app.metrics.job_run(name, "lost"),
            Attended::Ended(outcome) => self.ended(&claimed, &job, outcome).await,
            Attended::Broke { panic } => {
                tracing::error!(job = %claimed.lease.job, kind = name, panic, "a job's handler broke");
                let reason = "its handler broke".to_owned();
                let broke = Outcome::Limited { failure: "broke", retries: PANIC_RETRIES, reason };
                match resolve(app, &claimed.lease, broke).await {
                    Outcome::Bury { reason } => self.give_up(&claimed, &job, reason).await,
                    outcome => self.ended(&claimed, &job, outcome).await,
                }
            }
        }
    }

    /// Finishes a job as its handler said.
    async fn ended(&self, claimed: &Claimed, job: &Job, outcome: Outcome) {
        let app = &self.app;
        let outcome = resolve(app, &claimed.lease, outcome).await;
        let outcome = aged(outcome, app.now().since(claimed.enqueued_at), dispatch::longest_age(job));
        app.metrics.job_run(job.name(), outcome.word());
        if let Outcome::Bury { reason } = &outcome {
            let attempt = claimed.lease.attempt;
            tracing::warn!(job = %claimed.lease.job, kind = job.name(), attempt, reason, "a job is given up");
        }
        finish(app, &claimed.lease, &outcome).await;
    }

    /// Gives a job up whose handler has no say in it. Whoever waits for a command is told.
    async fn give_up(&self, claimed: &Claimed, job: &Job, reason: String) {
        if let (Job::RunCommand { .. }, Some(session)) = (job, claimed.lease.session) {
            commands::given_up(&self.app, session).await;
        }
        self.ended(claimed, job, Outcome::Bury { reason }).await;
    }
}

/// How a handler ended.
#[derive(Debug, PartialEq)]
enum Attended {
    Ended(Outcome),
    /// It panicked, or was cancelled with its runtime.
    Broke {
        panic: bool,
    },
    /// Its lease was lost, and it was stopped.
    Lost,
}

impl Attended {
    fn word(&self) -> &'static str {
        match self {
            Self::Ended(outcome) => outcome.word(),
            Self::Broke { .. } => "broke",
            Self::Lost => "lost",
        }
    }
}

/// Waits for a handler and prolongs its lease meanwhile.
async fn attend<J: Jobs + ?Sized>(
    jobs: &J,
    lease: Duration,
    claimed: &Claimed,
    mut handler: JoinHandle<Outcome>,
) -> Attended {
    loop {
        match tokio::time::timeout(lease / 3, &mut handler).await {
            Ok(Ok(outcome)) => return Attended::Ended(outcome),
            Ok(Err(error)) => return Attended::Broke { panic: error.is_panic() },
            Err(_) => match jobs.extend(&claimed.lease, lease).await {
                Ok(()) => {}
                Err(LeaseError::Lost) => {
                    handler.abort();
                    return Attended::Lost;
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

#[cfg(test)]
mod tests;

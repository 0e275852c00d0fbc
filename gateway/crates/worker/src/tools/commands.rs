//! Commands: durable before they are tried, executed once, answered in time.
//!
//! The yes, the card and the job are one atomic step. The job is leased to this worker, which tries at once; if it is
//! slow, fails or dies, the queue has it. An execution is never cancelled midway: whatever ERPNext says is written
//! down, and whoever was told to wait is told.

use std::{sync::Arc, time::Duration};

use neoron_protocol::{
    SessionId,
    frame::{Body, Level, Notice},
};
use neoron_store::{Lease, Start};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Profile, Sentence, Tool,
    answer::Answer,
    desk::{self, Face, Taken, Verdict},
    refusal,
};
use crate::{
    app::{App, Step, StepError},
    erpnext::{Class, Error, Priority},
    jobs::{self, Job, Outcome},
    ledger::Settlement,
    record::Record,
    trace,
};

/// How soon a command that failed for a moment is tried again, if ERPNext names no time.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How often a command is sent again that met another one on the same document, or its own name.
const CONFLICT_RETRIES: u32 = 5;

/// How an execution went.
#[derive(Debug)]
enum Executed {
    /// There is an outcome, now or from before.
    Settled,
    /// Not now.
    Later { after: Option<Duration>, reason: String },
    /// Never, as it is: somebody has to look.
    Stuck { reason: String },
}

/// What a yes needs to know of its tool.
pub(super) struct Order<'a> {
    pub(super) profile: &'a Profile,
    /// The tool that was called.
    pub(super) tool: &'a Tool,
    pub(super) session: SessionId,
    /// When the answer must be on its way.
    pub(super) until: Instant,
}

/// Commits the step that `decide` makes and sees its command through, as far as there is time.
pub(super) async fn take(
    app: &Arc<App>,
    order: &Order<'_>,
    mut decide: impl FnMut(&mut Record, &mut Step) -> Taken,
) -> Result<Answer, StepError> {
    let lease = app.config.job_lease;
    let step = app.step(order.session, |record, step| {
        let taken = decide(record, step);
        if let Taken::Place(key) = &taken {
            let start = Start::LeasedTo { worker: app.id, lease };
            step.enqueue(app, order.session, &Job::RunCommand { key: key.clone() }, start);
        }
        taken
    });
    let done = step.await?;
    match done.value {
        Taken::Answered(answer) => Ok(answer),
        Taken::Already(key) => {
            settled(app, order.session, &key, order.until).await?;
            result(app, order, &key).await
        }
        Taken::Place(key) => {
            // Without a lease an earlier command of the session is still under way: this one has its turn after it.
            if let Some(lease) = done.committed.and_then(|committed| committed.leases.into_iter().next()) {
                // On its own: the request may be dropped, the execution must not be.
                let task = tokio::spawn(trace::carried(attend(app.clone(), order.session, key.clone(), lease)));
                // Too late or broken: the record tells which.
                tokio::time::timeout_at(order.until, task).await.ok();
            }
            result(app, order, &key).await
        }
    }
}

/// Executes a command whose lease this worker has, and finishes the job.
async fn attend(app: Arc<App>, session: SessionId, key: String, lease: Lease) {
    let outcome = match execute(&app, &lease, session, &key, false).await {
        Ok(Executed::Settled) => Outcome::Done,
        Ok(Executed::Later { after, reason }) => Outcome::Retry { after: after.or(Some(AGAIN_AFTER)), reason },
        Ok(Executed::Stuck { reason }) => Outcome::Bury { reason },
        // What became of it is not written down: whoever takes the job finds the command as it is.
        Err(error) => {
            tracing::warn!(%session, %error, "a command could not be settled at once");
            Outcome::Retry { after: Some(AGAIN_AFTER), reason: error.to_string() }
        }
    };
    jobs::finish(&app, &lease, &outcome).await;
}

/// Runs a command from the queue. Does nothing if it is settled already.
pub(crate) async fn run(app: &Arc<App>, lease: &Lease, session: SessionId, key: &str) -> Outcome {
    match execute(app, lease, session, key, true).await {
        Ok(Executed::Settled) => Outcome::Done,
        Ok(Executed::Later { after, reason }) => Outcome::Retry { after, reason },
        Ok(Executed::Stuck { reason }) => Outcome::Bury { reason },
        Err(StepError::Gone) => {
            Outcome::Bury { reason: "the session has expired before its command was placed".into() }
        }
        Err(error) => Outcome::Retry { after: None, reason: error.to_string() },
    }
}

async fn execute(app: &App, lease: &Lease, session: SessionId, key: &str, by_job: bool) -> Result<Executed, StepError> {
    let record = app.load(session).await?.ok_or(StepError::Gone)?;
    let Some(command) = record.ledger.command(key).filter(|command| command.settlement().is_none()) else {
        return Ok(Executed::Settled);
    };
    let found = app.tools.profile(&record.business).and_then(|profile| Some((profile, profile.tool(&command.tool)?)));
    let Some((profile, tool)) = found else {
        return Ok(Executed::Stuck { reason: "its tool is no longer configured".to_owned() });
    };
    let method = tool.spec.method.as_deref().unwrap_or_default();
    let mut arguments = command.arguments.clone();
    arguments["idempotency_key"] = key.into();
    arguments["session_id"] = session.as_str().into();
    // Sent again after a time-out or a crash it is the same document to ERPNext, because of its key.
    let who = if by_job { Priority::Job } else { Priority::Visitor };
    match app.erpnext.call(who, method, &arguments, app.config.erpnext.request_deadline).await {
        Ok(answer) => {
            let say = placed(profile, tool, &arguments, &answer);
            write(app, session, key, by_job, || Verdict::Placed { answer: &answer, say: say.clone() }).await?;
            Ok(Executed::Settled)
        }
        Err(error) => match refusal::sentence(&error) {
            Some(say) => {
                if let (true, Some(name)) = (refusal::doubts_catalogue(&error), tool.spec.catalogue.as_deref()) {
                    app.tools.snapshots.doubt(&super::quoting::source(profile, tool, name));
                }
                write(app, session, key, by_job, || Verdict::Refused { say: say.clone() }).await?;
                Ok(Executed::Settled)
            }
            None => failed(app, lease, session, &error).await,
        },
    }
}

async fn failed(app: &App, lease: &Lease, session: SessionId, error: &Error) -> Result<Executed, StepError> {
    let outcome = match error.class() {
        // A name that is taken by our own key is found at the next attempt; so is a change at the same instant.
        class @ (Class::AlreadyThere | Class::Stale) => {
            Outcome::Limited { failure: class.as_str(), retries: CONFLICT_RETRIES, reason: error.to_string() }
        }
        _ => error.to_outcome(),
    };
    match jobs::resolve(app, lease, outcome).await {
        Outcome::Retry { after, reason } => Ok(Executed::Later { after, reason }),
        Outcome::Limited { reason, .. } => Ok(Executed::Later { after: None, reason }),
        Outcome::Bury { reason } => {
            stuck(app, session).await?;
            Ok(Executed::Stuck { reason })
        }
        Outcome::Done => Ok(Executed::Settled),
    }
}

/// Writes ERPNext's verdict down and tells those who wait.
async fn write<'a>(
    app: &App,
    session: SessionId,
    key: &str,
    by_job: bool,
    verdict: impl Fn() -> Verdict<'a>,
) -> Result<(), StepError> {
    let now = app.now();
    app.step(session, |record, step| {
        if let Some(text) = desk::settle(record, step, key, verdict(), by_job, now) {
            tell_agent(app, record, step, text);
        }
    })
    .await?;
    Ok(())
}

/// A command that cannot go on without a person: the visitor must not wait for it.
async fn stuck(app: &App, session: SessionId) -> Result<(), StepError> {
    const TEXT: &str = "It could not be placed automatically. A person will look after it.";
    app.step(session, |record, step| {
        let notice = Notice { code: "needs_person".to_owned(), text: TEXT.to_owned(), level: Level::Warning };
        step.tell(app.now(), &Body::Notice(notice));
        tell_agent(app, record, step, TEXT.to_owned());
    })
    .await?;
    Ok(())
}

/// A command was given up although its execution did not say so.
pub(crate) async fn given_up(app: &App, session: SessionId) {
    if let Err(error) = stuck(app, session).await {
        tracing::warn!(%session, %error, "nobody could be told that a command is given up");
    }
}

/// Has the agent told, if the call is still going on.
pub(super) fn tell_agent(app: &App, record: &Record, step: &mut Step, text: String) {
    if record.call.is_some() && !record.state.is_final() {
        step.enqueue(app, record.session, &Job::NotifyCall { text }, Start::Now);
    }
}

fn placed(profile: &Profile, tool: &Tool, arguments: &Value, answer: &Value) -> String {
    let mut context = arguments.clone();
    if let (Some(context), Some(answer)) = (context.as_object_mut(), answer.as_object()) {
        context.extend(answer.iter().map(|(name, value)| (name.clone(), value.clone())));
        let total = refusal::total(&Value::Object(answer.clone())).map(|money| super::money::text(&money));
        context.insert("total".into(), json!(total));
    }
    match profile.say(profile.teller(tool), Sentence::Say, &context) {
        said if said.is_empty() => "It is placed.".to_owned(),
        said => said,
    }
}

/// Waits until a command is settled, at most until the deadline. The events of the session wake it. Whoever was told to
/// wait once is not kept waiting on the line again.
async fn settled(app: &App, session: SessionId, key: &str, until: Instant) -> Result<(), StepError> {
    let mut watch = app.store.watch(session).await?;
    loop {
        let record = app.load(session).await?.ok_or(StepError::Gone)?;
        let over = |command: &crate::ledger::Command| command.settlement().is_some() || command.is_promised();
        if record.ledger.command(key).is_none_or(over) {
            return Ok(());
        }
        match tokio::time::timeout_at(until, watch.changed()).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return Ok(()),
        }
    }
}

/// The command's outcome, or the promise of one.
async fn result(app: &App, order: &Order<'_>, key: &str) -> Result<Answer, StepError> {
    let done = app.step(order.session, |record, _| {
        record.ledger.promise(key);
        record.ledger.command(key).and_then(|command| command.settlement().cloned())
    });
    Ok(match done.await?.value {
        Some(Settlement::Placed { document, say }) => Answer::Placed { document, say },
        Some(Settlement::Refused { say }) => Answer::Refused { say },
        None => Answer::Queued { say: queued(order) },
    })
}

fn queued(order: &Order<'_>) -> String {
    match order.profile.say(order.tool, Sentence::Queued, &json!({})) {
        said if said.is_empty() => "It is being placed. You will hear as soon as it is done.".to_owned(),
        said => said,
    }
}

/// What a command without a quote shows.
pub(super) fn face(tool: &Tool) -> Face {
    Face { title: tool.spec.title.clone(), ..Face::default() }
}

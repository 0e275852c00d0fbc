//! What the visitor does in a session: type, and hang up. The HTTP routes and the realtime socket call the same
//! functions.
//!
//! Words are durable before they are sent: the line, the count and the job are one step, the job is leased to this
//! worker and tried at once. A repeat of the same message is one message.

use std::{sync::Arc, time::Duration};

use neoron_protocol::{
    ErrorCode, SessionId,
    frame::{Body, Speaker, Transcript},
    session::{Event, State},
};
use neoron_store::{Burn, Lease, Rate, Start};

use super::life::advance;
use crate::{
    app::{App, StepError},
    http::problem::Refusal,
    jobs::{Job, look_after},
    trace,
    ultravox::{Error, Urgency},
};

/// A visitor types at most ten messages at once and one a second.
const MESSAGES: Rate = Rate { burst: 10, every: Duration::from_secs(1) };
/// How long a repeat of a message is recognised: longer than any client tries.
const REMEMBERED: Duration = Duration::from_secs(4 * 3_600);
/// How soon a message to a call that is being joined is tried again.
const JOINING: Duration = Duration::from_millis(300);
/// How soon a message is tried again that the service did not take, if it named no time.
const AGAIN: Duration = Duration::from_secs(1);

/// How the delivery into a call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It is done.
    Yes,
    /// The call is over.
    Over,
    /// Not now.
    Later {
        /// When to try again.
        after: Option<Duration>,
        /// Why, for the operator.
        reason: String,
    },
    /// Never.
    Never {
        /// Why, for the operator.
        reason: String,
    },
}

/// The visitor typed something.
///
/// # Errors
/// [`Refusal`]: 410 if the session is over, 429 if it is too much, 503 if the store fails. Without an error it reaches
/// the agent, now or as soon as the voice service takes it.
pub(crate) async fn say(app: &Arc<App>, session: SessionId, id: &str, text: &str) -> Result<(), Refusal> {
    let decision = app.store.take(&format!("say:{session}"), MESSAGES).await?;
    if !decision.allowed {
        return Err(Refusal::of(ErrorCode::TooManyRequests).after(decision.retry_after));
    }
    let lease = app.config.job_lease;
    let done = app.step(session, |record, step| {
        if record.state.is_final() || record.state == State::Ending {
            return Err(Refusal::of(ErrorCode::SessionOver));
        }
        let line = Transcript { line: id.to_owned(), speaker: Speaker::Visitor, text: text.to_owned(), r#final: true };
        step.tell(app.now(), &Body::Transcript(line));
        step.burn.push(Burn { key: format!("say:{id}"), keep: REMEMBERED });
        record.counters.messages = record.counters.messages.saturating_add(1);
        let start = Start::LeasedTo { worker: app.id, lease };
        step.enqueue(app, session, &Job::SendText { text: text.to_owned() }, start);
        Ok(())
    });
    let done = match done.await {
        Ok(done) => done,
        // It is there already.
        Err(StepError::Repeat) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    done.value?;
    let Some(lease) = done.committed.and_then(|committed| committed.leases.into_iter().next()) else { return Ok(()) };
    let delivery = attend(app.clone(), session, Task::Text(text.to_owned()), lease);
    // On its own: the request may be dropped, the delivery must not be.
    match app.local.tasks.spawn(trace::carried(delivery)).await {
        Ok(Delivered::Over) => Err(Refusal::of(ErrorCode::SessionOver)),
        // Done, or in the queue's hands.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The visitor hangs up. Answers the state that follows.
///
/// # Errors
/// [`Refusal`] if the store fails.
pub(crate) async fn end(app: &Arc<App>, session: SessionId) -> Result<State, Refusal> {
    let lease = app.config.job_lease;
    let done = app
        .step(session, |record, step| {
            let before = record.state;
            // Every state takes it; a session that is over stays as it is.
            let asked = advance(record, step, Event::EndRequested, app.now());
            if asked.is_ok() && record.state != before && record.call.is_some() {
                let start = Start::LeasedTo { worker: app.id, lease };
                step.enqueue(app, session, &Job::HangUp, start);
            }
        })
        .await?;
    let state = done.record.state;
    if let Some(lease) = done.committed.and_then(|committed| committed.leases.into_iter().next()) {
        // Nobody waits for it: the end is told by its event.
        app.local.tasks.spawn(trace::carried(attend(app.clone(), session, Task::HangUp, lease)));
    }
    Ok(state)
}

/// What is sent into a call.
enum Task {
    Text(String),
    HangUp,
}

/// Tries a delivery whose job this worker has leased, and finishes the job.
async fn attend(app: Arc<App>, session: SessionId, task: Task, lease: Lease) -> Delivered {
    let delivered = match &task {
        Task::Text(text) => deliver(&app, session, text, Urgency::Immediate).await,
        Task::HangUp => hang_up(&app, session).await,
    };
    let finished = match &delivered {
        Delivered::Yes | Delivered::Over => app.store.done(&lease).await,
        Delivered::Later { after, reason } => {
            app.store.retry(&lease, app.now().plus(after.unwrap_or(AGAIN)), reason).await
        }
        Delivered::Never { reason } => app.store.bury(&lease, reason).await,
    };
    if let Err(error) = finished {
        // The lease runs out, and whoever takes the job delivers it.
        tracing::debug!(%session, %error, "a delivery's job could not be finished");
    }
    delivered
}

/// Says something to the agent of a session.
pub(crate) async fn deliver(app: &Arc<App>, session: SessionId, text: &str, urgency: Urgency) -> Delivered {
    let (call, state) = match live_call(app, session).await {
        Ok(found) => found,
        Err(delivered) => return delivered,
    };
    match app.ultravox.send_user_text(&call, text, urgency).await {
        Ok(()) => Delivered::Yes,
        Err(error) if error.is_not_live() && is_before_join(state) => {
            Delivered::Later { after: Some(JOINING), reason: "nobody has joined the call yet".to_owned() }
        }
        Err(error) => failed(app, session, &call, &error).await,
    }
}

/// Ends a session's call.
pub(crate) async fn hang_up(app: &Arc<App>, session: SessionId) -> Delivered {
    let (call, _) = match live_call(app, session).await {
        Ok(found) => found,
        Err(delivered) => return delivered,
    };
    match app.ultravox.hang_up(&call).await {
        Ok(()) => Delivered::Yes,
        // A call that nobody joined ends by itself.
        Err(error) => failed(app, session, &call, &error).await,
    }
}

async fn live_call(app: &App, session: SessionId) -> Result<(String, State), Delivered> {
    match app.load(session).await {
        Ok(Some(record)) if !record.state.is_final() => match record.call {
            Some(call) => Ok((call, record.state)),
            None => Err(Delivered::Later { after: Some(JOINING), reason: "there is no call yet".to_owned() }),
        },
        Ok(_) => Err(Delivered::Over),
        Err(error) => Err(Delivered::Later { after: None, reason: error.to_string() }),
    }
}

fn is_before_join(state: State) -> bool {
    matches!(state, State::Initializing | State::Ready)
}

async fn failed(app: &Arc<App>, session: SessionId, call: &str, error: &Error) -> Delivered {
    if error.is_not_live() || error.is_missing() {
        // Its end was not reported yet, or the report was lost.
        look_after(app, session, call).await;
        Delivered::Over
    } else if error.is_transient() {
        Delivered::Later { after: error.retry_after(app.now()), reason: error.to_string() }
    } else {
        Delivered::Never { reason: error.to_string() }
    }
}

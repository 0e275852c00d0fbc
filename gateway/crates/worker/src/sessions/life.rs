//! Where a session goes: the protocol's state machine applied to the record, and what follows from a step.

use std::sync::Arc;

use neoron_protocol::{
    SessionId, UnixMillis,
    frame::{Body, Session},
    session::{EndReason, Event, Refused},
};
use neoron_store::Start;

use super::{adopt::adopt, seats};
use crate::{
    analytics::Counted,
    app::{App, Step, StepError},
    jobs::{self, Job},
    record::Record,
    ultravox::Call,
};

/// What the voice service says of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    /// Which call.
    pub(crate) call: String,
    /// When somebody joined.
    pub(crate) joined: Option<UnixMillis>,
    /// When and why it ended.
    pub(crate) end: Option<(UnixMillis, EndReason)>,
}

impl From<&Call> for Report {
    fn from(call: &Call) -> Self {
        Self { call: call.call_id.clone(), joined: call.joined_at(), end: call.end() }
    }
}

/// What came of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The session knows it now, or knew it.
    Known,
    /// The session has no call yet: this came before the answer to our own request.
    Early,
    /// The session has another call, or is over without one.
    Foreign,
}

/// Moves a session and tells the visitor if that changes anything.
pub(super) fn advance(record: &mut Record, step: &mut Step, event: Event, now: UnixMillis) -> Result<(), Refused> {
    let next = record.state.after(event)?;
    if next != record.state {
        record.state = next;
        step.tell(now, &Body::Session(Session { state: next }));
    }
    Ok(())
}

/// Ends a session in a step: what is left to do is one job.
pub(super) fn finish(
    app: &App,
    record: &mut Record,
    step: &mut Step,
    event: Event,
    at: UnixMillis,
) -> Result<(), Refused> {
    if record.state.is_final() {
        return Ok(());
    }
    advance(record, step, event, app.now())?;
    if let Event::CallEnded(reason) = event {
        record.end_reason = Some(reason);
    }
    record.ended_at = Some(at);
    // The voice service's clock may be ahead of ours.
    let day = at.min(app.now());
    step.count(record, day, Counted::Ended(record.state));
    let talked = jobs::talked(record);
    if talked > 0 {
        step.count(record, day, Counted::Seconds(talked));
    }
    step.enqueue(app, record.session, &Job::CompleteSession, Start::Now);
    Ok(())
}

/// Applies a report to a session.
///
/// # Errors
/// [`StepError`]; nothing was written then.
pub(crate) async fn report(app: &Arc<App>, session: SessionId, report: &Report) -> Result<Applied, StepError> {
    let done = app.step(session, |record, step| apply(app, record, step, report)).await?;
    if done.record.state.is_final() {
        release(app, session);
        seats::try_rise(app, &done.record).await;
    } else {
        adopt(app, &done.record).await;
    }
    Ok(done.value)
}

fn apply(app: &App, record: &mut Record, step: &mut Step, report: &Report) -> Applied {
    match &record.call {
        Some(call) if *call == report.call => {}
        None if !record.state.is_final() => return Applied::Early,
        // Of a creation whose answer was lost: that call belongs to nobody.
        _ => return Applied::Foreign,
    }
    if let Some(at) = report.joined.filter(|_| !record.state.is_final()) {
        // A late report of the join, after an end was asked for, leaves the state as it is.
        if advance(record, step, Event::Joined, app.now()).is_ok() {
            record.joined_at.get_or_insert(at);
        }
    }
    if let Some((at, reason)) = report.end {
        // Every state takes the end of its call.
        let _ = finish(app, record, step, Event::CallEnded(reason), at);
    }
    Applied::Known
}

/// Lets go of what this worker holds of a session.
pub(super) fn release(app: &App, session: SessionId) {
    app.legs.leave(session);
    app.local.free(session);
}

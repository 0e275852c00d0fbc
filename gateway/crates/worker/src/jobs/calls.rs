//! Jobs about a call: asking after it, telling its agent something, completing its session.

use std::{sync::Arc, time::Duration};

use neoron_protocol::{SessionId, UnixMillis, session::EndReason};
use neoron_store::StoreError;

use super::Outcome;
use crate::{
    app::{App, StepError},
    erpnext,
    record::Record,
    sessions::{self, Applied, Delivered, Report},
    ultravox::{Error, Message, Role, Urgency},
};

/// What we say to the agent in the visitor's place is marked, so that it is told from the visitor's own words, by the
/// agent and in the transcript.
const NOTICE_START: &str = "<instruction>";
const NOTICE_END: &str = "</instruction>";
/// How soon a call that could not be asked after is asked after again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Asks Ultravox whether the call is over, until it is.
pub(super) async fn poll(app: &Arc<App>, session: SessionId, call: &str) -> Outcome {
    match app.load(session).await {
        Ok(Some(record)) if !record.state.is_final() => sessions::adopt(app, &record).await,
        Ok(_) => return Outcome::Done,
        Err(error) => return later(&error),
    }
    let report = match ask(app, call).await {
        Ok(report) => report,
        Err(error) => {
            let after = error.retry_after(app.now()).or(Some(ASK_AGAIN));
            return Outcome::Retry { after, reason: error.to_string() };
        }
    };
    match sessions::report(app, session, &report).await {
        Ok(Applied::Known) if report.end.is_none() => {
            Outcome::Retry { after: Some(app.config.poll_calls_every), reason: "the call goes on".to_owned() }
        }
        Ok(Applied::Early) => {
            Outcome::Retry { after: Some(ASK_AGAIN), reason: "the session does not know its call yet".to_owned() }
        }
        Ok(_) | Err(StepError::Gone) => Outcome::Done,
        Err(error) => Outcome::Retry { after: None, reason: error.to_string() },
    }
}

/// Asks after a call at once, because something says that it may be over. The poll job does it again if this fails.
pub(crate) async fn look_after(app: &Arc<App>, session: SessionId, call: &str) {
    let Ok(report) = ask(app, call).await else { return };
    if let Err(error) = sessions::report(app, session, &report).await {
        tracing::debug!(%session, %error, "the state of a call could not be written at once");
    }
}

/// What Ultravox says of a call. One that it does not know (any more) is over.
async fn ask(app: &App, call: &str) -> Result<Report, Error> {
    match app.ultravox.get_call(call).await {
        Ok(found) => Ok(Report::from(&found)),
        Err(error) if error.is_missing() => {
            Ok(Report { call: call.to_owned(), joined: None, end: Some((app.now(), EndReason::SystemError)) })
        }
        Err(error) => Err(error),
    }
}

/// Tells the agent something that it should pass on.
pub(super) async fn notify(app: &Arc<App>, session: SessionId, text: &str) -> Outcome {
    let notice = format!("{NOTICE_START}Tell the visitor: {text}{NOTICE_END}");
    outcome(sessions::deliver(app, session, &notice, Urgency::Soon).await)
}

/// What a delivery means for its job. Nobody is told after the end.
pub(super) fn outcome(delivered: Delivered) -> Outcome {
    match delivered {
        Delivered::Yes | Delivered::Over => Outcome::Done,
        Delivered::Later { after, reason } => Outcome::Retry { after, reason },
        Delivered::Never { reason } => Outcome::Bury { reason },
    }
}

/// Writes the Voice Session as it is now.
pub(super) async fn upsert(app: &Arc<App>, session: SessionId) -> Outcome {
    match app.load(session).await {
        Ok(Some(record)) => write(app, &record, None).await,
        Ok(None) => Outcome::Bury { reason: "the session has expired before it was written".to_owned() },
        Err(error) => later(&error),
    }
}

/// Gives the seats and the unused minutes back, fetches the transcript and completes the Voice Session.
pub(super) async fn complete(app: &Arc<App>, session: SessionId) -> Outcome {
    let record = match app.load(session).await {
        Ok(Some(record)) => record,
        Ok(None) => return Outcome::Bury { reason: "the session has expired before it was completed".to_owned() },
        Err(error) => return later(&error),
    };
    // First: a second settlement changes nothing, and the minutes must not wait for ERPNext.
    if let Err(error) = app.store.settle(&record.budget, session.as_str(), talked(&record)).await {
        return later(&error);
    }
    if let Err(error) = sessions::rise(app, &record).await {
        return later(&error);
    }
    let Some(call) = &record.call else { return write(app, &record, None).await };
    match app.ultravox.messages(call).await {
        Ok(messages) => write(app, &record, Some(&transcript(&messages))).await,
        // A call that was deleted has no transcript any more.
        Err(error) if error.is_missing() => write(app, &record, None).await,
        Err(error) => error.to_outcome(app.now()),
    }
}

async fn write(app: &App, record: &Record, transcript: Option<&str>) -> Outcome {
    match erpnext::voice_session::write(app, record, transcript).await {
        Ok(()) => Outcome::Done,
        Err(error) => error.to_outcome(),
    }
}

fn later(error: &StoreError) -> Outcome {
    Outcome::Retry { after: None, reason: error.to_string() }
}

/// Seconds of talk, rounded up.
pub(crate) fn talked(record: &Record) -> u64 {
    let span = |(joined, ended): (UnixMillis, UnixMillis)| ended.since(joined).as_millis().div_ceil(1_000);
    let seconds = record.joined_at.zip(record.ended_at).map_or(0, span);
    u64::try_from(seconds).unwrap_or(u64::MAX)
}

/// A conversation as a person reads it.
fn transcript(messages: &[Message]) -> String {
    let lines = messages.iter().filter_map(|message| {
        let text = message.text.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        match message.role {
            Role::Agent => Some(format!("Agent: {text}")),
            Role::User if text.starts_with(NOTICE_START) => None,
            Role::User => Some(format!("Visitor: {text}")),
            Role::Other => None,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::samples;

    #[test]
    fn a_transcript_has_the_words_of_both_and_nothing_of_ours() {
        let said = |role, text: &str| Message { role, text: Some(text.to_owned()) };
        let messages = [
            said(Role::Agent, " Hello. "),
            said(Role::User, "Two pizzas"),
            said(Role::Other, "{\"tool\": 1}"),
            said(Role::User, "<instruction>Tell the visitor: it is ready.</instruction>"),
            Message { role: Role::Agent, text: None },
        ];
        assert_eq!(transcript(&messages), "Agent: Hello.\nVisitor: Two pizzas");
    }

    #[test]
    fn only_the_time_in_the_call_is_used_up() {
        let mut record = samples::record();
        record.ended_at = Some(UnixMillis(70_001));
        assert_eq!(talked(&record), 0, "nobody joined");
        record.joined_at = Some(UnixMillis(10_000));
        assert_eq!(talked(&record), 61);
    }
}

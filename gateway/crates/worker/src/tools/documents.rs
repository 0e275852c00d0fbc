//! Status webhooks: an order's progress, from ERPNext to the visitor's card and into the live call.

use std::{sync::Arc, time::Duration};

use neoron_protocol::{
    SessionId, UnixMillis,
    frame::{Body, Stage},
};
use neoron_store::{DocumentKey, StoreError};
use serde_json::Value;

use super::commands::tell_agent;
use crate::{
    app::{App, Step, StepError},
    jobs::Outcome,
    record::{OwnDocument, Record},
};

/// How long a webhook that came before its document is known here is kept.
const PARKED_FOR: Duration = Duration::from_secs(600);
/// How often it is looked at meanwhile.
const PARKED_EVERY: Duration = Duration::from_secs(3);
/// The longest status, in characters; what a Select holds.
const MAX_STATUS_CHARS: usize = 140;

/// What a webhook tells.
#[derive(Debug, PartialEq)]
struct Update<'a> {
    key: DocumentKey,
    status: &'a str,
    modified: &'a str,
    number: Option<&'a str>,
    minutes: Option<u32>,
    session: Option<SessionId>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The card has moved on.
    Changed,
    /// Older than what is known, or the same.
    Old,
    /// The session does not know the document (yet).
    Unknown,
}

/// Applies a status webhook's body.
pub(crate) async fn apply(app: &Arc<App>, update: &Value, accepted_at: UnixMillis) -> Outcome {
    let Some(update) = read(update) else {
        return Outcome::Bury { reason: "the webhook's body misses a field".to_owned() };
    };
    let retry = |reason: String| Outcome::Retry { after: None, reason };
    let session = match find(app, &update).await {
        Ok(session) => session,
        Err(error) => return retry(error.to_string()),
    };
    let Some(session) = session else { return park(app, accepted_at) };
    match change(app, session, &update).await {
        Ok(Applied::Changed | Applied::Old) => Outcome::Done,
        Ok(Applied::Unknown) => park(app, accepted_at),
        // Nobody is left to be told.
        Err(StepError::Gone) => Outcome::Done,
        Err(error) => retry(error.to_string()),
    }
}

/// Applies a status webhook's body at once, where that is one step of a session that knows the document: as durable as
/// a job and a fraction of its cost. `None` if it takes a job, to find the session, to wait for it or to try again. A
/// repeat, or an older state that comes late, changes nothing: ERPNext's `modified` orders them.
pub(crate) async fn apply_at_once(app: &Arc<App>, update: &Value) -> Option<Applied> {
    let update = read(update)?;
    let applied = change(app, update.session?, &update).await.ok()?;
    (applied != Applied::Unknown).then_some(applied)
}

async fn change(app: &Arc<App>, session: SessionId, update: &Update<'_>) -> Result<Applied, StepError> {
    let now = app.now();
    let step = app.step(session, |record, step| {
        let (applied, text) = apply_to(record, step, update, now);
        if let Some(text) = text {
            tell_agent(app, record, step, text);
        }
        applied
    });
    Ok(step.await?.value)
}

fn park(app: &App, accepted_at: UnixMillis) -> Outcome {
    if app.now().since(accepted_at) >= PARKED_FOR {
        return Outcome::Bury { reason: "no session knows the document".to_owned() };
    }
    Outcome::Retry { after: Some(PARKED_EVERY), reason: "no session knows the document yet".to_owned() }
}

async fn find(app: &App, update: &Update<'_>) -> Result<Option<SessionId>, StoreError> {
    match update.session {
        Some(session) => Ok(Some(session)),
        None => app.store.by_document(&update.key).await,
    }
}

fn read(body: &Value) -> Option<Update<'_>> {
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    Some(Update {
        key: DocumentKey { doctype: text("doctype")?.to_owned(), name: text("name")?.to_owned() },
        status: text("status")?,
        modified: text("modified")?,
        number: text("order_number"),
        minutes: body["estimated_time"].as_u64().and_then(|minutes| u32::try_from(minutes).ok()),
        session: text("session_id").and_then(|id| SessionId::parse(id).ok()),
    })
}

/// Applies an update to a session's record; returns what the agent is to be told.
fn apply_to(record: &mut Record, step: &mut Step, update: &Update<'_>, now: UnixMillis) -> (Applied, Option<String>) {
    let own = |own: &&mut OwnDocument| {
        own.doctype.as_deref() == Some(&update.key.doctype)
            && own.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&update.key.name))
    };
    let Some(own) = record.documents.iter_mut().find(own) else { return (Applied::Unknown, None) };
    // One format with six digits or none: the order of the texts is the order of the times.
    if update.modified <= own.modified.as_str() {
        return (Applied::Old, None);
    }
    own.modified = update.modified.to_owned();
    let card = &mut own.card;
    let moved = card.status != update.status;
    card.status = update.status.chars().take(MAX_STATUS_CHARS).collect();
    card.stage = stage(&update.key.doctype, update.status).unwrap_or(card.stage);
    card.estimated_minutes = update.minutes;
    if let Some(number) = update.number {
        card.number = Some(number.to_owned());
    }
    step.tell(now, &Body::Document(card.clone()));
    let text = moved.then(|| {
        let name = [card.title.as_str(), card.number.as_deref().unwrap_or_default()].join(" ");
        format!("{} is now {}.", name.trim(), card.status)
    });
    (Applied::Changed, text)
}

/// How far a document's business is by its status; `None` for a status of a newer ERPNext.
pub(super) fn stage(doctype: &str, status: &str) -> Option<Stage> {
    Some(match (doctype, status) {
        ("Voice Restaurant Order", "Pending" | "Confirmed") => Stage::Received,
        ("Voice Restaurant Order", "Preparing") => Stage::Working,
        ("Voice Restaurant Order", "Ready" | "Out for Delivery") => Stage::Ready,
        ("Voice Appointment", "Scheduled" | "Confirmed") => Stage::Received,
        ("Voice Appointment", "No Show") => Stage::Cancelled,
        ("Voice Support Ticket", "Open") | ("Voice Message", "Open") => Stage::Received,
        ("Voice Support Ticket", "In Progress") => Stage::Working,
        (_, "Completed" | "Resolved" | "Closed" | "Done") => Stage::Done,
        (_, "Cancelled") => Stage::Cancelled,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::{ledger::samples, tools::samples::place};

    fn body(status: &str, modified: &str) -> Value {
        json!({
            "event": "voice_document.updated", "doctype": "Voice Restaurant Order", "name": "Q_1",
            "order_number": "VO-0001", "status": status, "modified": modified, "estimated_time": 5,
            "session_id": samples::record().session,
        })
    }

    fn known() -> Record {
        let mut record = samples::record();
        place(&mut record);
        record.documents[0].doctype = Some("Voice Restaurant Order".into());
        record.documents[0].name = Some("q_1".into());
        record
    }

    fn applied(record: &mut Record, body: &Value) -> (Applied, Option<String>) {
        apply_to(record, &mut Step::default(), &read(body).unwrap(), samples::START)
    }

    #[test]
    fn a_status_moves_the_card_and_is_told_once() {
        let mut record = known();
        let ready = body("Ready", "2026-11-24 10:00:00.000001");
        assert_eq!(applied(&mut record, &ready), (Applied::Changed, Some("Order VO-0001 is now Ready.".into())));
        let card = &record.documents[0].card;
        assert_eq!(
            (card.stage, card.estimated_minutes, card.number.as_deref()),
            (Stage::Ready, Some(5), Some("VO-0001"))
        );
        assert_eq!(applied(&mut record, &ready), (Applied::Old, None));
        assert_eq!(
            applied(&mut record, &body("Ready", "2026-11-24 10:05:00")),
            (Applied::Changed, None),
            "only the time changed"
        );
    }

    #[test]
    fn an_older_state_never_overwrites_a_newer_one() {
        let mut record = known();
        applied(&mut record, &body("Ready", "2026-11-24 10:00:00.000002"));
        for older in ["2026-11-24 10:00:00.000001", "2026-11-24 10:00:00", "2026-11-24 09:59:59.999999"] {
            assert_eq!(applied(&mut record, &body("Preparing", older)).0, Applied::Old);
        }
        assert_eq!(record.documents[0].card.status, "Ready");
    }

    #[test]
    fn a_document_that_is_not_known_yet_is_left_alone() {
        let mut record = samples::record();
        assert_eq!(applied(&mut record, &body("Ready", "2026")).0, Applied::Unknown);
        assert_eq!(record, samples::record());
    }

    #[test]
    fn a_status_of_a_newer_erpnext_keeps_the_stage() {
        let mut record = known();
        applied(&mut record, &body("Preparing", "2026-11-24 10:00:00"));
        applied(&mut record, &body("Plated", "2026-11-24 10:00:01"));
        let card = &record.documents[0].card;
        assert_eq!((card.stage, card.status.as_str()), (Stage::Working, "Plated"));
    }

    #[test]
    fn a_body_that_misses_a_field_is_not_read() {
        for field in ["doctype", "name", "status", "modified"] {
            let mut body = body("Ready", "2026");
            body[field] = Value::Null;
            assert_eq!(read(&body), None, "{field}");
        }
        let mut body = body("Ready", "2026");
        body["session_id"] = json!("s_1");
        assert_eq!(read(&body).unwrap().session, None);
    }

    #[test]
    fn every_status_of_the_contract_has_a_stage() {
        for (doctype, statuses) in [
            ("Voice Restaurant Order", "Pending,Confirmed,Preparing,Ready,Out for Delivery,Completed,Cancelled"),
            ("Voice Appointment", "Scheduled,Confirmed,Completed,No Show,Cancelled"),
            ("Voice Support Ticket", "Open,In Progress,Resolved,Closed"),
            ("Voice Message", "Open,Done"),
        ] {
            assert!(statuses.split(',').all(|status| stage(doctype, status).is_some()), "{doctype}");
        }
    }
}

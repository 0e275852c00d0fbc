//! Queries: from ERPNext, or, when it is slow or down, from the last answer, which then says how old it is.

use std::{sync::Arc, time::Duration};

use neoron_protocol::{
    UnixMillis,
    frame::{Body, Level, Notice, Stage},
};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{Profile, Sentence, Tool, answer::Answer, catalogue, quoting, refusal};
use crate::{
    app::{App, Step},
    erpnext::{self, Priority, site_time},
    ledger::canonical,
    record::Record,
};

/// How long free times that were told are held for the one who asked.
const HOLD_SECONDS: u64 = 120;

/// Functions that ask for one document: their argument, and the doctype it is of. Without the argument the session's
/// own latest document is meant.
const OWN: &[(&str, &str, &str)] = &[
    ("order_status", "order", "Voice Restaurant Order"),
    ("ticket_status", "ticket", "Voice Support Ticket"),
    ("cancel_appointment", "appointment", "Voice Appointment"),
];

/// Answers a query.
pub(super) async fn answer(
    app: &App,
    profile: &Profile,
    tool: &Tool,
    record: &Record,
    mut arguments: Map<String, Value>,
    until: Instant,
) -> Answer {
    if let Err(answer) = fill_own(tool, record, &mut arguments) {
        return answer;
    }
    let left = || until.saturating_duration_since(Instant::now());
    if arguments.contains_key("service_type") {
        match services(app, profile, tool, left()).await {
            Ok(services) if services.is_empty() => {}
            Ok(services) => {
                if let Err(question) = quoting::name_service(&services, &mut arguments) {
                    return Answer::ask(question);
                }
            }
            Err(_) => return unavailable(profile, tool),
        }
    }
    let method = tool.spec.method.as_deref().unwrap_or_default();
    // Whose question it was does not change the answer that is kept.
    let key = snapshot_key(method, &arguments);
    arguments.insert("session_id".into(), record.session.as_str().into());
    if method.ends_with(".get_availability") {
        arguments.insert("hold_seconds".into(), HOLD_SECONDS.into());
    }
    match app.erpnext.call(Priority::Visitor, method, &Value::Object(arguments), left()).await {
        Ok(message) => {
            let message = Arc::new(message);
            if !tool.spec.keep.is_zero() {
                app.tools.snapshots.keep(key, message.clone(), app.now());
            }
            tell_hold(app, record, &message).await;
            say(app, profile, tool, &message, None)
        }
        Err(error) => match refusal::sentence(&error) {
            Some(say) => Answer::refused(say),
            None => match app.tools.snapshots.last(&key, tool.spec.keep, app.now()) {
                Some(snapshot) => say(app, profile, tool, &snapshot.answer, Some(snapshot.as_of)),
                None => unavailable(profile, tool),
            },
        },
    }
}

/// The services that `service_type` may name, if the tool has a catalogue.
async fn services(
    app: &App,
    profile: &Profile,
    tool: &Tool,
    deadline: Duration,
) -> Result<Vec<catalogue::Service>, erpnext::Error> {
    let Some(name) = tool.spec.catalogue.as_deref() else { return Ok(Vec::new()) };
    let answer = catalogue::current(app, &quoting::source(profile, tool, name), deadline).await?;
    Ok(catalogue::services(&answer))
}

/// The method alone for a question without arguments: that is what the catalogue keeps fresh.
fn snapshot_key(method: &str, arguments: &Map<String, Value>) -> String {
    if arguments.is_empty() {
        return method.to_owned();
    }
    format!("{method} {}", canonical::text(&Value::Object(arguments.clone())))
}

/// Puts the session's own document in the place of an argument that was not given.
pub(super) fn fill_own(tool: &Tool, record: &Record, arguments: &mut Map<String, Value>) -> Result<(), Answer> {
    let function = tool.spec.method.as_deref().unwrap_or_default().rsplit('.').next().unwrap_or_default();
    let Some((_, argument, doctype)) = OWN.iter().find(|(name, ..)| *name == function) else { return Ok(()) };
    if arguments.contains_key(*argument) {
        return Ok(());
    }
    let own = record.documents.iter().rev().find(|own| own.doctype.as_deref() == Some(doctype));
    if let Some(name) = own.and_then(|own| own.name.clone()) {
        arguments.insert((*argument).to_owned(), name.into());
        return Ok(());
    }
    if record.documents.iter().any(|own| own.card.stage == Stage::Placing) {
        return Err(Answer::Queued { say: "It is still being placed.".to_owned() });
    }
    Err(Answer::ask("Which number does it have?"))
}

fn say(app: &App, profile: &Profile, tool: &Tool, message: &Value, as_of: Option<UnixMillis>) -> Answer {
    let mut context = message.clone();
    if !context.is_object() {
        context = json!({"answer": message});
    }
    let zone = &app.config.erpnext.time_zone;
    let taken = as_of.map(|at| site_time::to_site(zone, at));
    context["as_of"] = json!(taken);
    let said = profile.say(tool, Sentence::Say, &context);
    let said = match taken.as_deref().and_then(site_time::spoken) {
        Some(taken) => format!("This was so on {taken}; I cannot look it up right now. {said}"),
        None => said,
    };
    Answer::Ok { say: said, data: message.clone(), as_of: as_of.map(iso) }
}

/// ISO 8601 in UTC.
fn iso(at: UnixMillis) -> String {
    format!("{}Z", site_time::to_site("UTC", at).replace(' ', "T"))
}

pub(super) fn unavailable(profile: &Profile, tool: &Tool) -> Answer {
    match profile.say(tool, Sentence::Unavailable, &json!({})) {
        said if said.is_empty() => Answer::refused("I cannot look that up right now."),
        said => Answer::refused(said),
    }
}

/// Shows the visitor that free times are held.
async fn tell_hold(app: &App, record: &Record, message: &Value) {
    let Some(until) = message["held_until"].as_str().and_then(site_time::spoken) else { return };
    let notice = Notice {
        code: "times_held".to_owned(),
        text: format!("These times are held for you until {until}."),
        level: Level::Info,
    };
    let mut step = Step::default();
    step.tell(app.now(), &Body::Notice(notice));
    if let Err(error) = app.store.append(record.session, step.events).await {
        // The hold itself is ERPNext's; only its display is lost.
        tracing::debug!(%error, "a hold could not be shown");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        ledger::samples,
        tools::{Tools, samples as businesses},
    };

    fn own_order(arguments: Value, place: impl FnOnce(&mut Record)) -> Result<Value, Answer> {
        let tools = Tools::compile(&businesses::businesses()).unwrap();
        let tool = tools.profile("restaurant").unwrap().tool("orderStatus").unwrap();
        let mut record = samples::record();
        place(&mut record);
        let mut arguments = arguments.as_object().unwrap().clone();
        fill_own(tool, &record, &mut arguments).map(|()| Value::Object(arguments))
    }

    #[test]
    fn a_status_without_a_number_is_the_sessions_own() {
        assert_eq!(own_order(json!({"order": "VO-0002"}), |_| {}), Ok(json!({"order": "VO-0002"})));
        assert_eq!(own_order(json!({}), |_| {}), Err(Answer::ask("Which number does it have?")));
        let placed = |record: &mut Record| {
            businesses::place(record);
            record.documents[0].name = Some("q_1".into());
            record.documents[0].doctype = Some("Voice Restaurant Order".into());
        };
        assert_eq!(own_order(json!({}), placed), Ok(json!({"order": "q_1"})));
        assert!(matches!(own_order(json!({}), businesses::place), Err(Answer::Queued { .. })));
    }

    #[test]
    fn a_snapshot_is_found_by_method_and_arguments() {
        let of = |value: Value| snapshot_key("m", value.as_object().unwrap());
        assert_eq!(of(json!({})), "m");
        assert_eq!(of(json!({"a": "X "})), of(json!({"a": "x"})));
        assert_ne!(of(json!({"a": "x"})), of(json!({"a": "y"})));
    }

    #[test]
    fn the_age_of_a_snapshot_is_iso_8601() {
        assert_eq!(iso(samples::START), "2026-11-24T10:00:00Z");
    }
}

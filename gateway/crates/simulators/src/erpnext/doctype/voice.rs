//! Voice Session and its rows, as the app `voice_agent` defines them.
//!
//! The session's record of a call; the live state of a call is never here.

use serde_json::Value;

use super::{
    ALL_RIGHTS, DocType, Field, GATEWAY_RIGHTS, GATEWAY_ROLE, Grant, Kind, Life, MANAGER_ROLE, Naming, READ,
    READ_WRITE, Rules, SUPERVISOR_ROLE,
};
use crate::erpnext::{
    clock::{NotNaive, parse_naive},
    document::{Document, text_of},
    failure::{Failure, Outcome, TYPE},
};

/// The app's name in `_exc_source`.
pub(in super::super) const APP: &str = "voice_agent (app)";

pub(in super::super) static VOICE_INTERACTION: DocType = DocType {
    name: "Voice Interaction",
    naming: Naming::Hash,
    fields: &[
        Field::new("event_id", "Event ID", Kind::Data),
        Field::new("tool", "Tool", Kind::Data),
        Field::new("parameters", "Parameters", Kind::Json),
        Field::new("at", "At", Kind::Datetime),
    ],
    grants: &[],
    life: None,
    rules: Rules::NONE,
};

pub(in super::super) static VOICE_SESSION: DocType = DocType {
    name: "Voice Session",
    naming: Naming::Field("session_id"),
    fields: &[
        Field::new("session_id", "Session ID", Kind::Data).required().unique().constant(),
        Field::new("ultravox_call_id", "Ultravox Call ID", Kind::Data).unique(),
        Field::new("customer_name", "Customer Name", Kind::Data),
        Field::new("customer_phone", "Customer Phone", Kind::Phone),
        Field::new("session_type", "Session Type", Kind::Select(&["Restaurant", "Appointment", "Support", "General"]))
            .text("General"),
        Field::new("status", "Status", Kind::Select(&["Active", "Completed", "Failed"])).required().text("Active"),
        Field::new("start_time", "Start Time", Kind::Datetime),
        Field::new("end_time", "End Time", Kind::Datetime),
        Field::new("duration", "Duration", Kind::Int { non_negative: true }),
        Field::new("business_outcome", "Business Outcome", Kind::Data),
        Field::new("reference_doctype", "Reference DocType", Kind::Link("DocType")),
        Field::new("reference_document", "Reference Document", Kind::DynamicLink("reference_doctype")),
        Field::new("transcript", "Transcript", Kind::LongText).level(1),
        Field::new("interactions", "Interactions", Kind::Table(&VOICE_INTERACTION)),
        Field::new("node_server_id", "Node Server ID", Kind::Data),
    ],
    grants: &[
        Grant { role: GATEWAY_ROLE, level: 0, rights: GATEWAY_RIGHTS },
        Grant { role: GATEWAY_ROLE, level: 1, rights: READ_WRITE },
        Grant { role: SUPERVISOR_ROLE, level: 0, rights: READ },
        Grant { role: MANAGER_ROLE, level: 0, rights: ALL_RIGHTS },
        Grant { role: MANAGER_ROLE, level: 1, rights: READ_WRITE },
    ],
    life: Some(Life { app: APP, noun: "session", last: &["Completed", "Failed"], announced: false }),
    rules: Rules { before_insert: None, validate: Some(compute_duration), after_change: None },
};

/// Seconds between start and end. The controller subtracts before the
/// database checks the texts, so a text with a zone is a `TypeError` here and
/// an error of the database elsewhere. What is no datetime at all is left for
/// the database to refuse.
fn compute_duration(document: &mut Document) -> Outcome<()> {
    let (Some(start), Some(end)) = (text_of(document, "start_time"), text_of(document, "end_time")) else {
        document.insert("duration".into(), 0.into());
        return Ok(());
    };
    let duration = match (parse_naive(start), parse_naive(end)) {
        (Ok(start), Ok(end)) => end.duration_since(start).as_secs(),
        (Err(NotNaive::Aware), Ok(_)) | (Ok(_), Err(NotNaive::Aware)) => {
            let text = "can't subtract offset-naive and offset-aware datetimes";
            return Err(Failure::raised(TYPE, text).in_app(APP));
        }
        _ => 0,
    };
    document.insert("duration".into(), Value::from(duration));
    Ok(())
}

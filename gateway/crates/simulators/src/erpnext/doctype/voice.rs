//! Voice Session and its rows, as the app `voice_agent` defines them.
//!
//! The session's record of a call; the live state of a call is never here.

use jiff::civil;
use serde_json::Value;

use super::{
    ALL_RIGHTS, DocType, Field, GATEWAY_RIGHTS, GATEWAY_ROLE, Grant, Kind, Life, MANAGER_ROLE, Naming, READ,
    READ_DELETE, READ_WRITE, Rules, VIEWER_ROLE, VOICE_MANAGER_ROLE,
};
use crate::erpnext::{
    business::appointment,
    clock::{NotNaive, format_seconds, parse_naive},
    document::{Document, text_of},
    failure::{Failure, Outcome, VALIDATION},
};

/// The app's name in `_exc_source`.
pub(in super::super) const APP: &str = "voice_agent (app)";

pub(in super::super) static VOICE_INTERACTION: DocType = DocType {
    name: "Voice Interaction",
    naming: Naming::Hash,
    fields: &[
        Field::new("event_id", "Event ID", Kind::Data),
        Field::new("kind", "Kind", Kind::Select(&["", "Tool", "Message", "Transfer", "Error"])).text(""),
        Field::new("tool", "Tool", Kind::Data),
        Field::new("parameters", "Parameters", Kind::Json),
        Field::new("result", "Result", Kind::Json),
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
        Field::new("site_id", "Site ID", Kind::Data),
        Field::new("customer_name", "Customer Name", Kind::Data),
        Field::new("customer_phone", "Customer Phone", Kind::Phone),
        Field::new("session_type", "Session Type", Kind::Select(&["Restaurant", "Appointment", "Support", "General"]))
            .text("General"),
        Field::new("status", "Status", Kind::Select(&["Active", "Completed", "Failed"])).required().text("Active"),
        Field::new("consent", "Consent", Kind::Check).number(0),
        Field::new("consent_kind", "Consent Kind", Kind::Data),
        Field::new("consent_at", "Consent At", Kind::Datetime),
        Field::new("start_time", "Start Time", Kind::Datetime),
        Field::new("end_time", "End Time", Kind::Datetime),
        Field::new("duration", "Duration", Kind::Int { non_negative: true }),
        Field::new("seconds_billed", "Seconds Billed", Kind::Int { non_negative: true }).number(0),
        Field::new("business_outcome", "Business Outcome", Kind::Data),
        Field::new("reference_doctype", "Reference DocType", Kind::Link("DocType")),
        Field::new("reference_document", "Reference Document", Kind::DynamicLink("reference_doctype")),
        Field::new("personal_data_cleared", "Personal Data Cleared", Kind::Check).number(0),
        Field::new("transcript", "Transcript", Kind::LongText).level(1),
        Field::new("interactions", "Interactions", Kind::Table(&VOICE_INTERACTION)).level(1),
        Field::new("node_server_id", "Node Server ID", Kind::Data),
    ],
    grants: &[
        Grant { role: GATEWAY_ROLE, level: 0, rights: GATEWAY_RIGHTS },
        Grant { role: GATEWAY_ROLE, level: 1, rights: READ_WRITE },
        Grant { role: VIEWER_ROLE, level: 0, rights: READ },
        Grant { role: VOICE_MANAGER_ROLE, level: 0, rights: READ_DELETE },
        Grant { role: VOICE_MANAGER_ROLE, level: 1, rights: READ },
        Grant { role: MANAGER_ROLE, level: 0, rights: ALL_RIGHTS },
        Grant { role: MANAGER_ROLE, level: 1, rights: READ_WRITE },
    ],
    life: Some(Life {
        app: APP,
        reason: "session_is_over",
        noun: "session",
        last: &["Completed", "Failed"],
        announced: false,
    }),
    rules: Rules {
        before_insert: None,
        validate: Some(compute_duration),
        after_change: Some(appointment::release_when_over),
    },
};

/// Seconds between start and end. Every time is read before the database
/// would refuse it with an error of its own.
fn compute_duration(document: &mut Document) -> Outcome<()> {
    let start = read_time(document, "start_time")?;
    let end = read_time(document, "end_time")?;
    read_time(document, "consent_at")?;
    let rows = document.get_mut("interactions").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten().filter_map(Value::as_object_mut) {
        read_time(row, "at")?;
    }
    let seconds = start.zip(end).map_or(0, |(start, end)| end.duration_since(start).as_secs());
    if seconds < 0 {
        return Err(Failure::said(VALIDATION, "end_before_start", "A call cannot end before it began.").in_app(APP));
    }
    document.insert("duration".into(), Value::from(seconds));
    Ok(())
}

fn read_time(document: &mut Document, field: &str) -> Outcome<Option<civil::DateTime>> {
    let Some(text) = text_of(document, field) else { return Ok(None) };
    let at = parse_naive(text).map_err(|wrong| {
        let (reason, say) = match wrong {
            NotNaive::Aware => ("time_zone", "Please give the time as it is on the clock here."),
            NotNaive::Garbage => ("invalid_time", "I did not understand that time."),
        };
        Failure::said(VALIDATION, reason, say).in_app(APP)
    })?;
    document.insert(field.into(), format_seconds(at).into());
    Ok(Some(at))
}

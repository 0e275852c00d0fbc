//! The app `voice_agent` as the gateway meets it: the steps of a call's
//! record, and the agent's configuration.
//!
//! A stand-in: the configurations are those of a site after its install, and
//! cannot be changed.

use serde_json::{Value, json};

use super::{
    business::{customer, speech},
    doctype::{Right, VOICE_SESSION},
    document::{self, Document, text_of},
    failure::{DOES_NOT_EXIST, Failure, Outcome, VALIDATION},
    json::dumps,
    method::Args,
    permission::{self, Actor},
    site::Site,
};

/// Steps of one call that are recorded.
const MOST_INTERACTIONS: usize = 500;

/// The kinds of business, each with the prompt of a new site, by name.
const CONFIGS: &[(&str, &str)] = &[
    ("Appointment", "You book appointments. Offer free times, and confirm day and time before you book."),
    ("General", "You answer questions about the business and take messages."),
    ("Restaurant", "You take orders for a restaurant. Read every order back with its total before you place it."),
    ("Support", "You take support requests. Ask what happened and since when, then create a ticket."),
];

/// When the configurations were changed last: never since the install.
const INSTALLED: &str = "2026-01-01 00:00:00.000000";

/// Makes a session once; a repeated call finds the first one's.
pub(super) fn start_session(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let session = speech::key(args.text("session_id")?)?;
    let mut input = args.copy(&["session_id", "session_type", "ultravox_call_id", "site_id"])?;
    if let Some(worker) = args.maybe_text("worker")? {
        input.insert("node_server_id".into(), worker.into());
    }
    permission::require(actor, &VOICE_SESSION, Right::Create)?;
    if let Some(name) = site.resolve(VOICE_SESSION.name, session) {
        return Ok(json!({"session": name, "created": false}));
    }
    input.insert("start_time".into(), now(site).into());
    let created = document::create(site, actor, &VOICE_SESSION, &input)?;
    Ok(json!({"session": created["name"], "created": true}))
}

/// Adds one step of the call; a step with the same event id is added once.
pub(super) fn add_interaction(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let (session, event) = (args.text("session_id")?, args.text("event_id")?);
    let record = open(site, actor, session)?;
    let mut rows = record.get("interactions").and_then(Value::as_array).cloned().unwrap_or_default();
    if rows.iter().any(|row| row["event_id"] == event) {
        return Ok(json!({"session": record["name"], "created": false}));
    }
    if rows.len() >= MOST_INTERACTIONS {
        return Err(Failure::thrown(VALIDATION, "This call has too many steps."));
    }
    let mut row = Value::Object(args.copy(&["event_id", "kind", "tool", "at"])?);
    for field in ["parameters", "result"] {
        if let Some(value) = args.maybe_object(field)? {
            row[field] = dumps(value).into();
        }
    }
    if row.get("kind").is_none() {
        row["kind"] = "Tool".into();
    }
    if row.get("at").is_none() {
        row["at"] = now(site).into();
    }
    rows.push(row);
    let change = Document::from_iter([("interactions".to_owned(), Value::Array(rows))]);
    document::update(site, actor, &VOICE_SESSION, session, &change)?;
    Ok(json!({"session": record["name"], "created": true}))
}

/// Ends the record with the gateway's last state of the call. A record that
/// is over stays as it is.
pub(super) fn end_session(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let session = args.text("session_id")?;
    let mut record = open(site, actor, session)?;
    if text_of(&record, "status") == Some("Active") {
        let mut change = args.copy(&["end_time", "business_outcome", "transcript"])?;
        change.insert("status".into(), status(args.maybe_text("state")?.unwrap_or("completed"))?.into());
        if !change.contains_key("end_time") {
            change.insert("end_time".into(), now(site).into());
        }
        if let Some(seconds) = args.maybe_int("seconds_billed")? {
            change.insert("seconds_billed".into(), seconds.into());
        }
        record = document::update(site, actor, &VOICE_SESSION, session, &change)?;
    }
    Ok(json!({"session": record["name"], "status": record["status"], "duration": record["duration"]}))
}

/// The record's status for a state of the gateway's call.
fn status(state: &str) -> Outcome<&'static str> {
    match state {
        "initializing" | "ready" | "active" | "ending" => Ok("Active"),
        "completed" => Ok("Completed"),
        "failed" | "abandoned" => Ok("Failed"),
        _ => Err(Failure::said(VALIDATION, "unknown_state", "That is not a state of a call.")),
    }
}

fn open(site: &Site, actor: &Actor, session: &str) -> Outcome<Document> {
    let found = site.table(&VOICE_SESSION).get(session).cloned();
    let missing = || Failure::thrown(DOES_NOT_EXIST, format!("{} {session} not found", VOICE_SESSION.name));
    let record = found.ok_or_else(missing)?;
    permission::require(actor, &VOICE_SESSION, Right::Write)?;
    Ok(record)
}

fn now(site: &Site) -> String {
    super::clock::format_seconds(site.clock.civil(site.clock.now()))
}

/// Prompt, voice, opening hours and tools of one kind of business.
pub(super) fn get_config(_: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let kind = args.text("business_type")?;
    permission::require(actor, &VOICE_SESSION, Right::Read)?;
    let found = CONFIGS.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind));
    let Some((name, prompt)) = found else {
        return Err(Failure::thrown(DOES_NOT_EXIST, format!("Voice Config {kind} not found")));
    };
    Ok(json!({
        "business_type": name, "business_name": customer::NAME, "phone": customer::PHONE,
        "address": customer::ADDRESS, "voice": null, "language": "en", "greeting": null, "prompt": prompt,
        "enabled": 1, "modified": INSTALLED, "opening_hours": customer::opening_hours(), "holidays": [], "tools": [],
    }))
}

/// The kinds of business that take calls.
pub(super) fn list_configs(_: &mut Site, actor: &Actor, _: &Args<'_>) -> Outcome<Value> {
    permission::require(actor, &VOICE_SESSION, Right::Read)?;
    let configs: Vec<Value> =
        CONFIGS.iter().map(|(name, _)| json!({"business_type": name, "modified": INSTALLED})).collect();
    Ok(json!({"configs": configs}))
}

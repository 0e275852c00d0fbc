//! The Voice Session: how a session's record becomes ERPNext's document of the same name.
//!
//! Written any number of times with the same effect. A state that is final in ERPNext stays: an update that comes late
//! is passed over, never forced.

use std::time::Duration;

use neoron_protocol::session::State;
use serde::Serialize;

use super::{Class, Client, Error, site_time};
use crate::{
    app::App,
    record::{Interaction, OwnDocument, Record},
};

const DOCTYPE: &str = "Voice Session";
/// What a Data field of Frappe holds, in characters.
const DATA_CHARS: usize = 140;
/// The longest transcript written, in bytes: some three hours of talk.
const MAX_TRANSCRIPT_BYTES: usize = 400_000;
/// Writes of one document before it is given back to the job runner: create, update, once more for each field that
/// may be in the way.
const TRIES: usize = 5;

/// The document's fields. A name that the doctype does not have is lost without an error, so this struct is the only
/// place that names them.
#[derive(Clone, Debug, Serialize)]
struct Fields {
    session_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ultravox_call_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_phone: Option<String>,
    session_type: String,
    status: &'static str,
    site_id: String,
    consent: u8,
    consent_kind: String,
    consent_at: String,
    start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_doctype: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_document: Option<String>,
    node_server_id: String,
    interactions: Vec<Row>,
}

/// A row of the child table.
#[derive(Clone, Debug, Serialize)]
struct Row {
    event_id: String,
    kind: &'static str,
    tool: String,
    /// JSON, as a text: a Code field.
    parameters: String,
    at: String,
}

/// Writes the session as it is now, with its transcript if there is one.
///
/// # Errors
/// [`Error`] of the last attempt; the same call may be made again whatever it says.
pub(crate) async fn write(app: &App, record: &Record, transcript: Option<&str>) -> Result<(), Error> {
    let session_type = app.config.businesses.get(&record.business).map_or("General", |it| it.session_type.as_str());
    let fields = fields(record, transcript, session_type, &app.config.erpnext.time_zone);
    save(&app.erpnext, fields, record.state.is_final(), app.config.erpnext.request_deadline).await
}

async fn save(client: &Client, mut fields: Fields, known: bool, deadline: Duration) -> Result<(), Error> {
    // At the end the document is there, as a rule; before, it may not be.
    let mut exists = known;
    let mut last = None;
    for _ in 0..TRIES {
        // Strings and lists of strings: serialisation cannot fail.
        let body = serde_json::to_value(&fields).unwrap_or_default();
        let name = exists.then_some(fields.session_id.as_str());
        let Err(error) = client.write(DOCTYPE, name, &body, deadline).await else { return Ok(()) };
        match error.class() {
            Class::AlreadyThere if !exists => exists = true,
            Class::Missing if exists => exists = false,
            // No `modified` is sent, so this can only be two writes at the same instant.
            Class::Stale => {}
            Class::Refused if exists && is_over(client, &fields.session_id, deadline).await? => return Ok(()),
            _ if !fields.leave_out(error.exc_type()) => return Err(error),
            _ => {}
        }
        last = Some(error);
    }
    Err(last.unwrap_or_else(|| Error::transport(true)))
}

/// Whether ERPNext holds the session in a final state already.
async fn is_over(client: &Client, session: &str, deadline: Duration) -> Result<bool, Error> {
    let document = client.read(DOCTYPE, session, deadline).await?;
    Ok(matches!(document["status"].as_str(), Some("Completed" | "Failed")))
}

impl Fields {
    /// Leaves out what ERPNext will not take: a record without a phone number is better than none. `false` if nothing
    /// can be left out.
    fn leave_out(&mut self, exc_type: &str) -> bool {
        match exc_type {
            "InvalidPhoneNumberError" => self.customer_phone.take().is_some(),
            "LinkValidationError" => {
                self.reference_doctype = None;
                self.reference_document.take().is_some()
            }
            // The call of a continuation may be known under another session already.
            "UniqueValidationError" => self.ultravox_call_id.take().is_some(),
            _ => false,
        }
    }
}

fn fields(record: &Record, transcript: Option<&str>, session_type: &str, zone: &str) -> Fields {
    let time = |at| site_time::to_site(zone, at);
    let reference = record.documents.iter().rev().find_map(OwnDocument::key);
    let start = record.joined_at.unwrap_or(record.created_at);
    let row = |interaction: &Interaction| Row {
        event_id: clip(&interaction.event_id),
        kind: "Tool",
        tool: clip(&interaction.tool),
        parameters: interaction.parameters.expose().to_string(),
        at: time(interaction.at),
    };
    Fields {
        session_id: record.session.to_string(),
        ultravox_call_id: record.call.clone(),
        customer_name: record.customer.name().map(clip),
        customer_phone: record.customer.phone().map(clip),
        session_type: session_type.to_owned(),
        status: status(record.state),
        site_id: clip(&record.site),
        // No session begins without it.
        consent: 1,
        consent_kind: clip(&record.consent.kind),
        consent_at: time(record.consent.at),
        start_time: time(start),
        // Of two clocks: ERPNext refuses a call that ended before it began, for good.
        end_time: record.ended_at.map(|end| time(end.max(start))),
        transcript: transcript.map(|text| cut(text, MAX_TRANSCRIPT_BYTES).to_owned()),
        business_outcome: record.outcome.as_deref().map(clip),
        reference_doctype: reference.as_ref().map(|key| key.doctype.clone()),
        reference_document: reference.map(|key| key.name),
        node_server_id: record.worker.to_string(),
        interactions: record.interactions.iter().map(row).collect(),
    }
}

/// ERPNext knows three states, and the last two are final there.
fn status(state: State) -> &'static str {
    match state {
        State::Initializing | State::Ready | State::Active | State::Ending => "Active",
        State::Completed => "Completed",
        State::Failed | State::Abandoned => "Failed",
    }
}

fn clip(text: &str) -> String {
    text.chars().take(DATA_CHARS).collect()
}

/// At most `bytes` of a text, cut between characters.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests;

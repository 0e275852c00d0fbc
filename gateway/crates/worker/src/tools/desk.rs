//! What a tool call does to a session's record: pure decisions for one atomic step each, with the events that tell the
//! visitor. Nothing here asks ERPNext, reads a clock or enqueues a job.

use std::time::Duration;

use neoron_protocol::{
    QuoteId, UnixMillis,
    frame::{Body, Document, Level, Line, Money, Notice, Stage, Tool as ToolFrame, ToolPhase},
};
use serde_json::{Map, Value, json};

use super::{answer::Answer, arguments, documents, refusal};
use crate::{
    analytics::Counted,
    app::Step,
    ledger::{Confirmed, Offer, Offered, Settlement, Started},
    record::{Interaction, OwnDocument, Record},
};

/// Parameters kept of one call for the Voice Session, in bytes: 100 of them are a quarter of a session's body.
const MAX_PARAMETERS_BYTES: usize = 1_024;
/// What the agent has understood, by name.
const MAX_EXTRACTED: usize = 32;
/// One such value, in bytes.
const MAX_EXTRACTED_BYTES: usize = 512;

/// A tool call as it was heard.
pub(super) struct Heard<'a> {
    pub(super) tool: &'a str,
    pub(super) parameters: &'a Map<String, Value>,
    pub(super) arguments: &'a Map<String, Value>,
    /// Names the call within the session.
    pub(super) event_id: &'a str,
    pub(super) at: UnixMillis,
}

/// What a command's card shows until ERPNext answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Face {
    /// Empty for a command that has no card of its own.
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
    pub(super) total: Option<Money>,
}

/// What became of a yes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Taken {
    /// It takes effect now: enqueue and execute this key.
    Place(String),
    /// It took effect before.
    Already(String),
    /// There is nothing to do but to say this.
    Answered(Answer),
}

/// How ERPNext answered a command.
pub(super) enum Verdict<'a> {
    /// It did it.
    Placed { answer: &'a Value, say: String },
    /// It refused.
    Refused { say: String },
}

/// Writes down that a tool was called.
pub(super) fn note(record: &mut Record, step: &mut Step, heard: &Heard<'_>) {
    step.tell(heard.at, &Body::Tool(ToolFrame { tool: heard.tool.to_owned(), phase: ToolPhase::Started }));
    arguments::remember(&mut record.customer, heard.arguments);
    record.context.step = Some(heard.tool.to_owned());
    for (name, value) in heard.parameters {
        let extracted = record.context.extracted.expose_mut();
        let room = extracted.len() < MAX_EXTRACTED || extracted.contains_key(name);
        if room && value.to_string().len() <= MAX_EXTRACTED_BYTES {
            extracted.insert(name.clone(), value.clone());
        }
    }
    let whole = Value::Object(heard.parameters.clone());
    let bytes = whole.to_string().len();
    let parameters = if bytes <= MAX_PARAMETERS_BYTES { whole } else { json!({"omitted_bytes": bytes}) };
    if record.interactions.len() >= Record::MAX_INTERACTIONS {
        record.interactions.remove(0);
    }
    record.interactions.push(Interaction {
        event_id: heard.event_id.to_owned(),
        tool: heard.tool.to_owned(),
        parameters: parameters.into(),
        at: heard.at,
    });
    record.counters.tool_calls = record.counters.tool_calls.saturating_add(1);
}

/// Offers something, or finds that it was placed already.
pub(super) fn offer(
    record: &mut Record,
    step: &mut Step,
    offer: Offer,
    again: bool,
    now: UnixMillis,
    id: QuoteId,
    ttl: Duration,
) -> Answer {
    expire(record, step, now);
    match record.ledger.offer(offer, again, now, id, ttl) {
        Offered::Quoted(quoted) => {
            step.tell(now, &Body::Quote(quoted.card));
            Answer::Quoted { quote_id: quoted.reference, say: quoted.say }
        }
        Offered::AlreadyPlaced(key) => already(record, &key),
        Offered::Full => Answer::refused("That is more than I can take in one conversation. Please talk to a person."),
    }
}

/// The answer to a repetition of what was confirmed before.
pub(super) fn already(record: &Record, key: &str) -> Answer {
    match record.ledger.command(key).and_then(|command| command.settlement()) {
        Some(Settlement::Placed { document, say }) => Answer::Placed {
            document: document.clone(),
            say: format!("This is placed already. {say} Only if the same is wanted once more, ask with again."),
        },
        Some(Settlement::Refused { say }) => Answer::refused(say.clone()),
        None => Answer::Queued { say: "This is being placed already.".to_owned() },
    }
}

/// Takes the visitor's yes to a quote of `tool`.
pub(super) fn confirm(record: &mut Record, step: &mut Step, tool: &str, reference: &str, now: UnixMillis) -> Taken {
    let room = make_room(record);
    // On a copy: a yes that finds no room for its card must not count.
    let mut ledger = record.ledger.clone();
    let key = match ledger.confirm(tool, reference, now) {
        Confirmed::Place(key) if room => key,
        Confirmed::Place(_) | Confirmed::Full => {
            return Taken::Answered(Answer::refused(
                "I cannot place any more in this conversation. Please talk to a person.",
            ));
        }
        Confirmed::Already(key) => return Taken::Already(key),
        Confirmed::Changed(quoted) => {
            return Taken::Answered(Answer::Quoted {
                quote_id: quoted.reference,
                say: format!("That has changed meanwhile. {}", quoted.say),
            });
        }
        Confirmed::Expired => {
            expire(record, step, now);
            return Taken::Answered(Answer::ask(
                "That offer has run out and nothing was placed. Shall I put it together again?",
            ));
        }
        Confirmed::Unknown => {
            return Taken::Answered(Answer::ask(
                "There is no such offer. Put it together first, then confirm its quote_id.",
            ));
        }
    };
    record.ledger = ledger;
    let mut face = Face::default();
    if let Some(card) = record.ledger.quote(&key) {
        step.tell(now, &Body::Quote(card.clone()));
        face = Face { title: card.title, lines: card.lines, total: card.total };
    }
    show(record, step, &key, face, now);
    Taken::Place(key)
}

/// Starts a command that needs no yes.
pub(super) fn start(
    record: &mut Record,
    step: &mut Step,
    call: &str,
    tool: &str,
    arguments: Value,
    face: Face,
    now: UnixMillis,
) -> Taken {
    let full =
        || Taken::Answered(Answer::refused("I cannot do any more in this conversation. Please talk to a person."));
    if !make_room(record) {
        return full();
    }
    match record.ledger.start(call, tool, arguments, now) {
        Started::New(key) => {
            if !face.title.is_empty() {
                show(record, step, &key, face, now);
            }
            Taken::Place(key)
        }
        Started::Already(key) => Taken::Already(key),
        Started::Full => full(),
    }
}

/// Writes down ERPNext's verdict on a command. Returns what the agent must be told if nobody waits for the answer any
/// more: `by_job`, or because it was told to wait.
pub(super) fn settle(
    record: &mut Record,
    step: &mut Step,
    key: &str,
    verdict: Verdict<'_>,
    by_job: bool,
    now: UnixMillis,
) -> Option<String> {
    let late = by_job || record.ledger.command(key)?.is_promised();
    let (settlement, say, code, level) = match &verdict {
        Verdict::Placed { answer, say } => {
            let document = document(answer, key);
            (Settlement::Placed { document, say: say.clone() }, say.clone(), "placed", Level::Info)
        }
        Verdict::Refused { say } => (Settlement::Refused { say: say.clone() }, say.clone(), "refused", Level::Warning),
    };
    if !record.ledger.settle(key, settlement) {
        return None;
    }
    match verdict {
        Verdict::Placed { answer, .. } => receive(record, step, key, answer, now),
        Verdict::Refused { .. } => cancel(record, step, key, now),
    }
    late.then(|| {
        step.tell(now, &Body::Notice(Notice { code: code.to_owned(), text: say.clone(), level }));
        say
    })
}

/// `{doctype, name, number, status}` of ERPNext's answer.
fn document(answer: &Value, key: &str) -> Value {
    json!({
        "doctype": answer["doctype"], "name": answer["name"], "number": number(answer, key), "status": answer["status"],
    })
}

/// The number to tell a person. A name that is only our own key is none.
fn number(answer: &Value, key: &str) -> Option<String> {
    let name = || answer["name"].as_str().filter(|name| !name.eq_ignore_ascii_case(key));
    answer["order_number"].as_str().or_else(name).map(str::to_owned)
}

fn receive(record: &mut Record, step: &mut Step, key: &str, answer: &Value, now: UnixMillis) {
    let (doctype, name) = (answer["doctype"].as_str(), answer["name"].as_str());
    let named = |it: &OwnDocument| it.doctype.as_deref() == doctype && it.name.as_deref() == name && name.is_some();
    // A cancellation answers with a document that has a card; a new one has the command's.
    let place = record.documents.iter().position(named);
    let Some(index) = place.or_else(|| record.documents.iter().position(|it| it.card.card == key)) else { return };
    if place.is_none()
        && let Some(doctype) = doctype
    {
        step.count(record, now, Counted::Document { doctype });
    }
    let own = &mut record.documents[index];
    own.doctype = doctype.map(str::to_owned);
    own.name = name.map(str::to_owned);
    let card = &mut own.card;
    card.number = number(answer, key).or(card.number.take());
    card.status = answer["status"].as_str().unwrap_or("Received").to_owned();
    card.stage = documents::stage(doctype.unwrap_or_default(), &card.status).unwrap_or(Stage::Received);
    card.total = refusal::total(answer).or(card.total.take());
    card.estimated_minutes = answer["estimated_time"].as_u64().and_then(|minutes| u32::try_from(minutes).ok());
    record.outcome =
        Some([card.title.as_str(), card.number.as_deref().unwrap_or_default()].join(" ").trim().to_owned());
    step.tell(now, &Body::Document(card.clone()));
    step.documents.extend(own.key());
}

fn cancel(record: &mut Record, step: &mut Step, key: &str, now: UnixMillis) {
    if let Some(own) = record.documents.iter_mut().find(|own| own.card.card == key) {
        own.card.stage = Stage::Cancelled;
        own.card.status = "Refused".to_owned();
        step.tell(now, &Body::Document(own.card.clone()));
    }
}

/// Shows a card for what is on its way.
fn show(record: &mut Record, step: &mut Step, key: &str, face: Face, now: UnixMillis) {
    let card = Document {
        card: key.to_owned(),
        title: face.title,
        number: None,
        status: "Placing".to_owned(),
        stage: Stage::Placing,
        lines: face.lines,
        total: face.total,
        estimated_minutes: None,
    };
    step.tell(now, &Body::Document(card.clone()));
    record.documents.push(OwnDocument { doctype: None, name: None, modified: String::new(), card });
}

/// Makes room for one more card by forgetting one that came to nothing. `false` if there is none.
fn make_room(record: &mut Record) -> bool {
    if record.documents.len() < Record::MAX_DOCUMENTS {
        return true;
    }
    let over = record.documents.iter().position(|own| own.card.stage == Stage::Cancelled);
    over.map(|index| record.documents.remove(index)).is_some()
}

fn expire(record: &mut Record, step: &mut Step, now: UnixMillis) {
    for quote in record.ledger.sweep(now) {
        step.tell(now, &Body::Quote(quote));
    }
}

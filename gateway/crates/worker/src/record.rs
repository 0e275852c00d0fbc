//! What the store holds of a session: one JSON body under one version. The transcript is not in it; it is in the
//! session's stream, and at the end it comes from the voice service.

use std::{collections::BTreeMap, fmt};

use neoron_protocol::{
    SessionId, UnixMillis, WorkerId,
    frame::{Document, Quote},
    private::Personal,
    session::{EndReason, State},
};
use neoron_store::DocumentKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ledger::Ledger;

/// How the visitor talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Media {
    /// By voice: the browser joins the call.
    Voice,
    /// By text: the worker joins the call for the visitor.
    Text,
}

impl Media {
    /// The word on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Text => "text",
        }
    }
}

/// What the visitor agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consent {
    /// To what; `ai_call` is to talk with a machine.
    pub(crate) kind: String,
    /// When.
    pub(crate) at: UnixMillis,
    /// Which version of the text.
    pub(crate) version: String,
}

/// Who the visitor says to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Customer {
    /// At most 140 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<Personal<String>>,
    /// E.164 where it could be read so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<Personal<String>>,
}

impl Customer {
    /// The name.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| name.expose().as_str())
    }

    /// The number.
    pub(crate) fn phone(&self) -> Option<&str> {
        self.phone.as_ref().map(|phone| phone.expose().as_str())
    }
}

/// Where the conversation is, for whoever goes on with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Context {
    /// The last tool's name.
    pub(crate) step: Option<String>,
    /// What the agent has understood so far: the last parameters, by name. At most 32.
    pub(crate) extracted: Personal<BTreeMap<String, Value>>,
}

/// A tool call, for the Voice Session's child table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Interaction {
    /// Names it within the session.
    pub(crate) event_id: String,
    /// The tool.
    pub(crate) tool: String,
    /// Its parameters.
    pub(crate) parameters: Personal<Value>,
    /// When.
    pub(crate) at: UnixMillis,
}

/// A document of this session in ERPNext.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnDocument {
    /// Where it is; `None` while it is being placed.
    pub(crate) doctype: Option<String>,
    /// Its name in ERPNext.
    pub(crate) name: Option<String>,
    /// ERPNext's `modified` of the state we know; an older webhook is passed over. Compared as text: one format.
    pub(crate) modified: String,
    /// What the visitor sees.
    #[serde(with = "card")]
    pub(crate) card: Document,
}

impl OwnDocument {
    /// Its key in the index, once it has one.
    pub(crate) fn key(&self) -> Option<DocumentKey> {
        Some(DocumentKey { doctype: self.doctype.clone()?, name: self.name.clone()? })
    }
}

/// Counts for the Voice Session and the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Tool calls answered.
    pub(crate) tool_calls: u32,
    /// Messages typed by the visitor.
    pub(crate) messages: u32,
}

/// A session.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) session: SessionId,
    pub(crate) site: String,
    pub(crate) business: String,
    pub(crate) language: String,
    pub(crate) media: Media,
    pub(crate) state: State,
    pub(crate) created_at: UnixMillis,
    #[serde(default)]
    pub(crate) joined_at: Option<UnixMillis>,
    #[serde(default)]
    pub(crate) ended_at: Option<UnixMillis>,
    #[serde(default)]
    pub(crate) end_reason: Option<EndReason>,
    /// The longest call, seconds.
    pub(crate) max_seconds: u32,
    /// Who holds its slot: the worker that made it, or that took it over from one that died.
    pub(crate) worker: WorkerId,
    /// Ultravox's call id; `None` until the call exists.
    #[serde(default)]
    pub(crate) call: Option<String>,
    /// Lower-case hex SHA-256.
    pub(crate) ticket_hash: String,
    /// Lower-case hex SHA-256.
    pub(crate) tool_token_hash: String,
    pub(crate) consent: Consent,
    #[serde(default)]
    pub(crate) customer: Customer,
    #[serde(default)]
    pub(crate) context: Context,
    #[serde(default)]
    pub(crate) ledger: Ledger,
    /// At most [`Record::MAX_DOCUMENTS`].
    #[serde(default)]
    pub(crate) documents: Vec<OwnDocument>,
    /// The latest [`Record::MAX_INTERACTIONS`].
    #[serde(default)]
    pub(crate) interactions: Vec<Interaction>,
    #[serde(default)]
    pub(crate) counters: Counters,
    /// The network it was asked for from, under the name that the edge gave it; nobody can tell which one it is.
    #[serde(default)]
    pub(crate) network: Option<String>,
    /// The budget its minutes came from (site and day).
    pub(crate) budget: String,
    /// What came of it, for the Voice Session: the last document's title and number.
    #[serde(default)]
    pub(crate) outcome: Option<String>,
}

/// What a visitor wants and said is all over a record: it shows which one it is and where it stands.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Record");
        shown.field("session", &self.session).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Record {
    /// Documents a session keeps. A visitor who wants more talks to a person.
    pub(crate) const MAX_DOCUMENTS: usize = 50;
    /// Tool calls a session keeps for the Voice Session.
    pub(crate) const MAX_INTERACTIONS: usize = 100;

    /// The open quotes as the visitor sees them.
    pub(crate) fn open_quotes(&self, now: UnixMillis) -> Vec<Quote> {
        self.ledger.open(now)
    }

    /// The documents as the visitor sees them.
    pub(crate) fn cards(&self) -> Vec<Document> {
        self.documents.iter().map(|document| document.card.clone()).collect()
    }
}

/// Cards are read back with the protocol's own decoder, so that there is only one.
mod card {
    use neoron_protocol::frame::{self, Body, Document};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use serde_json::{Value, json};

    pub(super) fn serialize<S: Serializer>(card: &Document, serializer: S) -> Result<S::Ok, S::Error> {
        card.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Document, D::Error> {
        let data = Value::deserialize(deserializer)?;
        let frame = json!({"epoch": "", "offset": 0, "at": 0, "type": "document", "data": data});
        match frame::server(&frame).map_err(D::Error::custom)?.body {
            Body::Document(document) => Ok(document),
            _ => Err(D::Error::custom("not a document")),
        }
    }
}

//! Business profiles: what the agent says and which tools it has. A new tool is configuration, not code.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

/// A business profile.
#[derive(Clone, Debug)]
pub struct Business {
    /// The profile's name for people.
    pub title: String,
    /// The Voice Session's `session_type`: Restaurant, Appointment, Support or General.
    pub session_type: String,
    /// The agent's instructions.
    pub prompt: String,
    /// The agent's first sentence.
    pub greeting: String,
    /// The voice, by name; `None` for the service's own choice.
    pub voice: Option<String>,
    /// BCP 47, at most 16 characters.
    pub language: String,
    /// The longest call in seconds, 10..=3600; a grant may allow less.
    pub max_seconds: u32,
    /// Tools by name (`^[a-zA-Z0-9_-]{1,64}$`).
    pub tools: BTreeMap<String, ToolSpec>,
}

/// What a tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolKind {
    /// Reads; answered from a stamped snapshot when ERPNext is slow or down.
    Query,
    /// Changes something; durable and idempotent.
    Command,
    /// Confirms the open quote of another tool.
    Confirm,
}

/// Whether a command needs the visitor's yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// It costs money or capacity: quoted first.
    Quote,
    /// It costs nothing: done at once, once for the same arguments within a call.
    None,
}

/// How a quote is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoter {
    /// Lines of named items, resolved and priced from the answer of a query (`catalogue`).
    Catalogue,
    /// A time slot of a service from `catalogue`, held by asking for availability.
    Slot,
}

/// A tool.
#[derive(Clone, Debug)]
pub struct ToolSpec {
    /// What the model reads.
    pub description: String,
    /// What it does.
    pub kind: ToolKind,
    /// Whether it needs a yes; commands only.
    pub confirm: Confirm,
    /// How its quote is made; with [`Confirm::Quote`] only.
    pub quoter: Option<Quoter>,
    /// The query tool or ERPNext method whose answer prices the quote.
    pub catalogue: Option<String>,
    /// Whose quote it confirms; with [`ToolKind::Confirm`] only.
    pub confirms: Option<String>,
    /// The ERPNext method, without `/api/method/`.
    pub method: Option<String>,
    /// The method's argument names, where they differ from the parameters': argument → parameter.
    pub arguments: BTreeMap<String, String>,
    /// JSON Schema of the parameters, an object.
    pub parameters: Value,
    /// How long Ultravox waits for the answer, 1 s..=40 s.
    pub timeout: Duration,
    /// The document's title on the visitor's card; commands only.
    pub title: String,
    /// What to say, as a template over the answer (`minijinja`).
    pub say: String,
    /// What to say when it is durable but not answered in time.
    pub say_queued: String,
    /// What to say when a query cannot be answered at all.
    pub say_unavailable: String,
    /// How old a query's snapshot may be when ERPNext does not answer.
    pub keep: Duration,
}

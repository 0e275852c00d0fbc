//! What went wrong with ERPNext, and whether the same request may succeed later.
//!
//! A 5xx of Frappe does not mean a passing fault, nor a 4xx a lasting one: the class is decided by `exc_type` first and
//! by the status second. Messages meant for a person are kept for the operator's eyes only; nothing here is spoken.

use std::{fmt, time::Duration};

use http::StatusCode;
use serde_json::Value;

use crate::jobs::Outcome;

/// How often a request that met a hidden database error is sent again.
const HIDDEN_RETRIES: u32 = 2;
/// The longest message kept, in characters: enough to recognise, too short to leak a document.
const MAX_MESSAGE_CHARS: usize = 200;

/// Exceptions that pass by themselves, whatever their status.
const PASSING: &[&str] = &[
    "SessionStopped",
    "InReadOnlyMode",
    "TooManyRequestsError",
    "RateLimitExceededError",
    "QueryDeadlockError",
    "QueryTimeoutError",
    "DocumentLockedError",
];

/// Codes of a database error that pass: a read view that is too old (MariaDB ≥ 11.6.2), a connection that was lost.
const PASSING_DATABASE_CODES: &[&str] = &["(1020,", "(2006,", "(2013,"];

/// Refusals of the business's own functions, and those of Frappe that its controllers raise.
const REFUSALS: &[&str] = &[
    "UnknownMenuItem",
    "ItemUnavailable",
    "QuoteChanged",
    "UnknownService",
    "SlotTaken",
    "UnknownDocument",
    "ValidationError",
];

/// What kind of failure it is; decides what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Passes by itself, and nothing was done.
    Passing,
    /// Passes by itself, but the request may have been carried out: send it again only under the same name.
    Unclear,
    /// A database error that the site hides the kind of: it may pass, or never.
    Hidden,
    /// The name is taken, perhaps by our own earlier request.
    AlreadyThere,
    /// The document has changed since it was read.
    Stale,
    /// There is no such document.
    Missing,
    /// The business said no.
    Refused,
    /// Our key or role is not accepted: somebody has to look.
    Denied,
    /// The same request can never succeed.
    Permanent,
    /// We did not ask: the breaker is open, or too many requests wait already.
    Unasked,
}

impl Class {
    /// The word for metrics and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Unclear => "unclear",
            Self::Hidden => "hidden",
            Self::AlreadyThere => "already_there",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Permanent => "permanent",
            Self::Unasked => "unasked",
        }
    }
}

/// A request that did not succeed.
#[derive(Clone, PartialEq)]
pub(crate) struct Error {
    class: Class,
    status: Option<u16>,
    exc_type: String,
    /// How long the other side wants us to wait.
    retry_after: Option<Duration>,
    /// The error's body, for its extra keys; null if it was no JSON.
    body: Value,
}

impl Error {
    /// Nobody answered. `sent`: the request may have arrived.
    pub(crate) fn transport(sent: bool) -> Self {
        let class = if sent { Class::Unclear } else { Class::Passing };
        Self::bare(class, None, "transport")
    }

    /// We did not ask.
    pub(crate) fn unasked(why: &'static str, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..Self::bare(Class::Unasked, None, why) }
    }

    /// A success whose body is not what a success looks like.
    pub(crate) fn unreadable(status: StatusCode) -> Self {
        // Something between us and Frappe answered, or the answer was cut: the request may have been carried out.
        Self::bare(Class::Unclear, Some(status.as_u16()), "unreadable")
    }

    fn bare(class: Class, status: Option<u16>, exc_type: &str) -> Self {
        Self { class, status, exc_type: exc_type.to_owned(), retry_after: None, body: Value::Null }
    }

    /// Reads an error answer.
    pub(crate) fn from_answer(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let body = serde_json::from_slice::<Value>(body).ok().filter(Value::is_object).unwrap_or_default();
        // v2 lists its errors; v1 names one.
        let exc_type = body["exc_type"].as_str().or_else(|| body["errors"][0]["type"].as_str()).unwrap_or_default();
        let class = classify(status, exc_type, &body);
        Self { class, status: Some(status.as_u16()), exc_type: exc_type.to_owned(), retry_after, body }
    }

    /// What kind of failure it is.
    pub(super) fn status(&self) -> Option<u16> {
        self.status
    }

    /// What kind of failure it is.
    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// The exception's name; empty if the answer named none.
    pub(crate) fn exc_type(&self) -> &str {
        &self.exc_type
    }

    /// An extra key of the error's body, such as `alternatives`.
    pub(crate) fn detail(&self, key: &str) -> &Value {
        &self.body[key]
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.class, Class::Passing | Class::Unclear | Class::Hidden | Class::Unasked)
    }

    /// Whether it says that ERPNext itself is in trouble; what the circuit breaker counts.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self.class, Class::Passing | Class::Unclear | Class::Hidden)
    }

    /// What the job that met this error does next.
    pub(crate) fn to_outcome(&self) -> Outcome {
        if self.class == Class::Hidden {
            Outcome::Limited { failure: self.class.as_str(), retries: HIDDEN_RETRIES, reason: self.to_string() }
        } else if self.is_transient() {
            Outcome::Retry { after: self.retry_after, reason: self.to_string() }
        } else {
            Outcome::Bury { reason: self.to_string() }
        }
    }
}

fn classify(status: StatusCode, exc_type: &str, body: &Value) -> Class {
    match exc_type {
        passing if PASSING.contains(&passing) => return Class::Passing,
        "OperationalError" => return database(body),
        "DuplicateEntryError" => return Class::AlreadyThere,
        "TimestampMismatchError" => return Class::Stale,
        "AuthenticationError" | "PermissionError" => return Class::Denied,
        "DoesNotExistError" => return Class::Missing,
        // Raised for a wrong method path as well: that one is told apart by its text.
        "ValidationError" if names_a_method(body) => return Class::Permanent,
        refusal if REFUSALS.contains(&refusal) => return Class::Refused,
        // A sentence for the caller is written by a rule of the business, whatever its class is called.
        _ if status.is_client_error() && body["say"].is_string() => return Class::Refused,
        _ => {}
    }
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Class::Denied,
        StatusCode::TOO_MANY_REQUESTS => Class::Passing,
        StatusCode::SERVICE_UNAVAILABLE => Class::Passing,
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Class::Unclear,
        // No exception in a 5xx: not Frappe's own answer.
        _ if status.is_server_error() && exc_type.is_empty() => Class::Unclear,
        _ => Class::Permanent,
    }
}

/// With tracebacks switched off the code is hidden. It is then tried again, but not for long: names are deterministic,
/// so it does no harm, but a wrong value stays wrong.
fn database(body: &Value) -> Class {
    match body["exception"].as_str() {
        None => Class::Hidden,
        Some(text) if PASSING_DATABASE_CODES.iter().any(|code| text.contains(code)) => Class::Passing,
        Some(_) => Class::Permanent,
    }
}

fn names_a_method(body: &Value) -> bool {
    messages(body).iter().any(|text| text.starts_with("Failed to get method for command"))
}

/// The messages Frappe threw, decoded twice, without HTML and cut. They may quote what somebody said, so they are
/// neither spoken nor logged.
fn messages(body: &Value) -> Vec<String> {
    let list = body["_server_messages"].as_str().and_then(|text| serde_json::from_str::<Vec<String>>(text).ok());
    let message = |text: &String| Some(serde_json::from_str::<Value>(text).ok()?["message"].as_str()?.to_owned());
    list.unwrap_or_default().iter().filter_map(message).map(|text| plain(&text)).collect()
}

/// A message without its tags, cut.
fn plain(html: &str) -> String {
    let mut inside = false;
    let visible = html.chars().filter(|letter| match letter {
        '<' => {
            inside = true;
            false
        }
        '>' => !std::mem::replace(&mut inside, false),
        _ => !inside,
    });
    visible.take(MAX_MESSAGE_CHARS).collect()
}

/// Status and exception only: what a visitor said may be quoted in the rest.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERPNext: {}", self.class.as_str())?;
        if let Some(status) = self.status {
            write!(f, ", status {status}")?;
        }
        // A class name only; whatever else came in that place is not repeated.
        if !self.exc_type.is_empty()
            && self.exc_type.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        {
            write!(f, ", {:.64}", self.exc_type)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;

//! What a refused request looks like: the exception's class, its HTTP status,
//! and the error bodies of API v1 and v2.
//!
//! The traceback is a made-up one of fixed shape: no client may build logic
//! on it. A 404 carries neither `exception` nor `exc`, as on a real site.

use std::borrow::Cow;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::json::{dumps, dumps_compact};

/// A Python exception class: name, module and HTTP status.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    pub(super) name: &'static str,
    module: &'static str,
    status: u16,
}

const fn frappe(name: &'static str, status: u16) -> Class {
    Class { name, module: "frappe.exceptions.", status }
}

const fn business(name: &'static str, status: u16) -> Class {
    Class { name, module: "business_workflows.exceptions.", status }
}

const fn python(name: &'static str, module: &'static str) -> Class {
    Class { name, module, status: 500 }
}

pub(super) const VALIDATION: Class = frappe("ValidationError", 417);
pub(super) const MANDATORY: Class = frappe("MandatoryError", 417);
pub(super) const LINK_VALIDATION: Class = frappe("LinkValidationError", 417);
pub(super) const INVALID_PHONE: Class = frappe("InvalidPhoneNumberError", 417);
pub(super) const TIMESTAMP_MISMATCH: Class = frappe("TimestampMismatchError", 417);
pub(super) const UNIQUE_VALIDATION: Class = frappe("UniqueValidationError", 417);
pub(super) const TOO_LONG: Class = frappe("CharacterLengthExceededError", 417);
pub(super) const CONSTANT: Class = frappe("CannotChangeConstantError", 417);
pub(super) const NON_NEGATIVE: Class = frappe("NonNegativeError", 417);
pub(super) const ARGUMENT_TYPE: Class = frappe("FrappeTypeError", 417);
pub(super) const DUPLICATE: Class = frappe("DuplicateEntryError", 409);
pub(super) const BAD_NAME: Class = frappe("NameError", 409);
pub(super) const DOES_NOT_EXIST: Class = frappe("DoesNotExistError", 404);
pub(super) const PERMISSION: Class = frappe("PermissionError", 403);
pub(super) const AUTHENTICATION: Class = frappe("AuthenticationError", 401);
pub(super) const METHOD_LIMIT: Class = frappe("RateLimitExceededError", 429);
pub(super) const SITE_LIMIT: Class = frappe("TooManyRequestsError", 429);
pub(super) const DEADLOCK: Class = frappe("QueryDeadlockError", 500);
pub(super) const TYPE: Class = python("TypeError", "");
pub(super) const VALUE: Class = python("ValueError", "");
pub(super) const JSON_DECODE: Class = python("JSONDecodeError", "json.decoder.");
pub(super) const OPERATIONAL: Class = python("OperationalError", "pymysql.err.");
/// No Frappe class: the simulator's own bound on what it keeps.
pub(super) const FULL: Class = Class { name: "SimulatorFull", module: "", status: 507 };

pub(super) const UNKNOWN_MENU_ITEM: Class = business("UnknownMenuItem", 417);
pub(super) const ITEM_UNAVAILABLE: Class = business("ItemUnavailable", 417);
pub(super) const QUOTE_CHANGED: Class = business("QuoteChanged", 409);
pub(super) const UNKNOWN_SERVICE: Class = business("UnknownService", 417);
pub(super) const SLOT_TAKEN: Class = business("SlotTaken", 409);
pub(super) const UNKNOWN_DOCUMENT: Class = business("UnknownDocument", 404);
pub(super) const UNKNOWN_CATEGORY: Class = business("UnknownCategory", 417);
pub(super) const KEY_REUSED: Class = business("KeyReused", 409);

/// Which error body is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// A refused request. Boxed: it is built rarely and passed through many hands.
#[derive(Debug)]
pub(super) struct Failure(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    exc_type: Cow<'static, str>,
    module: &'static str,
    text: String,
    messages: Vec<String>,
    error_message: Option<String>,
    source: Option<&'static str>,
    extra: Map<String, Value>,
    headers: Vec<(&'static str, String)>,
}

/// The result of everything that a request can ask for.
pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// Raised by the framework or by Python itself: no message for the user.
    pub(super) fn raised(class: Class, text: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status: StatusCode::from_u16(class.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            exc_type: Cow::Borrowed(class.name),
            module: class.module,
            text: text.into(),
            messages: Vec::new(),
            error_message: None,
            source: None,
            extra: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// Raised by `frappe.throw`: the text is also the user's message.
    pub(super) fn thrown(class: Class, text: impl Into<String>) -> Self {
        let mut failure = Self::raised(class, text);
        let message = failure.0.text.clone();
        failure.push_thrown(&message, "Message");
        failure
    }

    /// A refusal by a rule of the apps: why, for programs, and a sentence for
    /// the caller.
    pub(super) fn said(class: Class, reason: &str, say: impl Into<String>) -> Self {
        let say = say.into();
        Self::thrown(class, say.as_str()).with("reason", reason.into()).with("say", say.into())
    }

    /// An exception chosen from outside, for the fault injector.
    pub(super) fn injected(status: StatusCode, exc_type: String) -> Self {
        let mut failure = Self::raised(VALIDATION, "injected by the control API");
        failure.0.status = status;
        failure.0.exc_type = Cow::Owned(exc_type);
        failure
    }

    fn push_thrown(&mut self, message: &str, title: &str) {
        self.0.messages.push(dumps(&json!({
            "message": message, "title": title, "indicator": "red",
            "raise_exception": 1, "__frappe_exc_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        })));
    }

    /// Adds a message that was printed, not thrown.
    pub(super) fn printed(mut self, message: &str) -> Self {
        let printed = json!({"message": message, "title": "Message"});
        self.0.messages.insert(0, dumps(&printed));
        self
    }

    /// As `printed`, under a title of its own.
    pub(super) fn titled(mut self, message: &str, title: &str) -> Self {
        let printed = json!({"message": message, "title": title, "indicator": "red"});
        self.0.messages.push(dumps(&printed));
        self
    }

    /// Sets the short text that permission errors carry.
    pub(super) fn short(mut self, text: String) -> Self {
        self.0.error_message = Some(text);
        self
    }

    /// Names the app whose code raised it.
    pub(super) fn in_app(mut self, app: &'static str) -> Self {
        self.0.source = Some(app);
        self
    }

    /// Adds a key to the body, as an app does through `frappe.response`.
    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        self.0.extra.insert(key.to_owned(), value);
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.0.headers.push((name, value));
        self
    }

    pub(super) fn status(&self) -> StatusCode {
        self.0.status
    }

    pub(super) fn exc_type(&self) -> &str {
        &self.0.exc_type
    }

    pub(super) fn text(&self) -> &str {
        &self.0.text
    }

    pub(super) fn headers(&self) -> &[(&'static str, String)] {
        &self.0.headers
    }

    fn exception(&self) -> String {
        let Parts { module, exc_type, text, .. } = &*self.0;
        if text.is_empty() { format!("{module}{exc_type}") } else { format!("{module}{exc_type}: {text}") }
    }

    /// The body. `tracebacks` is the site's setting of that name.
    pub(super) fn body(&self, version: Version, tracebacks: bool) -> Value {
        let traced = tracebacks && self.0.status != StatusCode::NOT_FOUND;
        match version {
            Version::V1 => Value::Object(self.body_v1(traced)),
            Version::V2 => {
                let mut error = json!({"type": self.0.exc_type});
                if traced {
                    error["exception"] = self.traceback().into();
                }
                json!({"errors": [error]})
            }
        }
    }

    fn body_v1(&self, traced: bool) -> Map<String, Value> {
        let parts = &*self.0;
        let mut body = parts.extra.clone();
        body.insert("exc_type".into(), parts.exc_type.clone().into());
        if traced {
            body.insert("exception".into(), self.exception().into());
            body.insert("exc".into(), dumps_compact(&[self.traceback()]).into());
        }
        if let Some(source) = parts.source {
            body.insert("_exc_source".into(), source.into());
        }
        if !parts.messages.is_empty() {
            body.insert("_server_messages".into(), dumps(&parts.messages).into());
        }
        if let Some(text) = &parts.error_message {
            body.insert("_error_message".into(), text.clone().into());
        }
        body
    }

    fn traceback(&self) -> String {
        let exception = self.exception();
        format!(
            "Traceback (most recent call last):\n  File \"apps/frappe/frappe/app.py\", line 114, in application\n{exception}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn messages_are_texts_in_a_text() {
        let body = Failure::thrown(VALIDATION, "caf\u{e9}").body(Version::V1, true);
        let outer: Vec<String> = serde_json::from_str(body["_server_messages"].as_str().unwrap()).unwrap();
        let inner: Value = serde_json::from_str(&outer[0]).unwrap();
        assert_eq!(inner["message"], "caf\u{e9}");
    }

    #[test]
    fn a_404_and_a_site_without_tracebacks_show_no_exception() {
        assert!(Failure::thrown(DOES_NOT_EXIST, "x").body(Version::V1, true).get("exception").is_none());
        let quiet = Failure::thrown(VALIDATION, "x").body(Version::V1, false);
        assert!(quiet.get("exception").is_none() && quiet.get("exc").is_none());
    }
}

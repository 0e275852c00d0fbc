//! Reading an object's fields one by one, so that a refusal can name the field in our own words. serde's messages repeat
//! what was sent.

use neoron_protocol::ErrorCode;
use serde_json::{Map, Value};

use super::problem::Refusal;

/// An object of a request and where it is in the body.
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    at: &'static str,
}

impl<'a> Fields<'a> {
    /// The whole body. Members that are not `known` are refused.
    ///
    /// # Errors
    /// 422.
    pub(crate) fn root(object: &'a Map<String, Value>, known: &[&str]) -> Result<Self, Refusal> {
        Self { object, at: "" }.only(known)
    }

    /// An object within it; `None` if it is missing or null.
    ///
    /// # Errors
    /// 422 if it is no object or has unknown members.
    pub(crate) fn child(&self, name: &'static str, known: &[&str]) -> Result<Option<Self>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Self { object, at: name }.only(known).map(Some),
            Some(_) => Err(self.wrong(name, "must be an object")),
        }
    }

    /// A text of 1 to `most` characters; `None` if it is missing or null.
    ///
    /// # Errors
    /// 422.
    pub(crate) fn text(&self, name: &str, most: usize) -> Result<Option<&'a str>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() && text.chars().count() <= most => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, &format!("must be a text of 1 to {most} characters"))),
        }
    }

    /// Milliseconds since the epoch.
    ///
    /// # Errors
    /// 422.
    pub(crate) fn millis(&self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => {
                let millis = value.as_u64().ok_or_else(|| self.wrong(name, "must be a whole number of milliseconds"));
                millis.map(Some)
            }
        }
    }

    /// Insists on a value.
    ///
    /// # Errors
    /// 422 if there is none.
    pub(crate) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, Refusal> {
        value.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A refusal that names a field.
    pub(crate) fn wrong(&self, name: &str, what: &str) -> Refusal {
        let dot = if self.at.is_empty() { "" } else { "." };
        Refusal::because(ErrorCode::InvalidField, format!("`{}{dot}{name}` {what}", self.at))
    }

    fn only(self, known: &[&str]) -> Result<Self, Refusal> {
        if self.object.keys().all(|name| known.contains(&name.as_str())) {
            return Ok(self);
        }
        let place = if self.at.is_empty() { "the body".to_owned() } else { format!("`{}`", self.at) };
        let detail = format!("{place} has an unknown field; known are {}", known.join(", "));
        Err(Refusal::because(ErrorCode::InvalidField, detail))
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }
}

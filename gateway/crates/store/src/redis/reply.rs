//! Reads what a script returns: an array that begins with a word, then texts and numbers in a fixed order.

use std::str::FromStr;

use redis::Value;

use crate::StoreError;

/// An answer, read from its front.
#[derive(Debug)]
pub(super) struct Reply {
    /// The first word: "ok", or why not.
    pub(super) word: String,
    rest: std::vec::IntoIter<Value>,
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Corrupt(format!("Redis answered {what}"))
}

fn text(value: Value) -> Result<String, StoreError> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).map_err(|_| unreadable("bytes that are no text")),
        Value::SimpleString(text) => Ok(text),
        Value::VerbatimString { text, .. } => Ok(text),
        Value::Okay => Ok("OK".to_owned()),
        Value::Int(number) => Ok(number.to_string()),
        Value::Nil => Ok(String::new()),
        _ => Err(unreadable("something else than a text")),
    }
}

impl Reply {
    /// Reads the first word.
    pub(super) fn of(value: Value) -> Result<Self, StoreError> {
        let mut reply = Self::list(value)?;
        reply.word = reply.text()?;
        Ok(reply)
    }

    /// An array without a word.
    pub(super) fn list(value: Value) -> Result<Self, StoreError> {
        let Value::Array(items) = value else { return Err(unreadable("something else than a list")) };
        Ok(Self { word: String::new(), rest: items.into_iter() })
    }

    /// A number that a command answered alone.
    pub(super) fn number<T: FromStr>(value: Value) -> Result<T, StoreError> {
        text(value)?.parse().map_err(|_| unreadable("a text of another form"))
    }

    /// Whether the step was done.
    pub(super) fn is_ok(&self) -> bool {
        self.word == "ok"
    }

    /// How much is left.
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Result<Value, StoreError> {
        self.rest.next().ok_or_else(|| unreadable("too short a list"))
    }

    /// The next text; nothing reads as an empty one.
    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        text(self.value()?)
    }

    /// The next number or id.
    pub(super) fn parse<T: FromStr>(&mut self) -> Result<T, StoreError> {
        self.text()?.parse().map_err(|_| unreadable("a text of another form"))
    }

    /// The next id, if there is one.
    pub(super) fn optional<T: FromStr>(&mut self) -> Result<Option<T>, StoreError> {
        let text = self.text()?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| unreadable("a text of another form"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_answer_is_read_in_its_order() {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let mut reply = Reply::of(Value::Array(vec![bulk("ok"), bulk("7"), Value::Int(8), Value::Nil])).unwrap();
        assert!(reply.is_ok());
        assert_eq!(reply.len(), 3);
        assert_eq!((reply.parse::<u64>().unwrap(), reply.parse::<u64>().unwrap()), (7, 8));
        assert_eq!(reply.optional::<u64>().unwrap(), None);
        assert!(matches!(reply.text(), Err(StoreError::Corrupt(_))));
        assert!(matches!(Reply::of(Value::Int(1)), Err(StoreError::Corrupt(_))));
    }
}

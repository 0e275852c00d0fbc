//! Reading a JSON body strictly: every field is named, every complaint is collected under the field's path.
//!
//! Knows JSON, not calls. Never stops at the first mistake, so that a caller sees all of them at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::ultravox::duration;

/// The complaints about one body, by path.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::ultravox) struct Complaints(pub(in crate::ultravox) BTreeMap<String, Vec<String>>);

/// One object within a body, and where it stands.
#[derive(Debug, Clone)]
pub(in crate::ultravox) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
    complaints: &'a RefCell<Complaints>,
}

impl<'a> Fields<'a> {
    pub(in crate::ultravox) fn root(map: &'a Map<String, Value>, complaints: &'a RefCell<Complaints>) -> Self {
        Self { path: String::new(), map, complaints }
    }

    /// Complains about a field of this object.
    pub(in crate::ultravox) fn complain(&self, key: &str, text: impl Into<String>) {
        let path = self.at(key);
        self.complaints.borrow_mut().0.entry(path).or_default().push(text.into());
    }

    /// Complains about every field that is not listed.
    pub(in crate::ultravox) fn only(&self, known: &[&str]) {
        for key in self.map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.complain(key, "Unknown field.");
        }
    }

    /// The raw value; JSON null counts as absent.
    pub(in crate::ultravox) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(in crate::ultravox) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// How many of the keys are present, and the complaint when that is not within the range.
    pub(in crate::ultravox) fn choice(&self, keys: &[&str], least: usize, at: &str) {
        let present = keys.iter().filter(|key| self.has(key)).count();
        if present > 1 {
            self.complain(at, format!("At most one of {} may be set.", keys.join(", ")));
        } else if present < least {
            self.complain(at, format!("One of {} is required.", keys.join(", ")));
        }
    }

    pub(in crate::ultravox) fn text(&self, key: &str) -> Option<&'a str> {
        self.typed(key, "Not a valid string.", Value::as_str)
    }

    /// A string that must be there.
    pub(in crate::ultravox) fn required_text(&self, key: &str) -> Option<&'a str> {
        if !self.has(key) {
            self.complain(key, "This field is required.");
        }
        self.text(key)
    }

    pub(in crate::ultravox) fn boolean(&self, key: &str) -> Option<bool> {
        self.typed(key, "Must be a valid boolean.", Value::as_bool)
    }

    /// A number within bounds, both included.
    pub(in crate::ultravox) fn number(&self, key: &str, low: f64, high: f64) -> Option<f64> {
        let number = self.typed(key, "A valid number is required.", Value::as_f64)?;
        if (low..=high).contains(&number) {
            return Some(number);
        }
        self.complain(key, format!("Ensure this value is between {low} and {high}."));
        None
    }

    pub(in crate::ultravox) fn duration(&self, key: &str) -> Option<Duration> {
        self.typed(key, "Not a valid duration, for example \"30s\".", |value| value.as_str().and_then(duration::parse))
    }

    /// One of the listed words.
    pub(in crate::ultravox) fn word(&self, key: &str, words: &[&str]) -> Option<&'a str> {
        let word = self.text(key)?;
        if words.contains(&word) {
            return Some(word);
        }
        self.complain(key, format!("\"{word}\" is not a valid choice."));
        None
    }

    pub(in crate::ultravox) fn map(&self, key: &str) -> Option<&'a Map<String, Value>> {
        self.typed(key, "Expected an object.", Value::as_object)
    }

    /// A nested object.
    pub(in crate::ultravox) fn child(&self, key: &str) -> Option<Fields<'a>> {
        let map = self.map(key)?;
        Some(Self { path: self.at(key), map, complaints: self.complaints })
    }

    /// A list of objects, at most `most` of them.
    pub(in crate::ultravox) fn children(&self, key: &str, most: usize) -> Vec<Fields<'a>> {
        let Some(list) = self.list(key, most) else { return Vec::new() };
        let mut children = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            match value.as_object() {
                Some(map) => {
                    children.push(Self { path: self.at(&format!("{key}.{index}")), map, complaints: self.complaints })
                }
                None => self.complain(&format!("{key}.{index}"), "Expected an object."),
            }
        }
        children
    }

    /// A list of strings whose lengths, in characters, are within bounds.
    pub(in crate::ultravox) fn texts(&self, key: &str, most: usize, low: usize, high: usize) -> Vec<String> {
        let Some(list) = self.list(key, most) else { return Vec::new() };
        let mut texts = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            match value.as_str() {
                Some(text) if (low..=high).contains(&text.chars().count()) => texts.push(text.to_owned()),
                Some(_) => {
                    self.complain(&format!("{key}.{index}"), format!("Must be {low} to {high} characters long."));
                }
                None => self.complain(&format!("{key}.{index}"), "Not a valid string."),
            }
        }
        texts
    }

    /// A map whose values are all strings.
    pub(in crate::ultravox) fn text_map(&self, key: &str) -> Vec<(String, String)> {
        let Some(map) = self.map(key) else { return Vec::new() };
        let mut pairs = Vec::with_capacity(map.len());
        for (name, value) in map {
            match value.as_str() {
                Some(text) => pairs.push((name.clone(), text.to_owned())),
                None => self.complain(&format!("{key}.{name}"), "Not a valid string."),
            }
        }
        pairs
    }

    fn list(&self, key: &str, most: usize) -> Option<&'a Vec<Value>> {
        let list = self.typed(key, "Expected a list of items.", Value::as_array)?;
        if list.len() > most {
            self.complain(key, format!("No more than {most} items are allowed."));
            return None;
        }
        Some(list)
    }

    fn typed<T>(&self, key: &str, complaint: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.value(key)?;
        let read = read(value);
        if read.is_none() {
            self.complain(key, complaint);
        }
        read
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

//! The documented defaults, embedded: `default.toml` and the four built-in business profiles.
//!
//! `default.toml` is both the first layer and the documentation: this module reads what a key means from the comment
//! above it, and the default of a key in a table that the operator names from its commented line. Pure.

use std::{collections::BTreeMap, sync::OnceLock};

use super::{
    path::Path,
    schema::{self, Need},
    value::{self, Value},
};

/// The documented defaults, as `neoron config default` prints them.
pub const DEFAULT: &str = include_str!("default.toml");

/// The built-in business profiles: name and text.
pub const BUSINESSES: [(&str, &str); 4] = [
    ("restaurant", include_str!("business/restaurant.toml")),
    ("appointment", include_str!("business/appointment.toml")),
    ("support", include_str!("business/support.toml")),
    ("general", include_str!("business/general.toml")),
];

/// What `default.toml` says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doc {
    /// The comment above it.
    pub text: String,
    /// Its value's text: the default, or an example if it has none.
    pub value: String,
    /// Whether its line is commented out.
    pub commented: bool,
}

/// What `default.toml` says, by the key's path in the schema.
pub fn docs() -> &'static BTreeMap<String, Doc> {
    static DOCS: OnceLock<BTreeMap<String, Doc>> = OnceLock::new();
    DOCS.get_or_init(|| read(DEFAULT))
}

/// The default of a key in a table that the operator names.
pub(super) fn of_named_table(key: &schema::Key) -> Option<Value> {
    let doc = docs().get(key.path).filter(|_| key.need == Need::Default)?;
    let text = match doc.value.strip_prefix('"') {
        // `from_text` unquotes; an empty text has nothing left to be read.
        Some("\"") => return Some(Value::Text(String::new())),
        _ => doc.value.as_str(),
    };
    value::from_text(key, text).ok()
}

/// Reads the file's lines: `[table]`, `key = value` (both also behind a `#` without a space), and comments (`# …`).
fn read(text: &str) -> BTreeMap<String, Doc> {
    let (mut docs, mut table, mut comment) = (BTreeMap::new(), String::new(), Vec::new());
    for line in text.lines() {
        let commented = line.starts_with('#') && !line.starts_with("# ");
        let bare = line.strip_prefix('#').filter(|_| commented).unwrap_or(line);
        if let Some(said) = line.strip_prefix("# ") {
            comment.push(said);
        } else if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = wild(name);
            comment.clear();
        } else if let Some((name, value)) = bare.split_once(" = ") {
            let path = format!("{table}.{}", wild(name));
            let doc = Doc { text: comment.join(" "), value: value.to_owned(), commented };
            docs.insert(path, doc);
            comment.clear();
        } else {
            comment.clear();
        }
    }
    docs
}

/// `business.NAME.tools` → `business.*.tools`.
fn wild(name: &str) -> String {
    let parts = name.split('.').map(|part| if part == "NAME" { "*" } else { part });
    parts.collect::<Vec<_>>().join(".")
}

/// The key that a person asks about: a path, with or without the names of one's own.
pub fn key_of(asked: &str) -> Option<&'static schema::Key> {
    schema::KEYS.iter().find(|key| key.path == asked).or_else(|| schema::find(&Path::parse(asked)?))
}

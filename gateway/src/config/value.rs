//! Values: from TOML or from a variable's text to what a key may hold, within its bounds. Pure.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use toml_edit::Item;

use super::schema::{Key, Kind};

/// A key's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text, a word, a URL, an address or a file's name.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A truth.
    Bool(bool),
    /// A time span.
    Span(Duration),
    /// Texts.
    List(Vec<String>),
    /// Texts by name.
    Texts(BTreeMap<String, String>),
    /// A table.
    Json(serde_json::Value),
}

impl Value {
    /// For people, as one would write it in a file.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Integer(number) => number.to_string(),
            Self::Bool(yes) => yes.to_string(),
            Self::Span(span) => quoted(&span_text(*span)),
            Self::List(list) => format!("[{}]", list.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")),
            Self::Texts(texts) => {
                let pairs: Vec<String> =
                    texts.iter().map(|(name, text)| format!("{name} = {}", quoted(text))).collect();
                if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
            }
            Self::Json(value) => value.to_string(),
        }
    }
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string().trim().to_owned()
}

/// Reads a value of a file.
///
/// # Errors
/// What is wrong with it; never the value of a secret.
pub(super) fn from_item(key: &Key, item: &Item) -> Result<Value, String> {
    let wrong = || format!("expected {}, found {}", expected(key.kind), article(item.type_name()));
    let text = || item.as_str().map(str::to_owned).ok_or_else(wrong);
    let value = match key.kind {
        Kind::Bool => Value::Bool(item.as_bool().ok_or_else(wrong)?),
        Kind::Integer(..) => Value::Integer(item.as_integer().ok_or_else(wrong)?),
        Kind::List { .. } => {
            let list = item.as_array().ok_or_else(wrong)?;
            let texts = list.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            Value::List(texts.ok_or_else(|| format!("expected {}", expected(key.kind)))?)
        }
        Kind::Texts => {
            let table = item.as_table_like().ok_or_else(wrong)?;
            let pair = |(name, item): (&str, &Item)| Some((name.to_owned(), item.as_str()?.to_owned()));
            let texts = table.iter().map(pair).collect::<Option<BTreeMap<_, _>>>();
            Value::Texts(texts.ok_or_else(|| format!("expected {}", expected(key.kind)))?)
        }
        Kind::Json => Value::Json(json(item).filter(serde_json::Value::is_object).ok_or_else(wrong)?),
        Kind::Span(..) => Value::Span(span(&text()?).ok_or_else(|| span_hint(key))?),
        Kind::Text(..) | Kind::Choice(_) | Kind::Url | Kind::Address | Kind::File => Value::Text(text()?),
    };
    bounded(key, value)
}

/// Reads the text of a variable or a flag: as TOML where that fits the key, else as it stands.
///
/// # Errors
/// What is wrong with it; never the value of a secret.
pub(super) fn from_text(key: &Key, text: &str) -> Result<Value, String> {
    let document = || toml_edit::Document::parse(format!("it = {text}")).ok();
    match key.kind {
        Kind::Text(..) | Kind::Choice(_) | Kind::Url | Kind::Address | Kind::File | Kind::Span(..) => {
            let unquoted = text.starts_with('"').then(document).flatten();
            let unquoted = unquoted.and_then(|document| document.as_table()["it"].as_str().map(str::to_owned));
            from_item(key, &toml_edit::value(unquoted.as_deref().unwrap_or(text)))
        }
        Kind::List { .. } if !text.trim_start().starts_with('[') => {
            let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
            bounded(key, Value::List(texts.map(str::to_owned).collect()))
        }
        _ => {
            let document = document().ok_or_else(|| format!("expected {}", expected(key.kind)))?;
            from_item(key, &document.as_table()["it"])
        }
    }
}

/// Reads the text of a secret's file.
pub(super) fn from_file(key: &Key, text: &str) -> Result<Value, String> {
    let value = match key.kind {
        Kind::List { .. } => {
            Value::List(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
        }
        _ => Value::Text(text.trim_end_matches(['\r', '\n']).to_owned()),
    };
    bounded(key, value)
}

fn bounded(key: &Key, value: Value) -> Result<Value, String> {
    let characters = |text: &str, (from, to): (usize, usize)| {
        let count = text.chars().count();
        if (from..=to).contains(&count) {
            return Ok(());
        }
        Err(format!("{}, but it has {count}", length_rule(from, to)))
    };
    match (&value, key.kind) {
        (Value::Text(text), Kind::Text(from, to)) => characters(text, (from, to))?,
        (Value::Text(text), Kind::Choice(words)) if !words.contains(&text.as_str()) => {
            let near = words.iter().find(|word| strsim::jaro_winkler(&text.to_lowercase(), &word.to_lowercase()) > 0.8);
            let meant = near.map(|word| format!("; did you mean \"{word}\"?")).unwrap_or_default();
            return Err(format!("expected {}{meant}", expected(key.kind)));
        }
        (Value::Text(text), Kind::Url) => check_url(text)?,
        (Value::Text(text), Kind::Address) => {
            text.parse::<SocketAddr>().map_err(|_| format!("expected {}", expected(key.kind)))?;
        }
        (Value::Text(text), Kind::File) if text.is_empty() => return Err("must not be empty".to_owned()),
        (Value::Integer(number), Kind::Integer(from, to)) if !(from..=to).contains(number) => {
            return Err(format!("must be {from} to {to}, but it is {number}"));
        }
        (Value::Span(span), Kind::Span(from, to)) if !(from..=to).contains(span) => {
            let [from, to, span] = [from, to, *span].map(span_text);
            return Err(format!("must be {from} to {to}, but it is {span}"));
        }
        (Value::List(list), Kind::List { count: (from, to), length }) => {
            if !(from..=to).contains(&list.len()) {
                return Err(format!("needs {from} to {to} entries, but has {}", list.len()));
            }
            for (index, text) in list.iter().enumerate() {
                characters(text, length).map_err(|error| format!("entry {}: {error}", index + 1))?;
            }
        }
        _ => {}
    }
    Ok(value)
}

fn check_url(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("expected a URL that starts with http:// or https://".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a query, a fragment or a password".to_owned());
    }
    Ok(())
}

/// What a key may hold, for people.
pub fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text(from, to) => format!("a text ({})", length_rule(from, to)),
        Kind::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("one of {}", words.join(", "))
        }
        Kind::Bool => "true or false".to_owned(),
        Kind::Integer(from, to) => format!("a whole number from {from} to {to}"),
        Kind::Span(from, to) => {
            format!("a duration such as \"10s\", from {} to {}", span_text(from), span_text(to))
        }
        Kind::Url => "a URL that starts with http:// or https://".to_owned(),
        Kind::Address => "an address with a port, such as \"127.0.0.1:8080\"".to_owned(),
        Kind::File => "a path".to_owned(),
        Kind::List { count: (from, to), .. } => format!("a list of {from} to {to} texts"),
        Kind::Texts => "a table of texts".to_owned(),
        Kind::Json => "a table".to_owned(),
    }
}

fn length_rule(from: usize, to: usize) -> String {
    if from == to { format!("{from} characters") } else { format!("{from} to {to} characters") }
}

fn article(name: &str) -> String {
    let vowel = name.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {name}", if vowel { "an" } else { "a" })
}

fn span_hint(key: &Key) -> String {
    format!("expected {}", expected(key.kind))
}

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// `90s` as a span; a number with `ms`, `s`, `m`, `h` or `d`.
fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*millis).map(Duration::from_millis)
}

/// A span in its largest whole unit.
pub fn span_text(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    let fits =
        UNITS.iter().rev().find(|(_, unit)| millis.is_multiple_of(*unit) && !(*unit == 86_400_000 && millis == *unit));
    let (name, unit) = fits.unwrap_or(&UNITS[0]);
    format!("{}{name}", millis / unit)
}

/// A TOML item as JSON; a date as its text. `None` for a number that JSON cannot write.
fn json(item: &Item) -> Option<serde_json::Value> {
    if let Some(table) = item.as_table_like() {
        let pairs = table.iter().map(|(name, item)| Some((name.to_owned(), json(item)?)));
        return pairs.collect::<Option<serde_json::Map<_, _>>>().map(Into::into);
    }
    if let Some(tables) = item.as_array_of_tables() {
        return tables
            .iter()
            .map(|table| json(&Item::Table(table.clone())))
            .collect::<Option<Vec<_>>>()
            .map(Into::into);
    }
    match item.as_value()? {
        toml_edit::Value::String(text) => Some(text.value().as_str().into()),
        toml_edit::Value::Integer(number) => Some((*number.value()).into()),
        toml_edit::Value::Float(number) => serde_json::Number::from_f64(*number.value()).map(Into::into),
        toml_edit::Value::Boolean(yes) => Some((*yes.value()).into()),
        toml_edit::Value::Datetime(at) => Some(at.value().to_string().into()),
        toml_edit::Value::Array(list) => {
            list.iter().map(|value| json(&Item::Value(value.clone()))).collect::<Option<Vec<_>>>().map(Into::into)
        }
        toml_edit::Value::InlineTable(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_are_read_and_written_in_their_largest_unit() {
        for (text, millis) in
            [("250ms", 250), ("10s", 10_000), ("90 s", 90_000), ("24h", 86_400_000), ("7d", 604_800_000)]
        {
            assert_eq!(span(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "10", "s", "-1s", "1.5s", "10 parsecs", "99999999999999999999s"] {
            assert_eq!(span(text), None, "{text}");
        }
        assert_eq!(span_text(Duration::from_secs(86_400)), "24h");
        assert_eq!(span_text(Duration::from_secs(90)), "90s");
        assert_eq!(span_text(Duration::ZERO), "0s");
    }

    proptest! {
        #[test]
        fn a_span_survives_being_written(millis in 0u64..10_000_000_000) {
            let it = Duration::from_millis(millis);
            prop_assert_eq!(span(&span_text(it)), Some(it));
        }
    }
}

//! What Frappe does with the values of a document: picks the known fields,
//! gives them their type, checks links, and then mandatory fields, phones,
//! options, ranges, lengths and at last the database's own types.
//!
//! It never reports an unknown field: like Frappe, it drops it.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::{
    clock::{format_naive, parse_date, parse_naive},
    doctype::{DocType, Field, Kind, Preset},
    document::{Document, text_of},
    failure::{
        Failure, INVALID_PHONE, LINK_VALIDATION, MANDATORY, NON_NEGATIVE, OPERATIONAL, Outcome, TOO_LONG, TYPE,
        VALIDATION, VALUE,
    },
    json::dumps,
    site::Site,
};

/// The most characters of a `Data` field, and of a link or an option.
pub(super) const DATA_CHARS: usize = 140;
/// The most bytes of a `Text` field.
const TEXT_BYTES: usize = 65_535;
/// The most rows of one table in one document. Not Frappe's: ours.
const MAX_ROWS: usize = 5_000;

/// The known fields of an input, typed.
pub(super) fn pick(doctype: &DocType, input: &Document) -> Outcome<Document> {
    let mut draft = Document::new();
    merge(doctype, input, &mut draft)?;
    Ok(draft)
}

/// Puts the known fields of an input over a document. A null removes.
pub(super) fn merge(doctype: &DocType, input: &Document, draft: &mut Document) -> Outcome<()> {
    for field in doctype.fields {
        let Some(value) = input.get(field.name) else { continue };
        let shaped = match field.kind {
            Kind::Table(child) => rows(child, value)?,
            _ => shape(field, value)?,
        };
        match shaped {
            Some(value) => draft.insert(field.name.into(), value),
            None => draft.remove(field.name),
        };
    }
    Ok(())
}

fn rows(child: &DocType, value: &Value) -> Outcome<Option<Value>> {
    let rows = match value {
        Value::Null => return Ok(None),
        Value::Array(rows) => rows,
        other => return Err(Failure::raised(TYPE, format!("'{}' object is not iterable", python_type(other)))),
    };
    if rows.len() > MAX_ROWS {
        return Err(Failure::thrown(VALIDATION, format!("A table cannot have more than {MAX_ROWS} rows")));
    }
    let picked: Outcome<Vec<Value>> = rows
        .iter()
        .map(|row| {
            let Value::Object(row) = row else {
                return Err(Failure::raised(VALUE, format!("a row of {} must be a dict", child.name)));
            };
            let mut picked = pick(child, row)?;
            for field in child.fields {
                if let Preset::Text(text) = field.default {
                    picked.entry(field.name).or_insert(text.into());
                }
            }
            if let Some(name) = text_of(row, "name") {
                picked.insert("name".into(), name.into());
            }
            Ok(Value::Object(picked))
        })
        .collect();
    picked.map(|rows| (!rows.is_empty()).then_some(Value::Array(rows)))
}

fn shape(field: &Field, value: &Value) -> Outcome<Option<Value>> {
    Ok(match (field.kind, value) {
        (_, Value::Null) => None,
        (Kind::Json, Value::Object(_)) => Some(dumps(value).into()),
        (_, Value::Array(_)) => {
            return Err(Failure::thrown(VALIDATION, format!("Value for {} cannot be a list", field.label)));
        }
        (_, Value::Object(_)) => return Err(Failure::raised(TYPE, "dict can not be used as parameter")),
        (Kind::Int { .. }, value) => Some(whole(value).into()),
        (Kind::Check, value) => Some(i64::from(whole(value) != 0).into()),
        (Kind::Currency, value) => Some(money(value)),
        (Kind::Date | Kind::Datetime | Kind::Json, Value::String(text)) if text.is_empty() => None,
        (_, Value::String(text)) => Some(text.as_str().into()),
        (_, value) => Some(plain_text(value).into()),
    })
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::Bool(flag) => u8::from(*flag).to_string(),
        other => other.to_string(),
    }
}

/// Like `cint`: what is no number is 0, and fractions are cut off.
fn whole(value: &Value) -> i64 {
    match value {
        Value::Bool(flag) => i64::from(*flag),
        Value::Number(number) => number.as_i64().unwrap_or_else(|| truncate(number.as_f64())),
        Value::String(text) => text.trim().parse().unwrap_or_else(|_| truncate(text.trim().parse().ok())),
        _ => 0,
    }
}

/// A float cast saturates at the ends of `i64` and makes 0 of a NaN.
#[allow(clippy::cast_possible_truncation)]
fn truncate(number: Option<f64>) -> i64 {
    number.unwrap_or(0.0) as i64
}

fn money(value: &Value) -> Value {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        _ => None,
    };
    let rounded = (number.unwrap_or(0.0) * 100.0).round() / 100.0;
    Value::Number(Number::from_f64(rounded).unwrap_or_else(|| 0.into()))
}

/// How Python would call the type of a JSON value.
pub(super) fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Checks that what links point to is there. A link to nothing is cleared
/// and remembered, so a dynamic link that depends on it fails first.
pub(super) fn links(site: &Site, doctype: &DocType, draft: &mut Document) -> Outcome<()> {
    let mut missing = Vec::new();
    for field in doctype.fields {
        let Some(value) = text_of(draft, field.name).map(str::to_owned) else { continue };
        let target = match field.kind {
            Kind::Link(target) => Cow::Borrowed(target),
            Kind::DynamicLink(by) => match text_of(draft, by) {
                Some(target) => Cow::Owned(target.to_owned()),
                None => {
                    let label = doctype.field(by).map_or(by, |field| field.label);
                    return Err(Failure::thrown(VALIDATION, format!("{label} must be set first")));
                }
            },
            _ => continue,
        };
        match site.resolve(&target, &value) {
            Some(name) => {
                draft.insert(field.name.into(), name.into());
            }
            None => {
                draft.remove(field.name);
                missing.push(format!("{}: {value}", field.label));
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::thrown(LINK_VALIDATION, format!("Could not find {}", missing.join(", "))))
}

/// The built-in checks of a save, over the document and then its rows.
pub(super) fn settle(doctype: &DocType, name: &str, draft: &mut Document) -> Outcome<()> {
    settle_one(doctype, name, draft)?;
    for field in doctype.fields {
        let Kind::Table(child) = field.kind else { continue };
        let Some(rows) = draft.get_mut(field.name).and_then(Value::as_array_mut) else { continue };
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            settle_one(child, name, row)?;
        }
    }
    Ok(())
}

fn settle_one(doctype: &DocType, name: &str, draft: &mut Document) -> Outcome<()> {
    for field in doctype.fields.iter().filter(|field| matches!(field.kind, Kind::Int { .. } | Kind::Check)) {
        draft.entry(field.name).or_insert_with(|| 0.into());
    }
    mandatory(doctype, name, draft)?;
    for field in doctype.fields {
        if let Some(value) = draft.get(field.name) {
            check_value(field, value)?;
        }
    }
    for field in doctype.fields {
        if let Some(value) = draft.get(field.name)
            && let Some(stored) = as_stored(field, value)?
        {
            draft.insert(field.name.into(), stored);
        }
    }
    Ok(())
}

fn mandatory(doctype: &DocType, name: &str, draft: &Document) -> Outcome<()> {
    let is_missing = |field: &&Field| {
        let empty = match draft.get(field.name) {
            None => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            Some(_) => false,
        };
        field.required && empty
    };
    let missing: Vec<&Field> = doctype.fields.iter().filter(is_missing).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let names: Vec<_> = missing.iter().map(|field| field.name).collect();
    let text = format!("[{}, {name}]: {}", doctype.name, names.join(", "));
    let message = format!("Error: Value missing for {}: {}", doctype.name, first.label);
    Err(Failure::raised(MANDATORY, text).printed(&message))
}

fn check_value(field: &Field, value: &Value) -> Outcome<()> {
    if let (Kind::Int { non_negative: true }, Some(..0)) = (field.kind, value.as_i64()) {
        return Err(Failure::thrown(NON_NEGATIVE, format!("Value cannot be negative for {}", field.label)));
    }
    let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return Ok(()) };
    match field.kind {
        Kind::Phone if !is_phone(text) => {
            return Err(Failure::thrown(INVALID_PHONE, format!("{text} is not a valid Phone Number")));
        }
        Kind::Select(options) if !options.contains(&text) => {
            let listed: Vec<_> = options.iter().map(|option| format!("\"{option}\"")).collect();
            let text = format!(" {} cannot be \"{text}\". It should be one of {}", field.label, listed.join(", "));
            return Err(Failure::thrown(VALIDATION, text));
        }
        _ => {}
    }
    let fits = match field.kind {
        Kind::Data | Kind::Phone | Kind::Link(_) | Kind::DynamicLink(_) => text.chars().count() <= DATA_CHARS,
        Kind::Text => text.len() <= TEXT_BYTES,
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let text = format!("Value too big: {} will get truncated", field.label);
    Err(Failure::thrown(TOO_LONG, text))
}

/// Frappe's pattern: digits, space and `+ _ - , . * # ( )`, 1 to 20 of them.
pub(super) fn is_phone(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_digit() || " +_-,.*#()".contains(c);
    (1..=20).contains(&text.chars().count()) && text.chars().all(allowed)
}

/// The value as the database gives it back, where that differs.
fn as_stored(field: &Field, value: &Value) -> Outcome<Option<Value>> {
    let Some(text) = value.as_str() else { return Ok(None) };
    let refuse = |code: u16, what: &str| {
        let text = format!("({code}, \"{what}: '{text}' for column '{}' at row 1\")", field.name);
        Err(Failure::raised(OPERATIONAL, text))
    };
    match field.kind {
        Kind::Datetime => match parse_naive(text) {
            Ok(at) => Ok(Some(format_naive(at).into())),
            Err(_) => refuse(1292, "Incorrect datetime value"),
        },
        Kind::Date => match parse_date(text) {
            Some(_) => Ok(None),
            None => refuse(1292, "Incorrect date value"),
        },
        Kind::Json if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() => refuse(4025, "CONSTRAINT failed"),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_phone_has_at_most_twenty_allowed_characters() {
        for good in ["+44 20 7946 0000", "0123456789", "(020) 7946-0000"] {
            assert!(is_phone(good), "{good}");
        }
        for bad in ["not a phone", "+44 20 7946 0000 0000", "", "٠١٢"] {
            assert!(!is_phone(bad), "{bad}");
        }
    }

    #[test]
    fn numbers_are_read_as_frappe_reads_them() {
        for (value, expected) in [(json!("12.9"), 12), (json!("x"), 0), (json!(true), 1), (json!(-3.5), -3)] {
            assert_eq!(whole(&value), expected, "{value}");
        }
        assert_eq!(money(&json!("9.499")), json!(9.5));
    }
}

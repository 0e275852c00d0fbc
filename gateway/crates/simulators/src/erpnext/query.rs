//! Lists: fields, filters, order and limits of `GET /api/resource/<DocType>`.
//!
//! A filter on the name, on a unique field or on `modified` uses an index;
//! other filters walk the table. Joins, aggregates and child table columns
//! are not here: they answer as an unknown column does.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{
    doctype::{DocType, Kind},
    document::Document,
    failure::{Failure, OPERATIONAL, Outcome, VALIDATION},
    permission::{self, Actor},
    site::Site,
};

/// Rows of a list that names no limit.
const DEFAULT_LIMIT: usize = 20;
/// The most filters, fields and values of an `in` list.
const MAX_TERMS: usize = 500;
/// The columns that every doctype has.
const STANDARD: &[&str] = &["name", "owner", "creation", "modified", "modified_by", "docstatus", "idx"];

/// A parsed list request.
#[derive(Debug)]
pub(super) struct Query {
    fields: Vec<String>,
    all: Vec<Filter>,
    any: Vec<Filter>,
    order: (String, bool),
    start: usize,
    limit: Option<usize>,
}

#[derive(Debug)]
struct Filter {
    field: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Compare(fn(Ordering) -> bool, Value),
    Like { pattern: String, wanted: bool },
    In { values: Vec<Value>, wanted: bool },
    Between(Value, Value),
    Set(bool),
}

impl Query {
    /// Reads the arguments of a list request.
    pub(super) fn parse(doctype: &DocType, form: &Map<String, Value>) -> Outcome<Self> {
        let (fields, order) = (fields(doctype, form)?, order(doctype, form)?);
        let limit = ["limit_page_length", "limit", "page_length"].into_iter().find_map(|key| form.get(key));
        let limit = limit.map_or(Some(DEFAULT_LIMIT), |value| Some(number(value)).filter(|limit| *limit > 0));
        Ok(Self {
            fields,
            all: filters(doctype, form.get("filters"))?,
            any: filters(doctype, form.get("or_filters"))?,
            order,
            start: form.get("limit_start").or_else(|| form.get("start")).map_or(0, number),
            limit,
        })
    }

    fn matches(&self, document: &Document) -> bool {
        self.all.iter().all(|filter| filter.matches(document))
            && (self.any.is_empty() || self.any.iter().any(|filter| filter.matches(document)))
    }

    fn equals(&self, usable: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
        self.all.iter().find_map(|filter| match &filter.test {
            Test::Compare(accepts, Value::String(text))
                if usable(&filter.field) && !text.is_empty() && is_equality(*accepts) =>
            {
                Some((filter.field.as_str(), text.as_str()))
            }
            _ => None,
        })
    }

    /// The earliest `modified` that a filter lets through.
    fn since(&self) -> &str {
        let bound = self.all.iter().find_map(|filter| match &filter.test {
            Test::Compare(accepts, Value::String(text))
                if filter.field == "modified" && accepts(Ordering::Greater) && !accepts(Ordering::Less) =>
            {
                Some(text.as_str())
            }
            _ => None,
        });
        bound.unwrap_or_default()
    }

    fn row(&self, document: &Document) -> Value {
        let cell = |field: &String| (field.clone(), document.get(field).cloned().unwrap_or_default());
        Value::Object(self.fields.iter().map(cell).collect())
    }

    fn page<'a>(&self, matching: impl Iterator<Item = &'a Document>) -> Vec<Value> {
        let page = matching.skip(self.start).take(self.limit.unwrap_or(usize::MAX));
        page.map(|document| self.row(document)).collect()
    }
}

/// Of the comparisons used here only `=` accepts nothing but equality.
fn is_equality(accepts: fn(Ordering) -> bool) -> bool {
    accepts(Ordering::Equal) && !accepts(Ordering::Less) && !accepts(Ordering::Greater)
}

/// The rows of a list.
pub(super) fn list(site: &Site, actor: &Actor, doctype: &DocType, form: &Map<String, Value>) -> Outcome<Vec<Value>> {
    permission::require_list(actor, doctype)?;
    let mut query = Query::parse(doctype, form)?;
    query.fields.retain(|field| permission::sees(actor, doctype, field));
    let hidden = |filter: &Filter| !permission::sees(actor, doctype, &filter.field);
    if query.all.iter().chain(&query.any).any(hidden) {
        return Err(Failure::thrown(super::failure::PERMISSION, "You do not have permission to filter by this field"));
    }
    let table = site.table(doctype);
    let is_name = |field: &str| field == "name" || Some(field) == doctype.name_field();
    if let Some((_, name)) = query.equals(is_name) {
        return Ok(query.page(table.get(name).into_iter().filter(|document| query.matches(document))));
    }
    if let Some((field, value)) = query.equals(|field| table.indexes(field)) {
        let found = table.by_unique(field, value);
        return Ok(query.page(found.into_iter().filter(|document| query.matches(document))));
    }
    let matching = table.by_modified(query.since()).filter(|document| query.matches(document));
    match (query.order.0.as_str(), query.order.1) {
        ("modified", true) => Ok(query.page(matching.rev())),
        ("modified", false) => Ok(query.page(matching)),
        (field, descending) => {
            let mut sorted: Vec<&Document> = matching.collect();
            sorted.sort_by(|a, b| {
                let order = compare(a.get(field), b.get(field));
                if descending { order.reverse() } else { order }
            });
            Ok(query.page(sorted.into_iter()))
        }
    }
}

/// How many documents match the filters.
pub(super) fn count(site: &Site, actor: &Actor, doctype: &DocType, form: &Map<String, Value>) -> Outcome<usize> {
    permission::require_list(actor, doctype)?;
    let query = Query::parse(doctype, form)?;
    if query.all.is_empty() && query.any.is_empty() {
        return Ok(site.table(doctype).len());
    }
    Ok(site.table(doctype).by_modified(query.since()).filter(|document| query.matches(document)).count())
}

fn number(value: &Value) -> usize {
    match value {
        Value::String(text) => text.trim().parse().unwrap_or(0),
        other => other.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(0),
    }
}

/// An argument that is JSON, or a text that holds JSON.
fn decoded(value: &Value) -> Outcome<Value> {
    let Value::String(text) = value else { return Ok(value.clone()) };
    serde_json::from_str(text).map_err(|_| Failure::thrown(VALIDATION, "Invalid filter or field list"))
}

fn column(doctype: &DocType, name: &str) -> Outcome<String> {
    let plain = name.trim().trim_matches('`');
    let plain = plain.rsplit(['.']).next().unwrap_or(plain).trim_matches('`');
    let is_column = |field: &super::doctype::Field| !matches!(field.kind, Kind::Table(_));
    if STANDARD.contains(&plain) || doctype.field(plain).is_some_and(is_column) {
        return Ok(plain.to_owned());
    }
    Err(Failure::raised(OPERATIONAL, format!("(1054, \"Unknown column '{plain}' in 'field list'\")")))
}

fn fields(doctype: &DocType, form: &Map<String, Value>) -> Outcome<Vec<String>> {
    let Some(value) = form.get("fields") else { return Ok(vec!["name".to_owned()]) };
    let Value::Array(names) = decoded(value)? else {
        return Err(Failure::thrown(VALIDATION, "Fields must be a list"));
    };
    let mut fields = Vec::new();
    for name in names.iter().take(MAX_TERMS) {
        match name.as_str() {
            Some("*") => {
                fields.extend(STANDARD.iter().map(|field| (*field).to_owned()));
                let columns = doctype.fields.iter().filter(|field| !matches!(field.kind, Kind::Table(_)));
                fields.extend(columns.map(|field| field.name.to_owned()));
            }
            Some(name) => fields.push(column(doctype, name)?),
            None => return Err(Failure::thrown(VALIDATION, "Fields must be texts")),
        }
    }
    Ok(fields)
}

fn order(doctype: &DocType, form: &Map<String, Value>) -> Outcome<(String, bool)> {
    let text = form.get("order_by").and_then(Value::as_str).unwrap_or_default();
    let mut words = text.split(',').next().unwrap_or_default().split_whitespace();
    let Some(field) = words.next() else { return Ok(("modified".to_owned(), true)) };
    let descending = words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"));
    Ok((column(doctype, field)?, descending))
}

fn filters(doctype: &DocType, value: Option<&Value>) -> Outcome<Vec<Filter>> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let filters: Outcome<Vec<Filter>> = match decoded(value)? {
        Value::Null => return Ok(Vec::new()),
        Value::Object(map) => {
            let pairs = map.into_iter().take(MAX_TERMS);
            pairs.map(|(field, value)| filter_of_pair(doctype, &field, value)).collect()
        }
        Value::Array(items) => items.into_iter().take(MAX_TERMS).map(|item| filter_of_list(doctype, item)).collect(),
        _ => return Err(malformed()),
    };
    filters
}

fn malformed() -> Failure {
    Failure::thrown(VALIDATION, "Filter must be a list of field, operator and value")
}

fn filter_of_pair(doctype: &DocType, field: &str, value: Value) -> Outcome<Filter> {
    match value {
        Value::Array(pair) => {
            let [operator, value] = <[Value; 2]>::try_from(pair).map_err(|_| malformed())?;
            build(doctype, field, operator.as_str().ok_or_else(malformed)?, value)
        }
        value => build(doctype, field, "=", value),
    }
}

fn filter_of_list(doctype: &DocType, item: Value) -> Outcome<Filter> {
    let Value::Array(mut parts) = item else { return Err(malformed()) };
    if parts.len() == 4 && parts[0] == doctype.name {
        parts.remove(0);
    }
    if parts.len() == 2 {
        parts.insert(1, "=".into());
    }
    let [field, operator, value] = <[Value; 3]>::try_from(parts).map_err(|_| malformed())?;
    let (Some(field), Some(operator)) = (field.as_str(), operator.as_str()) else { return Err(malformed()) };
    build(doctype, field, operator, value)
}

fn build(doctype: &DocType, field: &str, operator: &str, value: Value) -> Outcome<Filter> {
    let field = column(doctype, field)?;
    let text = || value.as_str().unwrap_or_default().to_owned();
    let test = match operator.to_ascii_lowercase().as_str() {
        "=" => Test::Compare(Ordering::is_eq, value),
        "!=" => Test::Compare(Ordering::is_ne, value),
        ">" => Test::Compare(Ordering::is_gt, value),
        ">=" => Test::Compare(Ordering::is_ge, value),
        "<" => Test::Compare(Ordering::is_lt, value),
        "<=" => Test::Compare(Ordering::is_le, value),
        "like" => Test::Like { pattern: text().to_lowercase(), wanted: true },
        "not like" => Test::Like { pattern: text().to_lowercase(), wanted: false },
        "in" => Test::In { values: several(value), wanted: true },
        "not in" => Test::In { values: several(value), wanted: false },
        "is" => Test::Set(!text().eq_ignore_ascii_case("not set")),
        "between" => match <[Value; 2]>::try_from(several(value)) {
            Ok([from, to]) => Test::Between(from, to),
            Err(_) => return Err(malformed()),
        },
        other => return Err(Failure::thrown(VALIDATION, format!("Invalid operator {other}"))),
    };
    Ok(Filter { field, test })
}

fn several(value: Value) -> Vec<Value> {
    match value {
        Value::Array(mut values) => {
            values.truncate(MAX_TERMS);
            values
        }
        Value::String(text) => text.split(',').take(MAX_TERMS).map(|part| part.trim().into()).collect(),
        other => vec![other],
    }
}

impl Filter {
    fn matches(&self, document: &Document) -> bool {
        let value = document.get(&self.field);
        match &self.test {
            Test::Compare(accepts, other) => accepts(compare(value, Some(other))),
            Test::In { values, wanted } => values.iter().any(|other| compare(value, Some(other)).is_eq()) == *wanted,
            Test::Between(from, to) => compare(value, Some(from)).is_ge() && compare(value, Some(to)).is_le(),
            Test::Set(wanted) => value.is_some_and(|value| value != "") == *wanted,
            Test::Like { pattern, wanted } => {
                let text = value.and_then(Value::as_str).unwrap_or_default().to_lowercase();
                like(pattern, &text) == *wanted
            }
        }
    }
}

/// Orders two cells. A missing one is the empty text or zero, as Frappe's
/// `ifnull` makes it; texts have no case; a text beside a number is read as one.
fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let is_number = |value: Option<&Value>| matches!(value, Some(Value::Number(_) | Value::Bool(_)));
    if is_number(a) || is_number(b) {
        return as_number(a).total_cmp(&as_number(b));
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_lowercase();
    text(a).cmp(&text(b))
}

fn as_number(value: Option<&Value>) -> f64 {
    match value {
        Some(Value::Number(number)) => number.as_f64().unwrap_or(0.0),
        Some(Value::Bool(flag)) => f64::from(u8::from(*flag)),
        Some(Value::String(text)) => text.trim().parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

/// SQL's `LIKE` with `%` and `_`, in time proportional to the product of both
/// lengths at worst.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '_' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, at)) = retry else { return false };
                retry = Some((after, at + 1));
                (p, t) = (after, at + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn like_knows_both_wildcards() {
        for (pattern, text) in [("%pizza%", "two pizzas"), ("s-_", "s-1"), ("%", ""), ("a%b%c", "aXbYbc")] {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("s-_", "s-12"), ("a%b", "ac"), ("", "x")] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_missing_cell_equals_the_empty_text_and_zero() {
        assert!(compare(None, Some(&json!(""))).is_eq());
        assert!(compare(None, Some(&json!(0))).is_eq());
        assert!(compare(Some(&json!("ABC")), Some(&json!("abc"))).is_eq());
    }
}

//! The business behind the site: a pizzeria, a salon's calendar, a support
//! desk and a message book, as the app `business_workflows` offers them.
//!
//! It is a stand-in. No real shop may run on it: there is no payment, no
//! tax, no stock, and everything is forgotten with the process.

pub(super) mod appointment;
mod calendar;
pub(super) mod customer;
mod money;
pub(super) mod restaurant;
mod seed;
pub(super) mod speech;
pub(super) mod support;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(super) use self::money::minor;
use self::{calendar::Calendar, seed::MenuItem};
use super::{
    doctype::{DocType, Right},
    document::{self, Document, text_of},
    failure::{Failure, KEY_REUSED, Outcome, UNKNOWN_DOCUMENT, VALIDATION},
    permission::{self, Actor},
    site::Site,
};

/// The app's name in `_exc_source`.
pub(super) const APP: &str = "business_workflows (app)";

/// A change of the menu over the control API.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    pub(super) menu_item: String,
    /// The new price, in the currency's major unit.
    pub(super) price: Option<f64>,
    pub(super) available: Option<bool>,
}

/// What the business knows beside its documents.
#[derive(Debug)]
pub(super) struct Shop {
    menu: Vec<MenuItem>,
    calendar: Calendar,
    orders_taken: u64,
}

impl Shop {
    pub(super) fn seeded() -> Self {
        Self { menu: seed::menu(), calendar: Calendar::default(), orders_taken: 0 }
    }

    /// Changes a menu item's price (in minor units) or its availability;
    /// `false` when there is no such item.
    pub(super) fn change_menu(&mut self, name: &str, price: Option<i64>, available: Option<bool>) -> bool {
        let Some(item) = self.menu.iter_mut().find(|item| item.name.eq_ignore_ascii_case(name)) else {
            return false;
        };
        item.price = price.unwrap_or(item.price);
        item.available = available.unwrap_or(item.available);
        true
    }
}

/// A refusal by a rule of the app that has no class of its own.
fn invalid(reason: &str, say: impl Into<String>) -> Failure {
    Failure::said(VALIDATION, reason, say).in_app(APP)
}

/// A command's document and whether this call made it.
struct Made {
    document: Document,
    created: bool,
}

/// A command: who sends it, what is made of it, and what was asked for. The
/// session is no part of what was asked for: a call that goes on after a page
/// change has another one.
struct Command<'a> {
    actor: &'a Actor,
    doctype: &'static DocType,
    key: &'a str,
    asked: Document,
}

impl Command<'_> {
    /// Tells a repeat from a key that was used twice.
    fn digest(&self) -> String {
        let given: Document = self.asked.iter().filter(|(_, value)| !is_empty(value)).map(own).collect();
        HEXLOWER.encode(&Sha256::digest(Value::Object(given).to_string()))
    }
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// Makes the document of a command, or finds the one that an earlier call
/// with the same key made.
fn once(site: &mut Site, command: &Command<'_>, fields: Document) -> Outcome<Made> {
    let Command { actor, doctype, key, .. } = command;
    permission::require(actor, doctype, Right::Create)?;
    let (key, digest) = (speech::key(key)?, command.digest());
    if let Some(document) = site.table(doctype).get(key) {
        if text_of(document, "command_digest").is_some_and(|earlier| earlier != digest) {
            let say = "That was already asked for, with other details.";
            return Err(Failure::said(KEY_REUSED, "key_reused", say).in_app(APP));
        }
        return Ok(Made { document: document.clone(), created: false });
    }
    let mut input = fields;
    tidy(&mut input)?;
    input.insert("idempotency_key".into(), key.into());
    input.insert("command_digest".into(), digest.into());
    let document = document::create(site, actor, doctype, &input)?;
    Ok(Made { document, created: true })
}

/// Brings the customer of a new document into the form that is stored.
fn tidy(input: &mut Document) -> Outcome<()> {
    if let Some(name) = text_of(input, "customer_name").filter(|name| !name.is_empty()) {
        let name = speech::name(name, "name")?;
        input.insert("customer_name".into(), name.into());
    }
    if let Some(phone) = text_of(input, "customer_phone").filter(|phone| !phone.is_empty()) {
        let phone = speech::phone(phone)?;
        input.insert("customer_phone".into(), phone.into());
    }
    Ok(())
}

/// Reads a document that a caller asked after, by name or by a unique field.
fn look_up(
    site: &Site,
    actor: &Actor,
    doctype: &'static DocType,
    name: &str,
    number_field: Option<&str>,
) -> Outcome<Document> {
    permission::require(actor, doctype, Right::Read)?;
    let table = site.table(doctype);
    let found = table.get(name).or_else(|| table.by_unique(number_field?, name));
    found.cloned().ok_or_else(|| {
        let say = "I cannot find that. Could you check the number?";
        Failure::said(UNKNOWN_DOCUMENT, "unknown_document", say).in_app(APP)
    })
}

/// The named fields of a document; one without a value is null.
fn answer(document: &Document, fields: &[&str]) -> Value {
    let cell = |field: &&str| ((*field).to_owned(), document.get(*field).cloned().unwrap_or_default());
    Value::Object(fields.iter().map(cell).collect())
}

impl Made {
    fn answer(&self, fields: &[&str]) -> Value {
        let mut answer = answer(&self.document, fields);
        answer["created"] = self.created.into();
        answer
    }
}

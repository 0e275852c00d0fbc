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
pub(super) mod support;

use serde::Deserialize;
use serde_json::Value;

pub(super) use self::money::minor;
use self::{calendar::Calendar, seed::MenuItem};
use super::{
    doctype::{DocType, Right},
    document::{self, Document},
    failure::{Failure, Outcome, UNKNOWN_DOCUMENT, VALIDATION},
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

/// A refusal by a rule of the app.
fn invalid(text: impl Into<String>) -> Failure {
    Failure::thrown(VALIDATION, text).in_app(APP)
}

/// A command's document and whether this call made it.
struct Made {
    document: Document,
    created: bool,
}

/// Makes the document of a command, or finds the one that an earlier call
/// with the same key made.
fn once(
    site: &mut Site,
    actor: &Actor,
    doctype: &'static DocType,
    key: &str,
    fill: impl FnOnce(&mut Site) -> Outcome<Document>,
) -> Outcome<Made> {
    permission::require(actor, doctype, Right::Create)?;
    if let Some(document) = site.table(doctype).get(key) {
        return Ok(Made { document: document.clone(), created: false });
    }
    let mut input = fill(site)?;
    input.insert("idempotency_key".into(), key.into());
    let document = document::create(site, actor, doctype, &input)?;
    Ok(Made { document, created: true })
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
        let text = format!("{} {name} is not known", doctype.name);
        Failure::thrown(UNKNOWN_DOCUMENT, text).in_app(APP)
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

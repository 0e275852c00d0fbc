//! Making a quote: lines of named items from a menu, or a time slot of a service.
//!
//! Prices come from ERPNext and are summed in whole pence; a price that the model says is never used. Nothing that was
//! said is dropped: what is unknown, unclear or sold out is asked back.
//!
//! A quote's `say` template sees `items` (`2 × Cola and 1 × Calzone`), `lines` (`label`, `quantity`, `amount`), `total`
//! (`£19.00`), for a slot also `service_name`, `start`, `end` and `duration`, and the method's arguments.

use std::time::Duration;

use neoron_protocol::{
    UnixMillis,
    frame::{Line, Money},
};
use serde_json::{Map, Value, json};

use super::{
    Profile, Tool, arguments,
    catalogue::{self, Menu, Service},
    matching::{Found, find},
    money, refusal,
    say::listed,
};
use crate::{
    app::App,
    config::Quoter,
    erpnext::{self, Priority, site_time},
    ledger::canonical,
};

/// Lines of an order.
const MAX_LINES: usize = 50;
/// Pieces of one thing.
const QUANTITIES: std::ops::RangeInclusive<i64> = 1..=50;
/// How long the wanted time is held for the one who asks.
const HOLD: Duration = Duration::from_secs(120);

/// A priced offer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Priced {
    /// What ERPNext is asked once it is confirmed.
    pub(super) arguments: Map<String, Value>,
    /// What makes two offers the same.
    pub(super) content: String,
    pub(super) lines: Vec<Line>,
    pub(super) total: Option<Money>,
    /// What the sentence is made of.
    pub(super) context: Map<String, Value>,
    pub(super) held_until: Option<UnixMillis>,
}

/// Why there is no offer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unpriced {
    /// Ask this back.
    Ask(String),
    /// ERPNext does not answer.
    Unavailable,
}

impl From<erpnext::Error> for Unpriced {
    fn from(error: erpnext::Error) -> Self {
        refusal::sentence(&error).map_or(Self::Unavailable, Self::Ask)
    }
}

/// The method whose answer lists what a tool sells.
pub(super) fn source(profile: &Profile, tool: &Tool, catalogue: &str) -> String {
    let method = profile.method(catalogue);
    // A slot's catalogue may be named by the tool that tells the free times; the services are its neighbour.
    if tool.spec.quoter != Some(Quoter::Catalogue) && method.ends_with(".get_availability") {
        return neighbour(method, "get_services");
    }
    method.to_owned()
}

/// A function of the same module.
pub(super) fn neighbour(method: &str, function: &str) -> String {
    method.rsplit_once('.').map_or_else(|| function.to_owned(), |(module, _)| format!("{module}.{function}"))
}

/// Prices lines of named items.
///
/// # Errors
/// What to ask back.
pub(super) fn order(menu: &Menu, mut arguments: Map<String, Value>) -> Result<Priced, String> {
    let wanted = arguments.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if wanted.is_empty() {
        return Err("What would you like to order?".to_owned());
    }
    if wanted.len() > MAX_LINES {
        return Err(format!("An order has at most {MAX_LINES} lines."));
    }
    let resolved = resolve(menu, wanted)?;
    let items = canonical::merge(&resolved);
    let mut lines = Vec::with_capacity(items.len());
    let mut total = 0_i64;
    for item in &items {
        let name = item["menu_item"].as_str().unwrap_or_default();
        let Some(sold) = menu.items.iter().find(|sold| sold.name == name) else { continue };
        let quantity = quantity(&item["quantity"], &sold.label)?;
        let amount = sold.price.saturating_mul(i64::from(quantity));
        total = total.saturating_add(amount);
        lines.push(Line { label: sold.label.clone(), quantity, amount: Some(menu.money(amount)) });
    }
    arguments.insert("items".into(), Value::Array(items));
    let content = canonical::content(&arguments);
    // Not part of the content: the same order at another price is still the same order. ERPNext compares it.
    arguments.insert("expected_total".into(), money::wire(total));
    let total = menu.money(total);
    let context = context(&arguments, &lines, Some(&total));
    Ok(Priced { arguments, content, lines, total: Some(total), context, held_until: None })
}

/// The lines with ERPNext's names, or everything that is unclear in one question.
fn resolve(menu: &Menu, wanted: &[Value]) -> Result<Vec<Value>, String> {
    let (mut lines, mut questions) = (Vec::new(), Vec::new());
    for line in wanted {
        let said =
            ["menu_item", "item", "item_name", "name"].iter().find_map(|key| line[*key].as_str()).unwrap_or_default();
        let label = |index: &usize| menu.items[*index].label.clone();
        match find(said, &menu.items) {
            Found::One(index) if !menu.items[index].available => {
                questions.push(format!("{} cannot be had at the moment.", menu.items[index].label));
            }
            Found::One(index) => {
                let sold = &menu.items[index];
                // Checked one by one as well: two wrong quantities must not add up to a right one.
                quantity(&line["quantity"], &sold.label)?;
                let mut resolved = json!({"menu_item": sold.name, "quantity": line["quantity"]});
                let notes = ["special_instructions", "notes"].iter().find_map(|key| line[*key].as_str());
                if let Some(notes) = notes.map(str::trim).filter(|notes| !notes.is_empty()) {
                    resolved["special_instructions"] = notes.into();
                }
                lines.push(resolved);
            }
            Found::Several(indexes) => {
                let labels: Vec<String> = indexes.iter().take(5).map(label).collect();
                questions.push(format!("Which {} do you mean: {}?", clip(said), listed(&labels, "or")));
            }
            Found::None(near) if near.is_empty() => {
                questions.push(format!("I cannot find {} on the menu.", clip(said)))
            }
            Found::None(near) => {
                let labels: Vec<String> = near.iter().map(label).collect();
                questions.push(format!(
                    "I cannot find {} on the menu. Do you mean {}?",
                    clip(said),
                    listed(&labels, "or")
                ));
            }
        }
    }
    questions.dedup();
    questions.truncate(3);
    if questions.is_empty() { Ok(lines) } else { Err(questions.join(" ")) }
}

fn quantity(value: &Value, label: &str) -> Result<u32, String> {
    let whole = value.as_i64().filter(|quantity| QUANTITIES.contains(quantity));
    whole.and_then(|quantity| u32::try_from(quantity).ok()).ok_or_else(|| {
        format!("How many {label} would you like? It can be {} to {}.", QUANTITIES.start(), QUANTITIES.end())
    })
}

/// What was said, short enough to repeat.
fn clip(said: &str) -> String {
    if said.trim().is_empty() { "that".to_owned() } else { said.trim().chars().take(60).collect() }
}

/// What the sentence of an offer is made of.
pub(super) fn context(arguments: &Map<String, Value>, lines: &[Line], total: Option<&Money>) -> Map<String, Value> {
    let mut context = arguments.clone();
    let spoken: Vec<String> = lines.iter().map(|line| format!("{} × {}", line.quantity, line.label)).collect();
    let written = |line: &Line| json!({"label": line.label, "quantity": line.quantity, "amount": line.amount.as_ref().map(money::text)});
    context.insert("items".into(), listed(&spoken, "and").into());
    context.insert("lines".into(), lines.iter().map(written).collect());
    context.insert("total".into(), total.map(money::text).into());
    context
}

/// A slot as it was asked for: the service by ERPNext's name, the time in the site's form, and what makes it the same.
pub(super) struct Wanted {
    arguments: Map<String, Value>,
    start: String,
    pub(super) content: String,
}

/// Understands which slot is wanted.
///
/// # Errors
/// What to ask back.
pub(super) fn wanted(services: &[Service], zone: &str, mut arguments: Map<String, Value>) -> Result<Wanted, String> {
    name_service(services, &mut arguments)?;
    let said = arguments::text(&arguments, "start").unwrap_or_default();
    let start = site_time::normalise(said).ok_or("On which day and at what time?")?;
    match site_time::instant(zone, &start) {
        Ok(_) => {}
        Err(site_time::Naive::Unreadable) => return Err("On which day and at what time?".to_owned()),
        Err(site_time::Naive::Twice | site_time::Naive::Skipped) => {
            return Err("The clocks change at that time. Which other time would suit you?".to_owned());
        }
    }
    arguments.insert("start".into(), start.clone().into());
    let content = canonical::content(&arguments);
    Ok(Wanted { arguments, start, content })
}

/// Puts ERPNext's name of the service in the place of what was said, if a service was said at all.
///
/// # Errors
/// What to ask back.
pub(super) fn name_service(services: &[Service], arguments: &mut Map<String, Value>) -> Result<(), String> {
    let Some(said) = arguments::text(arguments, "service_type") else { return Ok(()) };
    let label = |index: &usize| services[*index].label.clone();
    let name = match find(said, services) {
        Found::One(index) => services[index].name.clone(),
        Found::Several(indexes) => {
            let labels: Vec<String> = indexes.iter().map(label).collect();
            return Err(format!("Which one do you mean: {}?", listed(&labels, "or")));
        }
        Found::None(_) => {
            let labels: Vec<&str> = services.iter().map(|it| it.label.as_str()).take(6).collect();
            return Err(format!("I cannot find {}. There is {}.", clip(said), listed(&labels, "and")));
        }
    };
    arguments.insert("service_type".into(), name.into());
    Ok(())
}

/// Holds the wanted slot in ERPNext and prices it.
///
/// # Errors
/// [`Unpriced`], with alternatives if it is not free.
pub(super) async fn slot(
    app: &App,
    tool: &Tool,
    session: &str,
    wanted: Wanted,
    deadline: Duration,
) -> Result<Priced, Unpriced> {
    let method = neighbour(tool.spec.method.as_deref().unwrap_or_default(), "hold_slot");
    let asked = json!({
        "session_id": session, "service_type": wanted.arguments["service_type"], "start": wanted.start,
        "hold_seconds": HOLD.as_secs(),
    });
    let answer = app.erpnext.call(Priority::Visitor, &method, &asked, deadline).await?;
    Ok(held(&answer, &app.config.erpnext.time_zone, wanted, app.now()))
}

/// Reads what ERPNext holds.
fn held(answer: &Value, zone: &str, wanted: Wanted, now: UnixMillis) -> Priced {
    let service = answer["service_name"].as_str().or(answer["service_type"].as_str()).unwrap_or("Appointment");
    let when = site_time::spoken(&wanted.start).unwrap_or_else(|| wanted.start.clone());
    let total = money::minor(&answer["price"]).map(|minor| Money { minor, currency: catalogue::currency(answer) });
    let lines = vec![Line { label: format!("{service}, {when}"), quantity: 1, amount: total.clone() }];
    let mut context = context(&wanted.arguments, &lines, total.as_ref());
    for (name, value) in
        [("service_name", json!(service)), ("end", answer["end"].clone()), ("duration", answer["duration"].clone())]
    {
        context.insert(name.into(), value);
    }
    let until = answer["held_until"].as_str().and_then(|text| site_time::from_site(zone, text));
    let held_until = Some(until.unwrap_or(now.plus(HOLD)).min(now.plus(HOLD)));
    Priced { arguments: wanted.arguments, content: wanted.content, lines, total, context, held_until }
}

#[cfg(test)]
mod tests;

//! What ERPNext last said: catalogues (menus, services) for pricing, and any query's answer for when it is down.
//!
//! A snapshot always carries when it was taken. It is a hint: what is ordered at an old price is refused by ERPNext,
//! which compares the total.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use neoron_protocol::{UnixMillis, frame::Money};
use serde_json::{Value, json};

use super::{
    matching::{Named, Spelling},
    money,
};
use crate::{
    app::App,
    erpnext::{self, Priority},
};

/// How often catalogues are asked for again in the background; also what counts as fresh.
const REFRESH: Duration = Duration::from_secs(60);
/// A snapshot a little older than one round of the background is not worth a request of its own.
const FRESH: Duration = Duration::from_secs(90);
/// How old a catalogue may be when ERPNext does not answer: a day's menu.
const MAX_CATALOGUE_AGE: Duration = Duration::from_secs(24 * 3_600);
/// Answers kept, of all businesses. The oldest makes room.
const MAX_SNAPSHOTS: usize = 256;
/// The largest answer kept, in bytes; with 256 of them at most 64 MiB, in practice some.
const MAX_SNAPSHOT_BYTES: usize = 256 * 1024;

/// An answer and when it was given.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) answer: Arc<Value>,
    pub(super) as_of: UnixMillis,
    /// Something contradicted it: ask again before it is used.
    doubted: bool,
}

/// The answers kept, by method and arguments.
#[derive(Debug, Default)]
pub(super) struct Snapshots(Mutex<BTreeMap<String, Snapshot>>);

impl Snapshots {
    fn map(&self) -> MutexGuard<'_, BTreeMap<String, Snapshot>> {
        // Each change is one insertion or removal: a panic elsewhere leaves a whole map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an answer.
    pub(super) fn keep(&self, key: String, answer: Arc<Value>, now: UnixMillis) {
        if answer.to_string().len() > MAX_SNAPSHOT_BYTES {
            return;
        }
        let mut map = self.map();
        if map.len() >= MAX_SNAPSHOTS && !map.contains_key(&key) {
            let oldest = map.iter().min_by_key(|(_, snapshot)| snapshot.as_of).map(|(key, _)| key.clone());
            oldest.and_then(|key| map.remove(&key));
        }
        map.insert(key, Snapshot { answer, as_of: now, doubted: false });
    }

    /// The last answer, if it is not older than `age`.
    pub(super) fn last(&self, key: &str, age: Duration, now: UnixMillis) -> Option<Snapshot> {
        self.map().get(key).filter(|snapshot| now.since(snapshot.as_of) <= age).cloned()
    }

    /// Has a catalogue asked for again before its next use.
    pub(super) fn doubt(&self, method: &str) {
        if let Some(snapshot) = self.map().get_mut(method) {
            snapshot.doubted = true;
        }
    }
}

/// A catalogue: from the snapshot while it is fresh, else from ERPNext, else the old one.
///
/// # Errors
/// [`erpnext::Error`] if ERPNext does not answer and there is no snapshot.
pub(super) async fn current(app: &App, method: &str, deadline: Duration) -> Result<Arc<Value>, erpnext::Error> {
    let fresh = app.tools.snapshots.last(method, FRESH, app.now()).filter(|snapshot| !snapshot.doubted);
    if let Some(snapshot) = fresh {
        return Ok(snapshot.answer);
    }
    match refresh(app, Priority::Visitor, method, deadline).await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            let old = app.tools.snapshots.last(method, MAX_CATALOGUE_AGE, app.now());
            old.map(|snapshot| snapshot.answer).ok_or(error)
        }
    }
}

async fn refresh(app: &App, who: Priority, method: &str, deadline: Duration) -> Result<Arc<Value>, erpnext::Error> {
    let answer = Arc::new(app.erpnext.call(who, method, &json!({}), deadline).await?);
    app.tools.snapshots.keep(method.to_owned(), answer.clone(), app.now());
    Ok(answer)
}

/// Keeps the catalogues that quotes are priced from fresh. Never returns.
pub(crate) async fn keep_fresh(app: Arc<App>) {
    let mut ticks = tokio::time::interval(REFRESH);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for method in app.tools.catalogues() {
            if let Err(error) = refresh(&app, Priority::Job, &method, app.config.erpnext.request_deadline).await {
                tracing::warn!(method, %error, "a catalogue could not be refreshed");
            }
        }
    }
}

impl super::Tools {
    /// The methods whose answers price quotes, each once.
    fn catalogues(&self) -> std::collections::BTreeSet<String> {
        let of = |profile: &super::Profile| -> Vec<String> {
            let named = profile.tools.values().filter_map(|tool| Some((tool, tool.spec.catalogue.as_deref()?)));
            named.map(|(tool, name)| super::quoting::source(profile, tool, name)).collect()
        };
        self.profiles.values().flat_map(of).collect()
    }
}

/// What can be ordered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// ERPNext's name.
    pub(super) name: String,
    /// Its name for people.
    pub(super) label: String,
    spellings: Vec<Spelling>,
    /// For one, in the smallest unit.
    pub(super) price: i64,
    pub(super) available: bool,
}

/// A service that can be booked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Service {
    /// ERPNext's name.
    pub(super) name: String,
    /// Its name for people.
    pub(super) label: String,
    spellings: Vec<Spelling>,
}

impl Named for Item {
    fn spellings(&self) -> &[Spelling] {
        &self.spellings
    }
}

impl Named for Service {
    fn spellings(&self) -> &[Spelling] {
        &self.spellings
    }
}

/// A menu.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Menu {
    currency: String,
    pub(super) items: Vec<Item>,
}

impl Menu {
    /// Reads `get_menu`'s answer. An item without a name or a price cannot be ordered and is left out.
    pub(super) fn read(answer: &Value) -> Self {
        let rows = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let item = |row: &Value| {
            let name = row["menu_item"].as_str()?;
            let label = row["item_name"].as_str().unwrap_or(name);
            Some(Item {
                name: name.to_owned(),
                label: label.to_owned(),
                spellings: spellings(label, name, &row["aliases"]),
                price: money::minor(&row["price"]).filter(|price| *price >= 0)?,
                // Frappe's Check is a number.
                available: row["available"].as_i64() != Some(0) && row["available"].as_bool() != Some(false),
            })
        };
        Self { currency: currency(answer), items: rows.iter().filter_map(item).collect() }
    }

    /// An amount in the menu's currency.
    pub(super) fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency.clone() }
    }
}

/// Reads `get_services`' answer.
pub(super) fn services(answer: &Value) -> Vec<Service> {
    let rows = answer["services"].as_array().map(Vec::as_slice).unwrap_or_default();
    let service = |row: &Value| {
        let name = row["service_type"].as_str()?;
        let label = row["service_name"].as_str().unwrap_or(name);
        Some(Service {
            name: name.to_owned(),
            label: label.to_owned(),
            spellings: spellings(label, name, &row["aliases"]),
        })
    };
    rows.iter().filter_map(service).collect()
}

/// The currency of an answer; the site is in the United Kingdom unless it says otherwise.
pub(super) fn currency(answer: &Value) -> String {
    answer["currency"].as_str().unwrap_or("GBP").to_owned()
}

fn spellings(label: &str, name: &str, aliases: &Value) -> Vec<Spelling> {
    let aliases = aliases.as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut spellings: Vec<Spelling> = [label, name].into_iter().chain(aliases).map(Spelling::of).collect();
    // The name is often the label.
    spellings.dedup();
    spellings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_oldest_snapshot_makes_room_and_none_is_used_beyond_its_age() {
        let snapshots = Snapshots::default();
        for index in 0..=MAX_SNAPSHOTS {
            snapshots.keep(format!("m{index}"), Arc::new(json!(index)), UnixMillis(index as u64));
        }
        let age = Duration::from_millis(10);
        assert!(snapshots.last("m0", Duration::MAX, UnixMillis(0)).is_none());
        assert_eq!(*snapshots.last("m1", age, UnixMillis(11)).unwrap().answer, json!(1));
        assert!(snapshots.last("m1", age, UnixMillis(12)).is_none());
    }

    #[test]
    fn a_doubted_snapshot_says_so_until_it_is_replaced() {
        let snapshots = Snapshots::default();
        let doubted = || snapshots.last("menu", Duration::MAX, UnixMillis(2)).unwrap().doubted;
        snapshots.keep("menu".into(), Arc::new(json!({})), UnixMillis(1));
        snapshots.doubt("menu");
        assert!(doubted());
        snapshots.keep("menu".into(), Arc::new(json!({})), UnixMillis(2));
        assert!(!doubted());
    }

    #[test]
    fn an_answer_that_is_too_large_is_not_kept() {
        let snapshots = Snapshots::default();
        snapshots.keep("menu".into(), Arc::new(json!("x".repeat(MAX_SNAPSHOT_BYTES))), UnixMillis(1));
        assert!(snapshots.last("menu", Duration::MAX, UnixMillis(1)).is_none());
    }

    #[test]
    fn a_menu_without_prices_has_nothing_to_order() {
        let answer = json!({"items": [{"menu_item": "A", "price": 1.5}, {"menu_item": "B"}, {"price": 1}, {"menu_item": "C", "price": 1, "available": 0}]});
        let menu = Menu::read(&answer);
        assert_eq!(
            menu.items.iter().map(|item| (item.name.as_str(), item.price, item.available)).collect::<Vec<_>>(),
            [("A", 150, true), ("C", 100, false)]
        );
    }
}

//! The whole state of one site: its tables, its shop and its clock.
//!
//! One lock is held around it for a whole request, so a request is a
//! transaction: every check comes before the first write.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    business::Shop,
    clock::{Clock, SiteClock},
    doctype::{self, DocType, USER},
    document::{self, Document},
    failure::{FULL, Failure, Outcome},
    permission::Actor,
    table::{Clash, Table},
};

/// The most bytes of text that all documents together may hold: 512 MiB.
const MAX_BYTES: usize = 512 * 1024 * 1024;

/// A change of status that the webhook's target is to be told of.
#[derive(Clone, Debug)]
pub(super) struct Announcement {
    pub(super) doctype: &'static str,
    pub(super) document: Document,
}

/// One site.
pub(super) struct Site {
    pub(super) clock: SiteClock,
    pub(super) shop: Shop,
    tables: HashMap<&'static str, Table>,
    announcements: Vec<Announcement>,
    bytes: usize,
    names_given: u64,
}

impl Site {
    /// A site with these users' e-mail addresses as its `User` documents.
    pub(super) fn new(clock: Clock, zone: TimeZone, users: &[String]) -> Self {
        let mut site = Self {
            clock: SiteClock::new(clock, zone),
            shop: Shop::seeded(),
            tables: doctype::ALL.iter().map(|doctype| (doctype.name, Table::new(doctype))).collect(),
            announcements: Vec::new(),
            bytes: 0,
            names_given: 0,
        };
        for email in users {
            let mut user = Document::new();
            user.insert("email".into(), email.as_str().into());
            if let Err(failure) = document::create(&mut site, &Actor::administrator(), &USER, &user) {
                tracing::warn!(reason = failure.text(), "a user of the options is left out of the User table");
            }
        }
        site
    }

    pub(super) fn table(&self, doctype: &DocType) -> &Table {
        self.tables.get(doctype.name).expect("a table is made for every static doctype")
    }

    fn table_mut(&mut self, doctype: &DocType) -> &mut Table {
        self.tables.get_mut(doctype.name).expect("a table is made for every static doctype")
    }

    /// The stored name of a link's target, if it is there.
    pub(super) fn resolve(&self, doctype: &str, name: &str) -> Option<String> {
        let found = doctype::find(doctype);
        if doctype == "DocType" {
            return doctype::find(name).map(|target| target.name.to_owned());
        }
        let target = self.table(found?).get(name)?;
        document::text_of(target, "name").map(str::to_owned)
    }

    /// Stores a new document, or says that the simulator is full.
    pub(super) fn insert(&mut self, doctype: &DocType, name: &str, document: Document) -> Outcome<Result<(), Clash>> {
        let weight = weigh_all(&document);
        if self.bytes.saturating_add(weight) > MAX_BYTES {
            return Err(full());
        }
        let stored = self.table_mut(doctype).insert(name, document);
        match stored {
            Ok(()) => self.bytes += weight,
            Err(Clash::Full) => return Err(full()),
            Err(_) => {}
        }
        Ok(stored)
    }

    /// Stores a document's new state, or says that the simulator is full.
    pub(super) fn replace(&mut self, doctype: &DocType, name: &str, document: Document) -> Outcome<Result<(), Clash>> {
        let old = self.table(doctype).get(name).map_or(0, weigh_all);
        let weight = weigh_all(&document);
        if self.bytes.saturating_sub(old).saturating_add(weight) > MAX_BYTES {
            return Err(full());
        }
        let stored = self.table_mut(doctype).replace(name, document);
        if stored.is_ok() {
            self.bytes = self.bytes.saturating_sub(old) + weight;
        }
        Ok(stored)
    }

    pub(super) fn remove(&mut self, doctype: &DocType, name: &str) -> Option<Document> {
        let document = self.table_mut(doctype).remove(name)?;
        self.bytes = self.bytes.saturating_sub(weigh_all(&document));
        Some(document)
    }

    /// A name of ten characters that looks random and never comes twice.
    /// Multiplying by an odd number permutes the 50-bit numbers.
    pub(super) fn hash_name(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        self.names_given += 1;
        let mixed = self.names_given.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..10).map(|digit| char::from(ALPHABET[usize::from((mixed >> (5 * digit)) as u8 & 31)])).collect()
    }

    pub(super) fn announce(&mut self, announcement: Announcement) {
        self.announcements.push(announcement);
    }

    /// What was announced since the last call.
    pub(super) fn take_announcements(&mut self) -> Vec<Announcement> {
        std::mem::take(&mut self.announcements)
    }
}

fn full() -> Failure {
    Failure::raised(FULL, "the simulator holds as many documents as it may")
}

fn weigh_all(document: &Document) -> usize {
    document.iter().map(|(key, value)| key.len() + weigh(value)).sum()
}

fn weigh(value: &Value) -> usize {
    match value {
        Value::String(text) => 32 + text.len(),
        Value::Array(values) => 32 + values.iter().map(weigh).sum::<usize>(),
        Value::Object(map) => 32 + weigh_all(map),
        _ => 32,
    }
}

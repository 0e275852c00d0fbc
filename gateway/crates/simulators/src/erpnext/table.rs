//! The rows of one doctype, in memory, with the indices that keep an insert
//! and the common look-ups from scanning: by name, by each unique field, and
//! by `modified`.
//!
//! Names and unique values compare as MariaDB's `utf8mb4_unicode_ci` does for
//! our purposes: without case and without trailing spaces. Accents stay
//! distinct here; on a real site they do not.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound,
};

use super::{
    doctype::DocType,
    document::{Document, text_of},
};

/// The most documents of one doctype.
pub(super) const MAX_DOCUMENTS: usize = 200_000;

/// Why a document cannot be stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// A document of this name is there.
    Name,
    /// Another document has this value in this unique field.
    Field(&'static str),
    /// There are as many documents as there may be.
    Full,
}

/// All documents of one doctype.
#[derive(Debug)]
pub(super) struct Table {
    rows: HashMap<String, Document>,
    by_modified: BTreeSet<(String, String)>,
    unique: Vec<(&'static str, HashMap<String, String>)>,
}

/// The form in which two equal names are the same text.
pub(super) fn fold(name: &str) -> String {
    name.trim_end().to_lowercase()
}

fn modified(document: &Document) -> String {
    text_of(document, "modified").unwrap_or_default().to_owned()
}

impl Table {
    pub(super) fn new(doctype: &DocType) -> Self {
        let own_name = doctype.name_field();
        let unique = doctype
            .fields
            .iter()
            .filter(|field| field.unique && Some(field.name) != own_name)
            .map(|field| (field.name, HashMap::new()))
            .collect();
        Self { rows: HashMap::new(), by_modified: BTreeSet::new(), unique }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Document> {
        self.rows.get(&fold(name))
    }

    /// The document with this value in a unique field; `None` as well when
    /// the field has no index.
    pub(super) fn by_unique(&self, field: &str, value: &str) -> Option<&Document> {
        let (_, index) = self.unique.iter().find(|(name, _)| *name == field)?;
        self.rows.get(index.get(&fold(value))?)
    }

    /// Whether `by_unique` can answer for this field.
    pub(super) fn indexes(&self, field: &str) -> bool {
        self.unique.iter().any(|(name, _)| *name == field)
    }

    /// Stores a new document under its name.
    pub(super) fn insert(&mut self, name: &str, document: Document) -> Result<(), Clash> {
        let key = fold(name);
        if self.rows.contains_key(&key) {
            return Err(Clash::Name);
        }
        if self.rows.len() >= MAX_DOCUMENTS {
            return Err(Clash::Full);
        }
        self.check_unique(&key, &document)?;
        self.link(&key, &document);
        self.rows.insert(key, document);
        Ok(())
    }

    /// Stores the new state of a document that is there.
    pub(super) fn replace(&mut self, name: &str, document: Document) -> Result<(), Clash> {
        let key = fold(name);
        self.check_unique(&key, &document)?;
        self.remove(name);
        self.link(&key, &document);
        self.rows.insert(key, document);
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Document> {
        let key = fold(name);
        let document = self.rows.remove(&key)?;
        for (field, index) in &mut self.unique {
            if let Some(value) = text_of(&document, field) {
                index.remove(&fold(value));
            }
        }
        self.by_modified.remove(&(modified(&document), key));
        Some(document)
    }

    fn check_unique(&self, key: &str, document: &Document) -> Result<(), Clash> {
        for (field, index) in &self.unique {
            let taken =
                text_of(document, field).and_then(|value| index.get(&fold(value))).is_some_and(|owner| owner != key);
            if taken {
                return Err(Clash::Field(field));
            }
        }
        Ok(())
    }

    fn link(&mut self, key: &str, document: &Document) {
        for (field, index) in &mut self.unique {
            if let Some(value) = text_of(document, field) {
                index.insert(fold(value), key.to_owned());
            }
        }
        self.by_modified.insert((modified(document), key.to_owned()));
    }

    /// All documents modified at or after a text, oldest first.
    pub(super) fn by_modified<'a>(&'a self, since: &str) -> impl DoubleEndedIterator<Item = &'a Document> {
        let from = Bound::Included((since.to_owned(), String::new()));
        self.by_modified.range((from, Bound::Unbounded)).filter_map(|(_, key)| self.rows.get(key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::erpnext::doctype::VOICE_SESSION;

    fn document(call: &str, modified: &str) -> Document {
        let mut document = Document::new();
        document.insert("ultravox_call_id".into(), json!(call));
        document.insert("modified".into(), json!(modified));
        document
    }

    #[test]
    fn names_and_unique_values_clash_without_case() {
        let mut table = Table::new(&VOICE_SESSION);
        assert_eq!(table.insert("S-3", document("c-1", "1")), Ok(()));
        assert_eq!(table.insert("s-3 ", document("c-2", "2")), Err(Clash::Name));
        assert_eq!(table.insert("s-4", document("C-1", "2")), Err(Clash::Field("ultravox_call_id")));
    }

    #[test]
    fn a_full_table_takes_no_more() {
        let mut table = Table::new(&VOICE_SESSION);
        for number in 0..MAX_DOCUMENTS {
            assert_eq!(table.insert(&number.to_string(), Document::new()), Ok(()));
        }
        assert_eq!(table.insert("one more", Document::new()), Err(Clash::Full));
        assert_eq!(table.insert("0", Document::new()), Err(Clash::Name));
    }

    #[test]
    fn a_freed_unique_value_can_be_used_again() {
        let mut table = Table::new(&VOICE_SESSION);
        assert_eq!(table.insert("a", document("c-1", "1")), Ok(()));
        assert_eq!(table.replace("A", document("c-2", "3")), Ok(()));
        assert_eq!(table.insert("b", document("c-1", "2")), Ok(()));
        let order: Vec<_> = table.by_modified("2").filter_map(|d| text_of(d, "ultravox_call_id")).collect();
        assert_eq!(order, ["c-1", "c-2"]);
        assert!(table.remove("a").is_some() && table.by_unique("ultravox_call_id", "c-2").is_none());
    }
}

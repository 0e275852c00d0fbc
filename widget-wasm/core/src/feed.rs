//! What the conversation's window shows, in order: lines, cards and notes, each under its own key. It never talks to the
//! gateway. It is bounded: the oldest lines leave first, cards that still matter stay.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use neoron_protocol::frame::{Document, Level, Quote, QuoteState, Snapshot, Transcript};

use crate::{
    cards, encode,
    transcript::{self, Line},
};

/// The most items that are kept and drawn.
pub const MAX_ITEMS: usize = 200;

/// One thing in the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Something said.
    Line(Line),
    /// An offer.
    Quote(Quote),
    /// A document.
    Document(Document),
    /// A remark of the popup or the gateway.
    Note(String, Level),
}

/// An entry with what the shell needs to redraw only what changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Names it within the feed: a kind's letter and the id on the wire.
    pub key: String,
    /// Grows with each change.
    pub revision: u32,
    /// What it is.
    pub entry: Entry,
}

/// The window's content, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feed {
    items: Vec<Item>,
    clock: u32,
}

fn key(kind: char, id: &str) -> String {
    let mut key = String::with_capacity(id.len() + 1);
    key.push(kind);
    key.push_str(id);
    key
}

impl Feed {
    /// All items, oldest first.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// A number that changes whenever anything does.
    pub const fn revision(&self) -> u32 {
        self.clock
    }

    /// Whether the visitor has said anything.
    pub fn visitor_spoke(&self) -> bool {
        use neoron_protocol::frame::Speaker;
        self.items.iter().any(|item| matches!(&item.entry, Entry::Line(line) if line.speaker == Speaker::Visitor))
    }

    /// Whether a line is still being said.
    pub fn is_growing(&self) -> bool {
        self.items.iter().any(|item| matches!(&item.entry, Entry::Line(line) if !line.complete))
    }

    /// The offer that waits for a yes; the newest, if there are several.
    pub fn open_quote(&self) -> Option<&Quote> {
        self.items.iter().rev().find_map(|item| match &item.entry {
            Entry::Quote(quote) if quote.state == QuoteState::Open => Some(quote),
            _ => None,
        })
    }

    /// The documents, oldest first.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.items.iter().filter_map(|item| match &item.entry {
            Entry::Document(document) => Some(document),
            _ => None,
        })
    }

    /// Shows what the visitor typed before the gateway has it.
    pub fn typed(&mut self, id: &str, text: &str) {
        self.push(key('l', id), Entry::Line(Line::typed(text.to_string())));
    }

    /// Takes a line in. Returns whether the line is new or has just become complete.
    pub fn line(&mut self, frame: Transcript) -> bool {
        let key = key('l', &frame.line);
        let Some(at) = self.find(&key) else {
            let complete = frame.r#final;
            self.push(key, Entry::Line(frame.into()));
            return complete;
        };
        let Entry::Line(line) = &mut self.items[at].entry else { return false };
        let was_complete = line.complete;
        if !transcript::merge(line, frame) {
            return false;
        }
        let completed = line.complete && !was_complete;
        self.touch(at);
        completed
    }

    /// Takes an offer in; an amended one moves to the end, where the visitor is looking. Returns whether it is news.
    pub fn quote(&mut self, quote: Quote) -> bool {
        // The document that came of it says more.
        if self.find(&key('d', &quote.quote)).is_some() {
            return false;
        }
        let key = key('q', &quote.quote);
        match self.find(&key) {
            None => self.push(key, Entry::Quote(quote)),
            Some(at) => match &self.items[at].entry {
                Entry::Quote(earlier) if !cards::supersedes(earlier, &quote) || *earlier == quote => return false,
                Entry::Quote(earlier) if earlier.revision == quote.revision => {
                    self.items[at].entry = Entry::Quote(quote);
                    self.touch(at);
                }
                _ => {
                    self.items.remove(at);
                    self.push(key, Entry::Quote(quote));
                }
            },
        }
        true
    }

    /// Takes a document in; it takes the place of the offer it came of. Returns whether it is news.
    pub fn document(&mut self, document: Document) -> bool {
        let key = key('d', &document.card);
        if let Some(at) = self.find(&self::key('q', &document.card)) {
            self.items.remove(at);
        }
        match self.find(&key) {
            None => self.push(key, Entry::Document(document)),
            Some(at) if matches!(&self.items[at].entry, Entry::Document(earlier) if *earlier == document) => {
                return false;
            }
            Some(at) => {
                self.items[at].entry = Entry::Document(document);
                self.touch(at);
            }
        }
        true
    }

    /// Adds a remark; a repeat of the last one is passed over.
    pub fn note(&mut self, text: &str, level: Level) {
        if matches!(self.items.last(), Some(Item { entry: Entry::Note(last, _), .. }) if last == text) {
            return;
        }
        let id = encode::decimal(u64::from(self.clock));
        self.push(key('n', &id), Entry::Note(text.to_string(), level));
    }

    /// Replaces everything by what the gateway has; what was typed and is not confirmed yet stays at the end.
    pub fn reset(&mut self, snapshot: Snapshot) {
        let old = core::mem::take(&mut self.items);
        for line in snapshot.transcript {
            self.line(line);
        }
        for quote in snapshot.quotes {
            self.quote(quote);
        }
        for document in snapshot.documents {
            self.document(document);
        }
        for item in old {
            let pending = matches!(&item.entry, Entry::Line(line) if line.pending);
            if pending && self.find(&item.key).is_none() {
                self.push(item.key, item.entry);
            }
        }
        self.clock += 1;
    }

    fn find(&self, key: &str) -> Option<usize> {
        // What changes is nearly always near the end.
        self.items.iter().rposition(|item| item.key == key)
    }

    fn touch(&mut self, at: usize) {
        self.clock += 1;
        self.items[at].revision = self.clock;
    }

    fn push(&mut self, key: String, entry: Entry) {
        if self.items.len() >= MAX_ITEMS {
            let expendable = self.items.iter().position(|item| match &item.entry {
                Entry::Line(_) | Entry::Note(..) => true,
                Entry::Quote(quote) => quote.state != QuoteState::Open,
                Entry::Document(document) => !cards::is_moving(document),
            });
            self.items.remove(expendable.unwrap_or(0));
        }
        self.clock += 1;
        self.items.push(Item { key, revision: self.clock, entry });
    }
}

//! The intent ledger: what a session was offered, what it said yes to, and what became of it.
//!
//! A command that costs money or capacity is quoted, then confirmed; only the confirmation makes it a command, once.
//! The ledger is a pure value: time and ids are handed in, and it never asks or tells anybody. It is stored with its
//! session, so every bound here is a bound on the session's body.
//!
//! What it holds, however the model behaves: at most one command for each quote; an old revision never takes effect;
//! a repetition never makes a second anything.

pub(crate) mod canonical;
mod command;
mod quote;
#[cfg(test)]
pub(crate) mod samples;

use std::time::Duration;

use neoron_protocol::{QuoteId, UnixMillis, frame};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::quote::{Entry, Status};
pub(crate) use self::{
    command::{Command, Settlement},
    quote::{Offer, Quoted},
};

/// Quotes a session keeps. Those that were never confirmed make room for new ones.
pub(crate) const MAX_QUOTES: usize = 50;
/// Commands a session keeps.
pub(crate) const MAX_COMMANDS: usize = 100;
/// How long after its confirmation an identical "the same again" is taken for a repetition: Ultravox repeats a call
/// whose result came late within seconds; a person needs longer to want a third one.
const REPEAT_WINDOW: Duration = Duration::from_secs(20);

/// A session's quotes and commands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    quotes: Vec<Entry>,
    commands: Vec<Command>,
}

/// What came of an offer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Offered {
    /// It waits for a yes.
    Quoted(Quoted),
    /// The same was confirmed before, under this command's key.
    AlreadyPlaced(String),
    /// No room for another quote.
    Full,
}

/// What came of a confirmation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Confirmed {
    /// It takes effect now, under this key.
    Place(String),
    /// It took effect before, under this key.
    Already(String),
    /// The quote was amended since: read it back again.
    Changed(Quoted),
    /// It was not confirmed in time.
    Expired,
    /// There is no such quote.
    Unknown,
    /// No room for another command.
    Full,
}

/// What came of a command that needs no yes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Started {
    /// It takes effect now, under this key.
    New(String),
    /// It took effect before, under this key.
    Already(String),
    /// No room for another command.
    Full,
}

impl Ledger {
    /// Offers something. `again`: the visitor wants the same once more.
    pub(crate) fn offer(&mut self, offer: Offer, again: bool, now: UnixMillis, id: QuoteId, ttl: Duration) -> Offered {
        let until = offer.held_until.unwrap_or(now.plus(ttl));
        if let Some(key) = self.placed(&offer.tool, &offer.content, again, now) {
            return Offered::AlreadyPlaced(key);
        }
        if let Some(open) = self.quotes.iter_mut().find(|quote| quote.tool == offer.tool && quote.is_open(now)) {
            return Offered::Quoted(open.amend(offer, again, until));
        }
        if !self.make_room(now) {
            return Offered::Full;
        }
        let entry = Entry::new(id, offer, again, until);
        let quoted = entry.quoted(false, false);
        self.quotes.push(entry);
        Offered::Quoted(quoted)
    }

    /// The command that the same content was confirmed as, if an offer of it would be a repetition. A model that was
    /// interrupted asks again in other words, for as long as the session lives; a visitor who wants the same once more
    /// says so.
    pub(crate) fn placed(&self, tool: &str, content: &str, again: bool, now: UnixMillis) -> Option<String> {
        let open = self.quotes.iter().find(|quote| quote.tool == tool && quote.is_open(now));
        // What waits for a yes is not a repetition, and a change of something wanted again stays wanted again.
        if open.is_some_and(|quote| quote.content == content || (quote.again && !again)) {
            return None;
        }
        let same = |quote: &&Entry| quote.tool == tool && quote.content == content;
        let confirmed = self.quotes.iter().filter(same).filter_map(|quote| {
            let at = quote.confirmed_at()?;
            let repeated = !again || (quote.again && now < at.plus(REPEAT_WINDOW));
            repeated.then(|| quote.id.to_string())
        });
        // What was refused was not placed.
        let mut kept = confirmed.filter(|key| !self.command(key).is_some_and(Command::is_refused));
        kept.next_back()
    }

    /// Confirms a quote by its reference `q_…-<revision>`, as offered by `tool`. Idempotent.
    pub(crate) fn confirm(&mut self, tool: &str, text: &str, now: UnixMillis) -> Confirmed {
        let Some((id, revision)) = quote::parse(text) else { return Confirmed::Unknown };
        let full = self.commands.len() >= MAX_COMMANDS;
        let Some(entry) = self.quotes.iter_mut().find(|quote| quote.id == id && quote.tool == tool) else {
            return Confirmed::Unknown;
        };
        let key = entry.id.to_string();
        match entry.status {
            Status::Confirmed { .. } => Confirmed::Already(key),
            Status::Expired => Confirmed::Expired,
            Status::Open if !entry.is_open(now) => Confirmed::Expired,
            Status::Open if revision != entry.revision => Confirmed::Changed(entry.quoted(false, true)),
            Status::Open if full => Confirmed::Full,
            Status::Open => {
                self.commands.push(Command::new(key.clone(), tool.to_owned(), entry.confirm(now), now));
                Confirmed::Place(key)
            }
        }
    }

    /// Starts a command that needs no yes; the same arguments within a call are the same command.
    pub(crate) fn start(&mut self, call: &str, tool: &str, arguments: Value, now: UnixMillis) -> Started {
        let key = command_key(call, tool, &arguments);
        if self.command(&key).is_some() {
            return Started::Already(key);
        }
        if self.commands.len() >= MAX_COMMANDS {
            return Started::Full;
        }
        self.commands.push(Command::new(key.clone(), tool.to_owned(), arguments, now));
        Started::New(key)
    }

    /// Writes down what became of a command. `false` if it is known already, or there is no such command.
    pub(crate) fn settle(&mut self, key: &str, settlement: Settlement) -> bool {
        self.commands.iter_mut().find(|command| command.key == key).is_some_and(|command| command.settle(settlement))
    }

    /// A command by its key.
    pub(crate) fn command(&self, key: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.key == key)
    }

    /// Remembers that the agent was told to wait for the outcome, so that it will be told. `false` if there is an
    /// outcome already.
    pub(crate) fn promise(&mut self, key: &str) -> bool {
        self.commands.iter_mut().find(|command| command.key == key).is_some_and(Command::promise)
    }

    /// A confirmed or open quote by its key.
    pub(crate) fn quote(&self, key: &str) -> Option<frame::Quote> {
        self.quotes.iter().find(|quote| quote.id.as_str() == key).map(Entry::card)
    }

    /// The open quotes as the visitor sees them.
    pub(crate) fn open(&self, now: UnixMillis) -> Vec<frame::Quote> {
        self.quotes.iter().filter(|quote| quote.is_open(now)).map(Entry::card).collect()
    }

    /// Marks the quotes whose time is over and returns them, once each.
    pub(crate) fn sweep(&mut self, now: UnixMillis) -> Vec<frame::Quote> {
        let over = |quote: &&mut Entry| quote.status == Status::Open && !quote.is_open(now);
        self.quotes
            .iter_mut()
            .filter(over)
            .map(|quote| {
                quote.expire();
                quote.card()
            })
            .collect()
    }

    /// Makes room for a quote by forgetting the oldest that came to nothing. `false` if there is none.
    fn make_room(&mut self, now: UnixMillis) -> bool {
        if self.quotes.len() < MAX_QUOTES {
            return true;
        }
        let over = self.quotes.iter().position(|quote| quote.confirmed_at().is_none() && !quote.is_open(now));
        over.map(|index| self.quotes.remove(index)).is_some()
    }
}

fn command_key(call: &str, tool: &str, arguments: &Value) -> String {
    let mut hasher = Sha256::new();
    for part in [call, tool, canonical::text(arguments).as_str()] {
        // The length keeps two different splits of one text apart.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let hash = data_encoding::HEXLOWER.encode(&hasher.finalize());
    format!("c-{}", &hash[..32])
}

#[cfg(test)]
mod tests;

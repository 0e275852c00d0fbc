//! One quote: what was offered, in which revision, and whether it was confirmed.

use neoron_protocol::{
    QuoteId, UnixMillis,
    frame::{self, Line, Money, QuoteState},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is offered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offer {
    /// The tool that offers it.
    pub(crate) tool: String,
    /// The card's title.
    pub(crate) title: String,
    /// What makes two offers the same, hashed.
    pub(crate) content: String,
    /// What ERPNext is asked once it is confirmed, without the key.
    pub(crate) arguments: Value,
    /// What it holds.
    pub(crate) lines: Vec<Line>,
    /// What it costs.
    pub(crate) total: Option<Money>,
    /// The sentence to read back.
    pub(crate) say: String,
    /// Until when ERPNext holds it; `None` for the tool's own time.
    pub(crate) held_until: Option<UnixMillis>,
}

/// An offer as it is read back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quoted {
    /// `q_…-<revision>`, to be confirmed by.
    pub(crate) reference: String,
    /// It replaces an earlier revision.
    pub(crate) amended: bool,
    /// It is the same that was offered before.
    pub(crate) repeated: bool,
    /// The sentence to read back.
    pub(crate) say: String,
    /// As the visitor sees it.
    pub(crate) card: frame::Quote,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Open,
    Confirmed { at: UnixMillis },
    Expired,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) id: QuoteId,
    pub(super) revision: u32,
    pub(super) tool: String,
    pub(super) content: String,
    /// The visitor wanted the same once more.
    pub(super) again: bool,
    pub(super) status: Status,
    title: String,
    /// Null once it is confirmed (the command has them) or over.
    arguments: Value,
    lines: Vec<Line>,
    total: Option<Money>,
    say: String,
    expires_at: UnixMillis,
}

impl Entry {
    pub(super) fn new(id: QuoteId, offer: Offer, again: bool, expires_at: UnixMillis) -> Self {
        Self {
            id,
            revision: 1,
            tool: offer.tool,
            content: offer.content,
            again,
            status: Status::Open,
            title: offer.title,
            arguments: offer.arguments,
            lines: offer.lines,
            total: offer.total,
            say: offer.say,
            expires_at,
        }
    }

    pub(super) fn is_open(&self, now: UnixMillis) -> bool {
        self.status == Status::Open && now < self.expires_at
    }

    pub(super) fn confirmed_at(&self) -> Option<UnixMillis> {
        match self.status {
            Status::Confirmed { at } => Some(at),
            Status::Open | Status::Expired => None,
        }
    }

    /// Puts an offer in the place of this one. The same content at the same price keeps its revision; only what does
    /// not matter to the visitor's yes, such as the spelling of a name, is taken over then.
    pub(super) fn amend(&mut self, offer: Offer, again: bool, expires_at: UnixMillis) -> Quoted {
        let repeated = self.content == offer.content && self.total == offer.total;
        if !repeated {
            self.revision = self.revision.saturating_add(1);
        }
        self.content = offer.content;
        self.again |= again;
        self.arguments = offer.arguments;
        self.lines = offer.lines;
        self.total = offer.total;
        self.say = offer.say;
        self.expires_at = expires_at;
        self.quoted(!repeated, repeated)
    }

    /// Confirms it and hands out what ERPNext is asked.
    pub(super) fn confirm(&mut self, now: UnixMillis) -> Value {
        self.status = Status::Confirmed { at: now };
        self.arguments.take()
    }

    pub(super) fn expire(&mut self) {
        self.status = Status::Expired;
        self.arguments = Value::Null;
    }

    pub(super) fn quoted(&self, amended: bool, repeated: bool) -> Quoted {
        Quoted {
            reference: reference(self.id, self.revision),
            amended,
            repeated,
            say: self.say.clone(),
            card: self.card(),
        }
    }

    pub(super) fn card(&self) -> frame::Quote {
        let state = match self.status {
            Status::Open => QuoteState::Open,
            Status::Confirmed { .. } => QuoteState::Confirmed,
            Status::Expired => QuoteState::Expired,
        };
        frame::Quote {
            quote: self.id.to_string(),
            revision: self.revision,
            title: self.title.clone(),
            state,
            lines: self.lines.clone(),
            total: self.total.clone(),
            expires_at: (state == QuoteState::Open).then_some(self.expires_at),
        }
    }
}

/// A quote's reference for the model: the id and the revision that was read back.
fn reference(id: QuoteId, revision: u32) -> String {
    format!("{id}-{revision}")
}

/// Reads a reference back. One without a revision is the first: a model that drops the end of an amended quote's
/// reference must read it back again.
pub(super) fn parse(text: &str) -> Option<(QuoteId, u32)> {
    let text = text.trim();
    let (id, revision) = text.split_once('-').unwrap_or((text, "1"));
    // "+1" parses as a number as well.
    let digits = revision.bytes().all(|byte| byte.is_ascii_digit());
    Some((QuoteId::parse(&id.to_ascii_lowercase()).ok()?, revision.parse().ok().filter(|_| digits)?))
}

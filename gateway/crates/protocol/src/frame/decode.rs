//! Reading frames from any JSON value: the server's `serde_json`, the browser's own `JSON.parse`.
//!
//! One decoder over a small [`View`], because a decoder for each side would come apart, and serde_json alone doubles
//! the popup (21 against 45 kB gzipped).

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::{
    Body, ClientFrame, Document, GoingAway, Level, Line, MAX_TEXT_BYTES, Money, Notice, Quote, QuoteState, ServerFrame,
    Session, Snapshot, Speaker, Stage, Tool, ToolPhase, Transcript,
};
use crate::{session::State, time::UnixMillis};

/// A JSON value, looked at from outside.
pub trait View: Sized {
    /// The member `name` of an object; `None` if this is no object, has no such member, or the member is null.
    fn member(&self, name: &str) -> Option<Self>;
    /// The text of a string.
    fn text(&self) -> Option<String>;
    /// The value of a number.
    fn number(&self) -> Option<f64>;
    /// The value of a boolean.
    fn truth(&self) -> Option<bool>;
    /// The items of an array.
    fn items(&self) -> Option<Vec<Self>>;
}

/// A frame that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The member that is missing or wrong.
    pub member: &'static str,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the frame's member `{}` is missing or wrong", self.member)
    }
}

impl core::error::Error for DecodeError {}

type Decoded<T> = Result<T, DecodeError>;

/// The largest number that a JSON double holds exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;

fn text(view: &impl View, member: &'static str) -> Decoded<String> {
    view.member(member).and_then(|value| value.text()).ok_or(DecodeError { member })
}

fn optional_text(view: &impl View, member: &'static str) -> Decoded<Option<String>> {
    view.member(member).map(|value| value.text().ok_or(DecodeError { member })).transpose()
}

fn whole(view: &impl View, member: &'static str) -> Decoded<u64> {
    let number = view.member(member).and_then(|value| value.number()).ok_or(DecodeError { member })?;
    // A fraction, a negative or an inexact number is not a count.
    let count = number as u64;
    if (0.0..=MAX_EXACT).contains(&number) && count as f64 == number { Ok(count) } else { Err(DecodeError { member }) }
}

fn small(view: &impl View, member: &'static str) -> Decoded<u32> {
    u32::try_from(whole(view, member)?).map_err(|_| DecodeError { member })
}

fn optional<V: View, T>(
    view: &V,
    member: &'static str,
    read: impl FnOnce(&V, &'static str) -> Decoded<T>,
) -> Decoded<Option<T>> {
    if view.member(member).is_none() { Ok(None) } else { read(view, member).map(Some) }
}

fn word<T>(view: &impl View, member: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Decoded<T> {
    read(&text(view, member)?).ok_or(DecodeError { member })
}

fn list<V: View, T>(view: &V, member: &'static str, read: impl Fn(&V) -> Decoded<T>) -> Decoded<Vec<T>> {
    let Some(items) = view.member(member) else { return Ok(Vec::new()) };
    items.items().ok_or(DecodeError { member })?.iter().map(read).collect()
}

fn money<V: View>(view: &V, member: &'static str) -> Decoded<Money> {
    let value = view.member(member).ok_or(DecodeError { member })?;
    let minor = value.member("minor").and_then(|minor| minor.number()).ok_or(DecodeError { member: "minor" })?;
    let whole = minor as i64;
    if whole as f64 != minor || !(-MAX_EXACT..=MAX_EXACT).contains(&minor) {
        return Err(DecodeError { member: "minor" });
    }
    Ok(Money { minor: whole, currency: text(&value, "currency")? })
}

fn line(view: &impl View) -> Decoded<Line> {
    Ok(Line {
        label: text(view, "label")?,
        quantity: small(view, "quantity")?,
        amount: optional(view, "amount", money)?,
    })
}

fn transcript(view: &impl View) -> Decoded<Transcript> {
    Ok(Transcript {
        line: text(view, "line")?,
        speaker: word(view, "speaker", Speaker::from_wire)?,
        text: text(view, "text")?,
        r#final: view.member("final").and_then(|value| value.truth()).ok_or(DecodeError { member: "final" })?,
    })
}

fn quote(view: &impl View) -> Decoded<Quote> {
    Ok(Quote {
        quote: text(view, "quote")?,
        revision: small(view, "revision")?,
        title: text(view, "title")?,
        state: word(view, "state", QuoteState::from_wire)?,
        lines: list(view, "lines", line)?,
        total: optional(view, "total", money)?,
        expires_at: optional(view, "expires_at", whole)?.map(UnixMillis),
    })
}

fn document(view: &impl View) -> Decoded<Document> {
    Ok(Document {
        card: text(view, "card")?,
        title: text(view, "title")?,
        number: optional_text(view, "number")?,
        status: text(view, "status")?,
        stage: word(view, "stage", Stage::from_wire)?,
        lines: list(view, "lines", line)?,
        total: optional(view, "total", money)?,
        estimated_minutes: optional(view, "estimated_minutes", small)?,
    })
}

fn body<V: View>(kind: &str, data: &V) -> Decoded<Body> {
    Ok(match kind {
        "session" => Body::Session(Session { state: word(data, "state", State::from_wire)? }),
        "transcript" => Body::Transcript(transcript(data)?),
        "tool" => Body::Tool(Tool { tool: text(data, "tool")?, phase: word(data, "phase", ToolPhase::from_wire)? }),
        "quote" => Body::Quote(quote(data)?),
        "document" => Body::Document(document(data)?),
        "notice" => Body::Notice(Notice {
            code: text(data, "code")?,
            text: text(data, "text")?,
            level: word(data, "level", Level::from_wire)?,
        }),
        "going_away" => Body::GoingAway(GoingAway { reconnect_in: small(data, "reconnect_in")? }),
        "snapshot" => Body::Snapshot(Snapshot {
            state: word(data, "state", State::from_wire)?,
            upto: whole(data, "upto")?,
            transcript: list(data, "transcript", transcript)?,
            quotes: list(data, "quotes", quote)?,
            documents: list(data, "documents", document)?,
        }),
        _ => Body::Unknown,
    })
}

/// Reads a frame of the server.
///
/// # Errors
/// Names the first member that is missing or wrong. A frame of an unknown type is no error.
pub fn server(view: &impl View) -> Decoded<ServerFrame> {
    let kind = text(view, "type")?;
    let data = view.member("data").ok_or(DecodeError { member: "data" });
    Ok(ServerFrame {
        epoch: text(view, "epoch")?,
        offset: whole(view, "offset")?,
        at: UnixMillis(whole(view, "at")?),
        body: match data {
            Ok(data) => body(&kind, &data)?,
            // A newer type may have no data at all.
            Err(missing) => match KNOWN.contains(&kind.as_str()) {
                true => return Err(missing),
                false => Body::Unknown,
            },
        },
    })
}

const KNOWN: [&str; 8] = ["session", "transcript", "tool", "quote", "document", "notice", "going_away", "snapshot"];

/// Reads a frame of the client.
///
/// # Errors
/// Names the first member that is missing or wrong. A frame of an unknown type is no error.
pub fn client(view: &impl View) -> Decoded<ClientFrame> {
    Ok(match text(view, "type")?.as_str() {
        "resume" => ClientFrame::Resume { epoch: text(view, "epoch")?, offset: whole(view, "offset")? },
        "text" => {
            let (id, line) = (text(view, "id")?, text(view, "text")?);
            if id.is_empty() || id.len() > 64 {
                return Err(DecodeError { member: "id" });
            }
            if line.trim().is_empty() || line.len() > MAX_TEXT_BYTES {
                return Err(DecodeError { member: "text" });
            }
            ClientFrame::Text { id, text: line }
        }
        "end" => ClientFrame::End,
        _ => ClientFrame::Unknown,
    })
}

#[cfg(feature = "serde")]
impl View for serde_json::Value {
    fn member(&self, name: &str) -> Option<Self> {
        self.get(name).filter(|value| !value.is_null()).cloned()
    }

    fn text(&self) -> Option<String> {
        self.as_str().map(Into::into)
    }

    fn number(&self) -> Option<f64> {
        self.as_f64()
    }

    fn truth(&self) -> Option<bool> {
        self.as_bool()
    }

    fn items(&self) -> Option<Vec<Self>> {
        self.as_array().cloned()
    }
}

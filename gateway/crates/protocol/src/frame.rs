//! What the gateway and the popup say to each other over the realtime socket.
//!
//! Server: `{"epoch","offset","type","at","data"}`. Client: `{"type",…}`. Offsets count up by one within an epoch; a
//! client that comes back with its last epoch and offset gets exactly what it missed, or one snapshot. Neither side
//! answers to a type it does not know. This module never touches a socket.

mod client;
mod decode;

use alloc::{string::String, vec::Vec};

pub use client::ClientFrame;
pub use decode::{DecodeError, View, client, server};

use crate::{session::State, time::UnixMillis};

/// The WebSocket subprotocol of these frames.
pub const SUBPROTOCOL: &str = "neoron.v1";
/// The ticket travels as a second offered subprotocol with this prefix, so that it is in no URL and no log.
pub const TICKET_SUBPROTOCOL_PREFIX: &str = "neoron.ticket.";
/// The longest text a visitor may send in one frame, in bytes.
pub const MAX_TEXT_BYTES: usize = 2_000;
/// The largest client frame the gateway reads, in bytes.
pub const MAX_CLIENT_FRAME_BYTES: usize = 4_096;

/// One event of a session's stream.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ServerFrame {
    /// Names the life of the stream. Another epoch means that offsets start anew.
    pub epoch: String,
    /// 1 for the first event of the epoch; 0 for a frame outside the stream (`snapshot`, `going_away`).
    pub offset: u64,
    /// When it happened.
    pub at: UnixMillis,
    /// What happened.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "type", content = "data", rename_all = "snake_case")
)]
pub enum Body {
    /// The session moved to another state.
    Session(Session),
    /// Somebody said something.
    Transcript(Transcript),
    /// The agent uses a tool.
    Tool(Tool),
    /// An offer that waits for the visitor's yes, or what became of it.
    Quote(Quote),
    /// An order, booking, ticket or message in ERPNext, and its status.
    Document(Document),
    /// Something the visitor should know.
    Notice(Notice),
    /// This process is leaving: reconnect after the given time.
    GoingAway(GoingAway),
    /// Everything at once, for a client whose history is gone.
    Snapshot(Snapshot),
    /// A type of a newer gateway: to be passed over.
    Unknown,
}

/// The session's state.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Session {
    /// Where it is.
    pub state: State,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Speaker {
    /// The visitor.
    Visitor,
    /// The voice agent.
    Agent,
}

/// A line of the conversation. A later frame with the same `line` replaces the earlier one.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Transcript {
    /// Names the line within the session.
    pub line: String,
    /// Who speaks.
    pub speaker: Speaker,
    /// All that was said so far.
    pub text: String,
    /// Whether the line is complete.
    pub r#final: bool,
}

/// How far a tool call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum ToolPhase {
    /// It runs.
    Started,
    /// It is done.
    Done,
    /// It was accepted and goes on behind the scenes.
    Queued,
    /// It was refused, or went wrong.
    Failed,
}

/// A tool call, without its parameters.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Tool {
    /// The tool's name.
    pub tool: String,
    /// How far it is.
    pub phase: ToolPhase,
}

/// An amount of money in the currency's smallest unit, so that nobody rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Money {
    /// Pence, cents.
    pub minor: i64,
    /// ISO 4217.
    pub currency: String,
}

/// One line of an offer or a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Line {
    /// What.
    pub label: String,
    /// How many.
    pub quantity: u32,
    /// For all of them together.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub amount: Option<Money>,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum QuoteState {
    /// It waits for a yes.
    Open,
    /// The visitor said yes.
    Confirmed,
    /// It was not confirmed in time.
    Expired,
}

/// An offer that takes effect only when it is confirmed.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Quote {
    /// Names the offer; the same over its amendments.
    pub quote: String,
    /// Counts the amendments, from 1.
    pub revision: u32,
    /// What kind of thing it is, for the card's title.
    pub title: String,
    /// What became of it.
    pub state: QuoteState,
    /// What it holds.
    pub lines: Vec<Line>,
    /// What it costs.
    pub total: Option<Money>,
    /// Until when it holds.
    pub expires_at: Option<UnixMillis>,
}

/// How far a document's business is, whatever its kind calls the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Stage {
    /// On its way to ERPNext.
    Placing,
    /// There.
    Received,
    /// Somebody works on it.
    Working,
    /// Ready for the visitor.
    Ready,
    /// Done.
    Done,
    /// Cancelled, or refused.
    Cancelled,
}

/// A document in ERPNext as the visitor sees it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Document {
    /// Names the card: stays the same from the offer to the last status.
    pub card: String,
    /// What kind of thing it is.
    pub title: String,
    /// The number to tell a person, once there is one.
    pub number: Option<String>,
    /// ERPNext's own word for the status.
    pub status: String,
    /// How far it is.
    pub stage: Stage,
    /// What it holds.
    pub lines: Vec<Line>,
    /// What it costs.
    pub total: Option<Money>,
    /// Minutes until it is ready, as estimated.
    pub estimated_minutes: Option<u32>,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Level {
    /// Good to know.
    Info,
    /// Something is not as it should be.
    Warning,
}

/// Something the visitor should know.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Notice {
    /// A stable word for the popup to translate.
    pub code: String,
    /// The same in plain words, for a popup that does not know the code.
    pub text: String,
    /// How much it matters.
    pub level: Level,
}

/// This process is leaving.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GoingAway {
    /// Milliseconds to wait before reconnecting; spread over the clients.
    pub reconnect_in: u32,
}

/// Everything at once.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Snapshot {
    /// Where the session is.
    pub state: State,
    /// The last offset that this snapshot includes.
    pub upto: u64,
    /// The lines said so far, oldest first; bounded by what the session keeps.
    pub transcript: Vec<Transcript>,
    /// The open offers.
    pub quotes: Vec<Quote>,
    /// The documents.
    pub documents: Vec<Document>,
}

macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $type {
            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word back; `None` for an unknown one.
            pub fn from_wire(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words!(Speaker { Visitor = "visitor", Agent = "agent" });
words!(ToolPhase { Started = "started", Done = "done", Queued = "queued", Failed = "failed" });
words!(QuoteState { Open = "open", Confirmed = "confirmed", Expired = "expired" });
words!(Stage {
    Placing = "placing",
    Received = "received",
    Working = "working",
    Ready = "ready",
    Done = "done",
    Cancelled = "cancelled",
});
words!(Level { Info = "info", Warning = "warning" });

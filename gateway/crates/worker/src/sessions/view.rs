//! What the session routes answer.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A new session.
#[derive(Serialize, ToSchema)]
pub(crate) struct Created {
    /// The session's id, `s_` and 26 characters.
    pub(crate) session: String,
    /// `ready`.
    pub(crate) state: &'static str,
    /// `voice` or `text`.
    pub(crate) media: &'static str,
    /// Where the browser joins the call; for voice only. Whoever holds it is the visitor.
    pub(crate) join_url: Option<String>,
    /// Where the events are.
    pub(crate) events_url: String,
    /// Opens the session from now on.
    pub(crate) ticket: String,
    /// The longest call.
    pub(crate) max_seconds: u32,
    /// The ticket works at least until then, in milliseconds since the epoch.
    pub(crate) expires_at: u64,
}

/// What a visitor who wants a session gets.
pub(crate) enum Answer {
    /// The session.
    Created(Created),
    /// A place in the waiting room.
    Waits(Place),
}

/// There is no room for a call yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// The visitor's place.
    pub(crate) waiting: Place,
}

/// A place in the waiting room.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitingPlace)]
pub(crate) struct Place {
    /// Names it at `/v1/waiting/{id}`: the id of the session to be, a dot and the site.
    pub(crate) id: String,
    /// Opens it; told once, when the visitor joins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket: Option<String>,
    /// How many come before; 0 for who is next.
    pub(crate) ahead: u32,
    /// How many wait in all, this visitor included.
    pub(crate) of: u32,
    /// When to ask for the place again, in milliseconds from now.
    pub(crate) ask_again_in: u64,
    /// When it is lost to who does not ask, in milliseconds from now.
    pub(crate) patience: u64,
}

/// A session as it is now.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// The session's id.
    pub(crate) session: String,
    /// Where it is.
    pub(crate) state: &'static str,
    /// `voice` or `text`.
    pub(crate) media: &'static str,
    /// Names the life of the event stream.
    pub(crate) epoch: String,
    /// The last event that the snapshot includes.
    pub(crate) last_offset: u64,
    /// State, transcript, open quotes and documents: the data of a `snapshot` frame.
    #[schema(value_type = Object)]
    pub(crate) snapshot: Value,
}

/// A message was taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// Always true.
    pub(crate) accepted: bool,
}

/// An end was asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ending {
    /// `ending`, or the final state of a session that is over.
    pub(crate) state: &'static str,
}

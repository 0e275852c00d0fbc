//! The life of a session as one pure function. It never decides what to do next, only where an event leads.

use core::fmt;

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum State {
    /// Accepted and written; the voice call is being created.
    Initializing,
    /// The call exists and waits for the visitor to join.
    Ready,
    /// The visitor is in the call.
    Active,
    /// An end was asked for; the voice service has not confirmed it yet.
    Ending,
    /// Over, after a conversation. Final.
    Completed,
    /// Over because something broke. Final.
    Failed,
    /// Over before anyone joined. Final.
    Abandoned,
}

/// What can happen to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The voice service created the call.
    CallCreated,
    /// The voice service refused to create it, for good.
    CallRefused,
    /// The visitor joined the call.
    Joined,
    /// The visitor, the agent or staff asked for the end.
    EndRequested,
    /// The voice service says the call is over.
    CallEnded(EndReason),
}

/// Why the voice service ended a call; `endReason` of its call object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum EndReason {
    /// Nobody joined within the join timeout.
    Unjoined,
    /// The client's side closed. It does not prove that a person hung up.
    Hangup,
    /// The agent ended it.
    AgentHangup,
    /// The longest duration was reached.
    Timeout,
    /// The connection failed.
    ConnectionError,
    /// The voice service failed.
    SystemError,
}

impl EndReason {
    /// Reads the voice service's word; `None` for one we do not know.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "unjoined" => Self::Unjoined,
            "hangup" => Self::Hangup,
            "agent_hangup" => Self::AgentHangup,
            "timeout" => Self::Timeout,
            "connection_error" => Self::ConnectionError,
            "system_error" => Self::SystemError,
            _ => return None,
        })
    }
}

/// An event that makes no sense where the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where the session is, and stays.
    pub state: State,
    /// What was tried.
    pub event: Event,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a session that is {} cannot take this event", self.state.as_str())
    }
}

impl core::error::Error for Refused {}

impl State {
    /// All states, in the order of a call.
    pub const ALL: [Self; 7] =
        [Self::Initializing, Self::Ready, Self::Active, Self::Ending, Self::Completed, Self::Failed, Self::Abandoned];

    /// Whether nothing can change any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Abandoned)
    }

    /// The word used on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Ready => "ready",
            Self::Active => "active",
            Self::Ending => "ending",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    /// Reads the word back; `None` for an unknown one.
    pub fn from_wire(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Where `event` leads. Reports of the voice service may come late, twice or out of order, so a report that tells
    /// nothing new leaves the state as it is; only what can never be true is refused.
    ///
    /// # Errors
    /// If the session is over and the event asks for more than its end.
    pub const fn after(self, event: Event) -> Result<Self, Refused> {
        use Event as E;
        use State as S;
        Ok(match (self, event) {
            (S::Initializing, E::CallCreated) => S::Ready,
            (S::Initializing, E::CallRefused) => S::Failed,
            // The join may be reported before our own request for the call has returned.
            (S::Initializing | S::Ready | S::Active, E::Joined) => S::Active,
            (S::Initializing | S::Ready | S::Active | S::Ending, E::EndRequested) => S::Ending,
            (S::Ending, E::Joined | E::CallCreated) => S::Ending,
            (S::Ready | S::Active, E::CallCreated) => self,
            (S::Ending, E::CallRefused) => S::Failed,
            (S::Initializing | S::Ready | S::Active | S::Ending, E::CallEnded(reason)) => match reason {
                EndReason::Unjoined => S::Abandoned,
                EndReason::SystemError | EndReason::ConnectionError => S::Failed,
                EndReason::Hangup | EndReason::AgentHangup | EndReason::Timeout => S::Completed,
            },
            // A second report of the end, or an end asked for twice.
            (S::Completed | S::Failed | S::Abandoned, E::CallEnded(_) | E::EndRequested) => self,
            (state, event) => return Err(Refused { state, event }),
        })
    }
}

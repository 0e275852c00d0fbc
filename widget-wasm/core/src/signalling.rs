//! The life of the socket to the gateway as one pure function. It knows nothing of the voice path: no event of the media
//! can clear a broken connection here, nor the reverse.

use crate::texts::Text;

/// The first wait after a loss, in milliseconds.
pub const FIRST_WAIT_MS: u32 = 500;
/// The longest wait between two attempts.
pub const LONGEST_WAIT_MS: u32 = 15_000;
/// Attempts in a row that may fail before the popup asks the visitor: about a minute and a half of waiting.
pub const MAX_ATTEMPTS: u32 = 10;
/// After this many failures in a row the session itself is looked at: a browser tells no script why a handshake failed.
pub const PROBE_AFTER: u32 = 3;
/// How long "back online" stays.
pub const SETTLE_MS: u32 = 4_000;
/// The longest wait that a gateway may ask for.
pub const LONGEST_MOVE_MS: u32 = 60_000;

/// Where the socket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signalling {
    /// No session yet.
    #[default]
    Idle,
    /// The handshake runs; `attempt` counts the failures in a row before it.
    Connecting {
        /// Failures in a row so far.
        attempt: u32,
    },
    /// Events arrive.
    Open,
    /// Waiting before the next attempt.
    Reconnecting {
        /// Failures in a row so far.
        attempt: u32,
    },
    /// Events arrive again after a loss; becomes [`Self::Open`] after [`SETTLE_MS`]. Until then it keeps the count, so
    /// that a gateway that accepts and drops is asked ever more rarely.
    Resumed {
        /// Failures in a row before it.
        attempt: u32,
    },
    /// The gateway's process is leaving and has named the moment to reconnect. The old socket may still be open.
    GoingAway,
    /// Given up until the visitor or the network asks again.
    Lost,
    /// The session needs no socket any more.
    Ended,
}

/// What happens to the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is a session: connect.
    Start,
    /// The handshake worked.
    Opened,
    /// The socket closed, or the handshake failed.
    Closed,
    /// The gateway asks to reconnect after this many milliseconds.
    Leaving(u32),
    /// The wait that was asked for is over.
    Due,
    /// The visitor asks, the network came back or the page is visible again.
    Nudge,
    /// An event was missed: only a fresh connection gets it.
    Gap,
    /// The session is over, or the page is leaving.
    Stop,
}

/// What the shell has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Open a socket; an older one is closed and its events are ignored from now on.
    Open,
    /// Come back with [`Event::Due`] after this many milliseconds.
    Wait(u32),
    /// The same, and ask the gateway meanwhile whether the session is still there.
    WaitAndProbe(u32),
    /// Close the socket and forget any wait.
    Close,
}

/// Capped exponential backoff; half of the wait is drawn by `random`, so that a thousand popups do not come at once.
pub const fn wait(attempt: u32, random: u32) -> u32 {
    let doubled = FIRST_WAIT_MS.saturating_mul(1 << if attempt > 16 { 16 } else { attempt });
    let capped = if doubled > LONGEST_WAIT_MS { LONGEST_WAIT_MS } else { doubled };
    capped / 2 + random % (capped / 2 + 1)
}

impl Signalling {
    /// Where `event` leads, and what is to be done.
    #[must_use]
    pub const fn after(self, event: Event, random: u32) -> (Self, Action) {
        use Signalling as S;
        match (self, event) {
            (S::Ended, Event::Start) | (S::Idle, Event::Start) => (S::Connecting { attempt: 0 }, Action::Open),
            (S::Idle | S::Ended, _) => (self, Action::None),
            (_, Event::Stop) => (S::Ended, Action::Close),
            (S::Connecting { attempt: 0 }, Event::Opened) => (S::Open, Action::None),
            (S::Connecting { attempt }, Event::Opened) => (S::Resumed { attempt }, Action::Wait(SETTLE_MS)),
            (S::Connecting { attempt } | S::Resumed { attempt }, Event::Closed) => failed(attempt + 1, random),
            (S::Open, Event::Closed) => failed(1, random),
            (S::Resumed { .. }, Event::Due) => (S::Open, Action::None),
            (S::Open | S::Resumed { .. }, Event::Leaving(wait)) => {
                (S::GoingAway, Action::Wait(if wait > LONGEST_MOVE_MS { LONGEST_MOVE_MS } else { wait }))
            }
            // Counted as an attempt, so that the visitor sees that it is back.
            (S::GoingAway, Event::Due | Event::Nudge) => (S::Connecting { attempt: 1 }, Action::Open),
            (S::Reconnecting { attempt }, Event::Due | Event::Nudge) => (S::Connecting { attempt }, Action::Open),
            (S::Open | S::Resumed { .. }, Event::Gap) | (S::Lost, Event::Nudge) => {
                (S::Connecting { attempt: 1 }, Action::Open)
            }
            (_, _) => (self, Action::None),
        }
    }

    /// Whether frames can be sent now.
    pub const fn can_send(self) -> bool {
        matches!(self, Self::Open | Self::Resumed { .. } | Self::GoingAway)
    }

    /// Whether the visitor should know that nothing arrives at present.
    pub const fn is_broken(self) -> bool {
        matches!(self, Self::Reconnecting { .. } | Self::Lost)
            || matches!(self, Self::Connecting { attempt } if attempt > 1)
    }

    /// What the indicator says; `None` hides it.
    pub const fn text(self) -> Option<Text> {
        Some(match self {
            Self::Idle | Self::Ended => return None,
            Self::Connecting { attempt: 0 } => Text::SignalConnecting,
            Self::Connecting { .. } | Self::Reconnecting { .. } => Text::SignalWaiting,
            Self::Open => Text::SignalOpen,
            Self::Resumed { .. } => Text::SignalResumed,
            Self::GoingAway => Text::SignalMoving,
            Self::Lost => Text::SignalLost,
        })
    }
}

const fn failed(attempt: u32, random: u32) -> (Signalling, Action) {
    if attempt >= MAX_ATTEMPTS {
        return (Signalling::Lost, Action::None);
    }
    let pause = wait(attempt - 1, random);
    let action = if attempt.is_multiple_of(PROBE_AFTER) { Action::WaitAndProbe(pause) } else { Action::Wait(pause) };
    (Signalling::Reconnecting { attempt }, action)
}

//! The life of the voice (or text) path as one pure function. It knows nothing of the gateway's socket: whether events
//! arrive is [`crate::signalling`]'s business, and both are shown.

use crate::texts::Text;

/// How the visitor talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By voice, through the voice service's own connection.
    Voice,
    /// In text, through the gateway's socket.
    Text,
}

impl Mode {
    /// The word of `POST /v1/sessions`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Text => "text",
        }
    }

    /// Reads the word back; text for an unknown one, because text always works.
    pub fn from_wire(word: &str) -> Self {
        if word == "voice" { Self::Voice } else { Self::Text }
    }
}

/// How long joining a voice call may take. The voice SDK stays at "connecting" for ever when its room cannot be reached.
pub const JOIN_TIMEOUT_MS: u32 = 15_000;

/// Why there is no microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The visitor, or the browser for them, said no.
    Denied,
    /// The site's Permissions-Policy forbids it.
    Policy,
    /// There is none.
    Missing,
}

/// What the voice service says it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It hears the visitor.
    Listening,
    /// It works out an answer.
    Thinking,
    /// It talks.
    Speaking,
}

/// Where the path is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Media {
    /// No conversation.
    #[default]
    Off,
    /// A text conversation; nothing is being written.
    Text,
    /// A text conversation; the agent is writing.
    Replying,
    /// The browser asks the visitor for the microphone. No call exists yet.
    Asking,
    /// The microphone is there; the call is being made and joined.
    Joining,
    /// In the call.
    Live(Status),
    /// In the call, and the visitor has muted the microphone.
    Muted(Status),
    /// The voice path broke.
    Lost,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The visitor chose; consent is given.
    Chosen(Mode),
    /// The browser gave the microphone.
    Granted,
    /// It did not.
    Refused(Refusal),
    /// The voice service changed its status.
    Status(Status),
    /// The visitor switched the microphone off or on.
    Mute(bool),
    /// The agent began or finished a line of text.
    Writing(bool),
    /// Joining took too long.
    Overdue,
    /// The room or the join socket is gone.
    Broken,
    /// The conversation is over.
    Stop,
}

/// What the shell has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Ask for the microphone, inside the click.
    Ask,
    /// Start the conversation in this mode.
    Begin(Mode),
    /// Go on in text, and say why.
    FallBack(Text),
    /// Pass the mute on.
    Mute(bool),
    /// Leave the voice call.
    Leave,
}

impl Media {
    /// Where `event` leads, and what is to be done.
    #[must_use]
    pub const fn after(self, event: Event) -> (Self, Action) {
        use Media as M;
        match (self, event) {
            (M::Off | M::Lost, Event::Chosen(Mode::Text)) => (M::Text, Action::Begin(Mode::Text)),
            (M::Off | M::Lost, Event::Chosen(Mode::Voice)) => (M::Asking, Action::Ask),
            (M::Asking, Event::Granted) => (M::Joining, Action::Begin(Mode::Voice)),
            (M::Asking, Event::Refused(why)) => (M::Text, Action::FallBack(why.text())),
            (M::Joining | M::Live(_), Event::Status(status)) => (M::Live(status), Action::None),
            (M::Muted(_), Event::Status(status)) => (M::Muted(status), Action::None),
            (M::Live(status), Event::Mute(true)) => (M::Muted(status), Action::Mute(true)),
            (M::Muted(status), Event::Mute(false)) => (M::Live(status), Action::Mute(false)),
            (M::Joining, Event::Overdue | Event::Broken) | (M::Live(_) | M::Muted(_), Event::Broken) => {
                (M::Lost, Action::Leave)
            }
            (M::Text | M::Replying, Event::Writing(writing)) => {
                (if writing { M::Replying } else { M::Text }, Action::None)
            }
            (M::Joining | M::Live(_) | M::Muted(_), Event::Stop) => (M::Off, Action::Leave),
            (_, Event::Stop) => (M::Off, Action::None),
            (_, _) => (self, Action::None),
        }
    }

    /// Whether this is a voice call, or was one until it broke.
    pub const fn is_voice(self) -> bool {
        matches!(self, Self::Joining | Self::Live(_) | Self::Muted(_) | Self::Lost)
    }

    /// Whether the microphone is switched off by the visitor.
    pub const fn is_muted(self) -> bool {
        matches!(self, Self::Muted(_))
    }

    /// What the indicator says; `None` hides it.
    pub const fn text(self) -> Option<Text> {
        Some(match self {
            Self::Off => return None,
            Self::Text => Text::MediaText,
            Self::Replying => Text::MediaReplying,
            Self::Asking => Text::MediaAsking,
            Self::Joining => Text::MediaJoining,
            Self::Live(Status::Listening) => Text::MediaListening,
            Self::Live(Status::Thinking) => Text::MediaThinking,
            Self::Live(Status::Speaking) => Text::MediaSpeaking,
            Self::Muted(_) => Text::MediaMuted,
            Self::Lost => Text::MediaLost,
        })
    }
}

impl Refusal {
    /// What the visitor is told.
    pub const fn text(self) -> Text {
        match self {
            Self::Denied => Text::MicRefused,
            Self::Policy => Text::MicPolicy,
            Self::Missing => Text::MicMissing,
        }
    }
}

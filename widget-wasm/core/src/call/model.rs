//! The popup's state, what can happen to it and what it can ask for. It decides nothing: that is `update`'s.

use alloc::{rc::Rc, string::String, vec::Vec};

use neoron_protocol::frame::{ServerFrame, Speaker};

use crate::{
    answers::{Answer, Refusal, Ticket},
    feed::{Entry, Feed},
    media::{self, Media, Mode},
    replies::{self, Reply},
    signalling::Signalling,
    texts::{Text, Words},
};

/// The most messages that wait for the gateway; typing more is refused with a notice.
pub const MAX_OUTBOX: usize = 8;

/// What the page says about this popup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The language of everything the popup itself says.
    pub language: Words,
    /// The page's own tag, for the agent, which knows more languages.
    pub language_tag: String,
    /// The business profile of the gateway.
    pub business: String,
    /// The page's address.
    pub page: String,
    /// Where a visitor goes when nothing works.
    pub fallback: Option<String>,
    /// Whether a voice module is configured.
    pub voice: bool,
}

/// What is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// The disclosure and the choice.
    #[default]
    Choice,
    /// Something is under way before there is a conversation.
    Starting(Step),
    /// The waiting room, with so many visitors before.
    Waiting(u32),
    /// The conversation.
    Live,
    /// The conversation is over; what came of it stays in sight.
    Over(End),
    /// It did not start.
    Failed(Trouble),
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The browser asks for the microphone.
    Microphone,
    /// The site is asked for a grant.
    Grant,
    /// The gateway is asked for a session.
    Session,
    /// The gateway wants a proof of work first.
    Proof,
    /// A session of an earlier page is looked up.
    Resume,
}

/// How the conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As conversations do.
    Well,
    /// Something broke.
    Broken,
}

/// Why it did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What the visitor is told.
    pub text: Text,
    /// Whether trying again can help.
    pub retry: bool,
}

/// A message that the gateway has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Names it; a repeat of it is one message.
    pub id: String,
    /// What was typed.
    pub text: String,
}

/// The popup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// What the page says.
    pub config: Config,
    /// What is on the screen.
    pub phase: Phase,
    /// Whether the dialog is open.
    pub shown: bool,
    /// The voice or text path.
    pub media: Media,
    /// The gateway's socket.
    pub signalling: Signalling,
    /// What the conversation's window shows.
    pub feed: Feed,
    /// Whether the agent's lines are read aloud.
    pub sound: bool,
    /// Whether a tool runs.
    pub busy: bool,
    pub(super) mode: Option<Mode>,
    pub(super) ticket: Option<Rc<Ticket>>,
    pub(super) epoch: String,
    pub(super) offset: u64,
    /// The offset after which a gap was already asked for, so that a stream that truly has one does not loop.
    pub(super) gap_after: Option<u64>,
    pub(super) outbox: Vec<Outgoing>,
    pub(super) counter: u32,
    /// The grant that is being used, for a second request with a proof of work.
    pub(super) grant: String,
    pub(super) proved: bool,
    /// Whether the waiting room was asked and has not answered.
    pub(super) asking: bool,
    pub(super) fresh_grant_tried: bool,
    pub(super) ending: bool,
    /// What is to be done, in order; `update` hands it out. One list that all functions append to is 3 kB less code (raw)
    /// than a list from each.
    pub(super) out: Vec<Effect>,
}

impl Model {
    /// A popup that nobody has opened yet.
    pub fn new(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// The quick replies of the moment.
    pub fn replies(&self) -> &'static [Reply] {
        if self.phase == Phase::Live && !self.ending {
            replies::suggest(&self.feed, &self.config.business)
        } else {
            &[]
        }
    }

    /// The place in the waiting room, in words.
    pub fn place(&self) -> String {
        let ahead = if let Phase::Waiting(ahead) = self.phase { ahead } else { 0 };
        Text::Waiting.with_number(self.config.language, ahead.saturating_add(1))
    }

    /// A sentence about a connection that is broken, if it is.
    pub fn warning(&self) -> Option<Text> {
        match self.phase {
            Phase::Live if self.signalling == Signalling::Lost => Some(Text::LostForNow),
            Phase::Live if self.signalling.is_broken() => {
                Some(if self.media.is_voice() { Text::OfflineVoice } else { Text::OfflineText })
            }
            _ => None,
        }
    }

    /// Whether the agent is expected to say something: the visitor spoke last, or a tool runs.
    pub fn is_waiting(&self) -> bool {
        let spoke_last = self.feed.items().iter().rev().find_map(|item| match &item.entry {
            Entry::Line(line) => Some(line.speaker == Speaker::Visitor && !line.pending),
            _ => None,
        });
        self.phase == Phase::Live && self.signalling.can_send() && (self.busy || spoke_last == Some(true))
    }

    /// Whether a conversation runs or is about to, in sight or not.
    pub const fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live | Phase::Starting(_) | Phase::Waiting(_))
    }
}

/// What the gateway says about a session of an earlier page.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// The stream's present life.
    pub epoch: String,
    /// Everything at once, read as the frame it would be.
    pub snapshot: ServerFrame,
}

/// A wait that the popup asked for. Each kind runs at most once at a time; a new one replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// For [`crate::signalling`].
    Signalling,
    /// For joining a voice call.
    Join,
    /// For asking for the place in the waiting room.
    Place,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    /// The launcher was clicked.
    Open,
    /// The dialog was minimised; the conversation goes on.
    Minimise,
    /// The visitor agreed and chose how to talk.
    Choose(Mode),
    /// The site answered.
    Grant(Result<String, Refusal>),
    /// The gateway answered.
    Answered(Result<Answer, Refusal>),
    /// The proof of work is found, in base64; or there is none.
    Proved(Option<String>),
    /// A ticket was found in the tab's storage.
    Found(Rc<Ticket>),
    /// The gateway told about the session.
    Fetched(Result<Fetched, Refusal>),
    /// The socket opened.
    SocketOpened,
    /// The socket closed, or never opened.
    SocketClosed {
        /// Whether the gateway closed it in order, with code 1000.
        by_gateway: bool,
    },
    /// A frame arrived.
    Frame(ServerFrame),
    /// A wait is over.
    Due(Timer),
    /// The visitor typed and sent.
    Say(String),
    /// The visitor pressed a quick reply.
    Reply(usize),
    /// The voice path changed.
    Media(media::Event),
    /// The visitor asks for a try more.
    Retry,
    /// The network is back, or the page is in sight again.
    Nudge,
    /// The visitor ends the conversation.
    HangUp,
    /// The visitor leaves an end or error screen.
    Dismiss,
    /// The visitor wants a new conversation.
    Again,
    /// The visitor switches reading aloud.
    Sound(bool),
    /// The page is leaving; the conversation is not.
    PageHide,
    /// The page came back from the browser's cache.
    PageShow,
}

/// Where the keyboard goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The first thing to do on the screen.
    First,
    /// The text field.
    Composer,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Open the dialog.
    Show,
    /// Close the dialog and give the focus back.
    Hide,
    /// `POST` this body to the site's grant endpoint.
    RequestGrant(String),
    /// `POST /v1/sessions`.
    CreateSession {
        /// The grant.
        grant: String,
        /// The visitor's choice.
        mode: Mode,
        /// A solved challenge.
        proof: Option<String>,
    },
    /// Solve the challenge that came with the last refusal.
    Prove,
    /// `POST /v1/waiting/{id}`.
    AskPlace(Rc<Ticket>),
    /// `DELETE /v1/waiting/{id}`.
    LeavePlace(Rc<Ticket>),
    /// `GET /v1/sessions/{id}`.
    FetchSession(Rc<Ticket>),
    /// `POST /v1/sessions/{id}/end`, for when there is no socket to say it on.
    EndSession(Rc<Ticket>),
    /// Open the session's socket; an older one is closed and ignored.
    OpenSocket(Rc<Ticket>),
    /// Close the socket.
    CloseSocket,
    /// Send this frame.
    Send(String),
    /// Ask for the microphone.
    AskMicrophone,
    /// Join the voice call there.
    JoinVoice(String),
    /// Switch the microphone.
    MuteVoice(bool),
    /// Leave the voice call.
    LeaveVoice,
    /// Read aloud.
    Speak(String),
    /// Stop reading aloud.
    Hush,
    /// Tell a screen reader.
    Announce(String),
    /// Move the keyboard.
    Focus(Target),
    /// Come back after this many milliseconds.
    Wait(Timer, u32),
    /// Forget that wait.
    Forget(Timer),
    /// Keep for a reload.
    StoreTicket(Rc<Ticket>),
    /// Forget it.
    ClearTicket,
    /// Tell the page, for its analytics; holds no personal data.
    Emit(&'static str),
}

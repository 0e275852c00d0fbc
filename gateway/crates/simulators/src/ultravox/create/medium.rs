//! How a client takes part in a call, and which data messages each side asks to receive.

use std::time::Duration;

use super::fields::Fields;

/// The kinds of messages that the server sends by itself. `pong` is an answer to one socket and not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ultravox) enum Kind {
    State,
    Transcript,
    CallStarted,
    ClientToolInvocation,
    DataConnectionToolInvocation,
    ToolUsed,
    InvokingTool,
    UserStartedSpeaking,
    UserStoppedSpeaking,
}

/// The kinds that one side receives, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ultravox) struct Wanted(u16);

impl Wanted {
    /// What the participant of a call receives unless it says otherwise.
    pub(in crate::ultravox) fn participant() -> Self {
        Self(0).with(Kind::ClientToolInvocation).common()
    }

    /// What a data connection receives unless it says otherwise.
    pub(in crate::ultravox) fn data_connection() -> Self {
        Self(0).with(Kind::DataConnectionToolInvocation).common()
    }

    fn common(self) -> Self {
        self.with(Kind::State).with(Kind::Transcript).with(Kind::CallStarted)
    }

    fn with(self, kind: Kind) -> Self {
        Self(self.0 | 1 << kind as u16)
    }

    fn without(self, kind: Kind) -> Self {
        Self(self.0 & !(1 << kind as u16))
    }

    pub(in crate::ultravox) fn has(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u16 != 0
    }

    /// Applies a `dataMessages` object.
    fn read(self, fields: Option<Fields<'_>>) -> Self {
        const SWITCHES: [(&str, Option<Kind>); 13] = [
            ("pong", None),
            ("state", Some(Kind::State)),
            ("transcript", Some(Kind::Transcript)),
            ("clientToolInvocation", Some(Kind::ClientToolInvocation)),
            ("dataConnectionToolInvocation", Some(Kind::DataConnectionToolInvocation)),
            ("playbackClearBuffer", None),
            ("callStarted", Some(Kind::CallStarted)),
            ("debug", None),
            ("callEvent", None),
            ("toolUsed", Some(Kind::ToolUsed)),
            ("invokingTool", Some(Kind::InvokingTool)),
            ("userStartedSpeaking", Some(Kind::UserStartedSpeaking)),
            ("userStoppedSpeaking", Some(Kind::UserStoppedSpeaking)),
        ];
        let Some(fields) = fields else { return self };
        fields.only(&SWITCHES.map(|(name, _)| name));
        let mut wanted = self;
        for (name, kind) in SWITCHES {
            wanted = match (fields.boolean(name), kind) {
                (Some(true), Some(kind)) => wanted.with(kind),
                (Some(false), Some(kind)) => wanted.without(kind),
                _ => wanted,
            };
        }
        wanted
    }
}

/// Where the participant joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ultravox) enum Entry {
    /// The browser: a join socket that names a WebRTC room.
    WebRtc,
    /// A server: audio and messages on one socket.
    ServerWebSocket,
    /// A telephone provider, which this simulator has none of: the call can be created, not joined.
    Telephony,
}

/// The `medium` of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ultravox) struct Medium {
    pub(in crate::ultravox) entry: Entry,
    pub(in crate::ultravox) wanted: Wanted,
    /// Silence on a server's socket for this long is a connection error.
    pub(in crate::ultravox) idle_timeout: Option<Duration>,
}

/// A shorter `mediaIdleTimeout` is treated as this.
const LEAST_IDLE_TIMEOUT: Duration = Duration::from_secs(10);

const MEDIA: [&str; 7] = ["webRtc", "serverWebSocket", "twilio", "telnyx", "plivo", "exotel", "sip"];

/// Reads `medium`; a call without one is a WebRTC call.
pub(in crate::ultravox) fn read(body: &Fields<'_>) -> Medium {
    let browser = Medium { entry: Entry::WebRtc, wanted: Wanted::participant(), idle_timeout: None };
    let Some(medium) = body.child("medium") else { return browser };
    medium.only(&MEDIA);
    if MEDIA.iter().filter(|name| medium.has(name)).count() > 1 {
        body.complain("medium", format!("At most one of {} may be set.", MEDIA.join(", ")));
    }
    if let Some(web_rtc) = medium.child("webRtc") {
        web_rtc.only(&["dataMessages"]);
        return Medium { wanted: browser.wanted.read(web_rtc.child("dataMessages")), ..browser };
    }
    if let Some(socket) = medium.child("serverWebSocket") {
        return server_web_socket(&socket);
    }
    let telephony = MEDIA[2..].iter().any(|name| medium.has(name));
    Medium { entry: if telephony { Entry::Telephony } else { Entry::WebRtc }, ..browser }
}

fn server_web_socket(socket: &Fields<'_>) -> Medium {
    socket.only(&["inputSampleRate", "outputSampleRate", "clientBufferSizeMs", "dataMessages", "mediaIdleTimeout"]);
    if !socket.has("inputSampleRate") {
        socket.complain("inputSampleRate", "This field is required.");
    }
    // 8 kHz is telephone quality, 48 kHz is the most any codec of the real service works with.
    socket.number("inputSampleRate", 8_000.0, 48_000.0);
    socket.number("outputSampleRate", 8_000.0, 48_000.0);
    socket.number("clientBufferSizeMs", 0.0, 3_600_000.0);
    Medium {
        entry: Entry::ServerWebSocket,
        wanted: Wanted::participant().read(socket.child("dataMessages")),
        idle_timeout: socket.duration("mediaIdleTimeout").map(|limit| limit.max(LEAST_IDLE_TIMEOUT)),
    }
}

/// Reads the `dataMessages` of a data connection.
pub(super) fn data_connection_wanted(connection: &Fields<'_>) -> Wanted {
    Wanted::data_connection().read(connection.child("dataMessages"))
}

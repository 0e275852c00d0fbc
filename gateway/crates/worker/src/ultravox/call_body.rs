//! The body of `POST /api/calls`, with the service's own field names. A field that does not exist there would be passed
//! over in silence, so these structs are the only place that names them.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::Value;

use crate::config::Secret;

/// How long a call waits for its visitor; the service's own default. A visitor who loads the voice library over a slow
/// line needs some of it.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);
/// The service's limits: ten secrets in a callback.
const MAX_SECRETS: usize = 10;
/// A text leg sends a frame of silence every ten seconds; the service advises 30 to 60 s.
const MEDIA_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// What a new call is made from.
pub(crate) struct Wanted<'a> {
    /// The agent's instructions.
    pub(crate) prompt: &'a str,
    /// The agent's first sentence; empty for its own.
    pub(crate) greeting: &'a str,
    /// The voice, by name.
    pub(crate) voice: Option<&'a str>,
    /// BCP 47, at most 16 characters.
    pub(crate) language: &'a str,
    /// The longest call.
    pub(crate) max_seconds: u32,
    /// `selectedTools`.
    pub(crate) tools: Vec<Value>,
    /// The session's id.
    pub(crate) session: &'a str,
    /// The site's id.
    pub(crate) site: &'a str,
    /// Whether the worker joins for a visitor who types.
    pub(crate) by_text: bool,
    /// The base of our own URLs.
    pub(crate) public_url: &'a str,
    /// Sign the callbacks.
    pub(crate) webhook_secrets: &'a [Secret],
    /// Sign the data connection.
    pub(crate) shared_secrets: &'a [Secret],
}

/// The body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallBody {
    system_prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<String>,
    language_hint: String,
    join_timeout: String,
    max_duration: String,
    medium: Medium,
    initial_output_medium: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_speaker_settings: Option<FirstSpeaker>,
    recording_enabled: bool,
    selected_tools: Vec<Value>,
    metadata: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callbacks: Option<Callbacks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_connection: Option<DataConnection>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shared_secrets: Vec<String>,
}

impl std::fmt::Debug for CallBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It holds the prompt, the tool token and the secrets.
        f.write_str("CallBody([secret])")
    }
}

/// How the client takes part.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Medium {
    /// The browser, over WebRTC.
    WebRtc {},
    /// A server's WebSocket: the text leg.
    ServerWebSocket(ServerWebSocket),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerWebSocket {
    input_sample_rate: u32,
    media_idle_timeout: String,
    data_messages: LegMessages,
}

/// The leg listens to nothing: what is said comes over the data connection.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegMessages {
    state: bool,
    transcript: bool,
    client_tool_invocation: bool,
}

#[derive(Serialize)]
struct FirstSpeaker {
    agent: Opening,
}

#[derive(Serialize)]
struct Opening {
    text: String,
}

#[derive(Serialize)]
struct Callbacks {
    joined: Callback,
    ended: Callback,
    billed: Callback,
}

#[derive(Clone, Serialize)]
struct Callback {
    url: String,
    secrets: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataConnection {
    websocket_url: String,
    data_messages: DataMessages,
}

/// Tools report themselves at their own route, with more than a data message would say.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataMessages {
    call_started: bool,
    transcript: bool,
    state: bool,
    tool_used: bool,
    invoking_tool: bool,
}

/// The rate of a text leg's silence, the lowest there is.
pub(super) const LEG_SAMPLE_RATE: u32 = 8_000;

impl CallBody {
    /// The body of a wanted call.
    pub(crate) fn of(wanted: Wanted<'_>) -> Self {
        let base = wanted.public_url.trim_end_matches('/');
        let secrets = |of: &[Secret]| of.iter().take(MAX_SECRETS).map(|it| it.expose().to_owned()).collect::<Vec<_>>();
        let callback = Callback { url: format!("{base}/webhook/ultravox"), secrets: secrets(wanted.webhook_secrets) };
        // Without a secret nothing could be told from a forgery: the poller finds out what it needs.
        let callbacks = (!callback.secrets.is_empty()).then(|| Callbacks {
            joined: callback.clone(),
            ended: callback.clone(),
            billed: callback,
        });
        let shared_secrets = secrets(wanted.shared_secrets);
        let data_connection = (!shared_secrets.is_empty()).then(|| DataConnection {
            websocket_url: format!("{}/v1/ultravox/data/{}", base.replacen("http", "ws", 1), wanted.session),
            data_messages: DataMessages {
                call_started: true,
                transcript: true,
                state: false,
                tool_used: false,
                invoking_tool: false,
            },
        });
        Self {
            system_prompt: wanted.prompt.to_owned(),
            // A voice that never speaks need not exist in the account.
            voice: wanted.voice.filter(|_| !wanted.by_text).map(str::to_owned),
            language_hint: wanted.language.to_owned(),
            join_timeout: seconds(JOIN_TIMEOUT),
            max_duration: seconds(Duration::from_secs(u64::from(wanted.max_seconds))),
            medium: if wanted.by_text { Medium::ServerWebSocket(leg()) } else { Medium::WebRtc {} },
            initial_output_medium: if wanted.by_text { "MESSAGE_MEDIUM_TEXT" } else { "MESSAGE_MEDIUM_VOICE" },
            first_speaker_settings: (!wanted.greeting.is_empty())
                .then(|| FirstSpeaker { agent: Opening { text: wanted.greeting.to_owned() } }),
            recording_enabled: false,
            selected_tools: wanted.tools,
            metadata: BTreeMap::from([("sid", wanted.session.to_owned()), ("site", wanted.site.to_owned())]),
            callbacks,
            data_connection,
            shared_secrets,
        }
    }
}

fn leg() -> ServerWebSocket {
    ServerWebSocket {
        input_sample_rate: LEG_SAMPLE_RATE,
        media_idle_timeout: seconds(MEDIA_IDLE_TIMEOUT),
        data_messages: LegMessages { state: false, transcript: false, client_tool_invocation: false },
    }
}

/// A duration as the service writes it.
fn seconds(span: Duration) -> String {
    format!("{}s", span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn body(by_text: bool, secrets: &[Secret]) -> Value {
        let body = CallBody::of(Wanted {
            prompt: "You take bookings.",
            greeting: "Hello.",
            voice: Some("Mark"),
            language: "en-GB",
            max_seconds: 600,
            tools: vec![json!({"toolName": "hangUp"})],
            session: "s_1",
            site: "neoron.co.uk",
            by_text,
            public_url: "https://gw.example/",
            webhook_secrets: secrets,
            shared_secrets: secrets,
        });
        assert_eq!(format!("{body:?}"), "CallBody([secret])");
        serde_json::to_value(body).unwrap()
    }

    #[test]
    fn a_voice_call_has_the_services_own_field_names() {
        let callback = json!({"url": "https://gw.example/webhook/ultravox", "secrets": ["0123456789abcdef"]});
        assert_eq!(
            body(false, &[Secret::new("0123456789abcdef")]),
            json!({
                "systemPrompt": "You take bookings.", "voice": "Mark", "languageHint": "en-GB",
                "joinTimeout": "30s", "maxDuration": "600s", "medium": {"webRtc": {}},
                "initialOutputMedium": "MESSAGE_MEDIUM_VOICE",
                "firstSpeakerSettings": {"agent": {"text": "Hello."}}, "recordingEnabled": false,
                "selectedTools": [{"toolName": "hangUp"}], "metadata": {"sid": "s_1", "site": "neoron.co.uk"},
                "callbacks": {"joined": callback, "ended": callback, "billed": callback},
                "dataConnection": {
                    "websocketUrl": "wss://gw.example/v1/ultravox/data/s_1",
                    "dataMessages": {
                        "callStarted": true, "transcript": true, "state": false, "toolUsed": false,
                        "invokingTool": false,
                    },
                },
                "sharedSecrets": ["0123456789abcdef"],
            })
        );
    }

    #[test]
    fn a_text_call_is_joined_by_a_server_and_speaks_in_text() {
        let body = body(true, &[]);
        assert_eq!(body["medium"]["serverWebSocket"]["inputSampleRate"], 8_000);
        assert_eq!(body["medium"]["serverWebSocket"]["mediaIdleTimeout"], "60s");
        assert_eq!(body["initialOutputMedium"], "MESSAGE_MEDIUM_TEXT");
        assert!(body.get("voice").is_none());
    }

    #[test]
    fn without_secrets_nothing_is_asked_for_that_could_be_forged() {
        let body = body(false, &[]);
        for field in ["callbacks", "dataConnection", "sharedSecrets"] {
            assert!(body.get(field).is_none(), "{field}");
        }
    }
}

//! The body of `POST /api/calls`: checked field by field, turned into the plan of one call.
//!
//! Accepts exactly the documented fields and refuses every other one, because a gateway that sends a field the real
//! service ignores would look right here and be wrong there. Never touches a running call.

use std::cell::RefCell;
use std::time::Duration;

use serde_json::{Map, Value};

pub(super) mod fields;
pub(super) mod links;
pub(super) mod medium;
pub(super) mod tool;

use fields::{Complaints, Fields};
use links::{Callbacks, DataConnection};
use medium::Medium;
use tool::Tool;

/// What happens when the visitor stays silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inactivity {
    /// Counted from the previous message, or from the visitor's last word.
    pub(super) after: Duration,
    pub(super) message: String,
    pub(super) hang_up: bool,
}

/// Who opens the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FirstSpeaker {
    Agent { text: Option<String>, delay: Duration },
    User { fallback: Option<(Duration, String)> },
}

/// A checked call, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CallPlan {
    /// The body as it came: what a continuation copies.
    pub(super) body: Map<String, Value>,
    pub(super) join_timeout: Duration,
    pub(super) max_duration: Duration,
    pub(super) time_exceeded_message: Option<String>,
    pub(super) inactivity: Vec<Inactivity>,
    pub(super) tools: Vec<Tool>,
    pub(super) medium: Medium,
    pub(super) first_speaker: FirstSpeaker,
    /// Whether the agent answers in voice; otherwise in text.
    pub(super) voice_output: bool,
    pub(super) metadata: Map<String, Value>,
    pub(super) state: Map<String, Value>,
    pub(super) data_connection: Option<DataConnection>,
    pub(super) callbacks: Callbacks,
    pub(super) shared_secrets: Vec<String>,
    pub(super) initial_messages: Vec<Map<String, Value>>,
}

/// The defaults that the options of the simulator decide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defaults {
    pub(super) join_timeout: Duration,
    pub(super) tool_timeout: Duration,
}

/// The documented default of `maxDuration`.
const MAX_DURATION: Duration = Duration::from_secs(3600);
/// What the agent says first when the call does not tell.
pub(super) const DEFAULT_GREETING: &str = "Hello, how can I help you today?";

const KNOWN: [&str; 27] = [
    "systemPrompt",
    "temperature",
    "model",
    "voice",
    "externalVoice",
    "voiceOverrides",
    "languageHint",
    "initialMessages",
    "joinTimeout",
    "maxDuration",
    "timeExceededMessage",
    "inactivityMessages",
    "selectedTools",
    "medium",
    "recordingEnabled",
    "transcriptOptional",
    "firstSpeaker",
    "firstSpeakerSettings",
    "initialOutputMedium",
    "vadSettings",
    "metadata",
    "initialState",
    "dataConnection",
    "callbacks",
    "sharedSecrets",
    "retentionPolicy",
    "experimentalSettings",
];

/// What the visitor may do with `POST /api/agents/{id}/calls`.
pub(super) const AGENT_CALL_FIELDS: [&str; 18] = [
    "templateContext",
    "initialMessages",
    "metadata",
    "medium",
    "joinTimeout",
    "maxDuration",
    "recordingEnabled",
    "initialOutputMedium",
    "firstSpeakerSettings",
    "dataConnection",
    "experimentalSettings",
    "callbacks",
    "voice",
    "voiceOverrides",
    "toolOverrides",
    "retentionPolicy",
    "sharedSecrets",
    "initialState",
];

/// Checks a body.
///
/// # Errors
/// All complaints at once, by the path of the field.
pub(super) fn check(body: &Map<String, Value>, defaults: Defaults) -> Result<CallPlan, Complaints> {
    let complaints = RefCell::new(Complaints::default());
    let plan = plan(&Fields::root(body, &complaints), body, defaults);
    let complaints = complaints.into_inner();
    if complaints.0.is_empty() { Ok(plan) } else { Err(complaints) }
}

fn plan(fields: &Fields<'_>, body: &Map<String, Value>, defaults: Defaults) -> CallPlan {
    fields.only(&KNOWN);
    model_settings(fields);
    let metadata = metadata(fields);
    CallPlan {
        body: body.clone(),
        join_timeout: fields.duration("joinTimeout").unwrap_or(defaults.join_timeout),
        max_duration: max_duration(fields),
        time_exceeded_message: fields.text("timeExceededMessage").map(str::to_owned),
        inactivity: inactivity(fields),
        tools: tool::read(fields, defaults.tool_timeout),
        medium: medium::read(fields),
        first_speaker: first_speaker(fields),
        voice_output: fields.word("initialOutputMedium", &["MESSAGE_MEDIUM_VOICE", "MESSAGE_MEDIUM_TEXT"])
            != Some("MESSAGE_MEDIUM_TEXT"),
        metadata,
        state: fields.map("initialState").cloned().unwrap_or_default(),
        data_connection: links::data_connection(fields),
        callbacks: links::callbacks(fields),
        // Each shared secret has 16 to 127 characters.
        shared_secrets: fields.texts("sharedSecrets", links::MOST_SECRETS, 16, 127),
        initial_messages: initial_messages(fields),
    }
}

/// Fields that only a model or a voice would use: checked, otherwise without effect here.
fn model_settings(fields: &Fields<'_>) {
    fields.text("systemPrompt");
    fields.number("temperature", 0.0, 1.0);
    fields.word("model", &["ultravox-v0.7", "ultravox-v0.6", "ultravox-v0.6-gemma3-27b"]);
    fields.text("voice");
    fields.map("externalVoice");
    fields.choice(&["voice", "externalVoice"], 0, "voice");
    if fields.map("voiceOverrides").is_some() && !fields.has("voice") {
        fields.complain("voiceOverrides", "Only possible together with voice.");
    }
    if fields.text("languageHint").is_some_and(|hint| hint.chars().count() > 16) {
        fields.complain("languageHint", "Ensure this field has no more than 16 characters.");
    }
    fields.boolean("recordingEnabled");
    fields.boolean("transcriptOptional");
    fields.map("experimentalSettings");
    fields.word("retentionPolicy", &["CALL_RETENTION_POLICY_RETAIN", "CALL_RETENTION_POLICY_AUTO_DELETE"]);
    if let Some(vad) = fields.child("vadSettings") {
        let delays = ["turnEndpointDelay", "minimumTurnDuration", "minimumInterruptionDuration"];
        vad.only(&[&delays[..], &["frameActivationThreshold"]].concat());
        for key in delays {
            vad.duration(key);
        }
        vad.number("frameActivationThreshold", 0.1, 1.0);
    }
}

fn max_duration(fields: &Fields<'_>) -> Duration {
    let duration = fields.duration("maxDuration").unwrap_or(MAX_DURATION);
    if duration.is_zero() {
        fields.complain("maxDuration", "Must be more than 0s.");
    }
    duration
}

/// Values are strings only, and `ultravox.` is the service's own prefix.
fn metadata(fields: &Fields<'_>) -> Map<String, Value> {
    let pairs = fields.text_map("metadata");
    for (key, _) in pairs.iter().filter(|(key, _)| key.starts_with("ultravox.")) {
        fields.complain(&format!("metadata.{key}"), "Keys may not start with \"ultravox.\".");
    }
    pairs.into_iter().map(|(key, value)| (key, Value::String(value))).collect()
}

fn inactivity(fields: &Fields<'_>) -> Vec<Inactivity> {
    const ENDINGS: [&str; 3] = ["END_BEHAVIOR_UNSPECIFIED", "END_BEHAVIOR_HANG_UP_SOFT", "END_BEHAVIOR_HANG_UP_STRICT"];
    let messages = fields.children("inactivityMessages", 20);
    messages
        .iter()
        .map(|each| {
            each.only(&["duration", "message", "endBehavior"]);
            if !each.has("duration") {
                each.complain("duration", "This field is required.");
            }
            Inactivity {
                after: each.duration("duration").unwrap_or_default(),
                message: each.text("message").unwrap_or_default().to_owned(),
                hang_up: each.word("endBehavior", &ENDINGS).is_some_and(|word| word != ENDINGS[0]),
            }
        })
        .collect()
}

fn first_speaker(fields: &Fields<'_>) -> FirstSpeaker {
    let deprecated = fields.word("firstSpeaker", &["FIRST_SPEAKER_AGENT", "FIRST_SPEAKER_USER"]);
    let Some(settings) = fields.child("firstSpeakerSettings") else {
        return match deprecated {
            Some("FIRST_SPEAKER_USER") => FirstSpeaker::User { fallback: None },
            _ => FirstSpeaker::Agent { text: None, delay: Duration::ZERO },
        };
    };
    settings.only(&["agent", "user"]);
    settings.choice(&["agent", "user"], 1, "agent");
    let speaker = if let Some(user) = settings.child("user") {
        user.only(&["fallback"]);
        FirstSpeaker::User { fallback: user.child("fallback").map(|fallback| user_fallback(&fallback)) }
    } else {
        agent_opening(settings.child("agent"))
    };
    let matches = match deprecated {
        Some("FIRST_SPEAKER_USER") => matches!(speaker, FirstSpeaker::User { .. }),
        Some(_) => matches!(speaker, FirstSpeaker::Agent { .. }),
        None => true,
    };
    if !matches {
        fields.complain("firstSpeaker", "Must match firstSpeakerSettings.");
    }
    speaker
}

fn user_fallback(fallback: &Fields<'_>) -> (Duration, String) {
    fallback.only(&["delay", "text", "prompt"]);
    fallback.text("prompt");
    let text = fallback.text("text").unwrap_or(DEFAULT_GREETING).to_owned();
    (fallback.duration("delay").unwrap_or_default(), text)
}

fn agent_opening(agent: Option<Fields<'_>>) -> FirstSpeaker {
    let Some(agent) = agent else { return FirstSpeaker::Agent { text: None, delay: Duration::ZERO } };
    agent.only(&["uninterruptible", "text", "prompt", "delay"]);
    agent.boolean("uninterruptible");
    agent.choice(&["text", "prompt"], 0, "text");
    FirstSpeaker::Agent {
        text: agent.text("text").map(str::to_owned),
        delay: agent.duration("delay").unwrap_or_default(),
    }
}

fn initial_messages(fields: &Fields<'_>) -> Vec<Map<String, Value>> {
    const ROLES: [&str; 4] =
        ["MESSAGE_ROLE_USER", "MESSAGE_ROLE_AGENT", "MESSAGE_ROLE_TOOL_CALL", "MESSAGE_ROLE_TOOL_RESULT"];
    const FIELDS: [&str; 6] = ["role", "text", "invocationId", "toolName", "medium", "metadata"];
    for message in fields.children("initialMessages", 1_000) {
        message.only(&FIELDS);
        message.required_text("role");
        message.word("role", &ROLES);
        message.text("text");
    }
    let list = fields.value("initialMessages").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|message| message.as_object().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DEFAULTS: Defaults = Defaults { join_timeout: Duration::from_secs(30), tool_timeout: tool::DEFAULT_TIMEOUT };

    fn checked(body: &Value) -> Result<CallPlan, Complaints> {
        check(body.as_object().expect("an object"), DEFAULTS)
    }

    fn refused_at(body: &Value, path: &str) {
        let complaints = checked(body).expect_err("the body is wrong");
        assert!(complaints.0.contains_key(path), "{path} is not among {complaints:?}");
    }

    #[test]
    fn an_empty_body_is_a_browser_call_with_the_documented_defaults() {
        let plan = checked(&json!({})).expect("every field is optional");
        assert_eq!(plan.join_timeout, Duration::from_secs(30));
        assert_eq!(plan.max_duration, Duration::from_secs(3600));
        assert_eq!(plan.medium.entry, medium::Entry::WebRtc);
        assert!(plan.voice_output);
    }

    #[test]
    fn the_fields_that_do_not_exist_are_refused() {
        for field in ["webhookUrl", "sessionId", "tools"] {
            refused_at(&json!({ field: "x" }), field);
        }
    }

    #[test]
    fn every_wrong_value_is_named_by_its_path() {
        refused_at(&json!({"joinTimeout": 30}), "joinTimeout");
        refused_at(&json!({"metadata": {"n": 1}}), "metadata.n");
        refused_at(&json!({"metadata": {"ultravox.x": "1"}}), "metadata.ultravox.x");
        refused_at(&json!({"voice": "Mark", "externalVoice": {}}), "voice");
        refused_at(&json!({"medium": {"webRtc": {}, "sip": {}}}), "medium");
        refused_at(&json!({"medium": {"serverWebSocket": {}}}), "medium.serverWebSocket.inputSampleRate");
        refused_at(&json!({"sharedSecrets": ["short"]}), "sharedSecrets.0");
        refused_at(&json!({"callbacks": {"started": {"url": "http://x"}}}), "callbacks.started");
        refused_at(&json!({"callbacks": {"ended": {"url": "ftp://x"}}}), "callbacks.ended.url");
        refused_at(&json!({"temperature": 1.5}), "temperature");
        refused_at(&json!({"firstSpeakerSettings": {}}), "firstSpeakerSettings.agent");
        refused_at(&json!({"dataConnection": {"websocketUrl": "http://x"}}), "dataConnection.websocketUrl");
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let complaints =
            checked(&json!({"tools": [], "joinTimeout": "soon", "model": "gpt"})).expect_err("three mistakes");
        assert_eq!(complaints.0.len(), 3);
    }

    #[test]
    fn a_short_idle_timeout_is_raised_to_ten_seconds() {
        let body = json!({"medium": {"serverWebSocket": {"inputSampleRate": 16000, "mediaIdleTimeout": "1s"}}});
        assert_eq!(checked(&body).expect("valid").medium.idle_timeout, Some(Duration::from_secs(10)));
    }

    fn with_tool(definition: &Value, tokens: &Value) -> Value {
        json!({"selectedTools": [{"temporaryTool": definition, "authTokens": tokens}]})
    }

    #[test]
    fn a_tool_whose_security_the_tokens_do_not_meet_is_refused() {
        let definition = json!({"modelToolName": "t", "http": {"baseUrlPattern": "http://x/t", "httpMethod": "POST"},
            "requirements": {"httpSecurityOptions": {"options": [
                {"requirements": {"gw": {"headerApiKey": {"name": "X-Tool-Token"}}}}]}}});
        refused_at(&with_tool(&definition, &json!({})), "selectedTools.0.temporaryTool.requirements");
        let plan = checked(&with_tool(&definition, &json!({"gw": "secret"}))).expect("the token is there");
        let expected = tool::Credential::Header { name: "X-Tool-Token".to_owned(), token: "secret".to_owned() };
        assert_eq!(plan.tools[0].credentials, [expected]);
        assert!(!plan.tools[0].listed.to_string().contains("secret"));
    }

    #[test]
    fn a_tool_needs_one_implementation_and_a_timeout_within_forty_seconds() {
        refused_at(&with_tool(&json!({"modelToolName": "t"}), &json!({})), "selectedTools.0.temporaryTool.http");
        let slow = json!({"modelToolName": "t", "timeout": "41s", "client": {}});
        refused_at(&with_tool(&slow, &json!({})), "selectedTools.0.temporaryTool.timeout");
    }

    #[test]
    fn two_tools_of_one_name_are_refused() {
        let body = json!({"selectedTools": [{"toolName": "hangUp"}, {"toolName": "hangUp"}]});
        refused_at(&body, "selectedTools.1.nameOverride");
    }
}

//! The data messages of a live call: camelCase JSON objects with a `type`.
//!
//! Knows their spelling only. An unknown type is no error on either side: it is skipped.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::create::medium::Kind;

/// When a text is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Urgency {
    /// Now, before everything that waits.
    Immediate,
    /// At the next opportunity.
    #[default]
    Soon,
    /// Together with the visitor's next turn.
    Later,
}

/// The answer of a client tool or of a tool on the data connection.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolAnswer {
    pub(super) invocation_id: String,
    pub(super) result: Option<String>,
    pub(super) response_type: Option<String>,
    pub(super) agent_reaction: Option<String>,
    pub(super) error_type: Option<String>,
    pub(super) update_call_state: Option<Map<String, Value>>,
}

/// One tool call within a forced message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct ForcedCall {
    pub(super) name: String,
    #[serde(default)]
    pub(super) arguments: Map<String, Value>,
}

/// What a participant, a data connection or the REST API sends into a call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum ClientMessage {
    Ping {
        timestamp: Value,
    },
    UserTextMessage {
        text: String,
        #[serde(default)]
        urgency: Urgency,
    },
    /// What ultravox-client 0.5.0 still sends.
    InputTextMessage {
        text: String,
        #[serde(default)]
        defer_response: bool,
    },
    SetOutputMedium {
        medium: String,
    },
    ClientToolResult(ToolAnswer),
    DataConnectionToolResult(ToolAnswer),
    ForcedAgentMessage {
        #[serde(default)]
        content: String,
        #[serde(default)]
        tool_calls: Vec<ForcedCall>,
        #[serde(default)]
        urgency: Urgency,
    },
    HangUp {
        #[serde(default)]
        message: Option<String>,
    },
}

/// A message to whoever wants its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outbound {
    pub(super) kind: Kind,
    pub(super) text: String,
}

impl Outbound {
    fn new(kind: Kind, value: &Value) -> Self {
        Self { kind, text: value.to_string() }
    }

    pub(super) fn call_started(call_id: &str) -> Self {
        Self::new(Kind::CallStarted, &json!({"type": "call_started", "callId": call_id}))
    }

    pub(super) fn state(state: AgentState) -> Self {
        Self::new(Kind::State, &json!({"type": "state", "state": state}))
    }

    pub(super) fn transcript(transcript: &Transcript<'_>) -> Self {
        let mut value = json!({"type": "transcript", "role": transcript.role, "medium": transcript.medium,
            "final": transcript.last, "ordinal": transcript.ordinal});
        let key = if transcript.delta { "delta" } else { "text" };
        value[key] = transcript.text.into();
        Self::new(Kind::Transcript, &value)
    }

    pub(super) fn tool_invocation(kind: Kind, tool: &str, id: &str, parameters: &Map<String, Value>) -> Self {
        let name = match kind {
            Kind::DataConnectionToolInvocation => "data_connection_tool_invocation",
            _ => "client_tool_invocation",
        };
        Self::new(kind, &json!({"type": name, "toolName": tool, "invocationId": id, "parameters": parameters}))
    }

    pub(super) fn invoking_tool(tool: &str, id: &str, parameters: &Map<String, Value>) -> Self {
        let value = json!({"type": "invoking_tool", "toolName": tool, "invocationId": id, "parameters": parameters});
        Self::new(Kind::InvokingTool, &value)
    }

    pub(super) fn tool_used(tool: &str, id: &str, parameters: &Map<String, Value>, result: &str) -> Self {
        let value = json!({"type": "tool_used", "toolName": tool, "invocationId": id, "parameters": parameters,
            "result": result});
        Self::new(Kind::ToolUsed, &value)
    }

    pub(super) fn user_speaking(started: bool) -> Self {
        let (kind, name) = if started {
            (Kind::UserStartedSpeaking, "user_started_speaking")
        } else {
            (Kind::UserStoppedSpeaking, "user_stopped_speaking")
        };
        Self::new(kind, &json!({"type": name}))
    }
}

/// What the agent is doing, as clients show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AgentState {
    Idle,
    Listening,
    Thinking,
    Speaking,
}

/// A piece of what was said.
#[derive(Debug)]
pub(super) struct Transcript<'a> {
    pub(super) role: &'a str,
    pub(super) medium: &'a str,
    pub(super) ordinal: u64,
    pub(super) text: &'a str,
    /// Whether the text is added to what is there or replaces it.
    pub(super) delta: bool,
    pub(super) last: bool,
}

/// The echo of a ping.
pub(super) fn pong(timestamp: &Value) -> String {
    json!({"type": "pong", "timestamp": timestamp}).to_string()
}

/// The one message of a browser's join socket.
pub(super) fn room_info(room_url: &str, token: &str) -> String {
    json!({"type": "room_info", "roomUrl": room_url, "token": token}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_text_are_understood() {
        let modern: ClientMessage =
            serde_json::from_str(r#"{"type":"user_text_message","text":"hi","urgency":"later"}"#).expect("known");
        assert_eq!(modern, ClientMessage::UserTextMessage { text: "hi".to_owned(), urgency: Urgency::Later });
        let legacy: ClientMessage =
            serde_json::from_str(r#"{"type":"input_text_message","text":"hi","deferResponse":true}"#).expect("known");
        assert_eq!(legacy, ClientMessage::InputTextMessage { text: "hi".to_owned(), defer_response: true });
    }

    #[test]
    fn a_transcript_carries_either_a_text_or_a_delta() {
        let mut piece =
            Transcript { role: "agent", medium: "voice", ordinal: 3, text: "Hel", delta: true, last: false };
        let delta: Value = serde_json::from_str(&Outbound::transcript(&piece).text).expect("JSON");
        assert_eq!(delta["delta"], "Hel");
        assert_eq!(delta.get("text"), None);
        piece.delta = false;
        let text: Value = serde_json::from_str(&Outbound::transcript(&piece).text).expect("JSON");
        assert_eq!((text["text"].as_str(), text.get("delta")), (Some("Hel"), None));
    }
}

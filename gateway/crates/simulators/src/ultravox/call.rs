//! One call: its plan, what has happened to it, and the full Call object that the API and the webhooks show.
//!
//! A record only. The call's life is driven by `life`; locks are held for single reads and writes, never across an
//! await.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::clock::{between, rfc3339};
use super::create::{CallPlan, FirstSpeaker};
use super::duration;
use super::wire::{ClientMessage, Outbound, ToolAnswer};

/// Why a call ended, as in `endReason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Nobody joined in time.
    Unjoined,
    /// The client left.
    Hangup,
    /// The agent hung up.
    AgentHangup,
    /// `maxDuration` was reached.
    Timeout,
    /// The connection failed.
    ConnectionError,
    /// The service failed.
    SystemError,
}

/// What reaches the task that drives a call.
#[derive(Debug)]
pub(super) enum Command {
    /// A participant is there.
    Joined,
    /// The participant with this number is gone.
    Left(u64),
    /// The participant's socket was silent for too long.
    Idle,
    /// A data message.
    Data(ClientMessage),
    /// Words as if the visitor had spoken them.
    Spoken(String),
    /// The end, decided from outside.
    End(EndReason),
}

/// Commands that wait for one call. A socket waits for room; the REST API answers 429.
pub(super) const COMMAND_QUEUE: usize = 64;
/// Data messages that wait for one socket. A socket that falls further behind is closed.
pub(super) const OUTBOUND_QUEUE: usize = 1_024;
/// Messages kept of one call. A call that reaches it ends with `system_error`.
pub(super) const MOST_MESSAGES: usize = 2_000;

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Agent,
    ToolCall,
    ToolResult,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "MESSAGE_ROLE_USER",
            Self::Agent => "MESSAGE_ROLE_AGENT",
            Self::ToolCall => "MESSAGE_ROLE_TOOL_CALL",
            Self::ToolResult => "MESSAGE_ROLE_TOOL_RESULT",
        }
    }
}

/// A message before it is numbered and timed.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) role: Role,
    pub(super) text: String,
    /// Voice or text; tool messages have none.
    pub(super) voice: Option<bool>,
    /// Tool name and invocation id.
    pub(super) tool: Option<(String, String)>,
    pub(super) error: Option<String>,
}

impl Said {
    pub(super) fn words(role: Role, text: &str, voice: bool) -> Self {
        Self { role, text: text.to_owned(), voice: Some(voice), tool: None, error: None }
    }
}

/// A call and its handles.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) plan: CallPlan,
    /// Id and name of the agent it was created from.
    pub(super) agent: Option<(String, String)>,
    pub(super) created: Timestamp,
    pub(super) join_url: String,
    pub(super) greeting: bool,
    pub(super) call_token: String,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) outbound: broadcast::Sender<Outbound>,
    /// Set when the call has ended and its sockets are to be closed.
    pub(super) closed: CancellationToken,
    /// Set when the simulator forgets the call.
    pub(super) abandoned: CancellationToken,
    pub(super) record: Mutex<Record>,
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) joined: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) end_reason: Option<EndReason>,
    pub(super) billed: bool,
    pub(super) client_version: Option<String>,
    pub(super) stage_id: String,
    pub(super) state: Map<String, Value>,
    pub(super) messages: Vec<Value>,
    /// The socket that takes part, and how to tell it that another one took its place.
    pub(super) participant: Option<(u64, CancellationToken)>,
    /// Tool calls that a participant or a data connection has to answer.
    pub(super) pending: HashMap<String, oneshot::Sender<ToolAnswer>>,
    pub(super) audio_frames: u64,
    pub(super) data_connections: u32,
}

impl Call {
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was joined and has not ended.
    pub(super) fn is_live(&self) -> bool {
        let record = self.record();
        record.joined.is_some() && record.ended.is_none()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.record().ended.is_some()
    }

    /// Tells everyone who listens. That nobody does is normal.
    pub(super) fn send(&self, message: Outbound) {
        let _ = self.outbound.send(message);
    }

    /// Keeps a message. Answers false when there is no room left.
    pub(super) fn say(&self, said: Said, now: Timestamp) -> bool {
        let mut record = self.record();
        if record.messages.len() >= MOST_MESSAGES {
            return false;
        }
        let message = self.message(&record, said, now);
        record.messages.push(message);
        true
    }

    fn message(&self, record: &Record, said: Said, now: Timestamp) -> Value {
        let since = duration::format(between(record.joined.unwrap_or(self.created), now));
        let medium = said.voice.map(|voice| if voice { "MESSAGE_MEDIUM_VOICE" } else { "MESSAGE_MEDIUM_TEXT" });
        let (tool, invocation) = said.tool.unzip();
        let at = rfc3339(now);
        json!({
            "role": said.role.name(),
            "text": said.text,
            "invocationId": invocation,
            "toolName": tool,
            "errorDetails": said.error,
            "medium": medium,
            "callStageMessageIndex": record.messages.len(),
            "callStageId": record.stage_id,
            "callState": record.state,
            "timespan": {"start": since, "end": since},
            "wallClockTimespan": {"start": at, "end": at},
        })
    }

    /// Hands the answer of a tool to whoever waits for it; a late or unknown one is dropped.
    pub(super) fn answer(&self, answer: ToolAnswer) {
        let waiting = self.record().pending.remove(&answer.invocation_id);
        if let Some(waiting) = waiting {
            let _ = waiting.send(answer);
        }
    }

    /// The tools without what authenticates them.
    pub(super) fn listed_tools(&self) -> Vec<Value> {
        self.plan.tools.iter().map(|tool| tool.listed.clone()).collect()
    }

    /// The full Call object, with every field that is always present.
    pub(super) fn object(&self) -> Value {
        let record = self.record();
        let given = |key: &str| self.plan.body.get(key).cloned().unwrap_or(Value::Null);
        let or = |key: &str, default: Value| if given(key).is_null() { default } else { given(key) };
        let mut object = self.outcome(&record);
        let settings = json!({
            "callId": self.id,
            "clientVersion": record.client_version,
            "created": rfc3339(self.created),
            "joinUrl": self.join_url,
            "joinTimeout": duration::format(self.plan.join_timeout),
            "maxDuration": duration::format(self.plan.max_duration),
            "firstSpeaker": self.first_speaker(),
            "firstSpeakerSettings": or("firstSpeakerSettings", json!({"agent": {}})),
            "inactivityMessages": or("inactivityMessages", json!([])),
            "initialOutputMedium": or("initialOutputMedium", json!("MESSAGE_MEDIUM_VOICE")),
            "languageHint": given("languageHint"),
            "medium": or("medium", json!({"webRtc": {}})),
            "model": or("model", json!("ultravox-v0.7")),
            "recordingEnabled": or("recordingEnabled", json!(false)),
            "retentionPolicy": or("retentionPolicy", json!("CALL_RETENTION_POLICY_RETAIN")),
            "systemPrompt": given("systemPrompt"),
            "temperature": or("temperature", json!(0)),
            "timeExceededMessage": self.plan.time_exceeded_message,
            "voice": given("voice"),
            "externalVoice": given("externalVoice"),
            "voiceOverrides": given("voiceOverrides"),
            "transcriptOptional": or("transcriptOptional", json!(false)),
            "vadSettings": given("vadSettings"),
            "agent": self.agent.as_ref().map(|(id, name)| json!({"agentId": id, "name": name})),
            "agentId": self.agent.as_ref().map(|(id, _)| id),
            "experimentalSettings": given("experimentalSettings"),
            "metadata": self.plan.metadata,
            "initialState": self.plan.state,
            "requestContext": {},
            "dataConnectionConfig": self.data_connection_config(),
            "callbacks": self.callbacks(),
            "sipDetails": null,
        });
        if let (Value::Object(object), Value::Object(settings)) = (&mut object, settings) {
            object.extend(settings);
        }
        object
    }

    /// The fields that the call's course decides.
    fn outcome(&self, record: &Record) -> Value {
        let seconds = record.joined.zip(record.ended).map(|(from, to)| billed_seconds(between(from, to)));
        let billing = match (record.billed, record.ended.is_some(), seconds) {
            (true, _, Some(_)) => "BILLING_STATUS_BILLED",
            (_, true, None) => "BILLING_STATUS_FREE_ZERO_EFFECTIVE_DURATION",
            _ => "BILLING_STATUS_PENDING",
        };
        let summary = record.ended.map(|_| format!("A call of {} messages.", record.messages.len()));
        json!({
            "joined": record.joined.map(rfc3339),
            "ended": record.ended.map(rfc3339),
            "endReason": record.end_reason,
            "billedDuration": record.billed.then_some(seconds).flatten().map(|seconds| format!("{seconds}s")),
            "billedSideInputTokens": 0,
            "billedSideOutputTokens": 0,
            "billingStatus": billing,
            "shortSummary": summary,
            "summary": summary,
        })
    }

    fn first_speaker(&self) -> &'static str {
        match self.plan.first_speaker {
            FirstSpeaker::Agent { .. } => "FIRST_SPEAKER_AGENT",
            FirstSpeaker::User { .. } => "FIRST_SPEAKER_USER",
        }
    }

    /// Without its headers, which may be credentials.
    fn data_connection_config(&self) -> Option<Value> {
        let mut config = self.plan.body.get("dataConnection").filter(|value| !value.is_null())?.clone();
        if let Some(config) = config.as_object_mut() {
            config.remove("headers");
        }
        Some(config)
    }

    /// Without their secrets.
    fn callbacks(&self) -> Value {
        let callbacks = &self.plan.callbacks;
        let url = |callback: &Option<super::create::links::Callback>| {
            callback.as_ref().map(|callback| json!({"url": callback.url}))
        };
        json!({"joined": url(&callbacks.joined), "ended": url(&callbacks.ended), "billed": url(&callbacks.billed)})
    }
}

/// Billing goes by "deciminutes": 6 seconds, rounded up.
fn billed_seconds(spoken: Duration) -> u64 {
    spoken.as_millis().div_ceil(6_000).try_into().map_or(u64::MAX, |units: u64| units * 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_billed_in_started_units_of_six_seconds() {
        assert_eq!(billed_seconds(Duration::ZERO), 0);
        assert_eq!(billed_seconds(Duration::from_millis(1)), 6);
        assert_eq!(billed_seconds(Duration::from_secs(6)), 6);
        assert_eq!(billed_seconds(Duration::from_millis(6_001)), 12);
    }
}

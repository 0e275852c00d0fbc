//! What the simulator remembers of its own requests, for tests and for the control API.
//!
//! Data only. Header values and bodies are kept in memory and shown to whoever asks on localhost; none is logged.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// One attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivery {
    /// `call.started`, `call.joined`, `call.ended` or `call.billed`.
    pub event: String,
    /// The call it is about.
    pub call_id: String,
    /// Where it went.
    pub url: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The literal text of the timestamp header; empty for a delivery that was dropped.
    pub timestamp: String,
    /// The literal text of the signature header; empty without secrets.
    pub signature: String,
    /// The answer's status; `None` when there was no answer.
    pub status: Option<u16>,
    /// Whether it was never sent: a fault swallowed it, or too many were under way.
    pub dropped: bool,
}

/// How a tool request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolOutcome {
    /// The result reached the agent.
    Used,
    /// The result came after the timeout, or a fault made it count as late: dropped.
    Late,
    /// The answer was an error, or there was none.
    Failed,
}

/// One request to an HTTP tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolRequest {
    /// The call it was made in.
    pub call_id: String,
    /// The tool's name, as the model knows it.
    pub tool: String,
    /// The invocation id in the call's messages.
    pub invocation_id: String,
    /// HTTP method.
    pub method: String,
    /// The address with everything filled in.
    pub url: String,
    /// The headers that the definition asked for.
    pub headers: BTreeMap<String, String>,
    /// The JSON object that was sent, if any.
    pub body: Option<Map<String, Value>>,
    /// 1 for the first call, more when a late result made the agent call again.
    pub attempt: u32,
    /// How it went.
    pub outcome: ToolOutcome,
    /// The status of an answer that came in time.
    pub status: Option<u16>,
}

/// A call as a test looks at it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallView {
    /// The full Call object.
    pub call: Value,
    /// The messages, oldest first.
    pub messages: Vec<Value>,
    /// The tool state.
    pub state: Map<String, Value>,
    /// Binary frames received from the participant.
    pub audio_frames: u64,
    /// Data connections that were established.
    pub data_connections: u32,
}

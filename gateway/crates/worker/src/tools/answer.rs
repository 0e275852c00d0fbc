//! What a tool answers: always something that the agent can say.

use neoron_protocol::frame::ToolPhase;
use serde_json::{Value, json};

/// The largest data given to the model beside the sentence, in bytes: above some 15 kB Ultravox's models get slow.
const MAX_DATA_BYTES: usize = 12 * 1024;

/// A tool's answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// Offered; waits for a yes.
    Quoted {
        /// `q_…-<revision>`.
        quote_id: String,
        /// To read back.
        say: String,
    },
    /// Done in ERPNext.
    Placed {
        /// `{doctype, name, number, status}`.
        document: Value,
        /// To say.
        say: String,
    },
    /// Durable; the outcome follows.
    Queued {
        /// To say.
        say: String,
    },
    /// Something is missing or unclear.
    Ask {
        /// To ask.
        say: String,
    },
    /// A query's answer.
    Ok {
        /// To say.
        say: String,
        /// ERPNext's answer.
        data: Value,
        /// When it was true, if it is not from now; ISO 8601.
        as_of: Option<String>,
    },
    /// It will not be done.
    Refused {
        /// To say.
        say: String,
    },
}

impl Answer {
    /// Asks for something.
    pub(super) fn ask(say: impl Into<String>) -> Self {
        Self::Ask { say: say.into() }
    }

    /// Refuses.
    pub(super) fn refused(say: impl Into<String>) -> Self {
        Self::Refused { say: say.into() }
    }

    /// The word for the model and for metrics.
    pub(super) fn status(&self) -> &'static str {
        match self {
            Self::Quoted { .. } => "quoted",
            Self::Placed { .. } => "placed",
            Self::Queued { .. } => "queued",
            Self::Ask { .. } => "ask",
            Self::Ok { .. } => "ok",
            Self::Refused { .. } => "refused",
        }
    }

    /// What the visitor sees of the call.
    pub(super) fn phase(&self) -> ToolPhase {
        match self {
            Self::Quoted { .. } | Self::Placed { .. } | Self::Ok { .. } | Self::Ask { .. } => ToolPhase::Done,
            Self::Queued { .. } => ToolPhase::Queued,
            Self::Refused { .. } => ToolPhase::Failed,
        }
    }

    /// The body for Ultravox.
    pub(super) fn to_json(&self) -> Value {
        let status = self.status();
        match self {
            Self::Quoted { quote_id, say } => json!({"status": status, "quote_id": quote_id, "say": say}),
            Self::Placed { document, say } => json!({"status": status, "document": document, "say": say}),
            Self::Queued { say } | Self::Ask { say } | Self::Refused { say } => json!({"status": status, "say": say}),
            Self::Ok { say, data, as_of } => {
                let mut body = json!({"status": status, "say": say});
                if data.to_string().len() <= MAX_DATA_BYTES {
                    body["data"] = data.clone();
                }
                if let Some(as_of) = as_of {
                    body["as_of"] = json!(as_of);
                }
                body
            }
        }
    }
}

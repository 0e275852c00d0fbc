//! Jobs: everything that must reach ERPNext or Ultravox, or must be applied after a webhook was accepted.
//!
//! Each is written in the same atomic step as what caused it and runs at least once; its effect is idempotent.

mod backoff;
mod calls;
mod dispatch;
mod finish;
mod isolation;
pub(crate) mod origin;
pub(crate) mod runner;

pub(crate) use calls::{look_after, talked};
pub(crate) use finish::{finish, resolve};

use neoron_protocol::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// A job's kind and parameters. The session is the queue's own field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "with", rename_all = "snake_case")]
pub(crate) enum Job {
    /// Writes the Voice Session as it is now.
    UpsertSession,
    /// Executes the ledger's command of this key in ERPNext.
    RunCommand {
        /// The command's idempotency key.
        key: String,
    },
    /// Fetches the transcript and completes the Voice Session.
    CompleteSession,
    /// Tells the agent something, if the call is still going on.
    NotifyCall {
        /// What it should know, in plain words.
        text: String,
    },
    /// Gives the agent what the visitor typed.
    SendText {
        /// The visitor's words.
        text: String,
    },
    /// Ends the call.
    HangUp,
    /// Gives up a session whose call was never created: its worker died in the middle.
    CheckCreation,
    /// Asks Ultravox about a call that nobody reported on.
    PollCall {
        /// The call.
        call: String,
    },
    /// Applies a webhook of Ultravox.
    ApplyCallWebhook {
        /// `call.joined`, `call.ended`, …
        event: String,
        /// The call object, as it came.
        call: Value,
        /// When it was accepted; an early one is parked by retrying.
        accepted_at: UnixMillis,
    },
    /// Applies a status webhook of ERPNext.
    ApplyDocumentWebhook {
        /// The webhook's body, as it came.
        update: Value,
        /// When it was accepted; an early one is parked by retrying.
        accepted_at: UnixMillis,
    },
    /// A signed webhook that nobody understands: kept for the operator, never run.
    Quarantined {
        /// Who sent it.
        sender: String,
        /// The body, as text; cut to what a job holds.
        body: String,
    },
}

impl Job {
    /// The kind and the payload for the queue.
    pub(crate) fn to_parts(&self) -> (String, String) {
        // Strings and JSON only: serialisation cannot fail.
        let mut value = serde_json::to_value(self).unwrap_or_default();
        let kind = value["kind"].as_str().unwrap_or_default().to_owned();
        (kind, value["with"].take().to_string())
    }

    /// Its lane: jobs of one session in one lane run in their order, one after another.
    pub(crate) fn lane(&self) -> Option<&'static str> {
        match self {
            // The agent hears things in the order in which they happened.
            Self::NotifyCall { .. } | Self::SendText { .. } => Some("call"),
            // A booking and its cancellation must not change places.
            Self::RunCommand { .. } => Some("command"),
            // An old state must not be written over the last one.
            Self::UpsertSession | Self::CompleteSession => Some("record"),
            // Not behind the words: who hangs up does not wait for them.
            Self::HangUp
            | Self::CheckCreation
            | Self::PollCall { .. }
            | Self::ApplyCallWebhook { .. }
            | Self::ApplyDocumentWebhook { .. }
            | Self::Quarantined { .. } => None,
        }
    }

    /// The kinds of all jobs, for metrics' labels.
    pub(crate) const NAMES: [&'static str; 11] = [
        "upsert_session",
        "run_command",
        "complete_session",
        "notify_call",
        "send_text",
        "hang_up",
        "check_creation",
        "poll_call",
        "apply_call_webhook",
        "apply_document_webhook",
        "quarantined",
    ];

    /// The kind, for a metric's label.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::UpsertSession => "upsert_session",
            Self::RunCommand { .. } => "run_command",
            Self::CompleteSession => "complete_session",
            Self::NotifyCall { .. } => "notify_call",
            Self::SendText { .. } => "send_text",
            Self::HangUp => "hang_up",
            Self::CheckCreation => "check_creation",
            Self::PollCall { .. } => "poll_call",
            Self::ApplyCallWebhook { .. } => "apply_call_webhook",
            Self::ApplyDocumentWebhook { .. } => "apply_document_webhook",
            Self::Quarantined { .. } => "quarantined",
        }
    }

    /// Reads a job back from the queue; `None` if it is of another version of us.
    pub(crate) fn from_parts(kind: &str, payload: &str) -> Option<Self> {
        let with: Value = serde_json::from_str(payload).ok()?;
        let mut value = serde_json::json!({ "kind": kind });
        if !with.is_null() {
            value["with"] = with;
        }
        serde_json::from_value(value).ok()
    }
}

/// How a job went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It is done, or there is nothing left to do.
    Done,
    /// Later. The wait is the runner's (exponential, full jitter) unless the other side named one.
    Retry {
        /// What the other side asked for.
        after: Option<Duration>,
        /// For the operator; no personal data.
        reason: String,
    },
    /// Later, but only so often for this failure: it may never pass.
    Limited {
        /// Names the failure; a job's failures are counted by it.
        failure: &'static str,
        /// How often it is tried again because of it.
        retries: u32,
        /// For the operator; no personal data.
        reason: String,
    },
    /// Never.
    Bury {
        /// For the operator; no personal data.
        reason: String,
    },
}

impl Outcome {
    /// The word for metrics and spans.
    fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry { .. } | Self::Limited { .. } => "retried",
            Self::Bury { .. } => "buried",
        }
    }
}

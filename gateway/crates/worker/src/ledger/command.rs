//! One command: what ERPNext is asked, under which key, and its outcome.

use neoron_protocol::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What became of a command. Final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Settlement {
    /// ERPNext did it.
    Placed {
        /// `{doctype, name, number, status}`.
        document: Value,
        /// What to say.
        say: String,
    },
    /// ERPNext refused it.
    Refused {
        /// What to say.
        say: String,
    },
}

/// A command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Command {
    /// ERPNext's idempotency key, and the card's name.
    pub(crate) key: String,
    /// Whose method is called.
    pub(crate) tool: String,
    /// With what, without the key; null once it is settled.
    pub(crate) arguments: Value,
    /// When it was confirmed.
    pub(crate) at: UnixMillis,
    /// The agent was told to wait for the outcome.
    #[serde(default)]
    promised: bool,
    #[serde(default)]
    settlement: Option<Settlement>,
}

impl Command {
    pub(super) fn new(key: String, tool: String, arguments: Value, at: UnixMillis) -> Self {
        Self { key, tool, arguments, at, promised: false, settlement: None }
    }

    /// What became of it; `None` while that is open.
    pub(crate) fn settlement(&self) -> Option<&Settlement> {
        self.settlement.as_ref()
    }

    /// Whether somebody was told to wait for the outcome.
    pub(crate) fn is_promised(&self) -> bool {
        self.promised
    }

    /// Whether ERPNext refused it.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.settlement, Some(Settlement::Refused { .. }))
    }

    pub(super) fn settle(&mut self, settlement: Settlement) -> bool {
        if self.settlement.is_some() {
            return false;
        }
        // They may be long, and nobody needs them any more.
        self.arguments = Value::Null;
        self.settlement = Some(settlement);
        true
    }

    pub(super) fn promise(&mut self) -> bool {
        self.promised |= self.settlement.is_none();
        self.settlement.is_none()
    }
}

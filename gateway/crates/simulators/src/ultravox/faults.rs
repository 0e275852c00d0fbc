//! What a test can make go wrong, as plain data.
//!
//! A fault is either a state that lasts until it is changed, or a count of the next so many events. Never touches
//! anything by itself: the parts ask for it at the moment it matters.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::TimestampSpelling;

/// The faults in force. `Default` is a world without faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Every creation is answered this much later, in milliseconds.
    pub create_latency_ms: u64,
    /// Creations are answered with this status instead of being executed; 0 for none.
    pub create_status: u16,
    /// How many creations `create_status` hits; 0 for all until it is cleared.
    pub create_failures: u32,
    /// `Retry-After` of a failed creation, in seconds; 0 for no header.
    pub create_retry_after: u64,
    /// The next so many webhook deliveries are lost on the way.
    pub drop_webhooks: u32,
    /// The next so many webhook deliveries arrive twice.
    pub duplicate_webhooks: u32,
    /// The next so many webhook deliveries arrive after the one that follows them.
    pub reorder_webhooks: u32,
    /// Every webhook delivery starts this much later, in milliseconds.
    pub webhook_delay_ms: u64,
    /// How the timestamp header of webhooks is spelled; `None` for what the options say.
    pub webhook_timestamp: Option<TimestampSpelling>,
    /// Every tool result arrives this much later, in milliseconds; counts against the tool's timeout.
    pub tool_extra_latency_ms: u64,
    /// The next so many tool results count as late: they are dropped and the agent calls again.
    pub drop_tool_results: u32,
    /// Data connections are cut, and not dialled while this is set.
    pub data_connection_off: bool,
    /// Join sockets are refused with 404.
    pub refuse_joins: bool,
    /// The next so many joins of a browser get a second message, which breaks the client library.
    pub second_join_message: u32,
}

impl Faults {
    /// Takes one event of a counted fault.
    pub(super) fn take(count: &mut u32) -> bool {
        let taken = *count > 0;
        *count = count.saturating_sub(1);
        taken
    }

    /// The status and wait of the next creation, if it is to fail.
    pub(super) fn fail_creation(&mut self) -> Option<(u16, u64)> {
        if self.create_status == 0 {
            return None;
        }
        let failure = (self.create_status, self.create_retry_after);
        if self.create_failures > 0 {
            self.create_failures -= 1;
            if self.create_failures == 0 {
                self.create_status = 0;
            }
        }
        Some(failure)
    }

    pub(super) fn create_latency(&self) -> Duration {
        Duration::from_millis(self.create_latency_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_creation_fault_clears_itself() {
        let mut faults = Faults { create_status: 503, create_failures: 2, create_retry_after: 3, ..Faults::default() };
        assert_eq!(faults.fail_creation(), Some((503, 3)));
        assert_eq!(faults.fail_creation(), Some((503, 3)));
        assert_eq!(faults.fail_creation(), None);
    }

    #[test]
    fn an_unknown_fault_is_refused() {
        assert!(serde_json::from_str::<Faults>(r#"{"drop_webhook": 1}"#).is_err());
    }
}

//! What a worker reads of a call object and of a call's messages. Everything else in them (the prompt, the join URL) is
//! left where it is.

use neoron_protocol::{SessionId, UnixMillis, session::EndReason};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read_time;

/// The longest call id taken, in bytes; they are UUIDs of 36.
const MAX_CALL_ID_BYTES: usize = 64;

/// The part of a call object that is needed, and kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    /// Its id.
    pub(crate) call_id: String,
    /// When somebody joined, RFC 3339.
    #[serde(default)]
    pub(crate) joined: Option<String>,
    /// When it ended, RFC 3339.
    #[serde(default)]
    pub(crate) ended: Option<String>,
    /// Why it ended.
    #[serde(default)]
    pub(crate) end_reason: Option<String>,
    /// What was billed, such as `6s`.
    #[serde(default)]
    pub(crate) billed_duration: Option<String>,
    /// What we gave the call at its creation.
    #[serde(default)]
    pub(crate) metadata: Metadata,
}

/// What we gave the call at its creation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    /// The session's id.
    #[serde(default)]
    pub(crate) sid: Option<String>,
}

impl Call {
    /// Reads a call object. `None` if it is none: no id, or a member of another type.
    pub(crate) fn read(object: &Value) -> Option<Self> {
        // Through a copy of the needed members only: the prompt has some kilobytes.
        let part: Value = ["callId", "joined", "ended", "endReason", "billedDuration"]
            .iter()
            .map(|name| ((*name).to_owned(), object[*name].clone()))
            .chain([("metadata".to_owned(), serde_json::json!({"sid": object["metadata"]["sid"]}))])
            .collect();
        let call: Self = serde_json::from_value(part).ok()?;
        let plain = |byte: u8| byte.is_ascii_graphic();
        let named = (1..=MAX_CALL_ID_BYTES).contains(&call.call_id.len()) && call.call_id.bytes().all(plain);
        named.then_some(call)
    }

    /// The session it was made for, if it says so.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.metadata.sid.as_deref().and_then(|sid| SessionId::parse(sid).ok())
    }

    /// When somebody joined.
    pub(crate) fn joined_at(&self) -> Option<UnixMillis> {
        self.joined.as_deref().and_then(read_time)
    }

    /// When and why it ended. A reason that we do not know reads as a hang-up, or as unjoined if nobody was there.
    pub(crate) fn end(&self) -> Option<(UnixMillis, EndReason)> {
        let at = self.ended.as_deref().and_then(read_time)?;
        let known = self.end_reason.as_deref().and_then(EndReason::from_wire);
        let likely = if self.joined.is_some() { EndReason::Hangup } else { EndReason::Unjoined };
        Some((at, known.unwrap_or(likely)))
    }
}

/// Who said a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Role {
    /// The visitor, or we in their place.
    #[serde(rename = "MESSAGE_ROLE_USER")]
    User,
    /// The agent.
    #[serde(rename = "MESSAGE_ROLE_AGENT")]
    Agent,
    /// A tool call or its result, or a role of a newer API.
    #[serde(other)]
    Other,
}

/// A message of a call.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Message {
    /// Who.
    pub(crate) role: Role,
    /// What.
    #[serde(default)]
    pub(crate) text: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn the_prompt_and_the_join_url_are_left_behind() {
        let object = json!({
            "callId": "c-1", "joined": null, "ended": "2026-01-02T03:04:05Z", "endReason": "unjoined",
            "systemPrompt": "canary", "joinUrl": "wss://canary", "metadata": {"sid": "s", "site": "canary"},
        });
        let kept = serde_json::to_string(&Call::read(&object).unwrap()).unwrap();
        assert!(!kept.contains("canary"), "{kept}");
    }

    #[test]
    fn an_object_without_an_id_or_with_other_types_is_no_call() {
        for object in [json!({}), json!({"callId": 1}), json!({"callId": ""}), json!({"callId": "a b"}), json!([1])] {
            assert_eq!(Call::read(&object), None, "{object}");
        }
        assert_eq!(Call::read(&json!({"callId": "c", "ended": 5})), None);
        assert!(Call::read(&json!({"callId": "c", "metadata": null})).is_some());
    }

    #[test]
    fn an_unknown_reason_is_read_by_whether_somebody_was_there() {
        let call = |joined: Value, reason: Value| {
            let object = json!({"callId": "c", "joined": joined, "ended": "2026-01-02T03:04:05Z", "endReason": reason});
            Call::read(&object).unwrap().end().unwrap().1
        };
        assert_eq!(call(json!("2026-01-02T03:04:00Z"), json!("moon")), EndReason::Hangup);
        assert_eq!(call(Value::Null, Value::Null), EndReason::Unjoined);
        assert_eq!(call(Value::Null, json!("system_error")), EndReason::SystemError);
    }
}

//! Reading the answers of the site and the gateway through the same [`View`] as the frames. It never fetches anything
//! and believes no address that leads away from the gateway.

use alloc::string::String;

use neoron_protocol::frame::View;

use crate::{media::Mode, texts::Text};

/// What a tab needs to find its session again. Lives in the tab's `sessionStorage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The session's id.
    pub session: String,
    /// The secret that opens it.
    pub ticket: String,
    /// How the visitor talks.
    pub mode: Mode,
}

/// The answer of `POST /v1/sessions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The way back.
    pub ticket: Ticket,
    /// Where the voice call is joined; only for voice.
    pub join_url: Option<String>,
}

/// Why something did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status; 0 if no answer came.
    pub status: u16,
    /// The problem's code; empty if the answer was no problem document.
    pub code: String,
}

/// The most bytes of an id or token that are believed.
const MAX_TOKEN: usize = 128;

fn token(view: &impl View, name: &str) -> Option<String> {
    let text = view.member(name)?.text()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    (!text.is_empty() && text.len() <= MAX_TOKEN && plain).then_some(text)
}

/// The grant in the site's answer. It is passed on unread; only its alphabet is checked.
pub fn grant(view: &impl View) -> Option<String> {
    let grant = view.member("grant")?.text()?;
    let plain = grant.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    (!grant.is_empty() && grant.len() <= 4_096 && plain).then_some(grant)
}

/// A stored ticket, or the part of an answer that is one.
pub fn ticket(view: &impl View) -> Option<Ticket> {
    let mode = Mode::from_wire(&view.member("media")?.text()?);
    Some(Ticket { session: token(view, "session")?, ticket: token(view, "ticket")?, mode })
}

/// The answer of `POST /v1/sessions`.
pub fn created(view: &impl View) -> Option<Created> {
    Some(Created { ticket: ticket(view)?, join_url: view.member("join_url").and_then(|url| url.text()) })
}

/// A problem document, or whatever came instead of one.
pub fn refusal(status: u16, view: Option<&impl View>) -> Refusal {
    let code = view.and_then(|view| view.member("code")).and_then(|code| code.text());
    Refusal { status, code: code.unwrap_or_default() }
}

impl Refusal {
    /// No answer came at all.
    pub const fn unreachable() -> Self {
        Self { status: 0, code: String::new() }
    }

    /// What the visitor is told.
    pub fn text(&self) -> Text {
        match (self.code.as_str(), self.status) {
            ("budget_exhausted", _) => Text::FailBudget,
            ("no_room" | "draining", _) => Text::FailBusy,
            ("voice_unavailable", _) => Text::FailVoice,
            ("session_over" | "ticket_invalid", _) => Text::FailGone,
            (_, 0) => Text::FailNetwork,
            (_, 429) => Text::FailOften,
            (_, 502..=504) => Text::FailBusy,
            (_, 400..=499) => Text::FailSite,
            _ => Text::FailOurs,
        }
    }

    /// Whether the same request may well work with a fresh grant, at once.
    pub fn wants_a_fresh_grant(&self) -> bool {
        matches!(self.code.as_str(), "grant_expired" | "grant_reused" | "grant_not_yet_valid")
    }

    /// Whether it says that the session is not there any more, for good.
    pub const fn session_is_gone(&self) -> bool {
        matches!(self.status, 401 | 403 | 404 | 410)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Refusal, created, grant, refusal, ticket};
    use crate::{encode, media::Mode, texts::Text};

    #[test]
    fn a_created_session_is_read_and_found_again_after_a_reload() {
        let answer = json!({
            "session": "s_abc", "state": "ready", "media": "text", "join_url": null,
            "events_url": "/v1/sessions/s_abc/events", "ticket": "tick_et-1", "max_seconds": 600, "expires_at": 1,
        });
        let read = created(&answer).expect("a session");
        assert_eq!(read.ticket.mode, Mode::Text);
        assert_eq!(read.join_url, None);
        let stored: Value = serde_json::from_str(&encode::ticket(&read.ticket)).expect("JSON");
        assert_eq!(ticket(&stored), Some(read.ticket));
    }

    #[test]
    fn a_session_id_that_would_lead_elsewhere_is_not_believed() {
        assert_eq!(ticket(&json!({"session": "../x", "ticket": "t", "media": "text"})), None);
        assert_eq!(ticket(&json!({"session": "s_a", "ticket": "t, neoron", "media": "text"})), None);
        assert_eq!(grant(&json!({"grant": "a b"})), None);
    }

    #[test]
    fn an_answer_that_is_no_problem_document_still_gets_plain_words() {
        assert_eq!(refusal(503, None::<&Value>).text(), Text::FailBusy);
        assert_eq!(refusal(404, Some(&json!({"code": 5}))).text(), Text::FailSite);
        assert_eq!(Refusal::unreachable().text(), Text::FailNetwork);
        assert_eq!(refusal(429, Some(&json!({"code": "budget_exhausted"}))).text(), Text::FailBudget);
    }

    proptest! {
        #[test]
        fn any_status_and_code_have_words(status in any::<u16>(), code in any::<String>()) {
            let refused = Refusal { status, code };
            prop_assert!(!refused.text().within(crate::texts::Words::default()).is_empty());
        }
    }
}

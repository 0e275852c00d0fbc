//! Reading the answers of the site and the gateway through the same [`View`] as the frames. It never fetches anything
//! and believes no address that leads away from the gateway.

use alloc::{rc::Rc, string::String};

use neoron_protocol::frame::View;

use crate::{media::Mode, texts::Text};

/// What a tab needs to find its session, or its place in the waiting room, again. Lives in the tab's `sessionStorage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The session's or the place's id.
    pub session: String,
    /// The secret that opens it.
    pub ticket: String,
    /// How the visitor talks.
    pub mode: Mode,
}

impl Ticket {
    /// Whether it is a place in the waiting room: the id of the session to be, a dot and the site.
    pub fn waits(&self) -> bool {
        self.session.bytes().any(|byte| byte == b'.')
    }
}

/// What a visitor who wants a session gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The session.
    Created(Created),
    /// A place in the waiting room.
    Waits(Place),
}

/// A place in the waiting room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Names it.
    pub id: String,
    /// Opens it; told at the first time.
    pub ticket: Option<String>,
    /// How many come before.
    pub ahead: u32,
    /// When to ask again, in milliseconds.
    pub ask_again_in: u32,
}

/// A new session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The way back.
    pub ticket: Rc<Ticket>,
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
    // A dot inside is a place's; one at the start could lead elsewhere.
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    let plain = plain && !text.starts_with('.');
    (!text.is_empty() && text.len() <= MAX_TOKEN && plain).then_some(text)
}

/// The grant in the site's answer. It is passed on unread; only its alphabet is checked.
pub fn grant(view: &impl View) -> Option<String> {
    let grant = view.member("grant")?.text()?;
    let plain = grant.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    (!grant.is_empty() && grant.len() <= 4_096 && plain).then_some(grant)
}

/// A stored ticket, or the part of an answer that is one.
pub fn ticket(view: &impl View) -> Option<Rc<Ticket>> {
    let mode = Mode::from_wire(&view.member("media")?.text()?);
    Some(Rc::new(Ticket { session: token(view, "session")?, ticket: token(view, "ticket")?, mode }))
}

/// The answer of `POST /v1/sessions` or `POST /v1/waiting/{id}`.
pub fn answer(view: &impl View) -> Option<Answer> {
    Some(match view.member("waiting") {
        Some(place) => {
            let number = |name: &str| Some(place.member(name)?.number()? as u32);
            Answer::Waits(Place {
                id: token(&place, "id")?,
                ticket: token(&place, "ticket"),
                ahead: number("ahead")?,
                // Whatever the gateway says: neither in a loop nor after the place is lost.
                ask_again_in: number("ask_again_in")?.clamp(500, 15_000),
            })
        }
        None => {
            let join_url = view.member("join_url").and_then(|url| url.text());
            Answer::Created(Created { ticket: ticket(view)?, join_url })
        }
    })
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
            ("no_room" | "draining" | "too_many_calls", _) => Text::FailBusy,
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
        matches!(
            self.code.as_str(),
            "grant_expired" | "grant_reused" | "grant_not_yet_valid" | "proof_of_work_invalid" | "waiting_over"
        )
    }

    /// Whether a proof of work is wanted first.
    pub fn wants_a_proof(&self) -> bool {
        self.code == "proof_of_work_required"
    }

    /// Whether a place in the waiting room may still be there.
    pub const fn keeps_the_place(&self) -> bool {
        matches!(self.status, 0 | 500..)
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

    use super::{Answer, Place, Refusal, answer, grant, refusal, ticket};
    use crate::{encode, media::Mode, texts::Text};

    #[test]
    fn a_created_session_is_read_and_found_again_after_a_reload() {
        let body = json!({
            "session": "s_abc", "state": "ready", "media": "text", "join_url": null,
            "events_url": "/v1/sessions/s_abc/events", "ticket": "tick_et-1", "max_seconds": 600, "expires_at": 1,
        });
        let Some(Answer::Created(read)) = answer(&body) else { panic!("a session") };
        assert!(!read.ticket.waits());
        assert_eq!(read.ticket.mode, Mode::Text);
        assert_eq!(read.join_url, None);
        let stored: Value = serde_json::from_str(&encode::ticket(&read.ticket)).expect("JSON");
        assert_eq!(ticket(&stored), Some(read.ticket));
    }

    #[test]
    fn a_place_is_read_and_found_again_after_a_reload() {
        let waits =
            |ask: u64| json!({"waiting": {"id": "s_a.pizza", "ticket": "t", "ahead": 2, "of": 5, "ask_again_in": ask}});
        let place = |ask_again_in| Place { id: "s_a.pizza".into(), ticket: Some("t".into()), ahead: 2, ask_again_in };
        assert_eq!(answer(&waits(1_500)), Some(Answer::Waits(place(1_500))));
        assert_eq!(answer(&waits(0)), Some(Answer::Waits(place(500))));
        assert_eq!(answer(&waits(u64::MAX)), Some(Answer::Waits(place(15_000))));
        assert_eq!(answer(&json!({"waiting": {"id": "s_a"}})), None);
        let stored = ticket(&json!({"session": "s_a.pizza", "ticket": "t", "media": "voice"})).expect("a place");
        assert!(stored.waits());
    }

    #[test]
    fn a_session_id_that_would_lead_elsewhere_is_not_believed() {
        assert_eq!(ticket(&json!({"session": "../x", "ticket": "t", "media": "text"})), None);
        assert_eq!(ticket(&json!({"session": "s_a", "ticket": "t, neoron", "media": "text"})), None);
        assert_eq!(ticket(&json!({"session": "..", "ticket": "t", "media": "text"})), None);
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

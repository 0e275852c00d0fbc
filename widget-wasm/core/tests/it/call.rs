//! The whole call: consent, resume, messages that are neither lost nor doubled, the end.

use std::rc::Rc;

use neoron_protocol::frame::{MAX_TEXT_BYTES, ServerFrame};
use neoron_widget_core::{
    answers::{Answer, Created, Place, Refusal, Ticket},
    call::{Effect, End, Fetched, MAX_OUTBOX, Msg, Phase, Step, Timer},
    feed::Entry,
    media::{self, Media, Mode},
    signalling::Signalling,
    texts::Text,
};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Popup, document, frame, line, quote, ticket};

fn refused(status: u16, code: &str) -> Refusal {
    Refusal { status, code: code.into() }
}

fn snapshot(epoch: &str, upto: u64, lines: &serde_json::Value) -> ServerFrame {
    let data = json!({"state": "active", "upto": upto, "transcript": lines, "quotes": [], "documents": []});
    frame(epoch, 0, "snapshot", &data)
}

fn texts(popup: &Popup) -> Vec<&str> {
    let lines = popup.model.feed.items().iter().filter_map(|item| match &item.entry {
        Entry::Line(line) => Some(line.text.as_str()),
        _ => None,
    });
    lines.collect()
}

#[test]
fn opening_the_popup_contacts_nobody() {
    let mut popup = Popup::new();
    let effects = popup.tell(Msg::Open);
    assert!(effects.iter().all(|effect| matches!(effect, Effect::Show | Effect::Focus(_) | Effect::Emit(_))));
}

#[test]
fn a_text_call_asks_for_a_grant_then_a_session_then_a_socket() {
    let mut popup = Popup::new();
    popup.tell(Msg::Open);
    assert!(popup.tell(Msg::Choose(Mode::Text)).iter().any(|effect| matches!(effect, Effect::RequestGrant(_))));
    let effects = popup.tell(Msg::Grant(Ok("g.g.g".into())));
    assert_eq!(effects, [Effect::CreateSession { grant: "g.g.g".into(), mode: Mode::Text, proof: None }]);
    let effects = popup.tell(Msg::Answered(Ok(Answer::Created(Created { ticket: ticket(), join_url: None }))));
    assert!(effects.contains(&Effect::StoreTicket(ticket())));
    assert!(effects.contains(&Effect::OpenSocket(ticket())));
    let hello = Popup::sent(&popup.tell(Msg::SocketOpened));
    assert_eq!(hello, [json!({"type": "resume", "epoch": "", "offset": 0})]);
}

#[test]
fn a_reconnect_tells_what_is_known_and_passes_over_what_was_seen() {
    let mut popup = Popup::live();
    popup.event("transcript", &line("a", "agent", "Hi", true));
    popup.event("transcript", &line("b", "agent", "there", true));
    popup.tell(Msg::SocketClosed { by_gateway: false });
    popup.tell(Msg::Due(Timer::Signalling));
    let hello = Popup::sent(&popup.tell(Msg::SocketOpened));
    assert_eq!(hello, [json!({"type": "resume", "epoch": "e1", "offset": 2})]);
    let again = frame("e1", 2, "transcript", &line("b", "agent", "something else", true));
    popup.tell(Msg::Frame(again));
    assert_eq!(texts(&popup), ["Hi", "there"]);
}

#[test]
fn a_missing_event_asks_for_a_fresh_connection_once() {
    let mut popup = Popup::live();
    popup.event("transcript", &line("a", "agent", "one", true));
    let jump = || Msg::Frame(frame("e1", 3, "transcript", &line("c", "agent", "three", true)));
    assert!(popup.tell(jump()).contains(&Effect::OpenSocket(ticket())));
    assert_eq!(texts(&popup), ["one"]);
    popup.tell(Msg::SocketOpened);
    // The gateway really has no second one: going round in circles would help nobody.
    popup.tell(jump());
    assert_eq!(texts(&popup), ["one", "three"]);
}

#[test]
fn a_snapshot_replaces_the_window_and_keeps_what_was_typed() {
    let mut popup = Popup::live();
    popup.event("transcript", &line("a", "agent", "old", true));
    popup.tell(Msg::SocketClosed { by_gateway: false });
    popup.tell(Msg::Say("typed meanwhile".into()));
    popup.tell(Msg::Due(Timer::Signalling));
    popup.tell(Msg::SocketOpened);
    popup.tell(Msg::Frame(snapshot("e2", 9, &json!([line("a", "agent", "new", true)]))));
    assert_eq!(texts(&popup), ["new", "typed meanwhile"]);
    popup.tell(Msg::Frame(frame("e2", 10, "transcript", &line("b", "agent", "next", true))));
    assert_eq!(texts(&popup), ["new", "typed meanwhile", "next"]);
}

#[test]
fn a_message_is_sent_again_until_the_gateway_shows_it() {
    let mut popup = Popup::live();
    let first = Popup::sent(&popup.tell(Msg::Say("  pizza  ".into())));
    assert_eq!(first[0]["text"], "pizza");
    popup.tell(Msg::SocketClosed { by_gateway: false });
    popup.tell(Msg::Due(Timer::Signalling));
    let again = Popup::sent(&popup.tell(Msg::SocketOpened));
    assert_eq!(again[1], first[0], "the same id, so that it is one message");
    popup.event("transcript", &line(first[0]["id"].as_str().unwrap(), "visitor", "pizza", true));
    assert_eq!(texts(&popup), ["pizza"]);
    popup.tell(Msg::SocketClosed { by_gateway: false });
    popup.tell(Msg::Due(Timer::Signalling));
    assert_eq!(Popup::sent(&popup.tell(Msg::SocketOpened)).len(), 1, "only the resume");
}

#[test]
fn the_outbox_is_bounded_and_says_so() {
    let mut popup = Popup::live();
    popup.tell(Msg::SocketClosed { by_gateway: false });
    for number in 0..=MAX_OUTBOX {
        popup.tell(Msg::Say(number.to_string()));
    }
    assert_eq!(texts(&popup).len(), MAX_OUTBOX);
    assert!(matches!(&popup.model.feed.items().last().unwrap().entry, Entry::Note(..)));
}

#[test]
fn a_text_longer_than_a_frame_is_cut_at_a_character() {
    let mut popup = Popup::live();
    let sent = Popup::sent(&popup.tell(Msg::Say("ü".repeat(MAX_TEXT_BYTES))));
    assert_eq!(sent[0]["text"].as_str().unwrap().len(), MAX_TEXT_BYTES);
}

#[test]
fn a_yes_is_one_click_and_a_change_is_the_text_field() {
    let mut popup = Popup::live();
    popup.event("quote", &quote(1, "open"));
    assert!(Popup::sent(&popup.tell(Msg::Reply(1))).is_empty());
    let sent = Popup::sent(&popup.tell(Msg::Reply(0)));
    assert_eq!(sent[0]["text"], "Yes, place it");
    assert!(popup.tell(Msg::Reply(99)).is_empty());
}

#[test]
fn only_new_final_lines_of_the_agent_are_read_aloud_and_never_over_a_voice_call() {
    let mut popup = Popup::live();
    popup.tell(Msg::Sound(true));
    assert!(popup.event("transcript", &line("a", "agent", "Hel", false)).is_empty());
    assert_eq!(popup.event("transcript", &line("a", "agent", "Hello", true)), [Effect::Speak("Hello".into())]);
    assert!(popup.event("transcript", &line("b", "visitor", "Hi", true)).is_empty());
    popup.model.media = Media::Live(media::Status::Speaking);
    assert!(popup.event("transcript", &line("c", "agent", "Heard", true)).is_empty());
}

#[test]
fn no_event_of_the_voice_path_hides_a_broken_socket() {
    let mut popup = Popup::live();
    popup.model.media = Media::Live(media::Status::Thinking);
    popup.tell(Msg::SocketClosed { by_gateway: false });
    assert_eq!(popup.model.warning(), Some(Text::OfflineVoice));
    popup.tell(Msg::Media(media::Event::Status(media::Status::Listening)));
    assert_eq!(popup.model.warning(), Some(Text::OfflineVoice));
    assert_eq!(popup.model.signalling, Signalling::Reconnecting { attempt: 1 });
}

#[test]
fn a_refused_microphone_and_a_busy_voice_service_go_on_in_text() {
    let mut popup = Popup::new();
    popup.tell(Msg::Choose(Mode::Voice));
    assert_eq!(popup.model.phase, Phase::Starting(Step::Microphone));
    popup.tell(Msg::Media(media::Event::Refused(media::Refusal::Denied)));
    assert_eq!(popup.model.phase, Phase::Starting(Step::Grant));
    let effects = popup.tell(Msg::Grant(Ok("g.g.g".into())));
    assert!(matches!(&effects[..], [Effect::CreateSession { mode: Mode::Text, .. }]));

    let mut popup = Popup::new();
    popup.tell(Msg::Choose(Mode::Voice));
    popup.tell(Msg::Media(media::Event::Granted));
    popup.tell(Msg::Grant(Ok("g.g.g".into())));
    let effects = popup.tell(Msg::Answered(Err(refused(503, "voice_unavailable"))));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::RequestGrant(_))), "a grant works once");
    assert_eq!(popup.model.media, Media::Text);
}

#[test]
fn a_used_grant_is_replaced_once_and_then_told() {
    let mut popup = Popup::new();
    popup.tell(Msg::Choose(Mode::Text));
    popup.tell(Msg::Grant(Ok("g.g.g".into())));
    popup.tell(Msg::Answered(Err(refused(409, "grant_reused"))));
    assert_eq!(popup.model.phase, Phase::Starting(Step::Grant));
    popup.tell(Msg::Grant(Ok("h.h.h".into())));
    popup.tell(Msg::Answered(Err(refused(409, "grant_reused"))));
    assert!(matches!(popup.model.phase, Phase::Failed(_)));
}

#[test]
fn a_reload_goes_on_from_the_gateways_snapshot_and_says_nothing_twice() {
    let mut popup = Popup::new();
    assert_eq!(popup.tell(Msg::Found(ticket())), [Effect::Show, Effect::FetchSession(ticket())]);
    popup.tell(Msg::Sound(true));
    let lines = json!([line("a", "agent", "Hi", true)]);
    let fetched = Fetched { epoch: "e1".into(), snapshot: snapshot("e1", 1, &lines) };
    let effects = popup.tell(Msg::Fetched(Ok(fetched)));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Speak(_))));
    assert_eq!(Popup::sent(&popup.tell(Msg::SocketOpened)), [json!({"type": "resume", "epoch": "e1", "offset": 1})]);
    assert_eq!(texts(&popup), ["Hi"]);
}

#[test]
fn a_gateway_that_is_down_at_a_reload_keeps_the_way_back() {
    let mut popup = Popup::new();
    popup.tell(Msg::Found(ticket()));
    assert!(!popup.tell(Msg::Fetched(Err(refused(503, "draining")))).contains(&Effect::ClearTicket));
    assert_eq!(popup.tell(Msg::Retry), [Effect::FetchSession(ticket())]);
}

#[test]
fn hanging_up_is_confirmed_by_the_gateway_or_goes_by_http() {
    let mut popup = Popup::live();
    assert_eq!(Popup::sent(&popup.tell(Msg::HangUp)), [json!({"type": "end"})]);
    popup.event("session", &json!({"state": "completed"}));
    assert_eq!(popup.model.phase, Phase::Over(End::Well));

    let mut popup = Popup::live();
    popup.tell(Msg::SocketClosed { by_gateway: false });
    assert!(popup.tell(Msg::HangUp).contains(&Effect::EndSession(ticket())));
    assert_eq!(popup.model.phase, Phase::Over(End::Well));
}

#[test]
fn the_socket_outlives_the_talk_while_a_document_moves() {
    let mut popup = Popup::live();
    popup.event("document", &document("received"));
    popup.event("session", &json!({"state": "completed"}));
    assert_eq!(popup.model.signalling, Signalling::Open);
    assert!(popup.event("document", &document("done")).contains(&Effect::CloseSocket));
    assert_eq!(popup.model.signalling, Signalling::Ended);
}

#[test]
fn a_page_that_leaves_keeps_the_session_and_one_that_comes_back_resumes() {
    let mut popup = Popup::live();
    let effects = popup.tell(Msg::PageHide);
    assert!(effects.contains(&Effect::CloseSocket));
    assert!(Popup::sent(&effects).is_empty());
    assert!(popup.tell(Msg::PageShow).contains(&Effect::OpenSocket(ticket())));
}

fn place() -> Rc<Ticket> {
    Rc::new(Ticket { session: "s_1.pizza".into(), ticket: "waits".into(), mode: Mode::Text })
}

fn waits(ahead: u32, first: bool) -> Msg {
    let ticket = first.then(|| place().ticket.clone());
    Msg::Answered(Ok(Answer::Waits(Place { id: place().session.clone(), ticket, ahead, ask_again_in: 1_500 })))
}

/// A visitor of a text conversation who waits behind one other.
fn waiting() -> Popup {
    let mut popup = Popup::new();
    popup.tell(Msg::Open);
    popup.tell(Msg::Choose(Mode::Text));
    popup.tell(Msg::Grant(Ok("g.g.g".into())));
    let effects = popup.tell(waits(1, true));
    assert!(effects.contains(&Effect::StoreTicket(place())));
    assert!(effects.contains(&Effect::Wait(Timer::Place, 1_500)));
    popup
}

#[test]
fn who_waits_sees_the_place_asks_for_it_and_gets_in() {
    let mut popup = waiting();
    assert_eq!(popup.model.phase, Phase::Waiting(1));
    assert!(popup.model.place().contains("number 2"));
    assert_eq!(popup.tell(Msg::Due(Timer::Place)), [Effect::Forget(Timer::Place), Effect::AskPlace(place())]);
    assert!(popup.tell(Msg::Nudge).is_empty(), "one question at a time");
    let effects = popup.tell(waits(0, false));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Announce(text) if text.contains("number 1"))));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Focus(_) | Effect::StoreTicket(_))));
    popup.tell(Msg::Due(Timer::Place));
    let effects = popup.tell(Msg::Answered(Ok(Answer::Created(Created { ticket: ticket(), join_url: None }))));
    assert!(effects.contains(&Effect::StoreTicket(ticket())) && effects.contains(&Effect::OpenSocket(ticket())));
    assert_eq!(popup.model.phase, Phase::Live);
}

#[test]
fn a_reload_asks_for_the_same_place_and_leaves_it_on_request() {
    let mut popup = Popup::new();
    let effects = popup.tell(Msg::Found(place()));
    assert!(effects.contains(&Effect::Show) && effects.contains(&Effect::AskPlace(place())));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::RequestGrant(_))));
    popup.tell(waits(3, false));
    assert_eq!(popup.model.phase, Phase::Waiting(3));
    let effects = popup.tell(Msg::HangUp);
    for effect in [Effect::LeavePlace(place()), Effect::ClearTicket, Effect::Forget(Timer::Place), Effect::Hide] {
        assert!(effects.contains(&effect), "{effect:?}");
    }
    assert_eq!(popup.model.phase, Phase::Choice);
}

#[test]
fn a_reload_of_who_waits_for_a_voice_call_asks_for_the_microphone_first() {
    let voice = Rc::new(Ticket { mode: Mode::Voice, ..(*place()).clone() });
    let mut popup = Popup::new();
    assert!(popup.tell(Msg::Found(voice.clone())).contains(&Effect::AskMicrophone));
    assert!(popup.tell(Msg::Media(media::Event::Granted)).contains(&Effect::AskPlace(voice.clone())));

    let mut popup = Popup::new();
    popup.tell(Msg::Found(voice.clone()));
    let effects = popup.tell(Msg::Media(media::Event::Refused(media::Refusal::Denied)));
    assert!(effects.contains(&Effect::LeavePlace(voice)), "it is a place for another conversation");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::RequestGrant(_))));
}

#[test]
fn a_gateway_that_does_not_answer_costs_no_place_and_one_that_gave_it_away_a_new_start() {
    let mut popup = waiting();
    for refusal in [Refusal::unreachable(), refused(503, "draining")] {
        popup.tell(Msg::Due(Timer::Place));
        let effects = popup.tell(Msg::Answered(Err(refusal)));
        assert_eq!(effects, [Effect::Wait(Timer::Place, 3_000)]);
    }
    popup.tell(Msg::Due(Timer::Place));
    let effects = popup.tell(Msg::Answered(Err(refused(410, "waiting_over"))));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::RequestGrant(_))), "at the end of the queue again");
    popup.tell(Msg::Grant(Ok("h.h.h".into())));
    popup.tell(waits(9, true));
    popup.tell(Msg::Due(Timer::Place));
    popup.tell(Msg::Answered(Err(refused(429, "budget_exhausted"))));
    assert!(matches!(popup.model.phase, Phase::Failed(_)));
}

#[test]
fn a_challenge_is_solved_once_for_the_same_grant() {
    let asks = || Msg::Answered(Err(refused(403, "proof_of_work_required")));
    let mut popup = Popup::new();
    popup.tell(Msg::Choose(Mode::Text));
    popup.tell(Msg::Grant(Ok("g.g.g".into())));
    assert_eq!(popup.tell(asks()), [Effect::Prove]);
    let effects = popup.tell(Msg::Proved(Some("cHJvb2Y=".into())));
    let (grant, proof) = ("g.g.g".into(), Some("cHJvb2Y=".into()));
    assert_eq!(effects, [Effect::CreateSession { grant, mode: Mode::Text, proof }]);
    popup.tell(asks());
    assert!(matches!(popup.model.phase, Phase::Failed(_)), "not in a circle");
    assert!(popup.tell(Msg::Proved(Some("late".into()))).is_empty());
}

#[derive(Clone, Debug)]
enum Happening {
    Event(bool),
    Cut,
    Say,
    Open,
    Due,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        any::<bool>().prop_map(Happening::Event),
        Just(Happening::Cut),
        Just(Happening::Say),
        Just(Happening::Open),
        Just(Happening::Due),
    ]
}

proptest! {
    /// A gateway that keeps its promise: after each resume, what was missed and then what comes.
    #[test]
    fn whatever_is_cut_every_line_is_shown_once_and_in_order(happenings in prop::collection::vec(happening(), 0..80)) {
        let mut popup = Popup::live();
        let mut stream: Vec<ServerFrame> = Vec::new();
        let mut connected = true;
        let deliver = |popup: &mut Popup, stream: &[ServerFrame], from: u64| {
            for frame in stream.iter().skip(usize::try_from(from).unwrap()) {
                popup.tell(Msg::Frame(frame.clone()));
            }
        };
        for happening in happenings {
            match happening {
                Happening::Event(repeated) => {
                    let offset = stream.len() as u64 + 1;
                    stream.push(frame("e1", offset, "transcript", &line(&offset.to_string(), "agent", &offset.to_string(), true)));
                    if connected {
                        deliver(&mut popup, &stream, offset - 1);
                        if repeated { deliver(&mut popup, &stream, 0); }
                    }
                }
                Happening::Cut if connected => {
                    connected = false;
                    popup.tell(Msg::SocketClosed { by_gateway: false });
                }
                Happening::Due | Happening::Open if !connected => {
                    popup.tell(Msg::Nudge);
                    let hello = Popup::sent(&popup.tell(Msg::SocketOpened));
                    if let Some(resume) = hello.first() {
                        connected = true;
                        deliver(&mut popup, &stream, resume["offset"].as_u64().unwrap());
                    }
                }
                Happening::Say => { popup.tell(Msg::Say("x".into())); }
                _ => {}
            }
        }
        popup.tell(Msg::Nudge);
        let hello = Popup::sent(&popup.tell(Msg::SocketOpened));
        if let Some(offset) = hello.first().and_then(|resume| resume["offset"].as_u64()) {
            deliver(&mut popup, &stream, offset);
        }
        let shown: Vec<_> = texts(&popup).into_iter().filter(|text| *text != "x").map(String::from).collect();
        let wanted: Vec<_> = (1..=stream.len()).map(|number| number.to_string()).collect();
        prop_assert_eq!(shown, wanted);
    }
}

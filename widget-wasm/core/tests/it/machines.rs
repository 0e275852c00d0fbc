//! The two state machines: each alone, and that neither can hide what the other knows.

use neoron_widget_core::{
    media::{self, Media, Mode, Status},
    signalling::{self, Action, Event, LONGEST_WAIT_MS, MAX_ATTEMPTS, Signalling},
};
use proptest::prelude::*;

fn after_all(events: &[Event]) -> Signalling {
    events.iter().fold(Signalling::Idle, |state, event| state.after(*event, 1).0)
}

#[test]
fn a_first_connection_opens_quietly_and_a_later_one_says_that_it_is_back() {
    assert_eq!(after_all(&[Event::Start, Event::Opened]), Signalling::Open);
    let back = after_all(&[Event::Start, Event::Opened, Event::Closed, Event::Due, Event::Opened]);
    assert_eq!(back, Signalling::Resumed { attempt: 1 });
    assert_eq!(back.after(Event::Due, 0).0, Signalling::Open);
}

#[test]
fn a_gateway_that_accepts_and_drops_is_asked_ever_more_rarely_and_then_given_up() {
    let mut state = after_all(&[Event::Start, Event::Opened]);
    for _ in 0..=MAX_ATTEMPTS {
        for event in [Event::Closed, Event::Due, Event::Opened] {
            state = state.after(event, 0).0;
        }
    }
    assert_eq!(state, Signalling::Lost);
    assert_eq!(state.after(Event::Nudge, 0).1, Action::Open);
}

#[test]
fn every_third_failure_looks_whether_the_session_is_still_there() {
    let mut state = after_all(&[Event::Start]);
    let mut probes = 0;
    for _ in 0..MAX_ATTEMPTS {
        let (next, action) = state.after(Event::Closed, 0);
        probes += u32::from(matches!(action, Action::WaitAndProbe(_)));
        state = next.after(Event::Due, 0).0;
    }
    assert_eq!(probes, 3);
}

#[test]
fn a_leaving_gateway_names_the_moment_and_an_early_close_does_not_hurry_it() {
    let (state, action) = Signalling::Open.after(Event::Leaving(1_500), 0);
    assert_eq!((state, action), (Signalling::GoingAway, Action::Wait(1_500)));
    assert_eq!(state.after(Event::Closed, 0), (Signalling::GoingAway, Action::None));
    assert_eq!(state.after(Event::Due, 0).1, Action::Open);
    assert_eq!(Signalling::Open.after(Event::Leaving(u32::MAX), 0).1, Action::Wait(signalling::LONGEST_MOVE_MS));
}

#[test]
fn the_microphone_comes_before_the_call() {
    let (asking, action) = Media::Off.after(media::Event::Chosen(Mode::Voice));
    assert_eq!((asking, action), (Media::Asking, media::Action::Ask));
    assert_eq!(asking.after(media::Event::Granted).1, media::Action::Begin(Mode::Voice));
    let (text, action) = asking.after(media::Event::Refused(media::Refusal::Policy));
    assert_eq!(text, Media::Text);
    assert!(matches!(action, media::Action::FallBack(_)));
}

#[test]
fn a_mute_outlasts_what_the_voice_service_says() {
    let muted = Media::Live(Status::Listening).after(media::Event::Mute(true)).0;
    assert_eq!(muted.after(media::Event::Status(Status::Speaking)).0, Media::Muted(Status::Speaking));
}

#[test]
fn a_join_that_hangs_is_left() {
    assert_eq!(Media::Joining.after(media::Event::Overdue), (Media::Lost, media::Action::Leave));
    assert_eq!(Media::Live(Status::Speaking).after(media::Event::Overdue).0, Media::Live(Status::Speaking));
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Start),
        Just(Event::Opened),
        Just(Event::Closed),
        any::<u32>().prop_map(Event::Leaving),
        Just(Event::Due),
        Just(Event::Nudge),
        Just(Event::Gap),
        Just(Event::Stop),
    ]
}

proptest! {
    #[test]
    fn a_wait_is_never_longer_than_its_cap_and_never_shorter_than_half(attempt in any::<u32>(), random in any::<u32>()) {
        let pause = signalling::wait(attempt, random);
        prop_assert!(pause <= LONGEST_WAIT_MS);
        prop_assert!(pause >= signalling::FIRST_WAIT_MS / 2);
    }

    #[test]
    fn whatever_happens_a_live_session_either_has_a_socket_a_wait_or_a_button(events in prop::collection::vec((event(), any::<u32>()), 0..60)) {
        let mut state = Signalling::Idle;
        let (mut socket, mut timer) = (false, false);
        for (event, random) in events {
            // Only what can happen: a timer that was asked for, a socket that there is.
            match event {
                Event::Due if !timer => continue,
                Event::Closed | Event::Opened if !socket => continue,
                _ => {}
            }
            if event == Event::Due { timer = false }
            if event == Event::Closed { socket = false }
            let (next, action) = state.after(event, random);
            match action {
                Action::Open => (socket, timer) = (true, false),
                Action::Wait(_) | Action::WaitAndProbe(_) => timer = true,
                Action::Close => (socket, timer) = (false, false),
                Action::None => {}
            }
            state = next;
            let at_rest = matches!(state, Signalling::Idle | Signalling::Ended | Signalling::Lost);
            prop_assert!(at_rest || socket || timer, "stuck in {state:?} after {event:?}");
        }
    }

    #[test]
    fn a_call_that_stopped_is_off(statuses in prop::collection::vec(0..6u8, 0..20)) {
        let mut state = Media::Off;
        for status in statuses {
            let event = match status {
                0 => media::Event::Chosen(Mode::Voice),
                1 => media::Event::Granted,
                2 => media::Event::Status(Status::Thinking),
                3 => media::Event::Broken,
                4 => media::Event::Mute(true),
                _ => media::Event::Writing(true),
            };
            state = state.after(event).0;
        }
        prop_assert_eq!(state.after(media::Event::Stop).0, Media::Off);
    }
}

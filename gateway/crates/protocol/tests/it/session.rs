use neoron_protocol::session::{EndReason, Event, State};
use proptest::prelude::*;

const EVENTS: [Event; 10] = [
    Event::CallCreated,
    Event::CallRefused,
    Event::Joined,
    Event::EndRequested,
    Event::CallEnded(EndReason::Unjoined),
    Event::CallEnded(EndReason::Hangup),
    Event::CallEnded(EndReason::AgentHangup),
    Event::CallEnded(EndReason::Timeout),
    Event::CallEnded(EndReason::ConnectionError),
    Event::CallEnded(EndReason::SystemError),
];

fn walk(events: &[Event]) -> State {
    events.iter().fold(State::Initializing, |state, event| state.after(*event).unwrap_or(state))
}

#[test]
fn a_call_goes_from_initializing_to_completed() {
    let ended = Event::CallEnded(EndReason::Hangup);
    let states: Vec<_> = [Event::CallCreated, Event::Joined, Event::EndRequested, ended]
        .into_iter()
        .scan(State::Initializing, |state, event| {
            *state = state.after(event).unwrap();
            Some(*state)
        })
        .collect();
    assert_eq!(states, [State::Ready, State::Active, State::Ending, State::Completed]);
}

#[test]
fn a_call_that_nobody_joined_is_abandoned() {
    assert_eq!(walk(&[Event::CallCreated, Event::CallEnded(EndReason::Unjoined)]), State::Abandoned);
}

#[test]
fn a_refused_or_broken_call_has_failed() {
    assert_eq!(walk(&[Event::CallRefused]), State::Failed);
    assert_eq!(walk(&[Event::CallCreated, Event::Joined, Event::CallEnded(EndReason::SystemError)]), State::Failed);
}

#[test]
fn a_join_reported_before_the_creation_is_kept() {
    assert_eq!(walk(&[Event::Joined, Event::CallCreated]), State::Active);
}

#[test]
fn the_end_may_be_reported_twice() {
    let ended = Event::CallEnded(EndReason::Hangup);
    assert_eq!(State::Completed.after(ended), Ok(State::Completed));
}

#[test]
fn words_are_read_back() {
    for state in State::ALL {
        assert_eq!(State::from_wire(state.as_str()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    assert_eq!(State::from_wire("sleeping"), None);
    assert_eq!(EndReason::from_wire("agent_hangup"), Some(EndReason::AgentHangup));
    assert_eq!(EndReason::from_wire(""), None);
}

proptest! {
    #[test]
    fn a_final_state_is_never_left(order in prop::collection::vec(0..EVENTS.len(), 0..20)) {
        let mut state = State::Initializing;
        for event in order {
            let next = state.after(EVENTS[event]).unwrap_or(state);
            prop_assert!(!state.is_final() || next == state);
            state = next;
        }
    }

    #[test]
    fn every_order_of_reports_that_holds_an_end_ends(order in prop::collection::vec(0..EVENTS.len(), 0..12), end in 4..EVENTS.len()) {
        let mut events: Vec<_> = order.into_iter().map(|index| EVENTS[index]).collect();
        events.push(EVENTS[end]);
        prop_assert!(walk(&events).is_final());
    }
}

use neoron_protocol::{
    UnixMillis,
    frame::{self, Body, ClientFrame, ServerFrame},
    session::State,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::vectors;

fn line() -> frame::Line {
    frame::Line { label: "Margherita pizza".into(), quantity: 2, amount: Some(pounds(1_900)) }
}

fn pounds(minor: i64) -> frame::Money {
    frame::Money { minor, currency: "GBP".into() }
}

fn transcript() -> frame::Transcript {
    frame::Transcript {
        line: "a3".into(),
        speaker: frame::Speaker::Agent,
        text: "That is two “Margherita” pizzas – right?\n".into(),
        r#final: true,
    }
}

fn quote() -> frame::Quote {
    frame::Quote {
        quote: "q_0000000000000000000000000a".into(),
        revision: 2,
        title: "Order".into(),
        state: frame::QuoteState::Open,
        lines: vec![line()],
        total: Some(pounds(1_900)),
        expires_at: Some(UnixMillis(1_767_323_645_000)),
    }
}

fn document() -> frame::Document {
    frame::Document {
        card: "q_0000000000000000000000000a".into(),
        title: "Order".into(),
        number: Some("VO-0001".into()),
        status: "Ready".into(),
        stage: frame::Stage::Ready,
        lines: vec![line()],
        total: Some(pounds(1_900)),
        estimated_minutes: None,
    }
}

fn server_frames() -> Vec<ServerFrame> {
    let bodies = [
        Body::Session(frame::Session { state: State::Active }),
        Body::Transcript(transcript()),
        Body::Tool(frame::Tool { tool: "placeOrder".into(), phase: frame::ToolPhase::Started }),
        Body::Quote(quote()),
        Body::Document(document()),
        Body::Document(frame::Document { number: None, total: None, lines: vec![], ..document() }),
        Body::Notice(frame::Notice { code: "queued".into(), text: "On its way.".into(), level: frame::Level::Info }),
        Body::GoingAway(frame::GoingAway { reconnect_in: 1_500 }),
        Body::Snapshot(frame::Snapshot {
            state: State::Active,
            upto: 17,
            transcript: vec![transcript()],
            quotes: vec![quote()],
            documents: vec![document()],
        }),
    ];
    bodies
        .into_iter()
        .zip(1..)
        .map(|(body, offset)| ServerFrame {
            epoch: "00112233aabbccdd".into(),
            offset,
            at: UnixMillis(1_767_323_045_678),
            body,
        })
        .collect()
}

#[test]
fn server_frames_are_as_in_the_golden_file_and_read_back() {
    let made = serde_json::to_value(server_frames()).unwrap();
    vectors::assert_golden("server-frames.json", &made);
    for (value, frame) in vectors::read("server-frames.json").as_array().unwrap().iter().zip(server_frames()) {
        assert_eq!(frame::server(value), Ok(frame), "{value}");
    }
}

#[test]
fn client_frames_are_as_in_the_golden_file_and_read_back() {
    let frames = [
        ClientFrame::Resume { epoch: "00112233aabbccdd".into(), offset: 17 },
        ClientFrame::Resume { epoch: String::new(), offset: 0 },
        ClientFrame::Text { id: "m1".into(), text: "two “margheritas”, please\\\u{7}".into() },
        ClientFrame::End,
    ];
    vectors::assert_golden("client-frames.json", &serde_json::to_value(&frames).unwrap());
    for (value, frame) in vectors::read("client-frames.json").as_array().unwrap().iter().zip(frames) {
        assert_eq!(frame::client(value), Ok(frame), "{value}");
    }
}

#[test]
fn an_unknown_type_is_passed_over_with_or_without_data() {
    let newer = json!({"epoch": "e", "offset": 1, "at": 2, "type": "hologram", "data": {"x": 1}});
    assert_eq!(frame::server(&newer).unwrap().body, Body::Unknown);
    let bare = json!({"epoch": "e", "offset": 1, "at": 2, "type": "hologram"});
    assert_eq!(frame::server(&bare).unwrap().body, Body::Unknown);
    assert_eq!(frame::client(&json!({"type": "dance"})), Ok(ClientFrame::Unknown));
}

#[test]
fn a_member_that_is_wrong_is_named() {
    let refused = |value: Value| frame::server(&value).unwrap_err().member;
    assert_eq!(refused(json!({})), "type");
    assert_eq!(refused(json!({"type": "session", "data": {"state": "ready"}, "offset": 1, "at": 1})), "epoch");
    let with = |offset: Value, state: &str| json!({"epoch": "e", "offset": offset, "at": 1, "type": "session", "data": {"state": state}});
    assert_eq!(refused(with(json!(-1), "ready")), "offset");
    assert_eq!(refused(with(json!(1.5), "ready")), "offset");
    assert_eq!(refused(with(json!(1e300), "ready")), "offset");
    assert_eq!(refused(with(json!(1), "asleep")), "state");
}

#[test]
fn a_visitors_text_is_bounded() {
    let text = |id: &str, text: &str| frame::client(&json!({"type": "text", "id": id, "text": text}));
    assert!(text("m1", &"x".repeat(frame::MAX_TEXT_BYTES)).is_ok());
    assert_eq!(text("m1", &"x".repeat(frame::MAX_TEXT_BYTES + 1)).unwrap_err().member, "text");
    assert_eq!(text("m1", "  \n").unwrap_err().member, "text");
    assert_eq!(text("", "hello").unwrap_err().member, "id");
    assert_eq!(text(&"m".repeat(65), "hello").unwrap_err().member, "id");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let key = prop_oneof![
            Just("type".to_owned()),
            Just("data".to_owned()),
            Just("epoch".to_owned()),
            Just("offset".to_owned()),
            "[a-z]{1,6}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(value in any_json()) {
        let _ = frame::server(&value);
        let _ = frame::client(&value);
    }

    #[test]
    fn money_keeps_every_penny(minor in -9_007_199_254_740_991_i64..=9_007_199_254_740_991) {
        let document = frame::Document { total: Some(pounds(minor)), ..document() };
        let sent = ServerFrame { epoch: "e".into(), offset: 1, at: UnixMillis(1), body: Body::Document(document) };
        prop_assert_eq!(frame::server(&serde_json::to_value(&sent).unwrap()), Ok(sent));
    }
}

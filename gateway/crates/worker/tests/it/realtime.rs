//! The realtime socket and the event stream.

use futures_util::StreamExt;
use neoron_protocol::frame::{Body, Level};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{World, answer, socket::Socket, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_ticket_is_refused_before_the_upgrade() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    let other = world.session("voice").await;
    let refused = Socket::dial(&world.edge.url(), &visitor.id, &other.ticket).await.err().expect("refused");
    assert_eq!(refused["code"], "ticket_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    let (mut epoch, mut offset, mut texts) = (String::new(), 0, Vec::new());
    for (number, said) in ["what is on the menu?", "hello", "what is on the menu?", "thanks"].into_iter().enumerate() {
        // Each line in a connection of its own, and only a few frames read of it.
        let mut socket = Socket::open(&world.edge.url(), &visitor.id, &visitor.ticket, &epoch, offset).await;
        socket.say(&format!("m{number}"), said).await;
        for _ in 0..2 {
            socket.next().await.unwrap();
        }
        (epoch, offset) = (socket.epoch, socket.offset);
        texts.extend(socket.frames);
    }
    let mut last = Socket::open(&world.edge.url(), &visitor.id, &visitor.ticket, &epoch, offset).await;
    last.say("end", "finally").await;
    last.heard("finally").await;
    texts.extend(last.frames);
    // `Socket::next` insists on offsets without a gap; here only that the line is one.
    let offsets: Vec<u64> = texts.iter().map(|frame| frame.offset).collect();
    assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_another_epoch_gets_one_snapshot() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    world.socket(&visitor).await.heard("what may I get you").await;
    let mut socket = Socket::open(&world.edge.url(), &visitor.id, &visitor.ticket, "0000000000000000", 7).await;
    let Body::Snapshot(snapshot) = socket.next().await.unwrap().body else { panic!("{:?}", socket.frames) };
    assert!(snapshot.transcript.iter().any(|line| line.text.contains("what may I get you")));
    socket.say("m1", "hello").await;
    socket.heard("hello").await;
    assert_eq!(socket.frames.iter().filter(|frame| matches!(frame.body, Body::Snapshot(_))).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_ends_the_connection_and_an_unknown_type_does_not() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    let edge = world.edge.url();
    let mut early = Socket::dial(&edge, &visitor.id, &visitor.ticket).await.unwrap();
    early.say("m1", "hello").await;
    assert_eq!(early.closed().await, Some(1008), "the first frame must be resume");
    let mut socket = world.socket(&visitor).await;
    socket.send(&json!({"type": "of_a_newer_popup"})).await;
    socket.say("m2", "hello").await;
    socket.heard("hello").await;
    socket.send(&json!({"type": "text", "id": "m3"})).await;
    assert_eq!(socket.closed().await, Some(1008));
    let mut binary = world.socket(&visitor).await;
    binary.raw(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(binary.closed().await, Some(1008));
    let mut large = world.socket(&visitor).await;
    large.raw(Message::text("x".repeat(5_000))).await;
    // The close may be lost with the reset that unread bytes cause.
    assert!(matches!(large.closed().await, Some(1009) | None));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_after_the_end_are_answered_with_a_notice() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    let mut socket = world.socket(&visitor).await;
    socket.heard("what may I get you").await;
    socket.send(&json!({"type": "end"})).await;
    world.in_state(&visitor, "completed").await;
    socket.say("late", "one more thing").await;
    let notice = socket.until(|body| matches!(body, Body::Notice(_))).await;
    assert!(matches!(notice, Body::Notice(it) if it.code == "session_over" && it.level == Level::Info));
    let path = format!("/v1/sessions/{}/messages", visitor.id);
    let request = world.request(Method::POST, &path).bearer_auth(&visitor.ticket);
    answer(request.json(&json!({"id": "later", "text": "hello"}))).await.is_problem("session_over");
}

/// Reads an event stream until an event fits; answers its id.
async fn read_until(
    world: &World,
    path: &str,
    ticket: &str,
    last: Option<&str>,
    fits: impl Fn(&Value) -> bool,
) -> (String, Vec<u64>) {
    let mut request = world.request(Method::GET, path).bearer_auth(ticket).header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let got = soon("an event stream", request.send()).await.unwrap();
    assert_eq!((got.status(), got.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "text/event-stream"));
    let (mut stream, mut text, mut offsets) = (got.bytes_stream(), String::new(), Vec::new());
    loop {
        while let Some((event, rest)) = text.split_once("\n\n") {
            let field =
                |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).map(str::to_owned);
            if let (Some(id), Some(data)) = (field("id:"), field("data:")) {
                let frame: Value = serde_json::from_str(&data).unwrap();
                offsets.push(frame["offset"].as_u64().unwrap());
                assert_eq!(id, format!("{}:{}", frame["epoch"].as_str().unwrap(), frame["offset"]));
                if fits(&frame) {
                    return (id, offsets);
                }
            }
            text = rest.to_owned();
        }
        let chunk = soon("an event", stream.next()).await.expect("the stream goes on").unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_goes_on_where_it_was_left() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    let path = format!("/v1/sessions/{}/events", visitor.id);
    let greeted =
        |frame: &Value| frame["data"]["text"].as_str().is_some_and(|text| text.contains("what may I get you"));
    let (id, first) = read_until(&world, &path, &visitor.ticket, None, greeted).await;
    let messages = format!("/v1/sessions/{}/messages", visitor.id);
    let request = world.request(Method::POST, &messages).bearer_auth(&visitor.ticket);
    answer(request.json(&json!({"id": "m1", "text": "what is on the menu?"}))).await;
    let told = |frame: &Value| frame["data"]["text"].as_str().is_some_and(|text| text.contains("We have pizza"));
    let (_, second) = read_until(&world, &path, &visitor.ticket, Some(&id), told).await;
    let all: Vec<u64> = first.into_iter().chain(second).collect();
    assert_eq!(all, (1..=all.len() as u64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_request_for_events_is_told_to_upgrade() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    let path = format!("/v1/sessions/{}/events", visitor.id);
    answer(world.request(Method::GET, &path).bearer_auth(&visitor.ticket)).await.is_problem("upgrade_required");
}

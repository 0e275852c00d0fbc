//! Sessions as a visitor sees them.

use neoron_protocol::frame::{Body, QuoteState, Stage};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{World, answer, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_session_gives_the_browser_what_it_needs_to_join() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    let created = &visitor.created;
    assert_eq!((&created["state"], &created["media"]), (&json!("ready"), &json!("voice")));
    assert_eq!(created["join_url"], world.call_of(&visitor.id)["joinUrl"]);
    assert_eq!(created["events_url"], format!("/v1/sessions/{}/events", visitor.id));
    assert_eq!((created["max_seconds"].as_u64(), visitor.ticket.len()), (Some(600), 43));
    let call = world.call_of(&visitor.id);
    assert_eq!((&call["medium"]["webRtc"], &call["maxDuration"]), (&json!({}), &json!("600s")));
    world.voice_session(&visitor, "Active").await;
    // The visitor joins: Ultravox tells it by webhook and over the data connection.
    world.ultravox.join(&visitor.call).await.unwrap();
    world.in_state(&visitor, "active").await;
    assert!(world.dead().await.jobs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_session_takes_an_order_from_the_first_word_to_its_status() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    assert_eq!(visitor.created["join_url"], json!(null));
    let mut socket = world.socket(&visitor).await;
    assert_eq!(socket.protocol, "neoron.v1");
    socket.heard("what may I get you").await;
    socket.say("m1", "two margherita pizzas and a cola for pickup, name Ada").await;
    socket.until(|body| matches!(body, Body::Quote(quote) if quote.state == QuoteState::Open)).await;
    socket.heard("Shall I place it").await;
    socket.say("m2", "yes").await;
    socket.until(|body| matches!(body, Body::Document(document) if document.number.is_some())).await;
    let order = until("an order", async || world.erpnext.orders().into_iter().next()).await;
    assert_eq!((&order["session_id"], &order["customer_name"]), (&json!(visitor.id), &json!("Ada")));
    // The kitchen sets it to Ready: the card moves, and the agent tells it.
    let name = order["name"].as_str().unwrap();
    world.erpnext.set_status("Voice Restaurant Order", name, "Ready", None).unwrap();
    socket.until(|body| matches!(body, Body::Document(document) if document.stage == Stage::Ready)).await;
    socket.heard("is now Ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_sent_twice_is_one_message() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    let mut socket = world.socket(&visitor).await;
    socket.heard("what may I get you").await;
    let path = format!("/v1/sessions/{}/messages", visitor.id);
    for _ in 0..3 {
        let request = world.request(Method::POST, &path).bearer_auth(&visitor.ticket);
        let sent = answer(request.json(&json!({"id": "same", "text": "what is on the menu?"}))).await;
        assert_eq!((sent.status, sent.body), (StatusCode::ACCEPTED, json!({"accepted": true})));
    }
    socket.heard("We have pizza").await;
    let lines = world.view(&visitor).await["snapshot"]["transcript"].as_array().unwrap().clone();
    assert_eq!(lines.iter().filter(|line| line["line"] == "same").count(), 1, "{lines:?}");
    let messages = world.ultravox.call(&visitor.call).unwrap().messages;
    assert_eq!(messages.iter().filter(|message| message["text"] == "what is on the menu?").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_tells_its_state_transcript_and_cursor() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    world.socket(&visitor).await.heard("what may I get you").await;
    let view = world.in_state(&visitor, "active").await;
    assert_eq!((&view["session"], &view["media"]), (&json!(visitor.id), &json!("text")));
    assert_eq!(view["snapshot"]["upto"], view["last_offset"]);
    assert!(view["last_offset"].as_u64().unwrap() > 0 && !view["epoch"].as_str().unwrap().is_empty());
    assert_eq!(view["snapshot"]["transcript"][0]["speaker"], "agent");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_messages_at_once_are_refused() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    let path = format!("/v1/sessions/{}/messages", visitor.id);
    let mut refused = None;
    for number in 0..30 {
        let request = world.request(Method::POST, &path).bearer_auth(&visitor.ticket);
        let sent = answer(request.json(&json!({"id": format!("m{number}"), "text": "hello"}))).await;
        if sent.status != StatusCode::ACCEPTED {
            refused = Some(sent);
            break;
        }
    }
    refused.expect("a limit").is_problem("too_many_requests");
}

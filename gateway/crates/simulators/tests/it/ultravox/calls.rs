//! The course of a call: joining, talking, and all the ways it can end.

use neoron_simulators::ultravox::{EndReason, Options};
use serde_json::{Value, json};

use super::gateway::{Gateway, Participant, Ultravox, order_call, quick, until};

fn server_call(extra: &Value) -> Value {
    let mut body = json!({"medium": {"serverWebSocket": {"inputSampleRate": 16000}}});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn an_order_is_taken_from_the_first_word_to_the_last() {
    let (ultravox, gateway) = (Ultravox::start(quick()).await, Gateway::start().await);
    let call = ultravox.create(order_call(&gateway)).await;
    let mut visitor = Participant::join(&call).await;
    assert_eq!(visitor.line().await, "Welcome!");
    visitor.write("I'd like two margherita pizzas and a cola for pickup, name Ada").await;
    assert_eq!(visitor.line().await, "That makes 20 pounds. Shall I place it?");
    visitor.send(&json!({"type": "input_text_message", "text": "make that two colas"})).await;
    assert_eq!(visitor.line().await, "That makes 20 pounds. Shall I place it?");
    visitor.write("yes please").await;
    assert_eq!(visitor.line().await, "Your order VO-0001 is placed.");
    visitor.write("thanks, bye").await;
    assert_eq!(visitor.until_closed().await, Some(1000));

    let view = ultravox.until_ended(&call).await;
    assert_eq!(view.call["endReason"], "agent_hangup");
    let tools: Vec<(String, Value)> =
        gateway.with(|seen| seen.tools.iter().map(|request| (request.path.clone(), request.json())).collect());
    let names: Vec<&str> = tools.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["placeOrder", "placeOrder", "confirmOrder"]);
    let items = json!([{"name": "margherita pizza", "quantity": 2}, {"name": "cola", "quantity": 2}]);
    let expected = json!({"items": items, "order_type": "pickup", "customer_name": "Ada", "call_id": call["callId"]});
    assert_eq!(tools[1].1, expected);
    assert_eq!(tools[2].1, json!({"quote_id": "q_1", "call_id": call["callId"]}));
    gateway.with(|seen| assert_eq!(seen.tools[0].header("x-tool-token"), "tool-token"));

    let messages = ultravox.get(&format!("/calls/{}/messages?pageSize=200", call["callId"].as_str().unwrap())).await;
    let roles: Vec<&str> =
        messages["results"].as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    let calls = roles.iter().filter(|role| **role == "MESSAGE_ROLE_TOOL_CALL").count();
    assert_eq!((roles[0], calls), ("MESSAGE_ROLE_AGENT", 4));
}

#[tokio::test]
async fn a_line_comes_in_deltas_then_whole_while_the_state_changes() {
    let ultravox = Ultravox::start(quick()).await;
    let text = "Welcome to the house of long sentences.";
    let call = ultravox.create(server_call(&json!({"firstSpeakerSettings": {"agent": {"text": text}}}))).await;
    let mut visitor = Participant::join(&call).await;
    visitor.until(|message| message["state"] == "listening").await;
    let heard = &visitor.heard;
    assert_eq!(heard[0], json!({"type": "call_started", "callId": call["callId"]}));
    let deltas: String = heard.iter().filter_map(|message| message["delta"].as_str()).collect();
    assert_eq!(deltas, text);
    let whole = heard.iter().find(|message| message["final"] == true).unwrap();
    let expected = json!({"type": "transcript", "role": "agent", "medium": "voice", "text": text, "final": true,
        "ordinal": 0});
    assert_eq!(*whole, expected);
    let states: Vec<&str> = heard.iter().filter_map(|message| message["state"].as_str()).collect();
    assert_eq!(states, ["idle", "speaking", "listening"]);
}

#[tokio::test]
async fn a_ping_is_echoed_and_an_unknown_message_is_skipped() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(server_call(&json!({}))).await;
    let mut server = Participant::join(&call).await;
    server.send(&json!({"type": "from_the_future"})).await;
    server.send(&json!({"type": "ping", "timestamp": 12.5})).await;
    let pong = server.until(|message| message["type"] == "pong").await;
    assert_eq!(pong["timestamp"], 12.5);
}

#[tokio::test]
async fn audio_is_taken_and_counted() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(server_call(&json!({}))).await;
    let mut server = Participant::join(&call).await;
    server.send_audio().await;
    server.send_audio().await;
    let id = call["callId"].as_str().unwrap();
    until("two frames", || ultravox.simulator.call(id).filter(|view| view.audio_frames == 2)).await;
}

#[tokio::test]
async fn a_call_that_nobody_joins_ends_as_unjoined_and_costs_nothing() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(json!({"joinTimeout": "0.1s"})).await;
    let view = ultravox.until_ended(&call).await;
    assert_eq!(view.call["endReason"], "unjoined");
    assert_eq!(view.call["billingStatus"], "BILLING_STATUS_FREE_ZERO_EFFECTIVE_DURATION");
    assert!(tokio_tungstenite::connect_async(call["joinUrl"].as_str().unwrap()).await.is_err());
}

#[tokio::test]
async fn a_call_ends_with_a_word_when_its_time_is_up() {
    let ultravox = Ultravox::start(quick()).await;
    let body = server_call(&json!({"maxDuration": "0.3s", "timeExceededMessage": "Time is up."}));
    let call = ultravox.create(body).await;
    let mut server = Participant::join(&call).await;
    server.until(|message| message["text"] == "Time is up.").await;
    assert_eq!(server.until_closed().await, Some(1000));
    assert_eq!(ultravox.until_ended(&call).await.call["endReason"], "timeout");
}

#[tokio::test]
async fn a_participant_who_leaves_ends_the_call() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(server_call(&json!({}))).await;
    let mut server = Participant::join(&call).await;
    server.line().await;
    server.leave().await;
    let view = ultravox.until_ended(&call).await;
    assert_eq!(view.call["endReason"], "hangup");
    let id = call["callId"].as_str().unwrap();
    let billed = until("billing", || {
        ultravox.simulator.call(id).filter(|view| view.call["billingStatus"] == "BILLING_STATUS_BILLED")
    });
    assert_eq!(billed.await.call["billedDuration"], "6s");
}

#[tokio::test]
async fn silence_is_broken_and_then_ended() {
    let ultravox = Ultravox::start(quick()).await;
    let inactivity = json!({"inactivityMessages": [
        {"duration": "0.1s", "message": "Are you there?"},
        {"duration": "0.1s", "message": "Goodbye then.", "endBehavior": "END_BEHAVIOR_HANG_UP_SOFT"}]});
    let call = ultravox.create(server_call(&inactivity)).await;
    let mut server = Participant::join(&call).await;
    server.until(|message| message["text"] == "Are you there?").await;
    server.until(|message| message["text"] == "Goodbye then.").await;
    assert_eq!(ultravox.until_ended(&call).await.call["endReason"], "agent_hangup");
}

#[tokio::test]
async fn the_visitor_may_be_the_first_to_speak() {
    let ultravox = Ultravox::start(quick()).await;
    let fallback = json!({"firstSpeakerSettings": {"user": {"fallback": {"delay": "0.1s", "text": "Hello?"}}}});
    let call = ultravox.create(server_call(&fallback)).await;
    let mut server = Participant::join(&call).await;
    server.until(|message| message["state"] == "listening").await;
    assert_eq!(server.line().await, "Hello?");
}

#[tokio::test]
async fn the_business_can_speak_in_a_live_call_and_end_it() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(server_call(&json!({}))).await;
    let mut server = Participant::join(&call).await;
    server.line().await;
    let path = format!("/calls/{}/send_data_message", call["callId"].as_str().unwrap());
    let notice = json!({"type": "user_text_message",
        "text": "<instruction>Tell the visitor that the order is ready.</instruction>"});
    assert_eq!(ultravox.request("POST", &path, Some(notice)).await.status(), 204);
    assert_eq!(server.line().await, "the order is ready.");
    let forced = json!({"type": "forced_agent_message", "content": "One moment."});
    assert_eq!(ultravox.request("POST", &path, Some(forced)).await.status(), 204);
    assert_eq!(server.line().await, "One moment.");
    let hang_up = json!({"type": "hang_up", "message": "Goodbye."});
    assert_eq!(ultravox.request("POST", &path, Some(hang_up)).await.status(), 204);
    assert_eq!(server.line().await, "Goodbye.");
    assert_eq!(server.until_closed().await, Some(1000));
    assert_eq!(ultravox.until_ended(&call).await.call["endReason"], "agent_hangup");
}

#[tokio::test]
async fn a_browser_gets_exactly_one_message_and_may_send_long_ones() {
    let (ultravox, gateway) = (Ultravox::start(quick()).await, Gateway::start().await);
    let mut body = order_call(&gateway);
    body["medium"] = json!({"webRtc": {}});
    let call = ultravox.create(body).await;
    let mut browser = Participant::join(&call).await;
    let room = browser.next().await.unwrap();
    assert_eq!((&room["type"], room["token"].is_string()), (&json!("room_info"), true));
    assert!(tokio_tungstenite::connect_async(room["roomUrl"].as_str().unwrap()).await.is_err());
    let long = format!("a cola for pickup, name Ada {}", ", ".repeat(600));
    browser.send(&json!({"type": "user_text_message", "text": long})).await;
    gateway.until("the order", |seen| seen.tools.first().map(|_| ())).await;
    ultravox.simulator.end(call["callId"].as_str().unwrap(), EndReason::SystemError).await.unwrap();
    assert_eq!(browser.next().await, Err(Some(1000)));
    assert_eq!(browser.heard.len(), 1);
}

#[tokio::test]
async fn a_call_can_be_joined_and_spoken_in_without_a_socket() {
    let (ultravox, gateway) = (Ultravox::start(Options { seed: None, ..quick() }).await, Gateway::start().await);
    let mut body = order_call(&gateway);
    body["medium"] = json!({"webRtc": {}});
    let call = ultravox.create(body).await;
    let control = |path: &str| format!("/_control/calls/{}/{path}", call["callId"].as_str().unwrap());
    let say = json!({"text": "a cola for pickup, name Ada"});
    assert_eq!(ultravox.plain("POST", &control("say")).json(&say).send().await.unwrap().status(), 422);
    assert_eq!(ultravox.plain("POST", &control("join")).send().await.unwrap().status(), 204);
    until("the call is live", || {
        ultravox.simulator.calls().first().filter(|view| !view.call["joined"].is_null()).map(|_| ())
    })
    .await;
    assert_eq!(ultravox.plain("POST", &control("say")).json(&say).send().await.unwrap().status(), 204);
    gateway.until("the order", |seen| seen.tools.first().map(|_| ())).await;
    let end = ultravox.plain("POST", &control("end")).json(&json!({"reason": "connection_error"}));
    assert_eq!(end.send().await.unwrap().status(), 204);
    assert_eq!(ultravox.until_ended(&call).await.call["endReason"], "connection_error");
}

#[tokio::test]
async fn a_second_participant_takes_the_place_of_the_first() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(server_call(&json!({}))).await;
    let mut first = Participant::join(&call).await;
    first.line().await;
    let mut second = Participant::join(&call).await;
    assert_eq!(first.until_closed().await, Some(1008));
    second.write("hello").await;
    second.line().await;
    assert!(ultravox.simulator.calls()[0].call["ended"].is_null());
}

#[tokio::test]
async fn a_medium_is_joined_only_where_it_belongs() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(json!({})).await;
    let wrong = format!("{}/server_web_socket", call["joinUrl"].as_str().unwrap());
    assert!(tokio_tungstenite::connect_async(wrong).await.is_err());
}

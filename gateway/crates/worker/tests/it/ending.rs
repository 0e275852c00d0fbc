//! How sessions end, and what is there afterwards.

use std::time::Duration;

use neoron_protocol::frame::Body;
use neoron_simulators::ultravox::{EndReason, Faults};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{World, answer};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ended_leaves_a_complete_voice_session() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    let mut socket = world.socket(&visitor).await;
    socket.heard("what may I get you").await;
    socket.say("m1", "what is on the menu?").await;
    socket.heard("We have pizza").await;
    let path = format!("/v1/sessions/{}/end", visitor.id);
    let ending = answer(world.request(Method::POST, &path).bearer_auth(&visitor.ticket)).await;
    assert_eq!((ending.status, ending.body), (StatusCode::ACCEPTED, json!({"state": "ending"})));
    socket.until(|body| matches!(body, Body::Session(session) if session.state.as_str() == "completed")).await;
    let written = world.voice_session(&visitor, "Completed").await;
    assert_eq!(
        written["transcript"],
        "Agent: Hello, what may I get you?\nVisitor: what is on the menu?\nAgent: We have pizza."
    );
    assert_eq!((&written["ultravox_call_id"], &written["session_type"]), (&json!(visitor.call), &json!("Restaurant")));
    assert!(written["end_time"].is_string());
    let again = answer(world.request(Method::POST, &path).bearer_auth(&visitor.ticket).json(&json!({}))).await;
    assert_eq!((again.status, again.body), (StatusCode::ACCEPTED, json!({"state": "completed"})));
    let health = answer(world.request(Method::GET, "/internal/health")).await;
    assert_eq!(health.body["load"], 0);
    assert!(world.dead().await.jobs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_joins_is_abandoned() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    world.ultravox.end(&visitor.call, EndReason::Unjoined).await.unwrap();
    world.in_state(&visitor, "abandoned").await;
    world.voice_session(&visitor, "Failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_poller_finds_an_end_that_no_webhook_told() {
    let world = World::with(|settings| settings.worker.poll_calls_every = Duration::from_millis(200)).await;
    world.ultravox.set_faults(Faults { drop_webhooks: 1_000, data_connection_off: true, ..Faults::default() });
    let visitor = world.session("voice").await;
    world.ultravox.join(&visitor.call).await.unwrap();
    world.in_state(&visitor, "active").await;
    world.ultravox.end(&visitor.call, EndReason::AgentHangup).await.unwrap();
    world.in_state(&visitor, "completed").await;
    world.voice_session(&visitor, "Completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_text_call_is_noticed_by_its_leg() {
    let world = World::new().await;
    world.ultravox.set_faults(Faults { drop_webhooks: 1_000, ..Faults::default() });
    let visitor = world.session("text").await;
    world.socket(&visitor).await.heard("what may I get you").await;
    world.ultravox.end(&visitor.call, EndReason::Timeout).await.unwrap();
    world.in_state(&visitor, "completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erpnext_that_is_down_gets_its_voice_session_later() {
    let world = World::new().await;
    let down = neoron_simulators::erpnext::Faults { down: true, ..Default::default() };
    world.erpnext.set_faults(down);
    let visitor = world.session("text").await;
    let mut socket = world.socket(&visitor).await;
    socket.heard("what may I get you").await;
    socket.send(&json!({"type": "end"})).await;
    world.in_state(&visitor, "completed").await;
    assert!(world.erpnext.sessions().is_empty());
    world.erpnext.set_faults(Default::default());
    world.voice_session(&visitor, "Completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_session_that_is_ended_before_anybody_joins_ends_all_the_same() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    let path = format!("/v1/sessions/{}/end", visitor.id);
    answer(world.request(Method::POST, &path).bearer_auth(&visitor.ticket)).await;
    world.in_state(&visitor, "ending").await;
    world.ultravox.end(&visitor.call, EndReason::Unjoined).await.unwrap();
    world.in_state(&visitor, "abandoned").await;
}

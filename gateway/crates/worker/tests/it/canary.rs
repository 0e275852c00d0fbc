//! Nothing of a visitor is ever logged: a whole conversation at every level of our own code, searched for what it held.

use serde_json::json;

use crate::support::{EDGE_KEY, FRAPPE_SECRET, SHARED_SECRET, WEBHOOK_SECRET, World, log};

#[tokio::test(flavor = "multi_thread")]
async fn no_name_number_word_token_prompt_or_link_of_a_visitor_is_logged_or_counted() {
    let world = World::new().await;
    let mut body = crate::support::wanted("text");
    body["customer"] = json!({"name": "Canary Zebrowski", "phone": "+44 7700 900123"});
    body["surprise"] = json!("canary-surprise");
    world.ask(&body).await.is_problem("invalid_field");
    body.as_object_mut().unwrap().remove("surprise");
    let created = world.ask(&body).await;
    let text = |name: &str| created.body[name].as_str().unwrap().to_owned();
    let (id, ticket) = (text("session"), text("ticket"));
    let call = world.call_of(&id);
    let visitor = crate::support::Visitor {
        id,
        ticket: ticket.clone(),
        call: call["callId"].as_str().unwrap().into(),
        created: created.body,
    };
    let mut socket = world.socket(&visitor).await;
    socket.heard("what may I get you").await;
    socket.say("m1", "canary-words, what is on the menu?").await;
    socket.heard("We have pizza").await;
    socket.send(&json!({"type": "end"})).await;
    world.voice_session(&visitor, "Completed").await;
    let token = world.ultravox.tool_requests().into_iter().find(|request| request.call_id == visitor.call);
    let token = token
        .expect("a tool was called")
        .headers
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("x-tool-token"));
    let (_, token) = token.expect("with its token");
    let join_url = call["joinUrl"].as_str().unwrap();
    let api_key = neoron_simulators::ultravox::Options::default().api_key;
    let secrets = [
        "Zebrowski",
        "900123",
        "canary-words",
        "canary-surprise",
        "canary-prompt",
        "what may I get you",
        "We have pizza",
        &ticket,
        &token,
        join_url,
        &api_key,
        EDGE_KEY,
        WEBHOOK_SECRET,
        SHARED_SECRET,
        FRAPPE_SECRET,
        "gateway-secret",
    ];
    let (logged, counted) = (log::text(), world.worker.counters().text());
    assert!(logged.contains("request{id=r_"), "the capture works");
    for secret in secrets {
        assert!(!logged.contains(secret), "{secret} was logged");
        assert!(!counted.contains(secret), "{secret} was counted");
    }
    assert!(!counted.contains(&visitor.id), "an id is no label");
}

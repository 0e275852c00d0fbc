//! The REST API: what is refused, what is answered, and the plan's limits.

use std::time::Duration;

use neoron_simulators::ultravox::{AgentTemplate, Options, Plan};
use serde_json::{Value, json};

use super::gateway::{Gateway, Participant, Ultravox, order_call, quick};

#[tokio::test]
async fn a_request_needs_the_right_key() {
    let ultravox = Ultravox::start(quick()).await;
    assert_eq!(ultravox.plain("POST", "/api/calls").send().await.unwrap().status(), 401);
    let wrong = ultravox.plain("POST", "/api/calls").header("X-API-Key", "wrong");
    assert_eq!(wrong.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_created_call_shows_every_field_that_is_always_present() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(json!({"metadata": {"sid": "s_1"}, "systemPrompt": "Be kind."})).await;
    let required = [
        "agent",
        "agentId",
        "billedDuration",
        "billedSideInputTokens",
        "billedSideOutputTokens",
        "billingStatus",
        "callId",
        "clientVersion",
        "created",
        "endReason",
        "ended",
        "experimentalSettings",
        "firstSpeaker",
        "firstSpeakerSettings",
        "initialOutputMedium",
        "initialState",
        "joinUrl",
        "joined",
        "metadata",
        "requestContext",
        "shortSummary",
        "sipDetails",
        "summary",
    ];
    for field in required {
        assert!(call.get(field).is_some(), "{field}");
    }
    assert_eq!(call["metadata"], json!({"sid": "s_1"}));
    assert_eq!((&call["joinTimeout"], &call["joined"]), (&json!("30s"), &Value::Null));
    let base = format!("ws://{}/calls/", ultravox.simulator.address());
    assert!(call["joinUrl"].as_str().unwrap().starts_with(&base));
    assert_eq!(ultravox.get(&format!("/calls/{}", call["callId"].as_str().unwrap())).await, call);
}

#[tokio::test]
async fn a_body_that_is_wrong_is_refused_with_the_field() {
    let ultravox = Ultravox::start(quick()).await;
    let response = ultravox.request("POST", "/calls", Some(json!({"webhookUrl": "http://x", "joinTimeout": 5}))).await;
    assert_eq!(response.status(), 400);
    let complaints: Value = response.json().await.unwrap();
    assert_eq!(complaints["webhookUrl"], json!(["Unknown field."]));
    assert!(complaints["joinTimeout"].is_array());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let ultravox = Ultravox::start(quick()).await;
    let prompt = "x".repeat(1024 * 1024 + 1);
    let response = ultravox.request("POST", "/calls", Some(json!({"systemPrompt": prompt}))).await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn the_rate_of_creations_is_limited_with_a_retry_after() {
    let plan = Plan { creations_per_minute: 3, creations_per_second: 3, concurrency: None, ..Plan::pay_as_you_go() };
    let ultravox = Ultravox::start(Options { plan, ..quick() }).await;
    for _ in 0..3 {
        ultravox.create(json!({})).await;
    }
    let refused = ultravox.request("POST", "/calls", Some(json!({}))).await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
}

#[tokio::test]
async fn a_call_above_the_concurrency_cap_waits_for_another_one_to_end() {
    let plan = Plan { concurrency: Some(1), ..Plan::unlimited() };
    let ultravox = Ultravox::start(Options { plan, ..quick() }).await;
    let first = ultravox.create(json!({"joinTimeout": "0.2s"})).await;
    assert_eq!(ultravox.get("/accounts/me").await["activeCalls"], 1);
    assert_eq!(ultravox.request("POST", "/calls", Some(json!({}))).await.status(), 429);
    ultravox.until_ended(&first).await;
    ultravox.create(json!({})).await;
}

#[tokio::test]
async fn calls_are_listed_in_pages_and_filtered_by_metadata() {
    let ultravox = Ultravox::start(quick()).await;
    for n in 0..5 {
        ultravox.create(json!({"metadata": {"n": n.to_string(), "all": "yes"}})).await;
    }
    let page = ultravox.get("/calls?pageSize=2&metadata.all=yes").await;
    assert_eq!((page["total"].as_u64(), page["results"].as_array().unwrap().len()), (Some(5), 2));
    let next = page["next"].as_str().unwrap();
    let (_, path) = next.split_once("/api").unwrap();
    let second = ultravox.get(path).await;
    assert_ne!(second["results"][0]["callId"], page["results"][0]["callId"]);
    assert_eq!(ultravox.get("/calls?metadata.n=3").await["total"], 1);
}

#[tokio::test]
async fn a_data_message_to_a_call_that_is_not_live_is_unprocessable() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(json!({"joinTimeout": "0.2s"})).await;
    let path = format!("/calls/{}/send_data_message", call["callId"].as_str().unwrap());
    let body = json!({"type": "hang_up", "message": "Goodbye"});
    assert_eq!(ultravox.request("POST", &path, Some(body.clone())).await.status(), 422);
    ultravox.until_ended(&call).await;
    assert_eq!(ultravox.request("POST", &path, Some(body)).await.status(), 422);
    assert_eq!(ultravox.request("POST", &path, Some(json!({"type": "ping"}))).await.status(), 400);
}

#[tokio::test]
async fn only_a_call_that_has_ended_can_be_deleted() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(json!({"joinTimeout": "0.3s"})).await;
    let path = format!("/calls/{}", call["callId"].as_str().unwrap());
    assert_eq!(ultravox.request("DELETE", &path, None).await.status(), 400);
    ultravox.until_ended(&call).await;
    assert_eq!(ultravox.request("DELETE", &path, None).await.status(), 204);
    assert_eq!(ultravox.request("GET", &path, None).await.status(), 404);
}

#[tokio::test]
async fn the_listed_tools_hide_what_authenticates_them() {
    let (ultravox, gateway) = (Ultravox::start(quick()).await, Gateway::start().await);
    let call = ultravox.create(order_call(&gateway)).await;
    let tools = ultravox.get(&format!("/calls/{}/tools", call["callId"].as_str().unwrap())).await;
    assert_eq!(tools["results"].as_array().unwrap().len(), 4);
    assert!(!tools.to_string().contains("tool-token"));
}

#[tokio::test]
async fn an_agents_call_takes_the_template_and_only_the_fields_it_may() {
    let template = json!({"systemPrompt": "You are kind.", "selectedTools": [{"toolName": "hangUp"}]});
    let agent = AgentTemplate {
        agent_id: "a1".to_owned(),
        name: "kind".to_owned(),
        call_template: template.as_object().unwrap().clone(),
    };
    let ultravox = Ultravox::start(Options { agents: vec![agent], ..quick() }).await;
    let refused = ultravox.request("POST", "/agents/a1/calls", Some(json!({"systemPrompt": "Be rude."}))).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(ultravox.request("POST", "/agents/a2/calls", Some(json!({}))).await.status(), 404);
    let body = json!({"toolOverrides": {"remove": ["hangUp"]}, "metadata": {"sid": "s_1"}});
    let response = ultravox.request("POST", "/agents/a1/calls", Some(body)).await;
    assert_eq!(response.status(), 201);
    let call: Value = response.json().await.unwrap();
    assert_eq!((&call["agent"]["name"], &call["systemPrompt"]), (&json!("kind"), &json!("You are kind.")));
    let tools = ultravox.get(&format!("/calls/{}/tools", call["callId"].as_str().unwrap())).await;
    assert_eq!(tools["results"], json!([]));
}

#[tokio::test]
async fn webhooks_are_registered_changed_and_removed() {
    let ultravox = Ultravox::start(quick()).await;
    let body = json!({"url": "http://127.0.0.1:9/hooks", "events": ["call.ended"]});
    let response = ultravox.request("POST", "/webhooks", Some(body)).await;
    assert_eq!(response.status(), 201);
    let webhook: Value = response.json().await.unwrap();
    assert_eq!((webhook["secrets"].as_array().unwrap().len(), &webhook["status"]), (1, &json!("normal")));
    let path = format!("/webhooks/{}", webhook["webhookId"].as_str().unwrap());
    let changed = ultravox.request("PATCH", &path, Some(json!({"secrets": ["new", "old"]}))).await;
    assert_eq!(changed.json::<Value>().await.unwrap()["secrets"], json!(["new", "old"]));
    for wrong in [json!({"events": ["tool.called"]}), json!({"url": format!("http://x/{}", "y".repeat(200))})] {
        assert_eq!(ultravox.request("PATCH", &path, Some(wrong)).await.status(), 400);
    }
    assert_eq!(ultravox.request("DELETE", &path, None).await.status(), 204);
    assert_eq!(ultravox.request("GET", &path, None).await.status(), 404);
}

#[tokio::test]
async fn a_continuation_copies_the_call_and_does_not_greet_again() {
    let (ultravox, gateway) = (Ultravox::start(quick()).await, Gateway::start().await);
    let first = ultravox.create(order_call(&gateway)).await;
    let mut visitor = Participant::join(&first).await;
    assert_eq!(visitor.line().await, "Welcome!");
    visitor.write("a cola for pickup, name Ada").await;
    assert!(visitor.line().await.contains("Shall I place it?"));
    visitor.leave().await;
    ultravox.until_ended(&first).await;

    let path = format!("/calls?priorCallId={}&enableGreetingPrompt=false", first["callId"].as_str().unwrap());
    let response = ultravox.request("POST", &path, Some(json!({"metadata": {"sid": "s_2"}}))).await;
    assert_eq!(response.status(), 201);
    let second: Value = response.json().await.unwrap();
    assert_eq!((&second["systemPrompt"], &second["metadata"]["sid"]), (&first["systemPrompt"], &json!("s_2")));
    let mut visitor = Participant::join(&second).await;
    visitor.write("yes please").await;
    assert_eq!(visitor.line().await, "Your order VO-0001 is placed.");
}

#[tokio::test]
async fn an_ended_call_is_forgotten_when_there_is_no_room_and_an_open_one_never() {
    let ultravox = Ultravox::start(Options { most_calls: 1, ..quick() }).await;
    let first = ultravox.create(json!({"joinTimeout": "0.2s"})).await;
    assert_eq!(ultravox.request("POST", "/calls", Some(json!({}))).await.status(), 429);
    ultravox.until_ended(&first).await;
    ultravox.create(json!({})).await;
    assert_eq!(ultravox.simulator.calls().len(), 1);
    tokio::time::timeout(Duration::from_secs(15), ultravox.simulator.stop()).await.unwrap();
}

//! Tools at call time: placement, timeouts, late results, and what a reply can make of the call.

use std::time::Duration;

use neoron_simulators::ultravox::{Faults, ToolOutcome};
use serde_json::{Value, json};

use super::gateway::{Answer, Gateway, Participant, Ultravox, order_call, quick};

const ORDER: &str = "a cola for pickup, name Ada";

async fn ordering(change: impl FnOnce(&mut Value)) -> (Ultravox, Gateway, Value, Participant) {
    let (ultravox, gateway) = (Ultravox::start(quick()).await, Gateway::start().await);
    let mut body = order_call(&gateway);
    change(&mut body);
    let call = ultravox.create(body).await;
    let mut visitor = Participant::join(&call).await;
    visitor.line().await;
    (ultravox, gateway, call, visitor)
}

#[tokio::test]
async fn a_late_result_is_dropped_and_the_tool_called_again_with_identical_arguments() {
    let (ultravox, gateway, _, mut visitor) =
        ordering(|body| body["selectedTools"][2]["temporaryTool"]["timeout"] = json!("0.3s")).await;
    let late = json!({"status": "quoted", "quote_id": "q_late", "say": "Too late."});
    let answer = Answer { delay: Duration::from_millis(900), body: late, ..Answer::default() };
    gateway.with(|seen| seen.answers.push_back(answer));
    visitor.write(ORDER).await;
    assert_eq!(visitor.line().await, "That makes 20 pounds. Shall I place it?");
    let bodies: Vec<Value> = gateway.with(|seen| seen.tools.iter().map(|request| request.json()).collect());
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    let requests = ultravox.simulator.tool_requests();
    let outcomes: Vec<(u32, ToolOutcome)> = requests.iter().map(|request| (request.attempt, request.outcome)).collect();
    assert_eq!(outcomes, [(1, ToolOutcome::Late), (2, ToolOutcome::Used)]);
    assert_ne!(requests[0].invocation_id, requests[1].invocation_id);
    visitor.write("yes").await;
    visitor.line().await;
    gateway.with(|seen| assert_eq!(seen.tools[2].json()["quote_id"], "q_1"));
}

#[tokio::test]
async fn a_result_can_be_made_to_count_as_late() {
    let (ultravox, gateway, _, mut visitor) = ordering(|_| ()).await;
    ultravox.simulator.set_faults(Faults { drop_tool_results: 1, ..Faults::default() });
    visitor.write(ORDER).await;
    visitor.line().await;
    assert_eq!(gateway.with(|seen| seen.tools.len()), 2);
    assert_eq!(ultravox.simulator.faults().drop_tool_results, 0);
}

#[tokio::test]
async fn a_tool_that_never_answers_in_time_makes_the_agent_apologise() {
    let (ultravox, _gateway, _, mut visitor) = ordering(|_| ()).await;
    ultravox.simulator.set_faults(Faults { drop_tool_results: 9, ..Faults::default() });
    visitor.write(ORDER).await;
    assert!(visitor.line().await.contains("cannot reach"));
}

#[tokio::test]
async fn a_failed_tool_is_told_and_its_details_stay_out_of_the_conversation() {
    let (_ultravox, gateway, call, mut visitor) = ordering(|_| ()).await;
    gateway.with(|seen| seen.answers.push_back(Answer { status: 500, body: json!({"e": 1}), ..Answer::default() }));
    visitor.write(ORDER).await;
    assert!(visitor.line().await.contains("cannot reach"));
    let view = _ultravox.simulator.call(call["callId"].as_str().unwrap()).unwrap();
    let result = view.messages.iter().find(|message| message["role"] == "MESSAGE_ROLE_TOOL_RESULT").unwrap();
    assert_eq!(result["errorDetails"], "Status 500");
}

#[tokio::test]
async fn a_reply_can_hang_up() {
    let (ultravox, gateway, call, mut visitor) = ordering(|_| ()).await;
    let headers = vec![("X-Ultravox-Response-Type", "hang-up".to_owned())];
    gateway.with(|seen| seen.answers.push_back(Answer { headers, body: json!("x"), ..Answer::default() }));
    visitor.write(ORDER).await;
    assert_eq!(visitor.until_closed().await, Some(1000));
    assert_eq!(ultravox.until_ended(&call).await.call["endReason"], "agent_hangup");
}

#[tokio::test]
async fn a_reply_can_keep_the_agent_silent_and_set_the_state() {
    let (ultravox, gateway, call, mut visitor) = ordering(|_| ()).await;
    let headers = vec![
        ("X-Ultravox-Agent-Reaction", "listens".to_owned()),
        ("X-Ultravox-Update-Call-State", json!({"step": 2}).to_string()),
    ];
    let body = json!({"status": "ok", "say": "Not to be heard."});
    gateway.with(|seen| seen.answers.push_back(Answer { headers, body, ..Answer::default() }));
    visitor.write("what's on the menu").await;
    visitor.until(|message| message["state"] == "listening").await;
    visitor.write("what's on the menu").await;
    assert_eq!(visitor.line().await, "We have pizza.");
    let view = ultravox.simulator.call(call["callId"].as_str().unwrap()).unwrap();
    assert_eq!(Value::Object(view.state), json!({"step": 2}));
}

#[tokio::test]
async fn static_and_automatic_parameters_are_filled_in() {
    let (_ultravox, gateway, call, mut visitor) = ordering(|body| {
        body["initialState"] = json!({"step": 1});
        let tool = &mut body["selectedTools"][1]["temporaryTool"];
        tool["staticParameters"] =
            json!([{"name": "site", "location": "PARAMETER_LOCATION_BODY", "value": "neoron.co.uk"}]);
        tool["automaticParameters"] = json!([
            {"name": "id", "location": "PARAMETER_LOCATION_HEADER", "knownValue": "KNOWN_PARAM_CALL_ID"},
            {"name": "state", "location": "PARAMETER_LOCATION_BODY", "knownValue": "KNOWN_PARAM_CALL_STATE"},
            {"name": "meta", "location": "PARAMETER_LOCATION_BODY", "knownValue": "KNOWN_PARAM_CALL_METADATA"},
            {"name": "said", "location": "PARAMETER_LOCATION_BODY",
                "knownValue": "KNOWN_PARAM_CONVERSATION_HISTORY"}]);
    })
    .await;
    visitor.write("what's on the menu").await;
    visitor.line().await;
    let request = gateway.with(|seen| seen.tools[0].clone());
    assert_eq!(request.header("id"), call["callId"].as_str().unwrap());
    let body = request.json();
    assert_eq!((&body["site"], &body["state"]), (&json!("neoron.co.uk"), &json!({"step": 1})));
    assert_eq!(body["meta"], json!({"sid": "s_1"}));
    assert_eq!(body["said"][1]["text"], "what's on the menu");
}

#[tokio::test]
async fn a_client_tool_is_answered_on_the_socket() {
    let (ultravox, _gateway, _call, mut visitor) = ordering(|body| {
        body["selectedTools"][1] = json!({"temporaryTool": {"modelToolName": "getMenu", "client": {}}});
    })
    .await;
    visitor.write("what's on the menu").await;
    let asked = visitor.until(|message| message["type"] == "client_tool_invocation").await;
    assert_eq!(asked["toolName"], "getMenu");
    let answer = json!({"type": "client_tool_result", "invocationId": asked["invocationId"], "result": "Soup only."});
    visitor.send(&answer).await;
    assert_eq!(visitor.line().await, "Soup only.");
    assert!(ultravox.simulator.tool_requests().is_empty());
}

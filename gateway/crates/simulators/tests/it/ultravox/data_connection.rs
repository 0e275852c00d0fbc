//! The data connection as a gateway sees it.

use neoron_simulators::ultravox::{Faults, signature};
use serde_json::{Value, json};

use super::gateway::{Gateway, Participant, Ultravox, order_call, quick, until};

const SECRET: &str = "a-shared-secret-of-the-gateway";

async fn connected(change: impl FnOnce(&mut Value)) -> (Ultravox, Gateway, Value, Participant) {
    let (ultravox, gateway) = (Ultravox::start(quick()).await, Gateway::start().await);
    let mut body = order_call(&gateway);
    body["sharedSecrets"] = json!([SECRET]);
    body["dataConnection"] = json!({"websocketUrl": gateway.data_url(), "headers": {"X-Site": "neoron"},
        "dataMessages": {"toolUsed": true}});
    change(&mut body);
    let call = ultravox.create(body).await;
    let visitor = Participant::join(&call).await;
    (ultravox, gateway, call, visitor)
}

async fn message(gateway: &Gateway, kind: &str) -> Value {
    gateway.until(kind, |seen| seen.data_messages.iter().find(|message| message["type"] == kind).cloned()).await
}

#[tokio::test]
async fn it_is_dialled_on_joining_and_signed() {
    let (_ultravox, gateway, call, _visitor) = connected(|_| ()).await;
    let headers = gateway.until("the handshake", |seen| seen.data_handshakes.first().cloned()).await;
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("x-ultravox-call-id"), call["callId"].as_str().unwrap());
    let expected = signature::data_connection(
        &[SECRET.to_owned()],
        call["callId"].as_str().unwrap(),
        &header("x-ultravox-signature-timestamp"),
    );
    assert_eq!((header("x-ultravox-signature"), header("x-site")), (expected, "neoron".to_owned()));
}

#[tokio::test]
async fn it_carries_the_call_from_the_start_with_the_tools_that_were_used() {
    let (_ultravox, gateway, call, mut visitor) = connected(|_| ()).await;
    assert_eq!(message(&gateway, "call_started").await["callId"], call["callId"]);
    visitor.write("a cola for pickup, name Ada").await;
    let used = message(&gateway, "tool_used").await;
    assert_eq!((&used["toolName"], &used["parameters"]["customer_name"]), (&json!("placeOrder"), &json!("Ada")));
    gateway
        .until("what the visitor said", |seen| {
            seen.data_messages.iter().find(|message| message["role"] == "user" && message["final"] == true).cloned()
        })
        .await;
    // The participant did not ask for it.
    assert!(visitor.heard.iter().all(|message| message["type"] != "tool_used"));
}

#[tokio::test]
async fn a_message_on_it_reaches_the_agent() {
    let (ultravox, gateway) = (Ultravox::start(quick()).await, Gateway::start().await);
    let said = json!({"type": "user_text_message", "text": "what's on the menu"});
    gateway.with(|seen| seen.data_greeting.push(said));
    let mut body = order_call(&gateway);
    body["dataConnection"] = json!({"websocketUrl": gateway.data_url()});
    let call = ultravox.create(body).await;
    let mut visitor = Participant::join(&call).await;
    visitor.until(|message| message["text"] == "We have pizza.").await;
    gateway.with(|seen| assert!(seen.data_handshakes[0].get("x-ultravox-signature").is_none()));
}

#[tokio::test]
async fn a_tool_can_be_executed_over_it() {
    let (_ultravox, _gateway, _call, mut visitor) = connected(|body| {
        body["selectedTools"][1] = json!({"temporaryTool": {"modelToolName": "getMenu", "dataConnection": {}}});
    })
    .await;
    visitor.line().await;
    visitor.write("what's on the menu").await;
    assert_eq!(visitor.line().await, "From the data connection.");
}

#[tokio::test]
async fn it_is_dialled_again_after_a_cut_and_nothing_is_missing() {
    let (ultravox, gateway, call, mut visitor) = connected(|_| ()).await;
    message(&gateway, "call_started").await;
    visitor.line().await;
    ultravox.simulator.set_faults(Faults { data_connection_off: true, ..Faults::default() });
    visitor.write("what's on the menu").await;
    visitor.line().await;
    ultravox.simulator.set_faults(Faults::default());
    let id = call["callId"].as_str().unwrap();
    until("the second connection", || ultravox.simulator.call(id).filter(|view| view.data_connections == 2)).await;
    message(&gateway, "tool_used").await;
}

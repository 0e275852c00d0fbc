//! Faults on demand, through the control API.

use serde_json::{Value, json};

use super::gateway::{Participant, Ultravox, quick};

async fn set(ultravox: &Ultravox, faults: &Value) -> u16 {
    ultravox.plain("POST", "/_control/faults").json(faults).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_creation_can_fail_a_number_of_times() {
    let ultravox = Ultravox::start(quick()).await;
    let faults = json!({"create_status": 503, "create_retry_after": 2, "create_failures": 1});
    assert_eq!(set(&ultravox, &faults).await, 200);
    let refused = ultravox.request("POST", "/calls", Some(json!({}))).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"2".parse().unwrap()));
    ultravox.create(json!({})).await;
}

#[tokio::test]
async fn a_fault_that_does_not_exist_is_refused_and_the_others_stay() {
    let ultravox = Ultravox::start(quick()).await;
    assert_eq!(set(&ultravox, &json!({"create_latency_ms": 1})).await, 200);
    assert_eq!(set(&ultravox, &json!({"drop_everything": true})).await, 400);
    assert_eq!(set(&ultravox, &json!({"drop_webhooks": 2})).await, 200);
    let faults = ultravox.simulator.faults();
    assert_eq!((faults.create_latency_ms, faults.drop_webhooks), (1, 2));
}

#[tokio::test]
async fn a_join_can_be_refused_or_be_answered_twice() {
    let ultravox = Ultravox::start(quick()).await;
    let call = ultravox.create(json!({})).await;
    set(&ultravox, &json!({"refuse_joins": true})).await;
    assert!(tokio_tungstenite::connect_async(call["joinUrl"].as_str().unwrap()).await.is_err());
    set(&ultravox, &json!({"refuse_joins": false, "second_join_message": 1})).await;
    let mut browser = Participant::join(&call).await;
    assert_eq!(browser.next().await.unwrap(), browser.next().await.unwrap());
}

#[tokio::test]
async fn a_reset_forgets_calls_records_and_faults() {
    let ultravox = Ultravox::start(quick()).await;
    let body = json!({"medium": {"serverWebSocket": {"inputSampleRate": 16000}}});
    let mut server = Participant::join(&ultravox.create(body).await).await;
    server.line().await;
    set(&ultravox, &json!({"drop_webhooks": 3})).await;
    assert_eq!(ultravox.plain("POST", "/_control/reset").send().await.unwrap().status(), 204);
    server.until_closed().await;
    assert!(ultravox.simulator.calls().is_empty());
    assert_eq!(ultravox.simulator.faults().drop_webhooks, 0);
    let seen: Value = ultravox.plain("GET", "/_control/calls").send().await.unwrap().json().await.unwrap();
    assert_eq!(seen, json!([]));
}

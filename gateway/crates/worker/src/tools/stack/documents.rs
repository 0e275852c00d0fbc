//! Status webhooks from the job to the card and the call.

use super::*;
use crate::tools::documents;

/// An order that was placed, and its key.
async fn placed() -> (Stack, String) {
    let stack = Stack::new().await;
    let reference = stack.quoted(1).await;
    let answer = stack.confirm(&reference).await;
    stack.idle().await;
    stack.work().await;
    (stack, answer["document"]["name"].as_str().unwrap().to_owned())
}

fn webhook(name: &str, status: &str) -> Value {
    json!({
        "event": "voice_document.updated", "doctype": "Voice Restaurant Order", "name": name, "order_number": "VO-0001",
        "status": status, "modified": "2026-11-24 10:00:00.000001", "estimated_time": 5,
    })
}

async fn apply(stack: &Stack, body: &Value) -> Outcome {
    documents::apply(&stack.app, body, ledger_samples::START).await
}

#[tokio::test]
async fn a_status_reaches_the_card_and_the_live_call_once() {
    let (stack, name) = placed().await;
    for _ in 0..2 {
        assert_eq!(apply(&stack, &webhook(&name, "Ready")).await, Outcome::Done);
    }
    assert_eq!(stack.work().await, ["Order VO-0001 is now Ready."]);
    let cards = stack.events("document").await;
    assert_eq!((cards.len(), &cards[2]["stage"], &cards[2]["estimated_minutes"]), (3, &json!("ready"), &json!(5)));
}

#[tokio::test]
async fn after_the_call_only_the_card_moves() {
    let (stack, name) = placed().await;
    let end = |record: &mut Record, _: &mut Step| record.state = neoron_protocol::session::State::Completed;
    stack.app.step(stack.record.session, end).await.unwrap();
    assert_eq!(apply(&stack, &webhook(&name, "Ready")).await, Outcome::Done);
    assert!(stack.work().await.is_empty());
    assert_eq!(stack.now().await.documents[0].card.status, "Ready");
}

#[tokio::test]
async fn a_status_that_comes_before_its_document_is_parked_and_given_up_in_the_end() {
    let stack = Stack::new().await;
    let mut early = webhook("q_unknown", "Ready");
    for session in [Value::Null, json!(stack.record.session)] {
        early["session_id"] = session;
        assert!(matches!(apply(&stack, &early).await, Outcome::Retry { after: Some(_), .. }));
    }
    stack.wait(600);
    assert!(matches!(apply(&stack, &early).await, Outcome::Bury { .. }));
    assert!(matches!(apply(&stack, &json!({"name": 1})).await, Outcome::Bury { .. }));
}

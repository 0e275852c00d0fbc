//! Queries while ERPNext answers and while it does not.

use super::*;

#[tokio::test]
async fn a_query_is_answered_from_erpnext() {
    let stack = Stack::new().await;
    let answer = stack.call("getMenu", json!({})).await;
    assert_eq!(answer["say"], "There is Margherita pizza, Pepperoni pizza, Garlic bread, Cola and Calzone.");
    assert_eq!((&answer["status"], &answer["data"]["currency"]), (&json!("ok"), &json!("GBP")));
    assert!(answer.get("as_of").is_none());
}

#[tokio::test]
async fn while_erpnext_is_down_the_last_answer_says_how_old_it_is() {
    let stack = Stack::new().await;
    stack.call("getMenu", json!({})).await;
    *stack.erp.down.lock().unwrap() = true;
    stack.wait(600);
    let answer = stack.call("getMenu", json!({})).await;
    assert_eq!(answer["as_of"], "2026-11-24T10:00:00Z");
    assert!(answer["say"].as_str().unwrap().starts_with("This was so on Tuesday 24 November at 10:00"));
    stack.wait(3_600);
    let answer = stack.call("getMenu", json!({})).await;
    assert_eq!(answer, json!({"status": "refused", "say": "I cannot look that up right now."}), "too old");
}

#[tokio::test]
async fn orders_are_taken_from_the_last_menu_while_erpnext_is_down() {
    let stack = Stack::new().await;
    stack.call("getMenu", json!({})).await;
    *stack.erp.down.lock().unwrap() = true;
    stack.wait(600);
    let reference = stack.quoted(1).await;
    assert_eq!(stack.confirm(&reference).await["status"], "queued");
    *stack.erp.down.lock().unwrap() = false;
    stack.wait(2);
    assert_eq!(stack.work().await, ["Order VO-0001 is placed, £2.50."]);
}

#[tokio::test]
async fn a_status_without_a_number_is_of_the_sessions_own_order() {
    let stack = Stack::new().await;
    assert_eq!(stack.call("orderStatus", json!({})).await["status"], "ask");
    let reference = stack.quoted(1).await;
    let placed = stack.confirm(&reference).await;
    let answer = stack.call("orderStatus", json!({})).await;
    assert_eq!(answer["data"]["name"], placed["document"]["name"]);
    assert_eq!(answer["say"], "It is Preparing.");
}

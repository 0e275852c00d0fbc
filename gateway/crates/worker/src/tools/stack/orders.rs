//! Quoting, confirming and placing, with everything that goes wrong in between.

use neoron_store::DocumentKey;

use super::*;

/// The restaurant with a tool that is answered within 100 ms.
async fn hasty(permits: usize) -> Stack {
    let mut businesses = samples::businesses();
    let confirm = businesses.get_mut("restaurant").unwrap().tools.get_mut("confirmOrder").unwrap();
    confirm.timeout = Duration::from_secs(1);
    Stack::with(businesses, "restaurant", permits).await
}

#[tokio::test]
async fn an_order_is_quoted_confirmed_and_placed_once() {
    let stack = Stack::new().await;
    let quote = stack.call("placeOrder", order(2)).await;
    assert_eq!(quote["say"], "2 × Cola, £5.00 in all. Shall I place it?");
    assert!(stack.erp.documents().is_empty(), "nothing is placed before the yes");
    let placed = stack.confirm(quote["quote_id"].as_str().unwrap()).await;
    let key = quote["quote_id"].as_str().unwrap().trim_end_matches("-1").to_owned();
    assert_eq!(
        placed,
        json!({
            "status": "placed", "say": "Order VO-0001 is placed, £5.00.",
            "document": {"doctype": "Voice Restaurant Order", "name": key, "number": "VO-0001", "status": "Pending"},
        })
    );
    let sent = stack.erp.documents()[&key].clone();
    assert_eq!((&sent["session_id"], &sent["expected_total"]), (&json!(stack.record.session), &json!(5.0)));
    let record = stack.now().await;
    assert_eq!(record.outcome.as_deref(), Some("Order VO-0001"));
    assert_eq!((record.counters.tool_calls, record.interactions.len()), (2, 2));
    assert_eq!(record.customer.name(), Some("Ada"));
    let document = DocumentKey { doctype: "Voice Restaurant Order".into(), name: key };
    assert_eq!(stack.app.store.by_document(&document).await.unwrap(), Some(record.session));
    stack.idle().await;
    assert!(stack.work().await.is_empty(), "the agent has said it already");
}

#[tokio::test]
async fn the_visitor_sees_the_quote_the_placing_and_the_order() {
    let stack = Stack::new().await;
    let reference = stack.quoted(1).await;
    stack.confirm(&reference).await;
    let states: Vec<Value> = stack.events("quote").await.iter().map(|quote| quote["state"].clone()).collect();
    assert_eq!(states, ["open", "confirmed"]);
    let stages: Vec<Value> = stack.events("document").await.iter().map(|card| card["stage"].clone()).collect();
    assert_eq!(stages, ["placing", "received"]);
    let tools: Vec<(Value, Value)> =
        stack.events("tool").await.iter().map(|tool| (tool["tool"].clone(), tool["phase"].clone())).collect();
    let tool = |name: &str, phase: &str| (json!(name), json!(phase));
    assert_eq!(
        tools,
        [
            tool("placeOrder", "started"),
            tool("placeOrder", "done"),
            tool("confirmOrder", "started"),
            tool("confirmOrder", "done"),
        ]
    );
}

#[tokio::test]
async fn a_stranger_learns_nothing() {
    let stack = Stack::new().await;
    let good = stack.body(order(1));
    let wrong = TOKEN.replace('A', "B");
    for (tool, token, body, status) in [
        ("placeOrder", wrong.as_str(), good.as_str(), 401),
        ("noSuchTool", wrong.as_str(), good.as_str(), 401),
        ("placeOrder", TOKEN, r#"{"call_id":"another-call"}"#, 401),
        ("placeOrder", TOKEN, "{}", 401),
        ("noSuchTool", TOKEN, good.as_str(), 404),
        ("placeOrder", TOKEN, "{", 400),
        ("placeOrder", TOKEN, "[]", 400),
        ("placeOrder", TOKEN, &" ".repeat(65 * 1024), 413),
    ] {
        assert_eq!(stack.raw(tool, token, body).await.0.as_u16(), status, "{tool} {:.40}", body);
    }
    assert_eq!(stack.now().await, stack.record);
}

#[tokio::test]
async fn what_is_missing_or_unknown_is_asked_back_and_changes_nothing() {
    let stack = Stack::new().await;
    let answer = stack
        .call("placeOrder", json!({"order_type": "Pickup", "items": [{"menu_item": "coke", "quantity": 1}]}))
        .await;
    assert_eq!(answer, json!({"status": "ask", "say": "I need the customer's name."}));
    let mut sushi = order(1);
    sushi["items"][0]["menu_item"] = json!("sushi");
    assert_eq!(stack.call("placeOrder", sushi).await["status"], "ask");
    let mut phone = order(1);
    phone["customer_phone"] = json!("call me maybe");
    assert_eq!(stack.call("placeOrder", phone).await["status"], "ask");
    assert_eq!(stack.confirm("q_unknown-1").await["status"], "ask");
    assert!(stack.now().await.ledger.open(stack.app.now()).is_empty());
}

#[tokio::test]
async fn many_confirmations_at_once_place_one_order() {
    let stack = Arc::new(Stack::new().await);
    let reference = stack.quoted(3).await;
    let confirm = |_| {
        let (stack, reference) = (stack.clone(), reference.clone());
        tokio::spawn(async move { stack.confirm(&reference).await })
    };
    for answer in (0..8).map(confirm).collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap()["status"], "placed");
    }
    assert_eq!((stack.erp.documents().len(), stack.erp.calls("place_order")), (1, 1));
}

#[tokio::test]
async fn a_slow_order_is_promised_and_told_when_it_is_placed() {
    let stack = hasty(0).await;
    let reference = stack.quoted(1).await;
    let answer = stack.confirm(&reference).await;
    assert_eq!(answer, json!({"status": "queued", "say": "It is being placed."}));
    // The model does not believe it, twice.
    assert_eq!(stack.confirm(&reference).await["status"], "queued");
    assert_eq!(stack.call("placeOrder", order(1)).await["status"], "queued");
    stack.erp.gate.add_permits(1);
    stack.idle().await;
    assert_eq!(stack.work().await, ["Order VO-0001 is placed, £2.50."]);
    assert_eq!(stack.events("notice").await[0]["code"], "placed");
    assert_eq!(stack.confirm(&reference).await["status"], "placed");
    assert_eq!(stack.erp.documents().len(), 1);
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_not_placed_twice() {
    let stack = Stack::new().await;
    stack.erp.fail_next(Fault::Lost);
    let reference = stack.quoted(1).await;
    assert_eq!(stack.confirm(&reference).await["status"], "queued");
    stack.wait(2);
    assert_eq!(stack.work().await.len(), 1);
    assert_eq!((stack.erp.documents().len(), stack.erp.calls("place_order")), (1, 2));
    let placed = stack.call("placeOrder", order(1)).await;
    assert_eq!(placed["document"]["number"], "VO-0001", "{placed}");
}

#[tokio::test]
async fn an_order_waits_in_the_queue_while_erpnext_is_down() {
    let stack = Stack::new().await;
    let reference = stack.quoted(1).await;
    for _ in 0..3 {
        stack.erp.fail_next(Fault::Answer(503, json!({"exc_type": "SessionStopped"})));
    }
    assert_eq!(stack.confirm(&reference).await["status"], "queued");
    stack.wait(2);
    assert_eq!(stack.work().await.len(), 1);
    assert_eq!((stack.erp.documents().len(), stack.erp.calls("place_order")), (1, 4));
}

#[tokio::test]
async fn a_refused_order_says_why_and_can_be_ordered_at_the_new_price() {
    let stack = Stack::new().await;
    let refused = json!({"exc_type": "QuoteChanged", "total_amount": 3.0, "currency": "GBP"});
    stack.erp.fail_next(Fault::Answer(409, refused));
    let reference = stack.quoted(1).await;
    let answer = stack.confirm(&reference).await;
    assert_eq!(answer["say"], "The price has changed to £3.00. Nothing was ordered.");
    assert_eq!(stack.events("document").await[1]["stage"], "cancelled");
    assert_eq!(stack.confirm(&reference).await, answer, "a repetition is answered alike");
    let menus = stack.erp.calls("get_menu");
    let second = stack.quoted(1).await;
    assert_eq!(stack.erp.calls("get_menu"), menus + 1, "the menu is asked for again");
    assert_eq!(stack.confirm(&second).await["status"], "placed");
}

#[tokio::test]
async fn an_order_that_can_never_be_placed_is_kept_for_a_person() {
    let stack = Stack::new().await;
    stack.erp.fail_next(Fault::Answer(403, json!({"exc_type": "PermissionError"})));
    let reference = stack.quoted(1).await;
    assert_eq!(stack.confirm(&reference).await["status"], "queued");
    stack.idle().await;
    let dead = stack.app.store.dead(0, 10).await.unwrap();
    assert_eq!(dead.jobs[0].reason, "ERPNext: denied, status 403, PermissionError");
    assert_eq!(stack.events("notice").await[0]["code"], "needs_person");
    // The role was mended.
    assert!(stack.app.store.redrive(dead.jobs[0].job).await.unwrap());
    stack.work().await;
    assert_eq!(stack.erp.documents().len(), 1);
}

#[tokio::test]
async fn a_slot_is_booked_once_and_not_asked_for_again() {
    let stack = Stack::with(samples::businesses(), "salon", 16).await;
    let booking = json!({"customer_name": "Ada", "service_type": "hair cut", "start": "2026-11-25T10:00"});
    let quote = stack.call("bookAppointment", booking.clone()).await;
    assert_eq!(quote["status"], "quoted", "{quote}");
    assert_eq!(
        stack.events("quote").await[0]["expires_at"],
        json!(ledger_samples::START.0 + 90_000),
        "as long as it is held"
    );
    let placed = stack.call("confirmAppointment", json!({"quote_id": quote["quote_id"]})).await;
    assert_eq!(placed["say"], "Haircut on Wednesday 25 November at 10:00 is booked.");
    let asked = stack.erp.calls("hold_slot");
    assert_eq!(stack.call("bookAppointment", booking).await["status"], "placed");
    assert_eq!(stack.erp.calls("hold_slot"), asked);
    let late = json!({"customer_name": "Ada", "service_type": "haircut", "start": "2026-11-25 12:00"});
    assert!(stack.call("bookAppointment", late).await["say"].as_str().unwrap().contains("Free are"));
}

#[tokio::test]
async fn a_slot_that_was_taken_meanwhile_is_refused_with_others() {
    let stack = Stack::with(samples::businesses(), "salon", 16).await;
    let booking = json!({"customer_name": "Ada", "service_type": "haircut", "start": "2026-11-25 10:00"});
    let quote = stack.call("bookAppointment", booking).await;
    let taken = json!({"exc_type": "SlotTaken", "alternatives": [{"start": "2026-11-25 11:00:00"}]});
    stack.erp.fail_next(Fault::Answer(409, taken));
    let answer = stack.call("confirmAppointment", json!({"quote_id": quote["quote_id"]})).await;
    assert_eq!(
        answer,
        json!({
            "status": "refused", "say": "That time has just been taken. Free are Wednesday 25 November at 11:00.",
        })
    );
}

#[tokio::test]
async fn erpnexts_own_price_is_quoted() {
    let stack = Stack::new().await;
    let answer = json!({"message": {"total_amount": 6.0, "currency": "GBP", "estimated_time": 10,
        "items": [{"menu_item": "Cola", "item_name": "Cola", "quantity": 2, "total_price": 6.0}]}});
    *stack.erp.quote.lock().unwrap() = Some((200, answer));
    let quote = stack.call("placeOrder", order(2)).await;
    assert_eq!(quote["say"], "2 × Cola, £6.00 in all. Shall I place it?");
    stack.confirm(quote["quote_id"].as_str().unwrap()).await;
    assert_eq!(stack.erp.documents().values().next().unwrap()["expected_total"], json!(6.0));
}

#[tokio::test]
async fn what_erpnext_says_against_an_order_is_asked_back_before_anything_is_quoted() {
    let stack = Stack::new().await;
    let refused = json!({"exc_type": "ItemUnavailable", "reason": "item_unavailable", "unavailable": ["Cola"],
        "say": "Not available now: Cola."});
    *stack.erp.quote.lock().unwrap() = Some((417, refused));
    let answer = stack.call("placeOrder", order(1)).await;
    assert_eq!(answer, json!({"status": "ask", "say": "Not available now: Cola."}));
    assert!(stack.events("quote").await.is_empty());
}

#[tokio::test]
async fn a_site_that_cannot_quote_is_quoted_from_its_menu() {
    let stack = Stack::new().await;
    for (status, body) in [(503, json!({"exc_type": "SessionStopped"})), (500, json!({"exc_type": "TypeError"}))] {
        *stack.erp.quote.lock().unwrap() = Some((status, body));
        let quote = stack.call("placeOrder", order(2)).await;
        assert_eq!(quote["say"], "2 × Cola, £5.00 in all. Shall I place it?");
    }
}

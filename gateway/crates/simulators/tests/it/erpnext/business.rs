//! The business methods of `docs/erpnext-contract.md`.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{APPOINTMENTS, ORDERS, Site, order};

const SUPPORT: &str = "business_workflows.api.support_logic";
const CUSTOMER: &str = "business_workflows.api.customer_logic";

fn keys(value: &Value) -> HashSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_menu_has_the_contracts_fields() {
    let site = Site::start().await;
    let menu = site.call(ORDERS, "get_menu", &json!({})).await.message();
    assert_eq!(menu["currency"], "GBP");
    let items = menu["items"].as_array().unwrap();
    assert_eq!(items.len(), 12);
    let expected =
        ["menu_item", "item_name", "aliases", "category", "price", "available", "preparation_time", "modifiers"];
    assert_eq!(keys(&items[0]), HashSet::from(expected));
    let price = |name: &str| items.iter().find(|item| item["menu_item"] == name).unwrap()["price"].clone();
    assert_eq!(
        (price("Margherita pizza"), price("Pepperoni pizza"), price("Cola")),
        (json!(9.5), json!(11.0), json!(2.5))
    );
}

#[tokio::test]
async fn an_order_is_priced_by_the_server_and_placed_once() {
    let site = Site::start().await;
    let first = site.call(ORDERS, "place_order", &order("q-1")).await.message();
    assert_eq!((&first["name"], &first["order_number"]), (&json!("q-1"), &json!("VO-0001")));
    assert_eq!((&first["total_amount"], &first["currency"]), (&json!(21.5), &json!("GBP")));
    assert_eq!((&first["status"], &first["created"]), (&json!("Pending"), &json!(true)));
    assert_eq!(first["items"][0]["total_price"], json!(19.0));
    let mut again = site.call(ORDERS, "place_order", &order("Q-1")).await.message();
    assert_eq!(again["created"], json!(false));
    again["created"] = true.into();
    assert_eq!(again, first);
    assert_eq!(site.simulator.orders().len(), 1);
    let number = site.call(ORDERS, "place_order", &order("q-2")).await.message()["order_number"].clone();
    assert_eq!(number, "VO-0002");
}

#[tokio::test]
async fn an_order_can_be_asked_after_by_name_and_by_number() {
    let site = Site::start().await;
    site.call(ORDERS, "place_order", &order("q-1")).await.message();
    for name in ["q-1", "VO-0001", "vo-0001"] {
        let status = site.call(ORDERS, "order_status", &json!({"order": name})).await.message();
        assert_eq!((&status["name"], &status["doctype"]), (&json!("q-1"), &json!("Voice Restaurant Order")));
    }
    let unknown = site.call(ORDERS, "order_status", &json!({"order": "VO-9999"})).await;
    unknown.refused(404, "UnknownDocument");
}

#[tokio::test]
async fn what_is_not_on_the_menu_is_named_in_the_refusal() {
    let site = Site::start().await;
    let mut wanted = order("q-1");
    wanted["items"][1]["menu_item"] = "Sushi".into();
    let refused = site.call(ORDERS, "place_order", &wanted).await;
    refused.refused(417, "UnknownMenuItem");
    assert_eq!(refused.body["unknown"], json!(["Sushi"]));
    assert_eq!(refused.body["_exc_source"], "business_workflows (app)");
    wanted["items"][1]["menu_item"] = "Calzone".into();
    let refused = site.call(ORDERS, "place_order", &wanted).await;
    refused.refused(417, "ItemUnavailable");
    assert_eq!(refused.body["unavailable"], json!(["Calzone"]));
    assert!(site.simulator.orders().is_empty());
    let placed = site.call(ORDERS, "place_order", &order("q-1")).await.message();
    assert_eq!(placed["order_number"], "VO-0001", "a refused order uses no number");
}

#[tokio::test]
async fn another_price_than_expected_is_quoted_not_charged() {
    let site = Site::start().await;
    let mut wanted = order("q-1");
    wanted["expected_total"] = json!(21.5);
    let changed = json!({"menu_item": "Cola", "price": 3.0});
    assert_eq!(site.control("menu", &changed).await.status, 204);
    let refused = site.call(ORDERS, "place_order", &wanted).await;
    refused.refused(409, "QuoteChanged");
    assert_eq!((&refused.body["total_amount"], &refused.body["currency"]), (&json!(22.0), &json!("GBP")));
    wanted["expected_total"] = json!(22);
    assert_eq!(site.call(ORDERS, "place_order", &wanted).await.message()["total_amount"], json!(22.0));
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused() {
    let site = Site::start().await;
    let refusals: [(&str, Value, u16, &str); 9] = [
        ("order_type", json!("Drone"), 417, "ValidationError"),
        ("order_type", json!("Delivery"), 417, "ValidationError"),
        ("items", json!([]), 417, "ValidationError"),
        ("items", json!("[]"), 417, "FrappeTypeError"),
        ("items", json!([{"menu_item": "Cola", "quantity": 0}]), 417, "ValidationError"),
        ("customer_phone", json!("call me"), 417, "InvalidPhoneNumberError"),
        ("customer_name", json!(""), 417, "MandatoryError"),
        ("idempotency_key", json!("a<b"), 417, "ValidationError"),
        ("expected_total", json!([1]), 417, "FrappeTypeError"),
    ];
    for (field, value, status, exc_type) in refusals {
        let mut wanted = order("q-1");
        wanted[field] = value;
        site.call(ORDERS, "place_order", &wanted).await.refused(status, exc_type);
    }
    let mut wanted = order("q-1");
    wanted.as_object_mut().unwrap().remove("session_id");
    site.call(ORDERS, "place_order", &wanted).await.refused(500, "TypeError");
    assert!(site.simulator.orders().is_empty());
}

#[tokio::test]
async fn a_delivery_takes_longer() {
    let site = Site::start().await;
    let mut wanted = order("q-1");
    wanted["order_type"] = "Delivery".into();
    wanted["delivery_address"] = "2 Example Street".into();
    assert_eq!(site.call(ORDERS, "place_order", &wanted).await.message()["estimated_time"], 35);
}

#[tokio::test]
async fn business_methods_are_for_the_gateways_role_alone() {
    let site = Site::start().await;
    let path = format!("/api/method/{ORDERS}.place_order");
    let request = site.request("noroles:secret", Method::POST, &path).json(&order("q-1"));
    Site::send(request).await.refused(403, "PermissionError");
    Site::send(site.bare(Method::POST, &path).json(&order("q-1"))).await.refused(403, "PermissionError");
    site.get(&format!("/api/method/{ORDERS}.get_menu")).await.refused(403, "PermissionError");
}

async fn slots(site: &Site, session: &str, extra: &Value) -> Value {
    let mut arguments = json!({"session_id": session, "service_type": "haircut"});
    for (key, value) in extra.as_object().unwrap() {
        arguments[key] = value.clone();
    }
    site.call(APPOINTMENTS, "get_availability", &arguments).await.message()
}

fn booking(key: &str, session: &str, start: &str) -> Value {
    json!({"idempotency_key": key, "session_id": session, "customer_name": "Ada",
        "service_type": "haircut", "start": start})
}

const NINE: &str = "2026-11-24 09:00:00";

#[tokio::test]
async fn availability_begins_tomorrow_and_is_held() {
    let site = Site::start().await;
    let answer = slots(&site, "s_1", &json!({"limit": 2, "hold_seconds": 60})).await;
    let expected = json!([
        {"start": NINE, "end": "2026-11-24 09:30:00"},
        {"start": "2026-11-24 09:30:00", "end": "2026-11-24 10:00:00"},
    ]);
    assert_eq!(answer["slots"], expected);
    assert_eq!(answer["held_until"], "2026-11-23 12:01:00");
    assert_eq!(
        (&answer["service_name"], &answer["duration"], &answer["price"]),
        (&json!("Haircut"), &json!(30), &json!(28.0))
    );
}

#[tokio::test]
async fn a_held_slot_is_not_offered_to_others_until_it_expires() {
    let site = Site::start().await;
    for session in ["s_1", "s_2"] {
        assert_eq!(slots(&site, session, &json!({"limit": 1})).await["slots"][0]["start"], NINE);
    }
    assert_eq!(slots(&site, "s_3", &json!({"limit": 1})).await["slots"][0]["start"], "2026-11-24 09:30:00");
    let refused = site.call(APPOINTMENTS, "book_appointment", &booking("a-3", "s_3", NINE)).await;
    refused.refused(409, "SlotTaken");
    assert_eq!(refused.body["alternatives"][0], json!({"start": "2026-11-24 09:30:00", "end": "2026-11-24 10:00:00"}));
    site.time.forward(120);
    site.call(APPOINTMENTS, "book_appointment", &booking("a-3", "s_3", NINE)).await.message();
}

#[tokio::test]
async fn a_booking_is_made_once_and_cancelling_frees_it() {
    let site = Site::start().await;
    let first = site.call(APPOINTMENTS, "book_appointment", &booking("a-1", "s_1", NINE)).await.message();
    let fields = ["doctype", "name", "status", "service_name", "start", "end", "price", "currency", "created"];
    assert_eq!(keys(&first), HashSet::from(fields));
    assert_eq!((&first["name"], &first["status"]), (&json!("a-1"), &json!("Scheduled")));
    let again = site.call(APPOINTMENTS, "book_appointment", &booking("a-1", "s_1", NINE)).await.message();
    assert_eq!(again["created"], json!(false));
    site.call(APPOINTMENTS, "book_appointment", &booking("a-2", "s_2", NINE)).await.message();
    site.call(APPOINTMENTS, "book_appointment", &booking("a-3", "s_3", NINE)).await.refused(409, "SlotTaken");
    let cancel = json!({"idempotency_key": "x-1", "session_id": "s_1", "appointment": "a-1", "reason": "ill"});
    let cancelled = site.call(APPOINTMENTS, "cancel_appointment", &cancel).await.message();
    assert_eq!((&cancelled["status"], &cancelled["created"]), (&json!("Cancelled"), &json!(true)));
    let again = site.call(APPOINTMENTS, "cancel_appointment", &cancel).await.message();
    assert_eq!((&again["status"], &again["created"]), (&json!("Cancelled"), &json!(false)));
    site.call(APPOINTMENTS, "book_appointment", &booking("a-3", "s_3", NINE)).await.message();
}

#[tokio::test]
async fn a_slot_wanted_by_twelve_at_once_is_given_to_as_many_as_can_be_served() {
    let site = Site::with(|options| options.workers = 8).await;
    let mut calls = Vec::new();
    for number in 0..12 {
        let path = format!("/api/method/{APPOINTMENTS}.book_appointment");
        let request = site.request("gateway:gateway-secret", Method::POST, &path);
        let body = booking(&format!("a-{number}"), &format!("s_{number}"), NINE);
        calls.push(tokio::spawn(Site::send(request.json(&body))));
    }
    let mut booked = 0;
    for call in calls {
        booked += u32::from(call.await.unwrap().status == 200);
    }
    assert_eq!(booked, 2, "one for each resource");
}

#[tokio::test]
async fn times_that_are_none_are_refused() {
    let site = Site::start().await;
    for start in ["2026-11-24T09:00:00Z", "soon"] {
        site.call(APPOINTMENTS, "book_appointment", &booking("a", "s", start)).await.refused(417, "ValidationError");
    }
    for start in ["2026-11-23 15:00:00", "2026-11-29 09:00:00", "2026-11-24 09:10:00", "2030-01-01 09:00:00"] {
        site.call(APPOINTMENTS, "book_appointment", &booking("a", "s", start)).await.refused(409, "SlotTaken");
    }
    let mut unknown = booking("a", "s", NINE);
    unknown["service_type"] = "surgery".into();
    let refused = site.call(APPOINTMENTS, "book_appointment", &unknown).await;
    refused.refused(417, "UnknownService");
    assert_eq!(refused.body["services"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_ticket_takes_the_priority_of_its_category() {
    let site = Site::start().await;
    let categories = site.call(SUPPORT, "get_categories", &json!({})).await.message();
    assert!(categories["categories"].as_array().unwrap().iter().any(|category| category["category"] == "Delivery"));
    let mut ticket = json!({"idempotency_key": "t-1", "session_id": "s_1", "customer_name": "Ada",
        "issue_description": "It is cold", "category": "delivery"});
    let made = site.call(SUPPORT, "create_ticket", &ticket).await.message();
    assert_eq!(
        (&made["category"], &made["priority"], &made["created"]),
        (&json!("Delivery"), &json!("High"), &json!(true))
    );
    let status = site.call(SUPPORT, "ticket_status", &json!({"ticket": "T-1"})).await.message();
    assert_eq!(keys(&status), HashSet::from(["doctype", "name", "status", "category", "priority"]));
    ticket["idempotency_key"] = "t-2".into();
    ticket["category"] = "Weather".into();
    site.call(SUPPORT, "create_ticket", &ticket).await.refused(417, "UnknownCategory");
    ticket["category"] = Value::Null;
    ticket["priority"] = "Whatever".into();
    site.call(SUPPORT, "create_ticket", &ticket).await.refused(417, "ValidationError");
}

#[tokio::test]
async fn a_message_is_taken_once_and_the_business_introduces_itself() {
    let site = Site::start().await;
    let message = json!({"idempotency_key": "m-1", "session_id": "s_1", "customer_name": "Ada",
        "message": "Please ring", "callback": 1});
    let made = site.call(CUSTOMER, "take_message", &message).await.message();
    assert_eq!(made, json!({"doctype": "Voice Message", "name": "m-1", "status": "Open", "created": true}));
    assert_eq!(site.call(CUSTOMER, "take_message", &message).await.message()["created"], json!(false));
    let info = site.call(CUSTOMER, "get_business_info", &json!({})).await.message();
    assert_eq!(info["opening_hours"].as_array().unwrap().len(), 6);
    assert_eq!(info["business_name"], "Neoron Pizza");
}

#[tokio::test]
async fn a_placed_order_keeps_its_price_over_rest() {
    let site = Site::start().await;
    site.call(ORDERS, "place_order", &order("q-1")).await.message();
    let path = "/api/resource/Voice%20Restaurant%20Order/q-1";
    let cheaper = json!({"total_amount": 0.01});
    site.gateway(Method::PUT, path, &cheaper).await.refused(403, "PermissionError");
    site.manager(Method::PUT, path, &cheaper).await.refused(417, "CannotChangeConstantError");
}

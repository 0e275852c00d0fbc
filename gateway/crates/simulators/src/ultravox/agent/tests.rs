//! Whole conversations with the scripted agent, tool answers written by hand.

#![allow(clippy::unwrap_used)]

use jiff::civil::Date;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A Tuesday.
fn today() -> Date {
    Date::constant(2026, 11, 24)
}

fn tool(name: &str, required: &[&str], optional: &[&str]) -> ToolInfo {
    let parameters = required
        .iter()
        .map(|name| ((*name).to_owned(), true))
        .chain(optional.iter().map(|name| ((*name).to_owned(), false)))
        .collect();
    ToolInfo { name: name.to_owned(), parameters, ends_call: name == "hangUp" }
}

fn restaurant() -> Agent {
    Agent::new(vec![
        tool("hangUp", &[], &["reason"]),
        tool("getMenu", &[], &[]),
        tool("placeOrder", &["items", "order_type", "customer_name"], &["customer_phone", "delivery_address", "again"]),
        tool("confirmOrder", &["quote_id"], &[]),
        tool("orderStatus", &[], &["order"]),
    ])
}

fn salon() -> Agent {
    Agent::new(vec![
        tool("getAvailability", &["service"], &["date"]),
        tool("bookAppointment", &["service", "start", "customer_name"], &["customer_phone", "again"]),
        tool("confirmBooking", &["quote_id"], &[]),
        tool("cancelAppointment", &[], &["appointment", "reason"]),
    ])
}

fn support() -> Agent {
    Agent::new(vec![
        tool("getCategories", &[], &[]),
        tool("createTicket", &["issue"], &["category", "priority", "customer_name", "customer_phone"]),
        tool("ticketStatus", &[], &["ticket"]),
        tool("getBusinessInfo", &[], &[]),
        tool("takeMessage", &["message"], &["customer_name", "customer_phone", "callback"]),
    ])
}

/// The call that is the agent's only action.
fn called(actions: &[Action]) -> (String, Value) {
    match actions {
        [Action::Call { tool, arguments }] => (tool.clone(), Value::Object(arguments.clone())),
        other => panic!("expected one tool call, found {other:?}"),
    }
}

fn said(actions: &[Action]) -> &str {
    match actions {
        [Action::Say(text), ..] => text,
        other => panic!("expected words, found {other:?}"),
    }
}

fn quoted(agent: &mut Agent, tool: &str, id: &str) {
    agent.tool_result(tool, &json!({"status": "quoted", "quote_id": id, "say": "Shall I?"}).to_string());
}

#[test]
fn a_whole_order_in_one_sentence_is_placed_and_confirmed() {
    let mut agent = restaurant();
    let sentence =
        "Hi, I'd like two margherita pizzas and a cola for pickup, my name is Ada, my number is 07700 900123";
    let (name, arguments) = called(&agent.hear(sentence, today()));
    assert_eq!(name, "placeOrder");
    let items = json!([{"name": "margherita pizza", "quantity": 2}, {"name": "cola", "quantity": 1}]);
    let expected = json!({"items": items, "order_type": "pickup", "customer_name": "Ada",
        "customer_phone": "07700900123"});
    assert_eq!(arguments, expected);
    quoted(&mut agent, "placeOrder", "q_1");
    assert_eq!(called(&agent.hear("Yes please", today())), ("confirmOrder".to_owned(), json!({"quote_id": "q_1"})));
}

#[test]
fn what_is_missing_is_asked_for_step_by_step() {
    let mut agent = restaurant();
    assert!(said(&agent.hear("three garlic breads please", today())).contains("pickup"));
    assert!(said(&agent.hear("delivery", today())).contains("address"));
    assert!(said(&agent.hear("12 High Street, Leeds", today())).contains("name"));
    let (_, arguments) = called(&agent.hear("ada lovelace", today()));
    let expected = json!({"items": [{"name": "garlic bread", "quantity": 3}], "order_type": "delivery",
        "delivery_address": "12 High Street, Leeds", "customer_name": "Ada Lovelace"});
    assert_eq!(arguments, expected);
}

#[test]
fn an_amendment_places_the_whole_new_list_and_the_newest_quote_counts() {
    let mut agent = restaurant();
    agent.hear("a margherita pizza and a cola for pickup, name Ada", today());
    quoted(&mut agent, "placeOrder", "q_1");
    let (name, arguments) = called(&agent.hear("Actually, make that two colas and add a tiramisu", today()));
    assert_eq!(name, "placeOrder");
    let items = json!([{"name": "margherita pizza", "quantity": 1}, {"name": "cola", "quantity": 2},
        {"name": "tiramisu", "quantity": 1}]);
    assert_eq!(arguments["items"], items);
    quoted(&mut agent, "placeOrder", "q_2");
    assert_eq!(called(&agent.hear("that's right", today())).1, json!({"quote_id": "q_2"}));
}

#[test]
fn yes_together_with_a_change_is_no_confirmation() {
    let mut agent = restaurant();
    agent.hear("a cola for pickup, name Ada", today());
    quoted(&mut agent, "placeOrder", "q_1");
    assert_eq!(called(&agent.hear("yes, and add a tiramisu", today())).0, "placeOrder");
}

#[test]
fn no_asks_what_to_change_and_never_mind_drops_the_order() {
    let mut agent = restaurant();
    agent.hear("a cola for pickup, name Ada", today());
    quoted(&mut agent, "placeOrder", "q_1");
    assert!(said(&agent.hear("no", today())).contains("change"));
    assert!(said(&agent.hear("never mind", today())).contains("dropped"));
    assert_eq!(agent.order, Order::default());
}

#[test]
fn the_same_again_is_a_new_order_on_purpose() {
    let mut agent = restaurant();
    agent.hear("a cola for pickup, name Ada", today());
    quoted(&mut agent, "placeOrder", "q_1");
    let placed = json!({"status": "placed", "document": {"name": "q-1", "order_number": "VO-0001"}, "say": "Placed."});
    agent.tool_result("confirmOrder", &placed.to_string());
    let (name, arguments) = called(&agent.hear("the same again please", today()));
    assert_eq!((name.as_str(), &arguments["again"]), ("placeOrder", &json!(true)));
    assert_eq!(arguments["items"], json!([{"name": "cola", "quantity": 1}]));
}

#[test]
fn the_status_of_the_order_is_asked_by_its_number() {
    let mut agent = restaurant();
    let placed = json!({"status": "placed", "document": {"order_number": "VO-0001"}, "say": "Placed."});
    agent.tool_result("confirmOrder", &placed.to_string());
    assert_eq!(
        called(&agent.hear("Where is my order?", today())),
        ("orderStatus".to_owned(), json!({"order": "VO-0001"}))
    );
}

#[test]
fn an_item_that_was_not_found_is_replaced_by_the_answer() {
    let mut agent = restaurant();
    agent.hear("two pizzas and a cola for pickup, name Ada", today());
    let ask = json!({"status": "ask", "say": "We have no \"pizza\". Did you mean margherita or salami?"});
    agent.tool_result("placeOrder", &ask.to_string());
    let (_, arguments) = called(&agent.hear("margherita", today()));
    let items = json!([{"name": "cola", "quantity": 1}, {"name": "margherita", "quantity": 2}]);
    assert_eq!(arguments["items"], items);
}

#[test]
fn thanks_ends_the_call_and_only_where_it_can_be_ended() {
    let actions = restaurant().hear("Thanks, bye!", today());
    assert_eq!(actions.last(), Some(&Action::HangUp));
    assert!(!salon().hear("thank you", today()).contains(&Action::HangUp));
}

#[test]
fn only_declared_tools_and_parameters_are_used() {
    let mut agent = Agent::new(vec![tool("placeOrder", &["items"], &[])]);
    let (_, arguments) = called(&agent.hear("a cola for pickup, name Ada", today()));
    assert_eq!(arguments, json!({"items": [{"name": "cola", "quantity": 1}]}));
    assert!(said(&agent.hear("what's on the menu", today())).contains("did not catch"));
}

#[test]
fn a_booking_finds_its_slot_and_is_confirmed() {
    let mut agent = salon();
    let (name, arguments) = called(&agent.hear("I'd like a haircut tomorrow at 10, my name is Ada", today()));
    assert_eq!((name.as_str(), arguments), ("getAvailability", json!({"service": "haircut", "date": "2026-11-25"})));
    let free = json!({"status": "ok", "say": "I have 10:00 and 11:00.",
        "data": {"slots": [{"start": "2026-11-25 10:00:00"}, {"start": "2026-11-25 11:00:00"}]}});
    let (name, arguments) = called(&agent.tool_result("getAvailability", &free.to_string()));
    assert_eq!(name, "bookAppointment");
    assert_eq!(arguments, json!({"service": "haircut", "start": "2026-11-25T10:00", "customer_name": "Ada"}));
    quoted(&mut agent, "bookAppointment", "q_9");
    assert_eq!(called(&agent.hear("yes", today())).0, "confirmBooking");
}

#[test]
fn a_slot_that_is_not_free_is_offered_another_time() {
    let mut agent = salon();
    agent.hear("a haircut tomorrow at 9, my name is Ada", today());
    let free = json!({"status": "ok", "say": "I have 10:00 and 11:00.",
        "data": {"slots": [{"start": "2026-11-25 10:00:00"}, {"start": "2026-11-25 11:00:00"}]}});
    assert_eq!(said(&agent.tool_result("getAvailability", &free.to_string())), "I have 10:00 and 11:00.");
    let (name, arguments) = called(&agent.hear("the second one please", today()));
    assert_eq!((name.as_str(), &arguments["start"]), ("bookAppointment", &json!("2026-11-25T11:00")));
}

#[test]
fn small_talk_is_no_service() {
    for text in ["hello, good morning", "how are you?"] {
        assert!(matches!(salon().hear(text, today()).as_slice(), [Action::Say(_)]), "{text}");
    }
}

#[test]
fn an_appointment_is_cancelled_by_its_name() {
    let mut agent = salon();
    let placed = json!({"status": "placed", "document": {"name": "a-1"}, "say": "Booked."});
    agent.tool_result("confirmBooking", &placed.to_string());
    let expected = ("cancelAppointment".to_owned(), json!({"appointment": "a-1"}));
    assert_eq!(called(&agent.hear("please cancel my appointment", today())), expected);
}

#[test]
fn a_ticket_gets_its_category_and_urgency() {
    let mut agent = support();
    assert_eq!(called(&agent.hear("My router is broken, it's urgent", today())).0, "getCategories");
    let categories = json!({"status": "ok", "say": "…", "data": {"categories": [
        {"category": "Billing", "description": "Invoices"}, {"category": "Network", "description": "Routers and wifi"}]}});
    let (name, arguments) = called(&agent.tool_result("getCategories", &categories.to_string()));
    assert_eq!(name, "createTicket");
    let expected = json!({"issue": "My router is broken, it's urgent", "category": "Network", "priority": "Urgent"});
    assert_eq!(arguments, expected);
}

#[test]
fn a_message_with_a_callback_needs_a_number() {
    let mut agent = support();
    assert!(said(&agent.hear("Can someone call me back?", today())).contains("telephone"));
    let (name, arguments) = called(&agent.hear("07700 900123", today()));
    assert_eq!((name.as_str(), &arguments["callback"]), ("takeMessage", &json!(true)));
    assert_eq!(arguments["customer_phone"], "07700900123");
}

#[test]
fn opening_hours_come_from_the_business() {
    assert_eq!(called(&support().hear("what are your opening hours?", today())).0, "getBusinessInfo");
}

#[test]
fn a_notice_is_passed_on_and_a_deferred_one_waits() {
    let mut agent = restaurant();
    assert_eq!(
        said(&agent.hear("<instruction>Tell the visitor that it is ready.</instruction>", today())),
        "it is ready."
    );
    agent.note("[It is ready.]");
    assert_eq!(said(&agent.hear("hello", today())), "It is ready.");
}

#[test]
fn a_continuation_knows_the_open_quote() {
    let mut agent = restaurant();
    let arguments = json!({"items": [{"name": "cola", "quantity": 1}], "order_type": "pickup", "customer_name": "Ada"});
    let messages = [
        json!({"role": "MESSAGE_ROLE_TOOL_CALL", "toolName": "placeOrder", "text": arguments.to_string()}),
        json!({"role": "MESSAGE_ROLE_TOOL_RESULT", "toolName": "placeOrder",
            "text": json!({"status": "quoted", "quote_id": "q_7", "say": "Shall I?"}).to_string()}),
    ];
    agent.recall(&messages.map(|message| message.as_object().unwrap().clone()));
    assert_eq!(called(&agent.hear("yes", today())).1, json!({"quote_id": "q_7"}));
}

proptest! {
    #[test]
    fn no_conversation_makes_it_panic(lines in prop::collection::vec(
        "(yes|no|a|two|cola|pizzas|for|pickup|delivery to|name|Ada|book|haircut|tomorrow|at 10|make that|,|menu|broken|bye| ){0,10}",
        0..8,
    ), answer in "(\\{\"status\":\"(quoted|ask|ok|placed|refused)\",\"say\":\"your name\\?\",\"quote_id\":\"q\"\\}|x)") {
        for mut agent in [restaurant(), salon(), support(), Agent::new(Vec::new())] {
            for line in &lines {
                for action in agent.hear(line, today()) {
                    if let Action::Call { tool, .. } = action {
                        agent.tool_result(&tool, &answer);
                    }
                }
            }
        }
    }
}

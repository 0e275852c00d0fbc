//! The built-in business profiles: the tools are the contract's, the sentences read well.

use std::collections::BTreeMap;

use neoron_worker::config::{Business, Confirm, ToolKind};
use serde_json::{Value, json};

use crate::support::{Given, SOUND};

fn businesses() -> BTreeMap<String, Business> {
    Given { file: SOUND, ..Given::default() }.load().unwrap().worker.businesses
}

#[test]
fn the_profiles_have_the_tools_and_parameters_of_the_contract() {
    let expected: &[(&str, &str, &[&str], &[&str])] = &[
        ("restaurant", "getMenu", &[], &[]),
        (
            "restaurant",
            "placeOrder",
            &["items", "order_type", "customer_name"],
            &["customer_phone", "delivery_address", "again"],
        ),
        ("restaurant", "confirmOrder", &["quote_id"], &[]),
        ("restaurant", "orderStatus", &[], &["order"]),
        ("appointment", "getAvailability", &["service"], &["date"]),
        ("appointment", "bookAppointment", &["service", "start", "customer_name"], &["customer_phone", "again"]),
        ("appointment", "confirmBooking", &["quote_id"], &[]),
        ("appointment", "cancelAppointment", &[], &["appointment", "reason"]),
        ("support", "getCategories", &[], &[]),
        ("support", "createTicket", &["issue"], &["category", "priority", "customer_name", "customer_phone"]),
        ("support", "ticketStatus", &[], &["ticket"]),
    ];
    let businesses = businesses();
    let sorted = |names: Vec<&str>| {
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names.sort();
        names
    };
    for (business, tool, required, optional) in expected {
        let parameters = &businesses[*business].tools[*tool].parameters;
        let named = parameters["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(sorted(named), sorted(required.to_vec()), "{business}.{tool}");
        let all = parameters["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let both = required.iter().chain(*optional).copied().collect();
        assert_eq!(sorted(all), sorted(both), "{business}.{tool}");
    }
    let count = |name: &str| expected.iter().filter(|(business, ..)| *business == name).count() + 2;
    for (name, business) in &businesses {
        assert_eq!(business.tools.len(), count(name), "{name}");
        assert!(business.tools.contains_key("getBusinessInfo") && business.tools.contains_key("takeMessage"), "{name}");
    }
}

#[test]
fn what_costs_something_is_quoted_and_the_rest_is_not() {
    for (name, business) in businesses() {
        for (tool, spec) in business.tools {
            let costs = matches!(tool.as_str(), "placeOrder" | "bookAppointment");
            assert_eq!(spec.confirm == Confirm::Quote, costs, "{name}.{tool}");
            assert_eq!(spec.method.is_none(), spec.kind == ToolKind::Confirm, "{name}.{tool}");
        }
    }
}

#[test]
fn the_prompts_ask_for_a_clear_yes_to_the_words_that_were_read() {
    for name in ["restaurant", "appointment"] {
        let prompt = &businesses()[name].prompt;
        for words in ["word for word", "clear yes", "instead of guessing", "brief", "machine"] {
            assert!(prompt.contains(words), "{name}: {words}");
        }
    }
}

/// Renders a sentence as the worker does, with stand-ins for its filters.
fn say(business: &str, tool: &str, context: Value) -> String {
    let mut environment = minijinja::Environment::new();
    environment.add_filter("money", |amount: f64, currency: Option<String>| {
        format!("{}{amount:.2}", if currency.as_deref() == Some("GBP") { "£" } else { "?" })
    });
    environment.add_filter("when", |text: String| format!("<{text}>"));
    environment.add_filter("listed", |words: Vec<String>| words.join(", "));
    let source = businesses()[business].tools[tool].say.clone();
    let said = environment.render_str(&source, minijinja::Value::from(minijinja::value::Serde(&context))).unwrap();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_menu_is_read_by_category_and_without_what_is_sold_out() {
    let dish = |name: &str, category: &str, price: f64, available: u8| json!({"item_name": name, "category": category, "price": price, "available": available});
    let items =
        [dish("Margherita", "Pizza", 9.5, 1), dish("Calzone", "Pizza", 12.0, 0), dish("Cola", "Drinks", 2.5, 1)];
    assert_eq!(
        say("restaurant", "getMenu", json!({"currency": "GBP", "items": items})),
        "We have drinks: Cola for £2.50; pizza: Margherita for £9.50. What would you like?"
    );
    assert_eq!(
        say("restaurant", "getMenu", json!({"currency": "GBP", "items": []})),
        "There is nothing on the menu right now."
    );
}

#[test]
fn a_quote_is_read_back_with_everything_that_was_agreed() {
    let order = json!({"items": "2 × Margherita and 1 × Cola", "total": "£21.50", "customer_name": "Ada"});
    let of = |kind: &str, amended: bool, address: Option<&str>| {
        let mut order = order.clone();
        order["order_type"] = json!(kind);
        order["amended"] = json!(amended);
        if let Some(address) = address {
            order["delivery_address"] = json!(address);
        }
        say("restaurant", "placeOrder", order)
    };
    assert_eq!(
        of("pickup", false, None),
        "That is 2 × Margherita and 1 × Cola, £21.50 in all, for pickup, for Ada. Shall I place the order?"
    );
    assert_eq!(
        of("Delivery", true, Some("1 High Street")),
        "Now that is 2 × Margherita and 1 × Cola, £21.50 in all, delivered to 1 High Street, for Ada. \
         Shall I place the order?"
    );
    assert!(of("dine_in", false, None).contains("to eat in"));
    let booking =
        json!({"service_name": "Haircut", "start": "t", "duration": 30, "total": "£28.00", "customer_name": "Ada"});
    assert_eq!(
        say("appointment", "bookAppointment", booking),
        "That is Haircut on <t>, 30 minutes, £28.00, for Ada. Shall I book it?"
    );
}

#[test]
fn the_other_sentences_read_well() {
    let placed = json!({"order_number": "VO-0001", "name": "q", "total": "£21.50", "estimated_time": 25});
    assert_eq!(
        say("restaurant", "confirmOrder", placed),
        "Your order is placed. The number is VO-0001, the total is £21.50. It takes about 25 minutes."
    );
    let status = |status: &str| json!({"order_number": "VO-0001", "status": status, "estimated_time": 5});
    assert_eq!(
        say("restaurant", "orderStatus", status("Preparing")),
        "Order VO-0001 is preparing. It takes about 5 more minutes."
    );
    assert_eq!(say("restaurant", "orderStatus", status("Ready")), "Order VO-0001 is ready.");
    let slots: Vec<Value> = ["a", "b", "c", "d"].iter().map(|start| json!({"start": start})).collect();
    assert_eq!(
        say(
            "appointment",
            "getAvailability",
            json!({"service_name": "Haircut", "price": 28.0, "currency": "GBP", "slots": slots})
        ),
        "For Haircut there is <a>, <b> or <c>. It costs £28.00. Which one would you like?"
    );
    assert!(
        say("appointment", "getAvailability", json!({"service_name": "Haircut", "slots": []})).contains("no free time")
    );
    let hours = json!([{"day": "Monday", "opens": "11:00", "closes": "22:00"}, {"day": "Friday", "opens": "11:00", "closes": "23:00"}]);
    assert_eq!(
        say(
            "general",
            "getBusinessInfo",
            json!({"business_name": "Neoron", "address": "1 High Street", "phone": "020", "opening_hours": hours})
        ),
        "This is Neoron, 1 High Street. We are open Monday from 11:00 to 22:00 and Friday from 11:00 to 23:00. \
         The phone number is 020."
    );
    assert_eq!(
        say("support", "createTicket", json!({"name": "T-1", "priority": "High"})),
        "I have written it down, with high priority. Your ticket is number T-1. Its card on your screen shows how far it is."
    );
    let own_key = json!({"name": "ab12", "idempotency_key": "AB12", "priority": "Low"});
    assert!(!say("support", "createTicket", own_key).to_lowercase().contains("ab12"));
    assert_eq!(
        say("general", "takeMessage", json!({"callback": 1})),
        "I have passed your message on; somebody will call you back."
    );
}

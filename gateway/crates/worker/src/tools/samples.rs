//! Businesses and answers of ERPNext that several modules' tests start from.

use std::{collections::BTreeMap, time::Duration};

use neoron_protocol::frame::{Document, Stage};
use serde_json::{Value, json};

use crate::{
    config::{Business, Confirm, Quoter, ToolKind, ToolSpec},
    record::{OwnDocument, Record},
};

/// `get_menu`'s answer.
pub(super) fn menu() -> Value {
    let item = |name: &str, aliases: &[&str], price: f64, available: u8| json!({"menu_item": name, "item_name": name, "aliases": aliases, "category": "Food", "price": price, "available": available, "preparation_time": 10});
    json!({"currency": "GBP", "items": [
        item("Margherita pizza", &["margherita", "cheese pizza"], 9.5, 1),
        item("Pepperoni pizza", &["pepperoni"], 11.0, 1),
        item("Garlic bread", &["garlic baguette"], 4.5, 1),
        item("Cola", &["coke"], 2.5, 1),
        item("Calzone", &[], 12.0, 0),
    ]})
}

/// `get_services`' answer.
pub(super) fn services() -> Value {
    json!({"services": [
        {"service_type": "haircut", "service_name": "Haircut", "aliases": ["hair cut", "trim"], "duration": 30, "price": 28.0, "currency": "GBP"},
        {"service_type": "beard-trim", "service_name": "Beard trim", "aliases": ["beard"], "duration": 30, "price": 15.0, "currency": "GBP"},
    ]})
}

fn tool(kind: ToolKind, method: Option<&str>, parameters: Value) -> ToolSpec {
    ToolSpec {
        description: "Does something.".into(),
        kind,
        confirm: Confirm::None,
        quoter: None,
        catalogue: None,
        confirms: None,
        method: method.map(str::to_owned),
        arguments: BTreeMap::new(),
        parameters,
        timeout: Duration::from_secs(10),
        title: String::new(),
        say: "Done.".into(),
        say_queued: "It is being placed.".into(),
        say_unavailable: "I cannot look that up right now.".into(),
        keep: Duration::from_secs(3_600),
    }
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

fn confirming(tool_name: &str, say: &str) -> ToolSpec {
    let parameters = object(&["quote_id"], json!({"quote_id": {"type": "string", "description": "The quote's id"}}));
    ToolSpec { confirms: Some(tool_name.into()), say: say.into(), ..tool(ToolKind::Confirm, None, parameters) }
}

fn business(session_type: &str, tools: Vec<(&str, ToolSpec)>) -> Business {
    Business {
        title: session_type.into(),
        session_type: session_type.into(),
        prompt: "Help.".into(),
        greeting: "Hello.".into(),
        voice: None,
        language: "en".into(),
        max_seconds: 600,
        tools: tools.into_iter().map(|(name, spec)| (name.to_owned(), spec)).collect(),
    }
}

/// A restaurant.
pub(super) fn restaurant() -> Business {
    const API: &str = "business_workflows.api.restaurant_logic";
    let order = object(
        &["customer_name", "order_type", "items"],
        json!({
            "customer_name": {"type": "string", "minLength": 1, "description": "The customer's name"},
            "customer_phone": {"type": "string"},
            "order_type": {"enum": ["Pickup", "Delivery", "Dine In"]},
            "delivery_address": {"type": "string"},
            "special_instructions": {"type": "string"},
            "again": {"type": "boolean"},
            "items": {"type": "array", "minItems": 1, "items": object(&["menu_item", "quantity"], json!({
                "menu_item": {"type": "string"}, "quantity": {"type": "integer"}, "special_instructions": {"type": "string"},
            }))},
        }),
    );
    let status = object(&[], json!({"order": {"type": "string"}}));
    business(
        "Restaurant",
        vec![
            (
                "getMenu",
                ToolSpec {
                    say: "There is {{ items | map(attribute='item_name') | list | listed }}.".into(),
                    ..tool(ToolKind::Query, Some(&format!("{API}.get_menu")), object(&[], json!({})))
                },
            ),
            (
                "placeOrder",
                ToolSpec {
                    confirm: Confirm::Quote,
                    quoter: Some(Quoter::Catalogue),
                    catalogue: Some("getMenu".into()),
                    title: "Order".into(),
                    say: "{{ items }}, {{ total }} in all. Shall I place it?".into(),
                    ..tool(ToolKind::Command, Some(&format!("{API}.place_order")), order)
                },
            ),
            ("confirmOrder", confirming("placeOrder", "Order {{ order_number }} is placed, {{ total }}.")),
            (
                "orderStatus",
                ToolSpec {
                    say: "It is {{ status }}.".into(),
                    ..tool(ToolKind::Query, Some(&format!("{API}.order_status")), status)
                },
            ),
        ],
    )
}

/// A salon.
fn salon() -> Business {
    const API: &str = "business_workflows.api.appointment_logic";
    let booking = object(
        &["customer_name", "service_type", "start"],
        json!({"customer_name": {"type": "string"}, "service_type": {"type": "string"}, "start": {"type": "string"}}),
    );
    business(
        "Appointment",
        vec![
            ("getServices", tool(ToolKind::Query, Some(&format!("{API}.get_services")), object(&[], json!({})))),
            (
                "bookAppointment",
                ToolSpec {
                    confirm: Confirm::Quote,
                    quoter: Some(Quoter::Slot),
                    catalogue: Some("getServices".into()),
                    title: "Appointment".into(),
                    ..tool(ToolKind::Command, Some(&format!("{API}.book_appointment")), booking)
                },
            ),
            (
                "confirmAppointment",
                confirming("bookAppointment", "{{ service_name }} on {{ start | when }} is booked."),
            ),
        ],
    )
}

/// All of them.
pub(super) fn businesses() -> BTreeMap<String, Business> {
    BTreeMap::from([("restaurant".to_owned(), restaurant()), ("salon".to_owned(), salon())])
}

/// Puts an order on its way into a record.
pub(super) fn place(record: &mut Record) {
    let card = Document {
        card: "q_1".into(),
        title: "Order".into(),
        number: None,
        status: "Placing".into(),
        stage: Stage::Placing,
        lines: Vec::new(),
        total: None,
        estimated_minutes: None,
    };
    record.documents.push(OwnDocument { doctype: None, name: None, modified: String::new(), card });
}

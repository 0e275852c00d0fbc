//! A restaurant with an order that is quoted and confirmed.

use std::{collections::BTreeMap, time::Duration};

use neoron_worker::config::{Business, Confirm, Quoter, ToolKind, ToolSpec};
use serde_json::{Value, json};

const API: &str = "business_workflows.api.restaurant_logic";

fn tool(kind: ToolKind, method: Option<&str>, say: &str, parameters: Value) -> ToolSpec {
    ToolSpec {
        description: "Does something.".into(),
        kind,
        confirm: Confirm::None,
        quoter: None,
        catalogue: None,
        confirms: None,
        method: method.map(|name| format!("{API}.{name}")),
        arguments: BTreeMap::new(),
        parameters,
        timeout: Duration::from_secs(20),
        title: "Order".into(),
        say: say.into(),
        say_queued: "It is being placed.".into(),
        say_unavailable: "I cannot look that up right now.".into(),
        keep: Duration::from_secs(3_600),
    }
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

pub(crate) fn restaurant() -> Business {
    let item = object(
        &["name", "quantity"],
        json!({
            "name": {"type": "string"}, "quantity": {"type": "integer"},
        }),
    );
    let order = object(
        &["customer_name", "order_type", "items"],
        json!({
            "customer_name": {"type": "string", "description": "The customer's name"},
            "customer_phone": {"type": "string"},
            "order_type": {"enum": ["pickup", "delivery", "dine_in"]},
            "again": {"type": "boolean"},
            "items": {"type": "array", "minItems": 1, "items": item},
        }),
    );
    let place = ToolSpec {
        confirm: Confirm::Quote,
        quoter: Some(Quoter::Catalogue),
        catalogue: Some("getMenu".into()),
        ..tool(ToolKind::Command, Some("place_order"), "That is {{ total }}. Shall I place it?", order)
    };
    let confirm = ToolSpec {
        confirms: Some("placeOrder".into()),
        ..tool(
            ToolKind::Confirm,
            None,
            "Order {{ order_number }} is placed.",
            object(&["quote_id"], json!({"quote_id": {"type": "string"}})),
        )
    };
    let menu = tool(ToolKind::Query, Some("get_menu"), "We have pizza.", object(&[], json!({})));
    Business {
        title: "Restaurant".into(),
        session_type: "Restaurant".into(),
        prompt: "canary-prompt: take orders.".into(),
        greeting: "Hello, what may I get you?".into(),
        voice: None,
        language: "en".into(),
        max_seconds: 600,
        tools: [("getMenu", menu), ("placeOrder", place), ("confirmOrder", confirm)]
            .map(|(name, spec)| (name.to_owned(), spec))
            .into(),
    }
}

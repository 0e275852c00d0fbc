//! When two requests are the same: one form for all the ways a model writes the same arguments.
//!
//! Case, spaces and order do not matter, nor do empty values. Who the customer is does not make it another order, so
//! name and phone number are left out. Lines of the same thing with the same notes are one line.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Arguments that tell who, not what.
const WHO: [&str; 2] = ["customer_name", "customer_phone"];

/// The hash that names the content of a quote's arguments (ERPNext's names, items already resolved).
pub(crate) fn content(arguments: &Map<String, Value>) -> String {
    let mut what = arguments.clone();
    what.retain(|name, _| !WHO.contains(&name.as_str()));
    if let Some(items) = what.get("items").and_then(Value::as_array) {
        let merged = merge(items);
        what.insert("items".into(), Value::Array(merged));
    }
    let hash = Sha256::digest(text(&Value::Object(what)));
    data_encoding::HEXLOWER.encode(&hash)
}

/// One line for each item and note, in the order of their names, with the quantities summed.
pub(crate) fn merge(items: &[Value]) -> Vec<Value> {
    let mut lines: BTreeMap<(String, String), (Value, i64)> = BTreeMap::new();
    for item in items {
        let part = |name: &str| fold(item[name].as_str().unwrap_or_default());
        let quantity = item["quantity"].as_i64().unwrap_or_default();
        let line = lines.entry((part("menu_item"), part("special_instructions"))).or_insert_with(|| (item.clone(), 0));
        line.1 = line.1.saturating_add(quantity);
    }
    lines
        .into_values()
        .map(|(mut item, quantity)| {
            item["quantity"] = json!(quantity);
            item
        })
        .collect()
}

/// A value's canonical text.
pub(crate) fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(&Value::String(fold(text)).to_string()),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(members) => {
            // Sorted here: whether the map itself is sorted depends on a feature that any crate may switch on.
            let members: BTreeMap<&String, &Value> = members.iter().filter(|(_, value)| !is_empty(value)).collect();
            out.push('{');
            for (name, value) in members {
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write(value, out);
                out.push(',');
            }
            out.push('}');
        }
        // 2 and 2.0 are one number.
        Value::Number(number) => match number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15) {
            Some(float) => out.push_str(&format!("{float:.0}")),
            None => out.push_str(&number.to_string()),
        },
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A text without the differences that do not matter.
pub(crate) fn fold(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn hash(value: Value) -> String {
        content(value.as_object().unwrap())
    }

    fn order() -> Value {
        json!({
            "order_type": "Delivery", "delivery_address": "1 High Street", "customer_name": "Ada",
            "items": [{"menu_item": "Cola", "quantity": 2}, {"menu_item": "Calzone", "quantity": 1}],
        })
    }

    #[test]
    fn words_and_order_do_not_make_another_order() {
        let mut other = order();
        other["delivery_address"] = json!("  1 HIGH  street");
        other["customer_name"] = json!("Ada Lovelace");
        other["customer_phone"] = json!("+44");
        other["special_instructions"] = json!(" ");
        other["items"] = json!([
            {"menu_item": "Calzone", "quantity": 1, "special_instructions": ""},
            {"menu_item": "cola", "quantity": 1}, {"menu_item": "Cola", "quantity": 1.0 as i64},
        ]);
        assert_eq!(hash(order()), hash(other));
    }

    #[test]
    fn what_matters_makes_another_order() {
        let change = |pointer: &str, value: Value| {
            let mut other = order();
            *other.pointer_mut(pointer).unwrap() = value;
            hash(other)
        };
        for other in [
            change("/order_type", json!("Pickup")),
            change("/delivery_address", json!("2 High Street")),
            change("/items/0/quantity", json!(3)),
            change("/items/0", json!({"menu_item": "Cola", "quantity": 2, "special_instructions": "no ice"})),
        ] {
            assert_ne!(hash(order()), other);
        }
    }

    #[test]
    fn lines_with_other_notes_stay_apart() {
        let items = [
            json!({"menu_item": "Cola", "quantity": 1, "special_instructions": "No Ice "}),
            json!({"menu_item": "Cola", "quantity": 1}),
            json!({"menu_item": "Cola", "quantity": 2, "special_instructions": "no ice"}),
        ];
        let merged = merge(&items);
        assert_eq!(merged.iter().map(|line| line["quantity"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 3]);
    }

    proptest! {
        #[test]
        fn any_order_of_lines_is_the_same_order(
            lines in prop::collection::vec((0usize..5, 1i64..5), 1..12), turn in 0usize..12, split in any::<bool>(),
        ) {
            let line = |(item, quantity): &(usize, i64)| json!({"menu_item": format!("Item {item}"), "quantity": quantity});
            let items: Vec<Value> = lines.iter().map(line).collect();
            let mut other = items.clone();
            other.rotate_left(turn % items.len());
            if split && other[0]["quantity"].as_i64().unwrap() > 1 {
                let rest = other[0]["quantity"].as_i64().unwrap() - 1;
                other[0]["quantity"] = json!(1);
                let mut second = other[0].clone();
                second["quantity"] = json!(rest);
                other.push(second);
            }
            prop_assert_eq!(hash(json!({"items": items})), hash(json!({"items": other})));
        }
    }
}

//! The order under way: what is in it and how it becomes the arguments of the tool.

use serde_json::{Map, Value, json};

use super::details::OrderType;
use super::items::{self, Edit, Item};

/// An order as far as it was spoken.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Order {
    pub(super) items: Vec<Item>,
    pub(super) kind: Option<OrderType>,
    pub(super) address: Option<String>,
    /// The same once more: a new order on purpose.
    pub(super) again: bool,
    /// It took effect: the next item begins a new order.
    pub(super) placed: bool,
    /// Items that the tool could not find, with how many were wanted.
    doubtful: Vec<Item>,
}

impl Order {
    /// Applies changes; a placed order makes room for a new one first. Answers whether anything changed.
    pub(super) fn change(&mut self, edits: Vec<Edit>) -> bool {
        if self.placed && edits.iter().any(|edit| matches!(edit, Edit::Want { .. })) {
            self.items.clear();
            (self.placed, self.again) = (false, false);
        }
        let mut changed = false;
        for edit in edits {
            let edit = self.resolved(edit);
            changed |= items::apply(&mut self.items, edit);
        }
        changed
    }

    /// An answer to "which one do you mean?" takes the place, and the number, of what was not found.
    fn resolved(&mut self, edit: Edit) -> Edit {
        match (edit, self.doubtful.pop()) {
            (Edit::Want { item, counted: false, .. }, Some(doubt)) => Edit::Want {
                item: Item { quantity: doubt.quantity, notes: doubt.notes.or(item.notes), ..item },
                more: false,
                counted: true,
            },
            (edit, _) => edit,
        }
    }

    /// Takes the items out that the tool does not know, or whose names it repeats while asking.
    pub(super) fn doubt(&mut self, unknown: &[String], say: &str) {
        let say = say.to_lowercase();
        let quoted =
            |item: &Item| say.contains(&format!("\"{}\"", item.name)) || say.contains(&format!("'{}'", item.name));
        let is_unknown = |item: &Item| {
            unknown.iter().any(|name| name.eq_ignore_ascii_case(&item.name)) || (unknown.is_empty() && quoted(item))
        };
        let (doubtful, known) = self.items.drain(..).partition(is_unknown);
        (self.doubtful, self.items) = (doubtful, known);
    }

    /// The arguments of `placeOrder`.
    pub(super) fn arguments(&self) -> Map<String, Value> {
        let lines: Vec<Value> = self
            .items
            .iter()
            .map(|item| {
                let mut line = json!({"name": item.name, "quantity": item.quantity});
                if let Some(notes) = &item.notes {
                    line["notes"] = notes.as_str().into();
                }
                line
            })
            .collect();
        let mut arguments = Map::new();
        arguments.insert("items".to_owned(), lines.into());
        if let Some(kind) = self.kind {
            arguments.insert("order_type".to_owned(), kind.name().into());
        }
        if let Some(address) = self.address.as_ref().filter(|_| self.kind == Some(OrderType::Delivery)) {
            arguments.insert("delivery_address".to_owned(), address.as_str().into());
        }
        if self.again {
            arguments.insert("again".to_owned(), true.into());
        }
        arguments
    }

    /// Takes up an order from the arguments of an earlier call.
    pub(super) fn recall(&mut self, arguments: &Map<String, Value>) {
        let line = |line: &Value| {
            Some(Item {
                name: line["name"].as_str()?.to_owned(),
                quantity: line["quantity"].as_u64().and_then(|quantity| u32::try_from(quantity).ok())?,
                notes: line["notes"].as_str().map(str::to_owned),
            })
        };
        let lines = arguments.get("items").and_then(Value::as_array);
        let text = |key: &str| arguments.get(key).and_then(Value::as_str);
        *self = Self {
            items: lines.into_iter().flatten().filter_map(line).collect(),
            kind: text("order_type").and_then(OrderType::from_name),
            address: text("delivery_address").map(str::to_owned),
            again: arguments.get("again") == Some(&Value::Bool(true)),
            ..Self::default()
        };
    }
}

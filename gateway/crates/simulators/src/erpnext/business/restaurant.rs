//! Orders: the menu, pricing on the server, and an order's status.
//!
//! An unknown or sold-out dish refuses the whole order; it is never dropped
//! from it. A price that a client sends is only compared, never used.

use serde_json::{Value, json};

use super::{APP, answer, invalid, look_up, money, money::CURRENCY, once, seed::MenuItem};
use crate::erpnext::{
    doctype::{ORDER, Right},
    document::{Document, text_of},
    failure::{Failure, ITEM_UNAVAILABLE, Outcome, QUOTE_CHANGED, UNKNOWN_MENU_ITEM},
    method::Args,
    permission::{self, Actor},
    site::Site,
};

/// The most lines of an order.
const MAX_LINES: usize = 50;
/// The most pieces of one line.
const MAX_QUANTITY: i64 = 50;
/// Minutes on the road.
const DELIVERY_MINUTES: i64 = 20;

const STATUS_FIELDS: &[&str] =
    &["doctype", "name", "order_number", "status", "total_amount", "currency", "estimated_time"];

pub(in crate::erpnext) fn get_menu(site: &mut Site, actor: &Actor, _: &Args<'_>) -> Outcome<Value> {
    permission::require(actor, &ORDER, Right::Read)?;
    let items: Vec<Value> = site
        .shop
        .menu
        .iter()
        .map(|item| {
            json!({
                "menu_item": item.name, "item_name": item.name, "aliases": item.aliases,
                "category": item.category, "price": money::wire(item.price),
                "available": u8::from(item.available), "preparation_time": item.preparation,
            })
        })
        .collect();
    Ok(json!({"currency": CURRENCY, "items": items}))
}

pub(in crate::erpnext) fn place_order(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let key = args.filled("idempotency_key")?;
    for name in ["session_id", "customer_name", "order_type"] {
        args.text(name)?;
    }
    let items = args.list("items")?;
    let expected = args.maybe_number("expected_total")?;
    let mut input = args.copy(&[
        "session_id",
        "customer_name",
        "customer_phone",
        "order_type",
        "delivery_address",
        "special_instructions",
    ])?;
    let made = once(site, actor, &ORDER, key, |site| {
        let bill = Bill::of(&site.shop.menu, items)?;
        bill.compare(expected)?;
        input.insert("items".into(), Value::Array(items.to_vec()));
        Ok(input)
    })?;
    let mut order = made.answer(STATUS_FIELDS);
    let rows = made.document.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let fields = &["menu_item", "item_name", "quantity", "unit_price", "total_price"];
    order["items"] = rows.iter().filter_map(Value::as_object).map(|row| answer(row, fields)).collect();
    Ok(order)
}

pub(in crate::erpnext) fn order_status(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let order = look_up(site, actor, &ORDER, args.filled("order")?, Some("order_number"))?;
    Ok(answer(&order, STATUS_FIELDS))
}

/// Hook before the insert: the server's prices, the total, the number.
pub(in crate::erpnext) fn price(site: &mut Site, order: &mut Document) -> Outcome<()> {
    let items = order.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let bill = Bill::of(&site.shop.menu, items)?;
    let delivered = text_of(order, "order_type") == Some("Delivery");
    let minutes = bill.minutes + if delivered { DELIVERY_MINUTES } else { 0 };
    let total = money::wire(bill.total);
    order.insert("items".into(), Value::Array(bill.rows));
    order.insert("total_amount".into(), total);
    order.insert("currency".into(), CURRENCY.into());
    order.insert("estimated_time".into(), minutes.into());
    let number = format!("VO-{:04}", site.shop.orders_taken + 1);
    order.insert("order_number".into(), number.into());
    Ok(())
}

/// After the insert: the number is used up. A refused order uses none.
pub(in crate::erpnext) fn count(site: &mut Site, old: Option<&Document>, _: Option<&Document>) {
    if old.is_none() {
        site.shop.orders_taken += 1;
    }
}

/// Check of every save: a delivery needs to know where to.
pub(in crate::erpnext) fn validate(order: &mut Document) -> Outcome<()> {
    let delivered = text_of(order, "order_type") == Some("Delivery");
    if delivered && text_of(order, "delivery_address").is_none_or(|address| address.trim().is_empty()) {
        return Err(invalid("A delivery needs an address"));
    }
    if matches!(text_of(order, "status"), Some("Completed" | "Cancelled")) {
        order.insert("estimated_time".into(), 0.into());
    }
    Ok(())
}

/// A priced order.
struct Bill {
    rows: Vec<Value>,
    total: i64,
    minutes: i64,
}

impl Bill {
    fn of(menu: &[MenuItem], items: &[Value]) -> Outcome<Self> {
        if items.is_empty() || items.len() > MAX_LINES {
            return Err(invalid(format!("An order has 1 to {MAX_LINES} lines")));
        }
        let (mut unknown, mut sold_out) = (Vec::new(), Vec::new());
        let mut bill = Self { rows: Vec::new(), total: 0, minutes: 0 };
        for line in items {
            let (wanted, quantity) = read_line(line)?;
            match menu.iter().find(|item| item.name.eq_ignore_ascii_case(wanted.trim())) {
                None => unknown.push(wanted),
                Some(item) if !item.available => sold_out.push(item.name),
                Some(item) => bill.add(item, quantity, line.get("special_instructions")),
            }
        }
        if !unknown.is_empty() {
            let text = format!("Not on the menu: {}", unknown.join(", "));
            return Err(Failure::thrown(UNKNOWN_MENU_ITEM, text).in_app(APP).with("unknown", unknown.into()));
        }
        if !sold_out.is_empty() {
            let text = format!("Not available now: {}", sold_out.join(", "));
            return Err(Failure::thrown(ITEM_UNAVAILABLE, text).in_app(APP).with("unavailable", sold_out.into()));
        }
        Ok(bill)
    }

    fn add(&mut self, item: &MenuItem, quantity: i64, instructions: Option<&Value>) {
        let price = item.price * quantity;
        let mut row = json!({
            "menu_item": item.name, "item_name": item.name, "quantity": quantity,
            "unit_price": money::wire(item.price), "total_price": money::wire(price),
        });
        if let Some(instructions) = instructions.filter(|value| value.is_string()) {
            row["special_instructions"] = instructions.clone();
        }
        self.rows.push(row);
        self.total += price;
        self.minutes = self.minutes.max(item.preparation);
    }

    fn compare(&self, expected: Option<f64>) -> Outcome<()> {
        let Some(expected) = expected else { return Ok(()) };
        if money::minor(expected) == Some(self.total) {
            return Ok(());
        }
        Err(Failure::thrown(QUOTE_CHANGED, "The price has changed")
            .in_app(APP)
            .with("total_amount", money::wire(self.total))
            .with("currency", CURRENCY.into()))
    }
}

fn read_line(line: &Value) -> Outcome<(&str, i64)> {
    let name = line.get("menu_item").and_then(Value::as_str);
    let Some(name) = name.filter(|name| !name.trim().is_empty()) else {
        return Err(invalid("Each line of an order names a menu_item"));
    };
    let quantity = line.get("quantity").and_then(Value::as_i64);
    match quantity.filter(|quantity| (1..=MAX_QUANTITY).contains(quantity)) {
        Some(quantity) => Ok((name, quantity)),
        None => Err(invalid(format!("The quantity of {name} must be a whole number from 1 to {MAX_QUANTITY}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::seed, *};

    #[test]
    fn a_bill_is_the_sum_of_the_menus_prices() {
        let items = [
            json!({"menu_item": "margherita PIZZA", "quantity": 2, "unit_price": 0.01}),
            json!({"menu_item": "Cola", "quantity": 3}),
        ];
        let bill = Bill::of(&seed::menu(), &items).unwrap();
        assert_eq!((bill.total, bill.minutes), (2 * 950 + 3 * 250, 15));
        assert!(bill.compare(Some(26.5)).is_ok());
        assert_eq!(bill.compare(Some(26.49)).unwrap_err().exc_type(), "QuoteChanged");
    }

    #[test]
    fn what_cannot_be_cooked_refuses_the_whole_order() {
        let refused = |items: &[Value]| Bill::of(&seed::menu(), items).err().map(|e| e.exc_type().to_owned());
        let cola = json!({"menu_item": "Cola", "quantity": 1});
        assert_eq!(refused(&[cola.clone(), json!({"menu_item": "Sushi", "quantity": 1})]).unwrap(), "UnknownMenuItem");
        assert_eq!(refused(&[cola, json!({"menu_item": "Calzone", "quantity": 1})]).unwrap(), "ItemUnavailable");
        for quantity in [json!(0), json!(-1), json!(51), json!("2"), json!(1.5)] {
            let line = json!({"menu_item": "Cola", "quantity": quantity});
            assert_eq!(refused(&[line]).unwrap(), "ValidationError");
        }
        assert_eq!(refused(&[]).unwrap(), "ValidationError");
    }
}

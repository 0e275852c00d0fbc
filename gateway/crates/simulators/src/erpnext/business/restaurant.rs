//! Orders: the menu, pricing on the server, and an order's status.
//!
//! An unknown or sold-out dish refuses the whole order; it is never dropped
//! from it. A price that a client sends is only compared, never used.

use serde_json::{Value, json};

use super::{APP, Command, answer, invalid, look_up, money, money::CURRENCY, once, seed::MenuItem, speech};
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
/// The ways in which an order leaves the kitchen.
const TYPES: [&str; 3] = ["Pickup", "Delivery", "Dine In"];
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
                "modifiers": item.modifiers.iter().map(wire_modifier).collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(json!({"currency": CURRENCY, "items": items}))
}

fn wire_modifier((name, price): &(&str, i64)) -> Value {
    json!({"modifier": name, "price_change": money::wire(*price)})
}

/// Prices and checks an order without placing it.
pub(in crate::erpnext) fn quote_order(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let session = args.text("session_id")?;
    let items = args.list("items")?;
    let order_type = args.maybe_text("order_type")?.unwrap_or("Pickup");
    permission::require(actor, &ORDER, Right::Create)?;
    check_type(order_type, args.maybe_text("delivery_address")?)?;
    let bill = Bill::of(&site.shop.menu, items)?;
    let fields = &["menu_item", "item_name", "quantity", "unit_price", "total_price"];
    let mut lines = Vec::new();
    for row in bill.rows.iter().filter_map(Value::as_object) {
        let mut line = answer(row, fields);
        line["modifiers"] = modifiers_of(row.get("modifiers"));
        lines.push(line);
    }
    Ok(json!({
        "session_id": session, "total_amount": money::wire(bill.total), "currency": CURRENCY,
        "estimated_time": bill.minutes + road(order_type), "items": lines,
    }))
}

/// The document has one wish a line.
fn modifiers_of(written: Option<&Value>) -> Value {
    written.and_then(Value::as_str).unwrap_or_default().lines().collect()
}

fn road(order_type: &str) -> i64 {
    if order_type == "Delivery" { DELIVERY_MINUTES } else { 0 }
}

fn check_type(order_type: &str, address: Option<&str>) -> Outcome<()> {
    if !TYPES.contains(&order_type) {
        return Err(invalid("invalid_order", "Is it for pickup, for delivery, or to eat in?"));
    }
    if order_type == "Delivery" && address.is_none_or(|address| address.trim().is_empty()) {
        return Err(invalid("invalid_order", "A delivery needs an address."));
    }
    Ok(())
}

pub(in crate::erpnext) fn place_order(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let key = args.filled("idempotency_key")?;
    for name in ["session_id", "customer_name", "order_type"] {
        args.text(name)?;
    }
    let items = args.list("items")?;
    let expected = args.maybe_number("expected_total")?;
    let mut asked =
        args.copy(&["customer_name", "customer_phone", "order_type", "delivery_address", "special_instructions"])?;
    asked.insert("items".into(), Value::Array(items.to_vec()));
    permission::require(actor, &ORDER, Right::Create)?;
    check_type(args.text("order_type")?, args.maybe_text("delivery_address")?)?;
    if site.table(&ORDER).get(key).is_none() {
        Bill::of(&site.shop.menu, items)?.compare(expected)?;
    }
    let mut fields = asked.clone();
    fields.extend(args.copy(&["session_id"])?);
    let made = once(site, &Command { actor, doctype: &ORDER, key, asked }, fields)?;
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
    let minutes = bill.minutes + road(text_of(order, "order_type").unwrap_or_default());
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
    if let Some(order_type) = text_of(order, "order_type") {
        check_type(order_type, text_of(order, "delivery_address"))?;
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
            return Err(invalid("invalid_order", format!("An order has 1 to {MAX_LINES} lines.")));
        }
        let (mut unknown, mut sold_out) = (Vec::new(), Vec::new());
        let mut bill = Self { rows: Vec::new(), total: 0, minutes: 0 };
        for line in items {
            let (wanted, quantity) = read_line(line)?;
            match find(menu, &wanted) {
                None => unknown.push(wanted),
                Some(item) if !item.available => sold_out.push(item.name),
                Some(item) => bill.add(item, quantity, line)?,
            }
        }
        if !unknown.is_empty() {
            let say = format!("Not on the menu: {}.", unknown.join(", "));
            let refusal = Failure::said(UNKNOWN_MENU_ITEM, "unknown_menu_item", say);
            return Err(refusal.in_app(APP).with("unknown", unknown.into()));
        }
        if !sold_out.is_empty() {
            let say = format!("Not available now: {}.", sold_out.join(", "));
            let refusal = Failure::said(ITEM_UNAVAILABLE, "item_unavailable", say);
            return Err(refusal.in_app(APP).with("unavailable", sold_out.into()));
        }
        Ok(bill)
    }

    fn add(&mut self, item: &MenuItem, quantity: i64, line: &Value) -> Outcome<()> {
        let mut unit = item.price;
        let mut wishes = Vec::new();
        for wish in read_modifiers(line)? {
            let found = item.modifiers.iter().find(|(name, _)| speech::is_called(wish, [*name]));
            let Some((name, price)) = found else {
                let say = format!("{} cannot be had with {}.", item.name, speech::name(wish, "wish")?);
                let known: Vec<_> = item.modifiers.iter().map(|(name, _)| *name).collect();
                return Err(invalid("unknown_modifier", say).with("modifiers", known.into()));
            };
            unit += price;
            wishes.push(*name);
        }
        let price = unit * quantity;
        let mut row = json!({
            "menu_item": item.name, "item_name": item.name, "quantity": quantity,
            "unit_price": money::wire(unit), "total_price": money::wire(price),
        });
        if !wishes.is_empty() {
            row["modifiers"] = wishes.join("\n").into();
        }
        if let Some(notes) = line.get("special_instructions").and_then(Value::as_str).filter(|it| !it.trim().is_empty())
        {
            row["special_instructions"] = speech::prose(notes, "instructions")?.into();
        }
        self.rows.push(row);
        self.total += price;
        self.minutes = self.minutes.max(item.preparation);
        Ok(())
    }

    fn compare(&self, expected: Option<f64>) -> Outcome<()> {
        let Some(expected) = expected else { return Ok(()) };
        if money::minor(expected) == Some(self.total) {
            return Ok(());
        }
        Err(Failure::said(QUOTE_CHANGED, "quote_changed", "The price has changed. Nothing was ordered.")
            .in_app(APP)
            .with("total_amount", money::wire(self.total))
            .with("currency", CURRENCY.into()))
    }
}

/// The dish of that name or alias. A name wins over another dish's alias.
fn find<'a>(menu: &'a [MenuItem], wanted: &str) -> Option<&'a MenuItem> {
    let named = menu.iter().find(|item| speech::is_called(wanted, [item.name]));
    named.or_else(|| menu.iter().find(|item| speech::is_called(wanted, item.aliases.iter().copied())))
}

fn read_line(line: &Value) -> Outcome<(String, i64)> {
    let name = line.get("menu_item").and_then(Value::as_str);
    let Some(name) = name.filter(|name| !name.trim().is_empty()) else {
        return Err(invalid("invalid_order", "Each line of an order names a menu_item."));
    };
    let name = speech::name(name, "dish")?;
    let whole = line.get("quantity").and_then(|quantity| quantity.as_i64().or_else(|| without_fraction(quantity)));
    match whole.filter(|quantity| (1..=MAX_QUANTITY).contains(quantity)) {
        Some(quantity) => Ok((name, quantity)),
        None => {
            let say = format!("How many {name}? I can take 1 to {MAX_QUANTITY} of one thing.");
            Err(invalid("invalid_quantity", say))
        }
    }
}

/// The number of a float that has no fraction.
#[allow(clippy::cast_possible_truncation, reason = "the bounds are far inside i64")]
fn without_fraction(quantity: &Value) -> Option<i64> {
    quantity.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 1e9).map(|number| number as i64)
}

/// The wishes of a line: a list from a program, one a line from a form.
fn read_modifiers(line: &Value) -> Outcome<Vec<&str>> {
    let wishes = match line.get("modifiers") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(text.lines().map(str::trim).filter(|wish| !wish.is_empty()).collect()),
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    wishes.ok_or_else(|| invalid("invalid_order", "The modifiers of a line are a list of names."))
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

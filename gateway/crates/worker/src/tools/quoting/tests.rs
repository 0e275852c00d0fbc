#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::tools::samples;

fn arguments(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn priced(items: Value) -> Result<Priced, String> {
    order(&Menu::read(&samples::menu()), arguments(json!({"order_type": "Pickup", "items": items})))
}

#[test]
fn an_order_is_priced_from_the_menu_and_never_from_what_was_said() {
    let order = priced(json!([
        {"menu_item": "two margheritas".trim_start_matches("two "), "quantity": 2, "price": 0.01},
        {"menu_item": "coke", "quantity": 3},
    ]));
    let order = order.unwrap();
    assert_eq!(order.total.unwrap().minor, 2 * 950 + 3 * 250);
    assert_eq!(order.arguments["expected_total"], json!(26.5));
    assert_eq!(
        order.arguments["items"],
        json!([
            {"menu_item": "Cola", "quantity": 3}, {"menu_item": "Margherita pizza", "quantity": 2},
        ])
    );
    assert_eq!(order.context["items"], "3 × Cola and 2 × Margherita pizza");
    assert_eq!(order.context["total"], "£26.50");
}

#[test]
fn what_is_unknown_unclear_or_sold_out_is_asked_in_one_question_and_nothing_is_dropped() {
    let asked = priced(json!([
        {"menu_item": "cola", "quantity": 1}, {"menu_item": "sushi", "quantity": 1},
        {"menu_item": "pizza", "quantity": 1}, {"menu_item": "calzone", "quantity": 1},
    ]));
    let asked = asked.unwrap_err();
    for part in [
        "I cannot find sushi",
        "Which pizza do you mean: Margherita pizza or Pepperoni pizza?",
        "Calzone cannot be had",
    ] {
        assert!(asked.contains(part), "{part} is missing in {asked}");
    }
    assert!(priced(json!([{"menu_item": "garlic", "quantity": 1}])).unwrap_err().contains("Do you mean Garlic bread?"));
}

#[test]
fn quantities_have_bounds_also_when_they_are_summed() {
    for quantity in [json!(0), json!(-1), json!(51), json!(1.5), json!("two"), Value::Null] {
        assert!(priced(json!([{"menu_item": "cola", "quantity": quantity}])).unwrap_err().contains("How many Cola"));
    }
    let twice = json!([{"menu_item": "cola", "quantity": 30}, {"menu_item": "coke", "quantity": 30}]);
    assert!(priced(twice).unwrap_err().contains("How many Cola"));
    let cancelling = json!([{"menu_item": "cola", "quantity": -1}, {"menu_item": "coke", "quantity": 3}]);
    assert!(priced(cancelling).is_err());
    let many: Vec<Value> = (0..51).map(|_| json!({"menu_item": "cola", "quantity": 1})).collect();
    assert_eq!(priced(json!(many)).unwrap_err(), "An order has at most 50 lines.");
    assert_eq!(priced(json!([])).unwrap_err(), "What would you like to order?");
}

#[test]
fn the_same_order_in_other_words_has_the_same_content() {
    let first = priced(json!([{"menu_item": "Margherita pizza", "quantity": 2}, {"menu_item": "Cola", "quantity": 1}]))
        .unwrap();
    let second = priced(json!([
        {"menu_item": "cokes", "quantity": 1}, {"menu_item": "cheese pizza", "quantity": 1}, {"menu_item": "margherita", "quantity": 1},
    ]));
    assert_eq!(first.content, second.unwrap().content);
}

fn slot_wanted(service: &str, start: &str) -> Result<Wanted, String> {
    let services = catalogue::services(&samples::services());
    wanted(
        &services,
        "Europe/London",
        arguments(json!({"service_type": service, "start": start, "customer_name": "Ada"})),
    )
}

const NOW: UnixMillis = UnixMillis(1_795_514_400_000);

fn hold(held_until: &str) -> Value {
    json!({
        "service_type": "haircut", "service_name": "Haircut", "duration": 30, "price": 28.0, "currency": "GBP",
        "start": "2026-11-25 11:00:00", "end": "2026-11-25 11:30:00",
        "held_until": held_until,
    })
}

#[test]
fn a_free_slot_is_held_for_as_long_as_erpnext_holds_it() {
    let wanted = slot_wanted("hair cut", "2026-11-25T11:00").unwrap();
    let priced = held(&hold("2026-11-24 10:01:30"), "Europe/London", wanted, NOW);
    assert_eq!(priced.held_until, Some(NOW.plus(Duration::from_secs(90))));
    assert_eq!(priced.arguments["service_type"], "haircut");
    assert_eq!(priced.arguments["start"], "2026-11-25 11:00:00");
    assert_eq!(priced.lines[0].label, "Haircut, Wednesday 25 November at 11:00");
    assert_eq!(priced.total.unwrap().minor, 2_800);
}

#[test]
fn a_service_or_time_that_is_unclear_is_asked_back() {
    assert!(slot_wanted("massage", "2026-11-25 12:00").err().unwrap().contains("There is Haircut"));
    assert!(slot_wanted("haircut", "noon").err().unwrap().contains("what time"));
    assert!(slot_wanted("haircut", "2026-10-25 01:30").err().unwrap().contains("clocks change"));
}

proptest! {
    #[test]
    fn a_total_is_the_sum_of_its_lines(lines in prop::collection::vec((0usize..3, 1i64..=5), 1..10)) {
        let names = ["cola", "margherita", "garlic bread"];
        let items: Vec<Value> = lines.iter().map(|(item, quantity)| json!({"menu_item": names[*item], "quantity": quantity})).collect();
        let order = priced(json!(items)).unwrap();
        let expected: i64 = lines.iter().map(|(item, quantity)| [250, 950, 450][*item] * quantity).sum();
        prop_assert_eq!(order.total.unwrap().minor, expected);
        prop_assert_eq!(order.lines.iter().map(|line| line.amount.as_ref().unwrap().minor).sum::<i64>(), expected);
        prop_assert_eq!(order.lines.iter().map(|line| i64::from(line.quantity)).sum::<i64>(), lines.iter().map(|(_, q)| q).sum::<i64>());
    }
}

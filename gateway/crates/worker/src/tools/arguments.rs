//! From a model's parameters to ERPNext's arguments, and what they tell about the customer.

use neoron_protocol::private::Personal;
use serde_json::{Map, Value};

use crate::{config::ToolSpec, record::Customer};

/// The model's own mark for "the same once more"; never sent to ERPNext.
const AGAIN: &str = "again";
/// Who did not say a name.
const NAMELESS: &str = "Unknown caller";
/// Digits of a telephone number: E.164 allows 15, and nothing shorter than six is one.
const DIGITS: std::ops::RangeInclusive<usize> = 6..=15;
/// What a Data field of Frappe holds, in characters.
const DATA_CHARS: usize = 140;

/// Whether the visitor wants the same once more.
pub(super) fn again(parameters: &Map<String, Value>) -> bool {
    parameters.get(AGAIN).and_then(Value::as_bool).unwrap_or_default()
}

/// The method's arguments: renamed, without what is empty, and with the phone number in one form.
pub(super) fn of(spec: &ToolSpec, parameters: &Map<String, Value>) -> Map<String, Value> {
    let mut arguments = Map::new();
    for (parameter, value) in parameters {
        if parameter == AGAIN || value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            continue;
        }
        let renamed = spec.arguments.iter().find(|(_, from)| *from == parameter).map(|(argument, _)| argument);
        let is_option = spec.parameters["properties"][parameter.as_str()]["enum"].is_array();
        let value = if is_option { option(value) } else { value.clone() };
        arguments.insert(renamed.unwrap_or(parameter).clone(), value);
    }
    if let Some(number) = text(&arguments, "customer_phone").and_then(phone) {
        arguments.insert("customer_phone".into(), number.into());
    }
    arguments
}

/// A word of a model's list, `dine_in`, as the option of Frappe's that it means, `Dine In`.
fn option(value: &Value) -> Value {
    let Some(word) = value.as_str() else { return value.clone() };
    let mut option = String::with_capacity(word.len());
    for letter in word.chars() {
        match letter {
            '_' => option.push(' '),
            _ if option.is_empty() || option.ends_with(' ') => option.extend(letter.to_uppercase()),
            _ => option.push(letter),
        }
    }
    option.into()
}

/// A text among the arguments.
pub(super) fn text<'a>(arguments: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// Adds what the session knows of the customer and the arguments do not say.
pub(super) fn complete(arguments: &mut Map<String, Value>, customer: &Customer) {
    for (name, known) in [("customer_name", customer.name()), ("customer_phone", customer.phone())] {
        if let (false, Some(known)) = (arguments.contains_key(name), known) {
            arguments.insert(name.to_owned(), known.into());
        }
    }
    // ERPNext writes no document without a name, and a ticket must not be lost for the want of one.
    arguments.entry("customer_name").or_insert_with(|| NAMELESS.into());
}

/// Takes over who the customer says to be.
pub(super) fn remember(customer: &mut Customer, arguments: &Map<String, Value>) {
    if let Some(name) = text(arguments, "customer_name") {
        customer.name = Some(Personal::new(name.chars().take(DATA_CHARS).collect()));
    }
    if let Some(number) = text(arguments, "customer_phone").and_then(phone) {
        customer.phone = Some(Personal::new(number));
    }
}

/// A telephone number without what people write between its digits; with `+` where the country is given. `None` if it
/// is none. A national number keeps its zero: the country is not ours to guess.
pub(super) fn phone(text: &str) -> Option<String> {
    let text = text.trim();
    let international = text.starts_with('+') || text.starts_with("00");
    // "+44 (0)20 …": the zero in brackets is for callers at home.
    let text = if international { text.replace("(0)", "") } else { text.to_owned() };
    if !text.chars().all(|letter| letter.is_ascii_digit() || "+-()./ \u{a0}".contains(letter)) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = if text.starts_with("00") { &digits[2..] } else { &digits };
    if !DIGITS.contains(&digits.len()) || text.rfind('+').is_some_and(|at| at > 0) {
        return None;
    }
    Some(if international { format!("+{digits}") } else { digits.to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::tools::samples;

    #[test]
    fn phone_numbers_get_one_form() {
        for (said, form) in [
            ("+44 20 7946 0000", "+442079460000"),
            ("0044 (0)20-7946.0000", "+442079460000"),
            ("020 7946 0000", "02079460000"),
        ] {
            assert_eq!(phone(said).as_deref(), Some(form), "{said}");
        }
        for said in ["", "123", "call me", "+44+20", "0123456789012345", "00"] {
            assert_eq!(phone(said), None, "{said}");
        }
    }

    #[test]
    fn parameters_are_renamed_and_what_is_empty_is_left_out() {
        let mut spec = samples::restaurant().tools["placeOrder"].clone();
        spec.arguments.insert("customer_name".into(), "name".into());
        let parameters = json!({"name": "Ada", "again": true, "delivery_address": " ", "special_instructions": null});
        let arguments = of(&spec, parameters.as_object().unwrap());
        assert_eq!(Value::Object(arguments), json!({"customer_name": "Ada"}));
        assert!(again(parameters.as_object().unwrap()));
    }

    #[test]
    fn a_word_of_a_list_becomes_frappes_option_and_other_texts_stay() {
        let mut spec = samples::restaurant().tools["placeOrder"].clone();
        spec.parameters["properties"]["order_type"] = json!({"enum": ["pickup", "delivery", "dine_in", "Out"]});
        for (word, option) in [("pickup", "Pickup"), ("dine_in", "Dine In"), ("Out", "Out")] {
            let parameters = json!({"order_type": word, "customer_name": "van_der_berg"});
            let arguments = of(&spec, parameters.as_object().unwrap());
            assert_eq!(Value::Object(arguments), json!({"order_type": option, "customer_name": "van_der_berg"}));
        }
    }

    #[test]
    fn who_gives_no_name_is_served_all_the_same() {
        let mut arguments = Map::new();
        complete(&mut arguments, &Customer::default());
        assert_eq!(Value::Object(arguments), json!({"customer_name": "Unknown caller"}));
    }

    #[test]
    fn what_the_session_knows_fills_only_gaps() {
        let customer = Customer { name: Some("Ada".to_owned().into()), phone: Some("+441".to_owned().into()) };
        let mut arguments = Map::from_iter([("customer_name".to_owned(), json!("Grace"))]);
        complete(&mut arguments, &customer);
        assert_eq!(Value::Object(arguments), json!({"customer_name": "Grace", "customer_phone": "+441"}));
    }

    proptest! {
        #[test]
        fn a_phone_number_stays_what_it_is(said in "\\PC{0,30}") {
            if let Some(number) = phone(&said) {
                prop_assert_eq!(phone(&number), Some(number));
            }
        }
    }
}

//! Parameters against a tool's schema: what is wrong with them as a sentence that the agent can ask back with.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use super::say::listed;

/// Problems named at once; the rest is asked for next time.
const MAX_PROBLEMS: usize = 3;
/// The longest piece of a description or a value in a sentence, in characters.
const MAX_PIECE: usize = 80;

/// What is wrong, as a sentence; `None` if the parameters are as the schema wants them.
pub(super) fn problem(validator: &Validator, schema: &Value, parameters: &Value) -> Option<String> {
    let mut sentences = Vec::new();
    for error in validator.iter_errors(parameters) {
        let sentence = sentence(&error, schema);
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
        if sentences.len() == MAX_PROBLEMS {
            break;
        }
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn sentence(error: &ValidationError<'_>, schema: &Value) -> String {
    let pointer = error.instance_path().as_str();
    let place = Place::of(schema, pointer);
    let name = place.name();
    match error.kind() {
        Kind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            let wanted = Place::of(schema, &format!("{pointer}/{property}")).wanted();
            match place.position() {
                Some(position) => format!("I need {wanted} for line {position}."),
                None => format!("I need {wanted}."),
            }
        }
        Kind::Minimum { limit } => format!("The {name} must be at least {limit}."),
        Kind::ExclusiveMinimum { limit } => format!("The {name} must be more than {limit}."),
        Kind::Maximum { limit } => format!("The {name} must be at most {limit}."),
        Kind::ExclusiveMaximum { limit } => format!("The {name} must be less than {limit}."),
        Kind::MinItems { .. } | Kind::MinLength { .. } => format!("I need {}.", place.wanted()),
        Kind::MaxItems { limit } => format!("There can be at most {limit} {name}."),
        Kind::MaxLength { limit } => format!("The {name} must have at most {limit} characters."),
        Kind::Enum { options } => format!("The {name} must be {}.", one_of(options)),
        Kind::Type { kind } => format!("The {name} must be {}.", type_of(kind)),
        Kind::Pattern { .. } | Kind::Format { .. } => {
            format!("The {name} is not in the right form. I need {}.", place.wanted())
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names: Vec<String> = unexpected.iter().take(MAX_PROBLEMS).map(|name| clip(name)).collect();
            format!("There is no parameter {}.", listed(&names, "or"))
        }
        _ => format!("The {name} is not right. I need {}.", place.wanted()),
    }
}

/// A place in the parameters, and what the schema says about it.
struct Place<'a> {
    schema: Option<&'a Value>,
    /// The last property's name on the way there.
    property: String,
    /// The last index on the way there, if it comes after the last property.
    index: Option<usize>,
}

impl<'a> Place<'a> {
    fn of(schema: &'a Value, pointer: &str) -> Self {
        let mut place = Self { schema: Some(schema), property: String::new(), index: None };
        for segment in pointer.split('/').skip(1) {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let properties = place.schema.and_then(|schema| schema.get("properties"));
            match (properties, segment.parse::<usize>()) {
                (None, Ok(index)) => {
                    place.schema = place.schema.and_then(|schema| schema.get("items"));
                    place.index = Some(index);
                }
                _ => {
                    place.schema = properties.and_then(|properties| properties.get(&segment));
                    place.property = segment;
                    place.index = None;
                }
            }
        }
        place
    }

    /// `customer_name` → `customer name`.
    fn name(&self) -> String {
        let mut name = String::new();
        for letter in self.property.chars() {
            match letter {
                '_' | '-' => name.push(' '),
                letter if letter.is_uppercase() => {
                    name.push(' ');
                    name.extend(letter.to_lowercase());
                }
                letter => name.push(letter),
            }
        }
        if name.is_empty() { "request".to_owned() } else { clip(name.trim()) }
    }

    /// What the description calls it, as the object of a sentence: `the customer's name`.
    fn wanted(&self) -> String {
        let description = self.schema.and_then(|schema| schema["description"].as_str()).unwrap_or_default();
        let first = description.split(['.', ',', ';', ':', '(']).next().unwrap_or_default().trim();
        let mut letters = first.chars();
        match letters.next() {
            Some(letter) => clip(&letter.to_lowercase().chain(letters).collect::<String>()),
            None => format!("the {}", self.name()),
        }
    }

    /// Which line of a list it is in, from 1.
    fn position(&self) -> Option<usize> {
        self.index.map(|index| index + 1)
    }
}

fn one_of(options: &Value) -> String {
    let word = |option: &Value| option.as_str().map_or_else(|| option.to_string(), str::to_owned);
    let words: Vec<String> = options.as_array().map(|all| all.iter().map(word).collect()).unwrap_or_default();
    clip_to(&listed(&words, "or"), 4 * MAX_PIECE)
}

fn type_of(kind: &TypeKind) -> &'static str {
    let TypeKind::Single(kind) = kind else { return "of another type" };
    match kind {
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a text",
        JsonType::Boolean => "yes or no",
        JsonType::Array => "a list",
        JsonType::Object => "an object",
        JsonType::Null => "empty",
    }
}

fn clip(text: &str) -> String {
    clip_to(text, MAX_PIECE)
}

fn clip_to(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "required": ["customer_name", "items"],
            "additionalProperties": false,
            "properties": {
                "customer_name": {"type": "string", "minLength": 1, "description": "The customer's name, as they say it."},
                "orderType": {"enum": ["Pickup", "Delivery"]},
                "items": {"type": "array", "minItems": 1, "maxItems": 50, "description": "What to order", "items": {
                    "type": "object",
                    "required": ["menu_item", "quantity"],
                    "properties": {"menu_item": {"type": "string"}, "quantity": {"type": "integer", "minimum": 1}},
                }},
            },
        })
    }

    fn asked(parameters: Value) -> Option<String> {
        problem(&jsonschema::validator_for(&schema()).unwrap(), &schema(), &parameters)
    }

    #[test]
    fn what_is_missing_is_asked_for_in_the_words_of_its_description() {
        assert_eq!(
            asked(json!({"items": [{"menu_item": "Cola", "quantity": 1}]})).unwrap(),
            "I need the customer's name."
        );
        assert_eq!(asked(json!({"customer_name": "Ada", "items": []})).unwrap(), "I need what to order.");
        let line =
            json!({"customer_name": "Ada", "items": [{"menu_item": "Cola", "quantity": 1}, {"menu_item": "Cola"}]});
        assert_eq!(asked(line).unwrap(), "I need the quantity for line 2.");
    }

    #[test]
    fn limits_types_and_choices_are_said() {
        let with = |quantity: Value| {
            asked(json!({"customer_name": "Ada", "items": [{"menu_item": "Cola", "quantity": quantity}]})).unwrap()
        };
        assert_eq!(with(json!(0)), "The quantity must be at least 1.");
        assert_eq!(with(json!("two")), "The quantity must be a whole number.");
        let order =
            json!({"customer_name": "Ada", "orderType": "Drone", "items": [{"menu_item": "Cola", "quantity": 1}]});
        assert_eq!(asked(order).unwrap(), "The order type must be Pickup or Delivery.");
    }

    #[test]
    fn what_is_right_is_not_asked() {
        assert_eq!(asked(json!({"customer_name": "Ada", "items": [{"menu_item": "Cola", "quantity": 1}]})), None);
    }

    proptest! {
        #[test]
        fn every_wrong_value_gives_a_short_sentence(name in "\\PC{0,300}", quantity in any::<i64>(), extra in "\\PC{0,300}") {
            let said = asked(json!({"customer_name": 1, extra: 1, "items": [{"menu_item": name, "quantity": quantity}]}));
            prop_assert!(said.unwrap().chars().count() < 800);
        }
    }
}

//! From a business's configuration to its tools; finds every mistake before a visitor does.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{Profile, Sentence, Tool, say::Sentences};
use crate::config::{Business, Confirm, Quoter, ToolKind, ToolSpec};

/// What Ultravox waits at most, and what we can answer within at least.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(40);
/// Ours; the model must not choose it.
const CALL_ID: &str = "call_id";

/// Compiles a business's tools.
///
/// # Errors
/// Everything that is wrong.
pub(super) fn profile(id: &str, business: &Business) -> Result<Profile, Vec<String>> {
    let (mut tools, mut sentences, mut errors) = (BTreeMap::new(), Sentences::new(), Vec::new());
    for (name, spec) in &business.tools {
        let mut wrong = consistency(name, spec, &business.tools);
        for (sentence, key, source) in [
            (Sentence::Say, "say", &spec.say),
            (Sentence::Queued, "say_queued", &spec.say_queued),
            (Sentence::Unavailable, "say_unavailable", &spec.say_unavailable),
        ] {
            wrong.extend(sentences.add(name, sentence, source).err().map(|error| format!("{key}: {error}")));
        }
        match jsonschema::validator_for(&spec.parameters) {
            Ok(validator) => {
                tools.insert(name.clone(), Tool { name: name.clone(), spec: spec.clone(), validator });
            }
            Err(error) => wrong.push(format!("parameters: {error}")),
        }
        errors.extend(wrong.into_iter().map(|error| format!("business.{id}.tools.{name}: {error}")));
    }
    if errors.is_empty() { Ok(Profile { tools, sentences }) } else { Err(errors) }
}

fn consistency(name: &str, spec: &ToolSpec, tools: &BTreeMap<String, ToolSpec>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut refuse = |bad: bool, text: &str| {
        if bad {
            wrong.push(text.to_owned());
        }
    };
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    refuse(
        name.is_empty() || name.len() > 64 || !name.bytes().all(letters),
        "a name has 1 to 64 of a-z, A-Z, 0-9, _ and -",
    );
    refuse(!TIMEOUTS.contains(&spec.timeout), "timeout: 1 to 40 seconds");
    refuse(spec.description.trim().is_empty(), "description: the model needs one");
    refuse(spec.say.trim().is_empty(), "say: the agent needs something to say");

    let properties = spec.parameters["properties"].as_object();
    refuse(spec.parameters["type"] != "object", "parameters: the schema's type must be object");
    refuse(properties.is_some_and(|it| it.contains_key(CALL_ID)), "parameters: call_id is set by the gateway");
    let known = |parameter: &String| properties.is_some_and(|it| it.contains_key(parameter));
    refuse(!spec.arguments.values().all(known), "arguments: each one names a parameter");

    let confirms = spec.kind == ToolKind::Confirm;
    let quoted = spec.kind == ToolKind::Command && spec.confirm == Confirm::Quote;
    refuse(!confirms && spec.method.as_deref().is_none_or(str::is_empty), "method: needed to ask ERPNext");
    refuse(confirms && spec.method.is_some(), "method: a confirmation uses the method of the tool it confirms");
    refuse(confirms && !known(&"quote_id".to_owned()), "parameters: a confirmation needs quote_id");
    refuse(confirms != spec.confirms.is_some(), "confirms: needed by, and only by, kind = \"confirm\"");
    refuse(spec.kind != ToolKind::Command && spec.confirm == Confirm::Quote, "confirm: only a command is quoted");
    refuse(quoted && spec.quoter.is_none(), "quoter: needed with confirm = \"quote\"");
    refuse(!quoted && spec.quoter.is_some(), "quoter: only with confirm = \"quote\"");
    refuse(quoted && spec.catalogue.is_none(), "catalogue: needed to price a quote");
    refuse(
        spec.quoter == Some(Quoter::Catalogue) && !takes(spec, "items"),
        "parameters: a catalogue quote needs items",
    );
    refuse(
        spec.quoter == Some(Quoter::Slot) && !(takes(spec, "service_type") && takes(spec, "start")),
        "parameters: a slot quote needs service_type and start",
    );
    refuse(
        spec.kind != ToolKind::Query && spec.say_queued.trim().is_empty() && !quoted,
        "say_queued: needed by what may take longer",
    );
    refuse(
        spec.kind == ToolKind::Query && spec.say_unavailable.trim().is_empty(),
        "say_unavailable: needed by a query",
    );

    if let Some(other) = &spec.confirms {
        let quotes = |it: &ToolSpec| it.kind == ToolKind::Command && it.confirm == Confirm::Quote;
        refuse(!tools.get(other).is_some_and(quotes), "confirms: names no tool that quotes");
    }
    let confirmed = tools.values().filter(|it| it.confirms.as_deref() == Some(name)).count();
    refuse(quoted && confirmed != 1, "exactly one tool must confirm what this one quotes");
    let method = spec.catalogue.as_deref();
    // A dotted path is a method; anything else names a tool.
    let dangling = method.is_some_and(|it| !it.contains('.') && tools.get(it).is_none_or(|tool| tool.method.is_none()));
    refuse(dangling, "catalogue: names neither a query tool nor a method");
    wrong
}

/// Whether a tool has a parameter for this argument of its method.
fn takes(spec: &ToolSpec, argument: &str) -> bool {
    let parameter = spec.arguments.get(argument).map_or(argument, String::as_str);
    spec.parameters["properties"].get(parameter).is_some_and(Value::is_object)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tools::{Tools, samples};

    fn errors(change: impl FnOnce(&mut Business)) -> String {
        let mut business = samples::restaurant();
        change(&mut business);
        let businesses = BTreeMap::from([("restaurant".to_owned(), business)]);
        Tools::compile(&businesses).err().unwrap_or_default().join("\n")
    }

    #[test]
    fn the_sample_businesses_compile() {
        assert_eq!(errors(|_| {}), "");
        assert!(Tools::compile(&samples::businesses()).is_ok());
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_place() {
        let told = errors(|business| {
            let order = business.tools.get_mut("placeOrder").unwrap();
            order.say = "{{ total".into();
            order.timeout = Duration::from_secs(41);
            order.parameters["properties"]["customer_name"] = serde_json::json!({"type": "stirng"});
            business.tools.get_mut("confirmOrder").unwrap().confirms = Some("getMenu".into());
            business.tools.get_mut("getMenu").unwrap().method = None;
        });
        for wanted in [
            "business.restaurant.tools.placeOrder: say: ",
            "placeOrder: timeout: 1 to 40 seconds",
            "placeOrder: parameters: ",
            "placeOrder: exactly one tool must confirm",
            "placeOrder: catalogue: ",
            "confirmOrder: confirms: names no tool that quotes",
            "getMenu: method: ",
        ] {
            assert!(told.contains(wanted), "{wanted} is missing in\n{told}");
        }
    }

    #[test]
    fn a_parameter_named_as_ours_is_refused() {
        let told = errors(|business| {
            business.tools.get_mut("orderStatus").unwrap().parameters["properties"]["call_id"] = serde_json::json!({});
        });
        assert!(told.contains("call_id is set by the gateway"));
    }
}

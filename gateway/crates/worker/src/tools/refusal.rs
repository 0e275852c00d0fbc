//! The business's refusals as sentences: those that its app wrote for the caller, or our own. What Frappe wrote for its
//! own users is never spoken.

use neoron_protocol::frame::Money;
use serde_json::Value;

use super::{catalogue, money, say::listed};
use crate::erpnext::{Class, Error, site_time};

/// The longest sentence of the app that is spoken, in characters: the longest dish, and why it cannot be had.
const MAX_SAID: usize = 300;
/// Names or times told at once.
const MAX_TOLD: usize = 3;

/// What the agent says when ERPNext refused; `None` if it is not a refusal.
pub(super) fn sentence(error: &Error) -> Option<String> {
    if !matches!(error.class(), Class::Refused | Class::Missing) {
        return None;
    }
    let said = said(error);
    Some(match error.exc_type() {
        // The new price is worth more than that there is one.
        "QuoteChanged" => price_changed(error),
        "SlotTaken" => taken(error, said),
        "UnknownService" => not_offered(error, said),
        _ if said.is_some() => said.unwrap_or_default().to_owned(),
        // A site whose app has no sentence of its own.
        "UnknownMenuItem" => format!("{} cannot be found on the menu.", names(error.detail("unknown"), "That")),
        "ItemUnavailable" => format!("{} cannot be had at the moment.", names(error.detail("unavailable"), "That")),
        "UnknownDocument" | "DoesNotExistError" => "I cannot find that. Could you check the number?".to_owned(),
        _ => "The business cannot accept that as it is.".to_owned(),
    })
}

/// The sentence that the business's app wrote for the caller, if it is one: short, and without markup.
fn said(error: &Error) -> Option<&str> {
    let say = error.detail("say").as_str()?.trim();
    let plain = |letter: char| !letter.is_control() && !matches!(letter, '<' | '>');
    let fits = (1..=MAX_SAID).contains(&say.chars().count());
    (fits && say.chars().all(plain)).then_some(say)
}

fn taken(error: &Error, said: Option<&str>) -> String {
    let why = said.unwrap_or("That time has just been taken.");
    match times(error.detail("alternatives")) {
        times if times.is_empty() => format!("{why} No other time is free around it."),
        times => format!("{why} Free are {times}."),
    }
}

fn not_offered(error: &Error, said: Option<&str>) -> String {
    let why = said.unwrap_or("That service is not offered.");
    match names(error.detail("services"), "") {
        services if services.is_empty() => why.to_owned(),
        services => format!("{why} There is {services}."),
    }
}

fn price_changed(error: &Error) -> String {
    let total = money::minor(error.detail("total_amount"));
    let currency = error.detail("currency").as_str().unwrap_or("GBP").to_owned();
    match total {
        Some(minor) => {
            format!("The price has changed to {}. Nothing was ordered.", money::text(&Money { minor, currency }))
        }
        None => "The price has changed. Nothing was ordered.".to_owned(),
    }
}

/// Names in a list of texts or of rows with a name.
fn names(list: &Value, none: &str) -> String {
    let name = |value: &Value| {
        let row = || value["service_name"].as_str().or_else(|| value["item_name"].as_str());
        value.as_str().or_else(row).map(str::to_owned)
    };
    let names: Vec<String> = list.as_array().into_iter().flatten().filter_map(name).take(MAX_TOLD).collect();
    if names.is_empty() { none.to_owned() } else { listed(&names, "and") }
}

/// The first of some free times, as one says them.
pub(super) fn times(slots: &Value) -> String {
    let time = |slot: &Value| site_time::spoken(slot["start"].as_str()?);
    let times: Vec<String> = slots.as_array().into_iter().flatten().filter_map(time).take(MAX_TOLD).collect();
    listed(&times, "and")
}

/// Whether the refusal contradicts the catalogue that the quote was priced from.
pub(super) fn doubts_catalogue(error: &Error) -> bool {
    matches!(error.exc_type(), "UnknownMenuItem" | "ItemUnavailable" | "QuoteChanged" | "UnknownService")
}

/// The total in an answer that has one.
pub(super) fn total(answer: &Value) -> Option<Money> {
    let amount = answer.get("total_amount").or_else(|| answer.get("price"))?;
    Some(Money { minor: money::minor(amount)?, currency: catalogue::currency(answer) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::StatusCode;
    use serde_json::json;

    use super::*;

    fn said(status: u16, body: Value) -> Option<String> {
        let status = StatusCode::from_u16(status).unwrap();
        sentence(&Error::from_answer(status, None, body.to_string().as_bytes()))
    }

    #[test]
    fn each_refusal_has_its_own_sentence() {
        let taken = json!({"exc_type": "SlotTaken", "alternatives": [{"start": "2026-11-24 10:00:00"}, {"start": "2026-11-24 11:30:00"}]});
        for (status, body, sentence) in [
            (417, json!({"exc_type": "UnknownMenuItem", "unknown": ["Sushi"]}), "Sushi cannot be found on the menu."),
            (
                417,
                json!({"exc_type": "ItemUnavailable", "unavailable": ["Calzone", "Cola"]}),
                "Calzone and Cola cannot be had at the moment.",
            ),
            (
                409,
                json!({"exc_type": "QuoteChanged", "total_amount": 19.5, "currency": "GBP"}),
                "The price has changed to £19.50. Nothing was ordered.",
            ),
            (
                409,
                taken,
                "That time has just been taken. Free are Tuesday 24 November at 10:00 and Tuesday 24 November at 11:30.",
            ),
            (404, json!({"exc_type": "UnknownDocument"}), "I cannot find that. Could you check the number?"),
        ] {
            assert_eq!(said(status, body).unwrap(), sentence);
        }
    }

    #[test]
    fn what_the_app_says_is_spoken_as_it_is() {
        let quantity = json!({"exc_type": "ValidationError", "reason": "invalid_quantity", "say": "How many Cola?"});
        assert_eq!(said(417, quantity).unwrap(), "How many Cola?");
        // A class that only the app knows.
        let category = json!({"exc_type": "UnknownCategory", "say": "I do not know that kind of problem."});
        assert_eq!(said(417, category).unwrap(), "I do not know that kind of problem.");
        let phone = json!({"exc_type": "InvalidPhoneNumberError", "say": "That is not a telephone number."});
        assert_eq!(said(417, phone).unwrap(), "That is not a telephone number.");
        let closed = json!({"exc_type": "SlotTaken", "reason": "closed", "say": "No appointment can begin at that time.",
            "alternatives": [{"start": "2026-11-24 10:00:00"}]});
        assert_eq!(
            said(409, closed).unwrap(),
            "No appointment can begin at that time. Free are Tuesday 24 November at 10:00."
        );
    }

    #[test]
    fn a_sentence_that_is_none_is_not_spoken() {
        for say in [json!(""), json!(7), json!("<b>x</b>"), json!("x\ny"), json!("x".repeat(301))] {
            let body = json!({"exc_type": "ValidationError", "say": say});
            assert_eq!(said(417, body).unwrap(), "The business cannot accept that as it is.");
        }
        let fault = json!({"exc_type": "TypeError", "say": "Boo."});
        assert_eq!(said(500, fault), None);
    }

    #[test]
    fn frappes_own_words_are_never_spoken() {
        let body = json!({"exc_type": "ValidationError", "exception": "canary", "_server_messages": "[\"canary\"]"});
        assert!(!said(417, body).unwrap().contains("canary"));
        assert_eq!(said(500, json!({"exc_type": "TypeError"})), None);
    }
}

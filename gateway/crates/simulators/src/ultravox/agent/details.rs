//! Who the visitor is and how the order reaches them: names, telephone numbers, pickup or delivery.
//!
//! Takes what it finds out of the utterance, so that "for pickup, name Ada" is not mistaken for food.

use super::words::{Word, Words, number};

/// How an order reaches the visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderType {
    Pickup,
    Delivery,
    DineIn,
}

impl OrderType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pickup => "pickup",
            Self::Delivery => "delivery",
            Self::DineIn => "dine_in",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Pickup, Self::Delivery, Self::DineIn].into_iter().find(|kind| kind.name() == name)
    }
}

/// Takes a name out of "my name is Ada", "name Ada", "under Ada Lovelace".
pub(super) fn take_name(words: &mut Words) -> Option<String> {
    const SURE: [&str; 9] = [
        "my name is",
        "my name's",
        "the name is",
        "name is",
        "under the name of",
        "under the name",
        "name of",
        "in the name of",
        "name",
    ];
    // Only before a capital letter: "this is urgent" names nobody.
    const CAPITAL: [&str; 7] = ["this is", "i am", "i'm", "under", "it's for", "for", "it is"];
    if let Some((at, length)) = words.find_any(&SURE)
        && let Some(name) = name_at(words, at, length)
    {
        return Some(name);
    }
    CAPITAL.iter().find_map(|phrase| {
        let (at, length) = words.find_any(&[phrase])?;
        let next = words.0.get(at + length)?;
        let named = next.raw.starts_with(char::is_uppercase) && !is_calendar(&next.low) && next.raw != "I";
        if named { name_at(words, at, length) } else { None }
    })
}

fn name_at(words: &mut Words, at: usize, length: usize) -> Option<String> {
    let name: Vec<Word> =
        words.0[at + length..].iter().take(3).take_while(|word| is_name(&word.low)).cloned().collect();
    if name.is_empty() {
        return None;
    }
    drop(words.take(at..at + length + name.len()));
    Some(capitalised(&name))
}

/// A whole answer to "what is your name?".
pub(super) fn answered_name(words: &Words) -> Option<String> {
    let name: Vec<Word> = words
        .0
        .iter()
        .skip_while(|word| {
            matches!(word.low.as_str(), "it's" | "its" | "it" | "is" | "i'm" | "i" | "am" | "sure" | ",")
        })
        .take_while(|word| is_name(&word.low))
        .take(3)
        .cloned()
        .collect();
    (!name.is_empty()).then(|| capitalised(&name))
}

fn is_name(word: &str) -> bool {
    const NOT: [&str; 22] = [
        ",",
        "and",
        "for",
        "my",
        "please",
        "phone",
        "number",
        "at",
        "with",
        "delivery",
        "pickup",
        "it's",
        "i",
        "to",
        "the",
        "a",
        "on",
        "is",
        "yes",
        "no",
        "in",
        "collection",
    ];
    !NOT.contains(&word) && number(word).is_none() && word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-')
}

fn is_calendar(word: &str) -> bool {
    const DAYS: [&str; 9] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "today", "tomorrow"];
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    DAYS.contains(&word) || MONTHS.contains(&word)
}

fn capitalised(words: &[Word]) -> String {
    let capital = |word: &Word| {
        let mut letters = word.raw.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    words.iter().map(capital).collect::<Vec<String>>().join(" ")
}

/// Takes a telephone number: at least seven digits, possibly in groups.
pub(super) fn take_phone(words: &mut Words) -> Option<String> {
    let is_part = |word: &Word| {
        word.low.bytes().any(|byte| byte.is_ascii_digit())
            && word.low.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')'))
    };
    let mut start = 0;
    while start < words.0.len() {
        let length = words.0[start..].iter().take_while(|word| is_part(word)).count();
        let group = &words.0[start..start + length];
        let digits: String = group.iter().flat_map(|word| word.low.chars()).filter(char::is_ascii_digit).collect();
        if (7..=15).contains(&digits.len()) {
            let plus = if group[0].low.starts_with('+') { "+" } else { "" };
            drop(words.take(phone_phrase(words, start)..start + length));
            return Some(format!("{plus}{digits}"));
        }
        start += length.max(1);
    }
    None
}

/// Where the words that introduce a number begin.
fn phone_phrase(words: &Words, number_at: usize) -> usize {
    const INTRO: [&str; 13] =
        ["and", "my", "the", "phone", "telephone", "mobile", "number", "is", "call", "me", "on", "at", "it's"];
    let low = words.low();
    let introduced = low[..number_at].iter().rev().take_while(|word| INTRO.contains(*word)).count();
    number_at - introduced
}

/// Takes how the order reaches the visitor, and the address if one was said.
pub(super) fn take_order_type(words: &mut Words) -> Option<(OrderType, Option<String>)> {
    const DELIVERY: [&str; 9] = [
        "for delivery to",
        "delivery to",
        "deliver it to",
        "deliver that to",
        "deliver to",
        "delivered to",
        "for delivery",
        "delivery",
        "delivered",
    ];
    const PICKUP: [&str; 15] = [
        "for pickup",
        "for pick up",
        "for pick-up",
        "for collection",
        "for takeaway",
        "for take away",
        "to take away",
        "i'll pick it up",
        "pick it up",
        "pickup",
        "pick up",
        "collection",
        "takeaway",
        "take away",
        "to go",
    ];
    const DINE_IN: [&str; 8] =
        ["to dine in", "for dine in", "dine in", "dine-in", "to eat in", "eat in", "eat here", "for here"];
    if let Some((at, length)) = words.find_any(&DELIVERY) {
        let phrase = words.low()[at..at + length].join(" ");
        let address = if phrase.ends_with("to") { address_length(words, at + length) } else { 0 };
        let taken = words.take(at..at + length + address);
        let address = Words::raw(&taken[length..]);
        return Some((OrderType::Delivery, (!address.is_empty()).then_some(address)));
    }
    for (phrases, kind) in [(&PICKUP[..], OrderType::Pickup), (&DINE_IN[..], OrderType::DineIn)] {
        if let Some((at, length)) = words.find_any(phrases) {
            drop(words.take(at..at + length));
            return Some((kind, None));
        }
    }
    None
}

/// An address reaches to the end, unless a pause or an "and" is followed by something that cannot belong to it.
fn address_length(words: &Words, from: usize) -> usize {
    const OTHER: [&str; 10] = ["my", "name", "phone", "i'd", "i", "please", "with", "for", "and", "a"];
    let low = words.low();
    let rest = &low[from..];
    let ends = |at: usize| {
        let breaks = matches!(rest[at], "," | "and");
        let next = rest.get(at + 1).copied().unwrap_or("please");
        let spelled = number(next).is_some() && !next.starts_with(|c: char| c.is_ascii_digit());
        breaks && (OTHER.contains(&next) || spelled)
    };
    (0..rest.len()).find(|at| ends(*at) || rest[*at] == "please").unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_the_usual_phrases() {
        for (text, expected) in [
            ("two colas, name Ada", Some("Ada")),
            ("my name is ada lovelace and I live here", Some("Ada Lovelace")),
            ("a table under Grace", Some("Grace")),
            ("this is Ada", Some("Ada")),
            ("this is urgent", None),
            ("a haircut for Monday", None),
            ("for two people", None),
        ] {
            assert_eq!(take_name(&mut Words::new(text)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_telephone_number_may_come_in_groups() {
        let mut words = Words::new("one cola, my number is +44 7700 900-123 please");
        assert_eq!(take_phone(&mut words).as_deref(), Some("+447700900123"));
        assert_eq!(words.low(), ["one", "cola", ",", ",", "please"]);
        assert_eq!(take_phone(&mut Words::new("12 colas and 5 pizzas")), None);
    }

    #[test]
    fn an_address_ends_where_another_thought_begins() {
        let mut words = Words::new("two pizzas for delivery to 12 High Street, Leeds, and a cola please");
        let address = Some("12 High Street, Leeds".to_owned());
        assert_eq!(take_order_type(&mut words), Some((OrderType::Delivery, address)));
        assert!(words.says(&["a cola"]));
    }

    #[test]
    fn pickup_and_dining_in_are_understood() {
        assert_eq!(take_order_type(&mut Words::new("a cola to go")), Some((OrderType::Pickup, None)));
        assert_eq!(take_order_type(&mut Words::new("we'd like to eat in")), Some((OrderType::DineIn, None)));
        assert_eq!(take_order_type(&mut Words::new("a cola")), None);
    }
}

//! What the visitor wants to eat, and how they change their mind.
//!
//! The agent does not know the menu: it takes the names as they are spoken and leaves it to the tool to know them.

use super::words::{number, quantity, singular};

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) quantity: u32,
    pub(super) notes: Option<String>,
}

/// One change of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// An item was named. `more` when it comes on top of what is there, `counted` when a number was said.
    Want {
        item: Item,
        more: bool,
        counted: bool,
    },
    /// "Make that two colas": of the named item, or of the last one.
    Count {
        name: Option<String>,
        quantity: u32,
    },
    Replace {
        old: String,
        new: Item,
        counted: bool,
    },
    Remove(String),
    /// "No garlic bread" takes an item away if there is one, and is a wish otherwise.
    Without(String),
}

/// Items of one order; the tool would refuse more.
const MOST_ITEMS: usize = 50;
/// A longer name is a sentence.
const LONGEST_NAME: usize = 6;

/// Reads the changes in an utterance. Empty when there is none.
pub(super) fn edits(words: &[&str]) -> Vec<Edit> {
    segments(words).iter().filter_map(|segment| edit(segment)).take(MOST_ITEMS).collect()
}

/// Whether the words speak of ordering without any doubt.
pub(super) fn is_clear(words: &[&str]) -> bool {
    segments(words).iter().any(|segment| {
        let (rest, asked) = lead_in(segment);
        let count = quantity(rest).is_some_and(|(_, _, taken)| rest.len() > taken);
        asked || count || matches!(edit(segment), Some(edit) if !matches!(edit, Edit::Want { more: false, .. }))
    })
}

/// Splits at pauses and at every "and" that begins something new; "fish and chips" stays together.
fn segments<'a>(words: &'a [&'a str]) -> Vec<&'a [&'a str]> {
    const TOGETHER: [(&str, &str); 7] = [
        ("fish", "chips"),
        ("mac", "cheese"),
        ("macaroni", "cheese"),
        ("ham", "cheese"),
        ("salt", "vinegar"),
        ("gin", "tonic"),
        ("cheese", "onion"),
    ];
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 0..words.len() {
        let joined = at > 0
            && words
                .get(at + 1)
                .is_some_and(|next| TOGETHER.iter().any(|(one, two)| *one == words[at - 1] && *two == *next));
        let before_item = words.get(at + 1..).is_some_and(|rest| quantity(rest).is_some());
        let splits = match words[at] {
            "," | "plus" | "but" | "then" => true,
            "and" => !joined,
            "with" => before_item,
            _ => false,
        };
        if splits {
            parts.push(&words[start..at]);
            start = at + 1;
        }
    }
    parts.push(&words[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Cuts off how a sentence begins. The second value tells whether something was asked for.
fn lead_in<'a>(words: &'a [&'a str]) -> (&'a [&'a str], bool) {
    const ASKING: [&str; 26] = [
        "i'd like to order",
        "i would like to order",
        "i want to order",
        "can i order",
        "could i order",
        "i'd like to have",
        "i would like to have",
        "i'd like",
        "i would like",
        "we'd like",
        "we would like",
        "i'll have",
        "i'll take",
        "we'll have",
        "can i have",
        "can i get",
        "could i have",
        "could i get",
        "may i have",
        "can we have",
        "can we get",
        "i want",
        "give me",
        "get me",
        "let me have",
        "let me get",
    ];
    const FILLING: [&str; 26] = [
        "good morning",
        "good evening",
        "good afternoon",
        "actually",
        "oh",
        "wait",
        "sorry",
        "please",
        "well",
        "um",
        "uh",
        "hi",
        "hello",
        "hey",
        "yes",
        "yeah",
        "yep",
        "ok",
        "okay",
        "sure",
        "and",
        "also",
        "can you",
        "could you",
        "there",
        "just",
    ];
    let (mut rest, mut asked) = (words, false);
    'more: loop {
        for (phrases, asks) in [(&ASKING[..], true), (&FILLING[..], false)] {
            for phrase in phrases {
                let phrase: Vec<&str> = phrase.split(' ').collect();
                if rest.starts_with(&phrase) {
                    (rest, asked) = (&rest[phrase.len()..], asked || asks);
                    continue 'more;
                }
            }
        }
        return (rest, asked);
    }
}

fn edit(segment: &[&str]) -> Option<Edit> {
    let (words, _) = lead_in(trimmed(segment));
    let (words, refusing) = match words {
        ["no", rest @ ..] if !rest.is_empty() => (lead_in(rest).0, true),
        _ => (words, false),
    };
    match words {
        ["make", "that" | "it" | "those" | "them", rest @ ..] => counted(rest),
        ["change" | "switch" | "swap" | "replace", rest @ ..] => change(rest),
        ["remove" | "drop" | "delete" | "cancel" | "forget" | "skip" | "lose" | "scrap", rest @ ..]
        | ["take", "off" | "out" | "away", rest @ ..]
        | ["leave", "out" | "off", rest @ ..]
        | ["get", "rid", "of", rest @ ..]
        | ["take", rest @ .., "off" | "out" | "away"] => name(rest).map(|(item, _)| Edit::Remove(item.name)),
        ["without", rest @ ..] => name(rest).map(|(item, _)| Edit::Without(item.name)),
        ["add" | "include", rest @ ..] => name(rest).map(|(item, counted)| Edit::Want { item, more: true, counted }),
        _ if words.contains(&"instead") => instead(words),
        _ if refusing => name(words).map(|(item, _)| Edit::Without(item.name)),
        _ => {
            let more = words.first() == Some(&"another") || words.get(1) == Some(&"more");
            name(words).map(|(item, counted)| Edit::Want { item, more, counted })
        }
    }
}

/// "… two colas", "… two".
fn counted(words: &[&str]) -> Option<Edit> {
    let (count, _, taken) = quantity(words)?;
    let name = name(&words[taken..]).map(|(item, _)| item.name);
    Some(Edit::Count { name, quantity: count })
}

/// "… the cola to two", "… the cola to a lemonade", "… it to three".
fn change(words: &[&str]) -> Option<Edit> {
    let at = words.iter().position(|word| matches!(*word, "to" | "for" | "with" | "into"))?;
    let (old, new) = (trimmed(&words[..at]), trimmed(&words[at + 1..]));
    let pronoun = matches!(old, ["it" | "that" | "those" | "them"]);
    if let [only] = new
        && let Some(quantity) = number(only)
    {
        let name = if pronoun { None } else { Some(name(old)?.0.name) };
        return Some(Edit::Count { name, quantity });
    }
    let (item, is_counted) = name(new)?;
    if pronoun {
        return Some(Edit::Count { name: Some(item.name), quantity: item.quantity });
    }
    Some(Edit::Replace { old: name(old)?.0.name, new: item, counted: is_counted })
}

/// "A lemonade instead of the cola", "instead of the cola a lemonade".
fn instead(words: &[&str]) -> Option<Edit> {
    let at = words.iter().position(|word| *word == "instead")?;
    let old = words.get(at + 1..).and_then(|rest| rest.strip_prefix(&["of"]));
    let (item, counted) = name(&words[..at])?;
    match old.and_then(name) {
        Some((old, _)) => Some(Edit::Replace { old: old.name, new: item, counted }),
        None => Some(Edit::Want { item, more: false, counted }),
    }
}

/// Cuts politeness off the end.
fn trimmed<'a>(words: &'a [&'a str]) -> &'a [&'a str] {
    const TAIL: [&str; 16] = [
        "please", "too", "thanks", "thank", "you", "today", "now", "tonight", "only", "also", "then", "me", "us",
        "for", "of", "instead",
    ];
    let mut rest = words;
    loop {
        match rest {
            [head @ .., "as", "well"] | [head @ .., "to", "start"] => rest = head,
            [head @ .., last] if TAIL.contains(last) => rest = head,
            _ => return rest,
        }
    }
}

/// An item: quantity, name, wishes. The flag tells whether a quantity was said.
fn name(words: &[&str]) -> Option<(Item, bool)> {
    const WISHES: [&str; 5] = ["with", "without", "no", "extra", "but"];
    const NO_FOOD: [&str; 34] = [
        "it",
        "that",
        "this",
        "those",
        "them",
        "what",
        "where",
        "when",
        "how",
        "why",
        "who",
        "is",
        "are",
        "do",
        "does",
        "you",
        "i",
        "i'm",
        "we",
        "not",
        "nothing",
        "everything",
        "right",
        "correct",
        "order",
        "all",
        "one",
        "my",
        "everyone",
        "can",
        "could",
        "would",
        "that's",
        "it's",
    ];
    let words = trimmed(words);
    let (count, counted, taken) = quantity(words).unwrap_or((1, false, 0));
    let mut rest = &words[taken..];
    while let ["more" | "of" | "order" | "orders" | "the" | "portion" | "portions", tail @ ..] = rest {
        rest = tail;
    }
    let end = rest.iter().position(|word| WISHES.contains(word)).unwrap_or(rest.len());
    let (plain, notes) = (trimmed(&rest[..end]), rest[end..].join(" "));
    if plain.is_empty() || plain.len() > LONGEST_NAME || NO_FOOD.contains(&plain[0]) {
        return None;
    }
    let item = Item { name: singular(&plain.join(" ")), quantity: count, notes: (!notes.is_empty()).then_some(notes) };
    Some((item, counted))
}

/// Applies a change. Answers whether anything changed.
pub(super) fn apply(list: &mut Vec<Item>, edit: Edit) -> bool {
    match edit {
        Edit::Want { item, more, counted } => want(list, item, more, counted),
        Edit::Count { name, quantity } => {
            let at = name.as_deref().map_or(list.len().checked_sub(1), |name| find(list, name));
            match (at, name) {
                (Some(at), _) => list[at].quantity = quantity,
                (None, Some(name)) => return want(list, Item { name, quantity, notes: None }, false, true),
                (None, None) => return false,
            }
            true
        }
        Edit::Replace { old, mut new, counted } => match find(list, &old) {
            Some(at) => {
                if !counted {
                    new.quantity = list[at].quantity;
                }
                list[at] = new;
                true
            }
            None => want(list, new, false, counted),
        },
        Edit::Remove(name) => remove(list, &name),
        Edit::Without(name) => {
            let removed = remove(list, &name);
            if let (false, Some(last)) = (removed, list.last_mut()) {
                last.notes = Some(format!("no {name}"));
                return true;
            }
            removed
        }
    }
}

fn want(list: &mut Vec<Item>, item: Item, more: bool, counted: bool) -> bool {
    match find(list, &item.name) {
        Some(at) if more => list[at].quantity = list[at].quantity.saturating_add(item.quantity),
        Some(at) if counted => list[at].quantity = item.quantity,
        Some(_) => {}
        None if list.len() >= MOST_ITEMS => return false,
        None => list.push(item),
    }
    true
}

fn remove(list: &mut Vec<Item>, name: &str) -> bool {
    let at = find(list, name);
    at.map(|at| list.remove(at)).is_some()
}

/// The item that a name means: the same name first, then one that shares all its words.
pub(super) fn find(list: &[Item], name: &str) -> Option<usize> {
    let words = |text: &str| text.split(' ').map(singular).collect::<Vec<String>>();
    let wanted = words(name);
    let within = |few: &[String], many: &[String]| few.iter().all(|word| many.contains(word));
    list.iter().position(|item| words(&item.name) == wanted).or_else(|| {
        list.iter().rposition(|item| {
            let have = words(&item.name);
            within(&wanted, &have) || within(&have, &wanted)
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::words::Words;
    use super::*;

    fn after(start: &[(&str, u32)], sentences: &[&str]) -> Vec<(String, u32)> {
        let mut list: Vec<Item> = start
            .iter()
            .map(|(name, quantity)| Item { name: (*name).to_owned(), quantity: *quantity, notes: None })
            .collect();
        for sentence in sentences {
            for edit in edits(&Words::new(sentence).low()) {
                apply(&mut list, edit);
            }
        }
        list.into_iter().map(|item| (item.name, item.quantity)).collect()
    }

    fn list(items: &[(&str, u32)]) -> Vec<(String, u32)> {
        items.iter().map(|(name, quantity)| ((*name).to_owned(), *quantity)).collect()
    }

    #[test]
    fn an_order_is_read_in_one_breath() {
        let expected = list(&[("margherita pizza", 2), ("cola", 1), ("garlic bread", 3)]);
        for sentence in [
            "Hi, I'd like two margherita pizzas, a cola and three garlic breads please",
            "can I have two margherita pizzas and a cola plus three garlic breads",
            "Hello! I would like to order 2 margherita pizzas, 1 cola, 3 garlic breads.",
        ] {
            assert_eq!(after(&[], &[sentence]), expected, "{sentence}");
        }
        assert_eq!(after(&[], &["a couple of colas with some fries"]), list(&[("cola", 2), ("fries", 1)]));
        assert_eq!(after(&[], &["fish and chips and a cola"]), list(&[("fish and chips", 1), ("cola", 1)]));
    }

    #[test]
    fn wishes_become_notes() {
        let edits = edits(&["a", "burger", "with", "extra", "cheese"]);
        let item = Item { name: "burger".to_owned(), quantity: 1, notes: Some("with extra cheese".to_owned()) };
        assert_eq!(edits, [Edit::Want { item, more: false, counted: true }]);
    }

    #[test]
    fn a_change_of_mind_changes_the_list() {
        let start = [("margherita pizza", 2), ("cola", 1), ("garlic bread", 1)];
        for (sentence, expected) in [
            ("make that two colas", vec![("margherita pizza", 2), ("cola", 2), ("garlic bread", 1)]),
            ("no, make that two colas", vec![("margherita pizza", 2), ("cola", 2), ("garlic bread", 1)]),
            ("change the cola to two", vec![("margherita pizza", 2), ("cola", 2), ("garlic bread", 1)]),
            ("make it three", vec![("margherita pizza", 2), ("cola", 1), ("garlic bread", 3)]),
            ("change the cola to a lemonade", vec![("margherita pizza", 2), ("lemonade", 1), ("garlic bread", 1)]),
            ("a lemonade instead of the cola", vec![("margherita pizza", 2), ("lemonade", 1), ("garlic bread", 1)]),
            ("one more cola", vec![("margherita pizza", 2), ("cola", 2), ("garlic bread", 1)]),
            ("no garlic bread", vec![("margherita pizza", 2), ("cola", 1)]),
            ("please remove the pizzas", vec![("cola", 1), ("garlic bread", 1)]),
            ("take the cola off", vec![("margherita pizza", 2), ("garlic bread", 1)]),
            (
                "actually, drop the cola and add a tiramisu",
                vec![("margherita pizza", 2), ("garlic bread", 1), ("tiramisu", 1)],
            ),
        ] {
            assert_eq!(after(&start, &[sentence]), list(&expected), "{sentence}");
        }
    }

    #[test]
    fn small_talk_is_no_order() {
        for sentence in ["what time is it", "that's right", "are you open", "it is not good", "yes please"] {
            assert_eq!(edits(&Words::new(sentence).low()), [], "{sentence}");
        }
    }

    proptest! {
        #[test]
        fn no_sentence_makes_it_panic(
            sentence in "(a|the|two|no|and|make|that|it|change|to|cola|with|instead|of|,|take|off|more| ){0,24}",
        ) {
            let words: Vec<&str> = sentence.split(' ').filter(|word| !word.is_empty()).collect();
            let mut list = vec![Item { name: "cola".to_owned(), quantity: 1, notes: None }];
            for edit in edits(&words) {
                apply(&mut list, edit);
            }
            prop_assert!(list.len() <= MOST_ITEMS);
        }
    }
}

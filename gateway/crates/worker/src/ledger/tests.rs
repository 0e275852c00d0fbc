#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::{
    samples::{START, offer, quote_id},
    *,
};

const TTL: Duration = Duration::from_secs(600);

fn after(seconds: u64) -> UnixMillis {
    START.plus(Duration::from_secs(seconds))
}

/// Offers `content` at `seconds` under quote id `id`.
fn ask(ledger: &mut Ledger, content: &str, again: bool, seconds: u64, id: u32) -> Offered {
    ledger.offer(offer(content, 100), again, after(seconds), quote_id(id), TTL)
}

fn quoted(offered: Offered) -> Quoted {
    match offered {
        Offered::Quoted(quoted) => quoted,
        other => panic!("not a quote: {other:?}"),
    }
}

fn confirm(ledger: &mut Ledger, reference: &str, seconds: u64) -> Confirmed {
    ledger.confirm("placeOrder", reference, after(seconds))
}

fn refused() -> Settlement {
    Settlement::Refused { say: "no".into() }
}

#[test]
fn a_quote_takes_effect_once_however_often_it_is_confirmed() {
    let mut ledger = Ledger::default();
    let quote = quoted(ask(&mut ledger, "a", false, 0, 1));
    let key = quote_id(1).to_string();
    assert_eq!(confirm(&mut ledger, &quote.reference, 1), Confirmed::Place(key.clone()));
    assert_eq!(confirm(&mut ledger, &quote.reference, 2), Confirmed::Already(key.clone()));
    assert_eq!(ledger.command(&key).unwrap().arguments, json!({"content": "a"}));
}

#[test]
fn the_same_in_a_repetition_is_the_same_quote_and_a_change_amends_it() {
    let mut ledger = Ledger::default();
    let first = quoted(ask(&mut ledger, "a", false, 0, 1));
    let second = quoted(ask(&mut ledger, "a", false, 1, 2));
    assert_eq!((second.reference.as_str(), second.repeated, second.amended), (first.reference.as_str(), true, false));
    let third = quoted(ask(&mut ledger, "b", false, 2, 3));
    assert_eq!((third.card.quote, third.card.revision, third.amended), (first.card.quote, 2, true));
    assert_eq!(ledger.open(after(2)).len(), 1);
}

#[test]
fn another_price_is_a_change() {
    let mut ledger = Ledger::default();
    ask(&mut ledger, "a", false, 0, 1);
    let dearer = ledger.offer(offer("a", 120), false, after(1), quote_id(2), TTL);
    assert!(quoted(dearer).amended);
}

#[test]
fn an_old_revision_is_read_back_again_instead_of_taking_effect() {
    let mut ledger = Ledger::default();
    let first = quoted(ask(&mut ledger, "a", false, 0, 1));
    let second = quoted(ask(&mut ledger, "b", false, 1, 2));
    let without_revision = quote_id(1).to_string();
    for stale in [&first.reference, &without_revision] {
        match confirm(&mut ledger, stale, 2) {
            Confirmed::Changed(again) => assert_eq!(again.reference, second.reference),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(confirm(&mut ledger, &second.reference.to_uppercase().replace('Q', "q"), 3), Confirmed::Place(_)));
}

#[test]
fn asking_again_in_other_words_finds_what_was_placed() {
    let mut ledger = Ledger::default();
    let quote = quoted(ask(&mut ledger, "a", false, 0, 1));
    confirm(&mut ledger, &quote.reference, 1);
    let key = quote_id(1).to_string();
    assert_eq!(
        ask(&mut ledger, "a", false, 3_000, 2),
        Offered::AlreadyPlaced(key.clone()),
        "as long as the session lives"
    );
    // A repetition does not push out what the visitor is being asked about.
    let other = quoted(ask(&mut ledger, "b", false, 3_001, 3));
    assert_eq!(ask(&mut ledger, "a", false, 3_002, 4), Offered::AlreadyPlaced(key));
    assert!(matches!(confirm(&mut ledger, &other.reference, 3_003), Confirmed::Place(_)));
}

#[test]
fn the_same_again_is_a_new_quote_but_its_repetition_is_not() {
    let mut ledger = Ledger::default();
    let first = quoted(ask(&mut ledger, "a", false, 0, 1));
    confirm(&mut ledger, &first.reference, 1);
    let second = quoted(ask(&mut ledger, "a", true, 2, 2));
    assert_ne!(second.card.quote, first.card.quote);
    let late = quoted(ask(&mut ledger, "a", true, 3, 3));
    assert_eq!(late.reference, second.reference, "while it is open");
    confirm(&mut ledger, &second.reference, 10);
    assert_eq!(ask(&mut ledger, "a", true, 29, 4), Offered::AlreadyPlaced(quote_id(2).to_string()), "shortly after");
    assert!(matches!(ask(&mut ledger, "a", true, 30, 5), Offered::Quoted(_)), "a third one");
}

#[test]
fn what_was_refused_can_be_asked_for_again() {
    let mut ledger = Ledger::default();
    let quote = quoted(ask(&mut ledger, "a", false, 0, 1));
    confirm(&mut ledger, &quote.reference, 1);
    assert!(ledger.settle(quote_id(1).as_str(), refused()));
    assert!(matches!(ask(&mut ledger, "a", false, 2, 2), Offered::Quoted(_)));
}

#[test]
fn a_quote_that_nobody_confirms_expires_and_says_so_once() {
    let mut ledger = Ledger::default();
    let quote = quoted(ask(&mut ledger, "a", false, 0, 1));
    assert_eq!(confirm(&mut ledger, &quote.reference, 600), Confirmed::Expired);
    assert_eq!(ledger.sweep(after(600)).len(), 1);
    assert!(ledger.sweep(after(601)).is_empty());
    assert_eq!(confirm(&mut ledger, &quote.reference, 1), Confirmed::Expired, "even for a clock that goes back");
    assert!(matches!(ask(&mut ledger, "a", false, 602, 2), Offered::Quoted(_)));
}

#[test]
fn a_quote_of_another_tool_or_session_is_unknown() {
    let mut ledger = Ledger::default();
    let quote = quoted(ask(&mut ledger, "a", false, 0, 1));
    assert_eq!(ledger.confirm("bookAppointment", &quote.reference, after(1)), Confirmed::Unknown);
    for text in ["", "yes", "q_1-1", &format!("{}-", quote_id(1)), &format!("{}-+1", quote_id(1)), quote_id(9).as_str()]
    {
        assert_eq!(confirm(&mut ledger, text, 1), Confirmed::Unknown, "{text}");
    }
}

#[test]
fn a_command_without_a_quote_is_the_same_for_the_same_arguments_in_a_call() {
    let mut ledger = Ledger::default();
    let mut start = |call: &str, text: &str| ledger.start(call, "createTicket", json!({"text": text}), START);
    let Started::New(key) = start("call-1", "It is broken") else { panic!("refused") };
    assert!(key.starts_with("c-") && key.len() == 34);
    assert_eq!(start("call-1", " it is  BROKEN"), Started::Already(key.clone()));
    assert!(matches!(start("call-2", "It is broken"), Started::New(other) if other != key));
}

#[test]
fn an_outcome_is_written_once_and_a_promise_only_before_it() {
    let mut ledger = Ledger::default();
    let Started::New(key) = ledger.start("call", "tool", json!({}), START) else { panic!("refused") };
    assert!(ledger.promise(&key) && ledger.command(&key).unwrap().is_promised());
    let placed = Settlement::Placed { document: json!({}), say: "done".into() };
    assert!(ledger.settle(&key, placed.clone()));
    assert!(!ledger.settle(&key, refused()) && !ledger.promise(&key));
    assert_eq!(ledger.command(&key).unwrap().settlement(), Some(&placed));
    assert!(!ledger.settle("c-unknown", refused()));
}

#[test]
fn a_full_ledger_refuses_and_forgets_only_what_came_to_nothing() {
    let mut ledger = Ledger::default();
    for id in 0..u32::try_from(MAX_QUOTES).unwrap() {
        let quote = quoted(ask(&mut ledger, &format!("item {id}"), false, u64::from(id), id));
        if id > 0 {
            assert!(matches!(confirm(&mut ledger, &quote.reference, u64::from(id)), Confirmed::Place(_)));
        } else {
            ledger.sweep(after(10_000));
        }
    }
    assert!(
        matches!(ask(&mut ledger, "one more", false, 100, 90), Offered::Quoted(_)),
        "in the place of the expired one"
    );
    let quote = ledger.open(after(100))[0].clone();
    assert!(matches!(confirm(&mut ledger, &format!("{}-1", quote.quote), 100), Confirmed::Place(_)));
    assert_eq!(ask(&mut ledger, "and another", false, 101, 91), Offered::Full);
    let mut number = 0;
    while let Started::New(_) = ledger.start("call", "tool", json!(number), START) {
        number += 1;
    }
    assert_eq!(number, MAX_COMMANDS - MAX_QUOTES);
}

/// What a model may do to a ledger.
#[derive(Clone, Debug)]
enum Move {
    Offer { content: u8, again: bool },
    Confirm { quote: usize, back: u32 },
    Settle { quote: usize, placed: bool },
    Wait(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (0u8..4, any::<bool>()).prop_map(|(content, again)| Move::Offer { content, again }),
        4 => (0usize..8, 0u32..3).prop_map(|(quote, back)| Move::Confirm { quote, back }),
        1 => (0usize..8, any::<bool>()).prop_map(|(quote, placed)| Move::Settle { quote, placed }),
        2 => (0u64..400).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 0..120)
}

proptest! {
    #[test]
    fn whatever_the_model_does_each_quote_takes_effect_at_most_once_and_only_as_last_read_back(moves in moves()) {
        let (mut ledger, mut now, mut ids) = (Ledger::default(), 0, 0u32);
        let mut revisions: BTreeMap<String, (u32, String)> = BTreeMap::new();
        let mut placed = BTreeSet::new();
        for step in moves {
            match step {
                Move::Wait(seconds) => now += seconds,
                Move::Offer { content, again } => {
                    ids += 1;
                    let content = format!("item {content}");
                    match ask(&mut ledger, &content, again, now, ids) {
                        Offered::Quoted(quote) => { revisions.insert(quote.card.quote, (quote.card.revision, content)); }
                        Offered::AlreadyPlaced(key) => prop_assert!(placed.contains(&key)),
                        Offered::Full => prop_assert!(revisions.len() >= MAX_QUOTES),
                    }
                }
                Move::Confirm { quote, back } => {
                    let Some((id, (revision, content))) = revisions.iter().nth(quote) else { continue };
                    let reference = format!("{id}-{}", revision.saturating_sub(back));
                    if let Confirmed::Place(key) = confirm(&mut ledger, &reference, now) {
                        prop_assert!(back == 0, "an old revision took effect");
                        prop_assert_eq!(&key, id);
                        prop_assert_eq!(&ledger.command(&key).unwrap().arguments, &json!({"content": content}));
                        prop_assert!(placed.insert(key), "a quote took effect twice");
                    }
                }
                Move::Settle { quote, placed: done } => {
                    let Some(id) = revisions.keys().nth(quote) else { continue };
                    let document = Settlement::Placed { document: json!({}), say: String::new() };
                    ledger.settle(id, if done { document } else { refused() });
                }
            }
            prop_assert!(ledger.open(after(now)).len() <= 1, "one open quote a tool");
            prop_assert!(ledger.quotes.len() <= MAX_QUOTES && ledger.commands.len() == placed.len());
        }
        let stored: Ledger = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
        prop_assert_eq!(stored, ledger);
    }
}

//! What the window shows: order, replacement, bounds.

use neoron_protocol::frame::{Body, Level};
use neoron_widget_core::{
    feed::{Entry, Feed, MAX_ITEMS},
    replies::{self, Reply},
    texts::Text,
};
use proptest::prelude::*;

use crate::support::{document, frame, line, quote};

fn with(feed: &mut Feed, kind: &str, data: &serde_json::Value) -> bool {
    match frame("e", 1, kind, data).body {
        Body::Transcript(line) => feed.line(line),
        Body::Quote(quote) => feed.quote(quote),
        Body::Document(document) => feed.document(document),
        _ => unreachable!("this helper takes no other kind"),
    }
}

fn keys(feed: &Feed) -> Vec<&str> {
    feed.items().iter().map(|item| item.key.as_str()).collect()
}

#[test]
fn a_line_grows_in_its_place_and_is_news_once_it_is_complete() {
    let mut feed = Feed::default();
    assert!(!with(&mut feed, "transcript", &line("a", "agent", "Hel", false)));
    with(&mut feed, "transcript", &line("b", "visitor", "Hi", true));
    assert!(feed.is_growing());
    assert!(with(&mut feed, "transcript", &line("a", "agent", "Hello", true)));
    assert!(!with(&mut feed, "transcript", &line("a", "agent", "Hello", true)), "a repeat is no news");
    assert!(!with(&mut feed, "transcript", &line("a", "agent", "Hel", false)), "nor is a late part");
    assert_eq!(keys(&feed), ["la", "lb"]);
    assert!(matches!(&feed.items()[0].entry, Entry::Line(line) if line.text == "Hello"));
}

#[test]
fn an_amended_quote_is_one_card_at_the_end_and_an_older_one_changes_nothing() {
    let mut feed = Feed::default();
    with(&mut feed, "quote", &quote(1, "open"));
    with(&mut feed, "transcript", &line("a", "visitor", "two", true));
    assert!(with(&mut feed, "quote", &quote(2, "open")));
    assert_eq!(keys(&feed), ["la", "qq_1"]);
    assert!(!with(&mut feed, "quote", &quote(1, "confirmed")));
    assert_eq!(feed.open_quote().unwrap().revision, 2);
}

#[test]
fn a_document_takes_the_place_of_its_quote_for_good() {
    let mut feed = Feed::default();
    with(&mut feed, "quote", &quote(1, "open"));
    with(&mut feed, "document", &document("received"));
    assert!(!with(&mut feed, "quote", &quote(1, "confirmed")), "it says less than the document");
    assert_eq!(keys(&feed), ["dq_1"]);
    assert!(with(&mut feed, "document", &document("ready")));
    assert!(!with(&mut feed, "document", &document("ready")));
    assert_eq!(keys(&feed), ["dq_1"]);
}

#[test]
fn an_open_quote_outlives_any_amount_of_talk() {
    let mut feed = Feed::default();
    with(&mut feed, "quote", &quote(1, "open"));
    for number in 0..MAX_ITEMS * 2 {
        with(&mut feed, "transcript", &line(&number.to_string(), "agent", "x", true));
    }
    assert_eq!(feed.items().len(), MAX_ITEMS);
    assert!(feed.open_quote().is_some());
}

#[test]
fn the_replies_follow_what_is_on_the_screen() {
    let mut feed = Feed::default();
    assert_eq!(replies::suggest(&feed, "restaurant")[0], Reply::Say(Text::SayMenu));
    assert_eq!(replies::suggest(&feed, "a business of tomorrow").len(), 2);
    feed.typed("m", "pizza");
    assert!(replies::suggest(&feed, "restaurant").is_empty());
    with(&mut feed, "quote", &quote(1, "open"));
    assert_eq!(replies::suggest(&feed, "restaurant")[0], Reply::Say(Text::SayYes));
    with(&mut feed, "document", &document("received"));
    assert_eq!(replies::suggest(&feed, "restaurant")[0], Reply::Say(Text::SayOrderStatus));
}

proptest! {
    #[test]
    fn keys_are_unique_and_every_change_is_seen(events in prop::collection::vec((0..4u8, 0..5u32), 0..120)) {
        let mut feed = Feed::default();
        for (kind, id) in events {
            let before = feed.clone();
            match kind {
                0 => { with(&mut feed, "transcript", &line(&id.to_string(), "agent", &"x".repeat(id as usize), id % 2 == 0)); }
                1 => { with(&mut feed, "quote", &quote(id, if id % 2 == 0 { "open" } else { "expired" })); }
                2 => { with(&mut feed, "document", &document(if id % 2 == 0 { "working" } else { "done" })); }
                _ => feed.note("careful", Level::Warning),
            }
            prop_assert!(feed == before || feed.revision() > before.revision());
            let mut unique = keys(&feed);
            unique.sort_unstable();
            unique.dedup();
            prop_assert_eq!(unique.len(), feed.items().len());
        }
    }
}

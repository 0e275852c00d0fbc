//! The conversation: its window, the quick replies, the text field, and what stands there when it is over.

use alloc::{string::String, vec::Vec};

use neoron_protocol::frame::{Level, Speaker};
use neoron_widget_core::{
    call::{End, Model, Phase},
    cards,
    feed::{Entry, Item},
    replies::Reply,
    signalling::Signalling,
    texts::{Text, Words},
    transcript::Line,
};
use web_sys::Element;

use super::{card, icons};
use crate::dom::{self, Sure as _};

/// What is drawn of one item.
struct Drawn {
    key: String,
    revision: u32,
    node: Element,
}

/// The conversation's elements.
pub(super) struct FeedView {
    language: Words,
    warning: Element,
    retry: Element,
    words: Element,
    log: Element,
    dots: Element,
    replies: Element,
    form: Element,
    over: Element,
    leave: Element,
    drawn: Vec<Drawn>,
    seen: u32,
    suggested: &'static [Reply],
    end: Option<End>,
}

impl FeedView {
    /// Builds it into the empty `body`.
    pub(super) fn new(body: &Element, language: Words) -> Self {
        let say = |text: Text| text.within(language);
        let warning = dom::el("div", "warning");
        let words = dom::el("span", "");
        let retry = dom::button("link", "retry", say(Text::Retry));
        dom::add(&warning, &[&words, &retry]);
        let log = dom::el("div", "log");
        for (name, value) in [
            ("role", "log"),
            ("aria-live", "polite"),
            ("aria-label", say(Text::Conversation)),
            // A window that scrolls must be reachable by the keyboard.
            ("tabindex", "0"),
        ] {
            dom::set(&log, name, value);
        }
        let dots = dom::el("div", "dots");
        dom::set(&dots, "aria-hidden", "true");
        dom::add(&dots, &[&dom::el("i", ""), &dom::el("i", ""), &dom::el("i", "")]);
        dom::add(&log, &[&dots]);
        let replies = dom::el("div", "replies");
        dom::set(&replies, "role", "group");
        dom::set(&replies, "aria-label", say(Text::Suggestions));
        let form = composer(language);
        let over = dom::el("div", "over");
        let leave = dom::el("div", "leave");
        dom::add(&leave, &[&dom::button("link quiet", "hangup", say(Text::HangUp))]);
        dom::add(body, &[&warning, &log, &replies, &form, &over, &leave]);
        Self {
            language,
            warning,
            retry,
            words,
            log,
            dots,
            replies,
            form,
            over,
            leave,
            drawn: Vec::new(),
            seen: 0,
            suggested: &[],
            end: None,
        }
    }

    /// Brings it up to the model.
    pub(super) fn draw(&mut self, model: &Model) {
        let say = |text: Text| text.within(self.language);
        let warning = model.warning();
        dom::flag(&self.warning, "hidden", warning.is_none());
        dom::set_text(&self.words, warning.map_or("", say));
        dom::flag(&self.retry, "hidden", model.signalling != Signalling::Lost);
        let waiting = model.is_waiting();
        let was_waiting = !self.dots.has_attribute("hidden");
        dom::flag(&self.dots, "hidden", !waiting);
        if self.seen != model.feed.revision() {
            self.seen = model.feed.revision();
            self.draw_items(model.feed.items());
            // While a line grows, a screen reader waits for its end.
            dom::set(&self.log, "aria-busy", if model.feed.is_growing() { "true" } else { "false" });
            self.scroll();
        } else if waiting && !was_waiting {
            self.scroll();
        }
        self.draw_replies(model.replies());
        self.draw_end(model);
    }

    fn scroll(&self) {
        self.log.set_scroll_top(self.log.scroll_height());
    }

    /// Redraws what changed and puts everything in order; what did not change keeps its element.
    fn draw_items(&mut self, items: &[Item]) {
        let mut old: Vec<Option<Drawn>> = core::mem::take(&mut self.drawn).into_iter().map(Some).collect();
        let children = self.log.children();
        for (at, item) in items.iter().enumerate() {
            // Nearly always at the same place.
            let here = |drawn: &Option<Drawn>| matches!(drawn, Some(drawn) if drawn.key == item.key);
            let found = if old.get(at).is_some_and(here) { Some(at) } else { old.iter().position(here) };
            let node = match found.and_then(|found| old[found].take()) {
                Some(drawn) => {
                    if drawn.revision != item.revision {
                        fill(&drawn.node, item, self.language);
                    }
                    drawn.node
                }
                None => {
                    let node = dom::el("div", "");
                    fill(&node, item, self.language);
                    node
                }
            };
            let place = children.item(at as u32);
            if place.as_ref() != Some(&node) {
                let before = place.unwrap_or_else(|| self.dots.clone());
                self.log.insert_before(&node, Some(&before)).sure();
            }
            self.drawn.push(Drawn { key: item.key.clone(), revision: item.revision, node });
        }
        for gone in old.into_iter().flatten() {
            gone.node.remove();
        }
    }

    fn draw_replies(&mut self, replies: &'static [Reply]) {
        if self.suggested == replies {
            return;
        }
        self.suggested = replies;
        self.replies.set_text_content(None);
        for (at, reply) in replies.iter().enumerate() {
            let button = dom::button("reply", "reply", reply.text().within(self.language));
            let mut number = String::new();
            number.push((b'0' + at as u8) as char);
            dom::set(&button, "data-n", &number);
            dom::add(&self.replies, &[&button]);
        }
    }

    fn draw_end(&mut self, model: &Model) {
        let Phase::Over(end) = model.phase else {
            dom::flag(&self.over, "hidden", true);
            return;
        };
        dom::flag(&self.form, "hidden", true);
        dom::flag(&self.leave, "hidden", true);
        dom::flag(&self.over, "hidden", false);
        if self.end.replace(end) == Some(end) {
            return;
        }
        let say = |text: Text| text.within(self.language);
        let follow = model.feed.documents().any(cards::is_moving);
        let words = match end {
            End::Broken => Text::EndedBroken,
            End::Well if follow => Text::EndedFollow,
            End::Well => Text::EndedThanks,
        };
        let again = dom::button("main", "again", say(Text::Again));
        dom::set(&again, "data-first", "");
        let buttons = dom::el("div", "buttons");
        dom::add(&buttons, &[&again, &dom::button("plain", "dismiss", say(Text::Close))]);
        dom::add(
            &self.over,
            &[&dom::text_el("h3", "", say(Text::Ended)), &dom::text_el("p", "small", say(words)), &buttons],
        );
    }
}

fn composer(language: Words) -> Element {
    let say = |text: Text| text.within(language);
    let (form, field) = (dom::el("form", "composer"), dom::el("input", ""));
    for (name, value) in [
        ("type", "text"),
        ("aria-label", say(Text::Message)),
        ("placeholder", say(Text::Placeholder)),
        ("autocomplete", "off"),
        ("enterkeyhint", "send"),
        ("dir", "auto"),
        // 500 characters of any script fit into the 2,000 bytes of a frame.
        ("maxlength", "500"),
    ] {
        dom::set(&field, name, value);
    }
    let send = dom::icon_button("send", "", say(Text::Send), icons::SEND);
    dom::set(&send, "type", "submit");
    dom::add(&form, &[&field, &send]);
    form
}

/// Draws one item into its element, anew.
fn fill(node: &Element, item: &Item, language: Words) {
    node.set_text_content(None);
    match &item.entry {
        Entry::Line(line) => fill_line(node, line, language),
        Entry::Quote(quote) => card::quote(node, quote, language),
        Entry::Document(document) => card::document(node, document, language),
        Entry::Note(text, level) => {
            dom::set(node, "class", if *level == Level::Warning { "remark warn" } else { "remark" });
            node.set_text_content(Some(text));
        }
    }
}

fn fill_line(node: &Element, line: &Line, language: Words) {
    let (class, who) = match line.speaker {
        Speaker::Visitor => ("line visitor", Text::You),
        Speaker::Agent => ("line agent", Text::Agent),
    };
    dom::set(node, "class", class);
    let mut speaker = String::from(who.within(language));
    speaker.push_str(": ");
    let words = dom::text_el("p", "", &line.text);
    dom::set(&words, "dir", "auto");
    dom::add(node, &[&dom::text_el("span", "sr", &speaker), &words]);
    if line.pending {
        dom::add(node, &[&dom::text_el("small", "", Text::Sending.within(language))]);
    }
}

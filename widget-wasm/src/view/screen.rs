//! The screens without a conversation: the choice, waiting, and what to do when it did not work.

use neoron_widget_core::{
    call::{Model, Phase, Step, Trouble},
    texts::Text,
};
use web_sys::Element;

use super::icons;
use crate::dom;

/// Which screen is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Choice,
    Waiting(Step),
    /// The waiting room. The place changes in it, and the keyboard stays.
    Queue,
    Failed(Trouble),
    /// The conversation, running or over.
    Talk,
}

impl Kind {
    pub(super) const fn of(phase: &Phase) -> Self {
        match phase {
            Phase::Choice => Self::Choice,
            Phase::Starting(step) => Self::Waiting(*step),
            Phase::Waiting(_) => Self::Queue,
            Phase::Failed(trouble) => Self::Failed(*trouble),
            Phase::Live | Phase::Over(_) => Self::Talk,
        }
    }
}

/// Fills the empty `body`.
pub(super) fn build(body: &Element, kind: Kind, model: &Model) {
    match kind {
        Kind::Choice => choice(body, model),
        Kind::Waiting(step) => waiting(body, model, step),
        // Its words are drawn each time, because the place changes.
        Kind::Queue => notice(body, model, "", "hangup", Text::Leave),
        Kind::Failed(Trouble { text, retry }) => {
            let (act, label) = if retry { ("retry", Text::Retry) } else { ("minimise", Text::Close) };
            notice(body, model, text.within(model.config.language), act, label);
        }
        Kind::Talk => {}
    }
}

/// The disclosure and the two ways to agree to it.
fn choice(body: &Element, model: &Model) {
    let say = |text: Text| text.within(model.config.language);
    let page = dom::el("div", "page");
    let note = dom::el("div", "note");
    let words = dom::text_el("p", "", say(Text::Disclosure));
    dom::add(&note, &[&dom::icon(icons::SHIELD), &words]);
    let choices = dom::el("div", "choices");
    if model.config.voice {
        let talk = choose("talk", say(Text::Talk), say(Text::TalkHint), icons::MICROPHONE);
        dom::add(&choices, &[&talk]);
    }
    let write = choose("type", say(Text::Type), say(Text::TypeHint), icons::WRITE);
    dom::add(&choices, &[&write]);
    if let Some(first) = choices.first_element_child() {
        dom::set(&first, "data-first", "");
    }
    let greeting = dom::text_el("h3", "", say(Text::Greeting));
    let consent = dom::text_el("p", "small", say(Text::Consent));
    dom::add(&page, &[&greeting, &note, &choices, &consent]);
    contact(&page, model);
    dom::add(body, &[&page]);
}

fn choose(act: &str, name: &str, hint: &str, path: &str) -> Element {
    let button = dom::button("choice", act, "");
    let words = dom::el("span", "");
    dom::add(&words, &[&dom::text_el("strong", "", name), &dom::text_el("small", "", hint)]);
    dom::add(&button, &[&dom::icon(path), &words]);
    button
}

fn waiting(body: &Element, model: &Model, step: Step) {
    let text = match step {
        Step::Microphone => Text::Microphone,
        Step::Grant | Step::Session | Step::Proof => Text::Starting,
        Step::Resume => Text::Resuming,
    };
    let page = dom::el("div", "page middle");
    let words = dom::text_el("p", "", text.within(model.config.language));
    // Something has to hold the keyboard while nothing can be pressed.
    dom::set(&words, "tabindex", "-1");
    dom::set(&words, "data-first", "");
    dom::add(&page, &[&dom::el("div", "spinner"), &words]);
    dom::add(body, &[&page]);
}

/// What to do next, under some words.
fn notice(body: &Element, model: &Model, words: &str, act: &str, label: Text) {
    let page = dom::el("div", "page middle");
    let next = dom::button("main", act, label.within(model.config.language));
    dom::set(&next, "data-first", "");
    dom::add(&page, &[&dom::text_el("p", "trouble", words), &next]);
    contact(&page, model);
    dom::add(body, &[&page]);
}

/// The link that works without any of this.
fn contact(page: &Element, model: &Model) {
    let Some(address) = &model.config.fallback else { return };
    let link = dom::text_el("a", "contact", Text::Contact.within(model.config.language));
    dom::set(&link, "href", address);
    dom::add(page, &[&link]);
}

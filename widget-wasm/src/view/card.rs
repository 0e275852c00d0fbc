//! Cards: an offer with its lines and total, a document with its number, progress and estimate.

use neoron_protocol::frame::{Document, Line, Money, Quote, QuoteState, Stage};
use neoron_widget_core::{
    cards, encode,
    texts::{Text, Words},
};
use web_sys::Element;

use crate::{dom, money};

/// Draws an offer.
pub(super) fn quote(node: &Element, quote: &Quote, language: Words) {
    let mood = match quote.state {
        QuoteState::Open => "open",
        QuoteState::Confirmed => "good",
        QuoteState::Expired => "quiet",
    };
    head(node, "card quote", &quote.title, cards::quote_text(quote.state).within(language), mood);
    lines(node, &quote.lines, quote.total.as_ref(), language);
}

/// Draws a document.
pub(super) fn document(node: &Element, document: &Document, language: Words) {
    let mood = match document.stage {
        Stage::Ready | Stage::Done => "good",
        Stage::Cancelled => "bad",
        Stage::Placing | Stage::Received | Stage::Working => "busy",
    };
    let own_word = cards::stage_text(document.stage).within(language);
    let status = if document.status.is_empty() { own_word } else { &document.status };
    head(node, "card document", &document.title, status, mood);
    if let Some(number) = &document.number {
        let line = dom::el("p", "number");
        dom::add(&line, &[&dom::text_el("span", "", Text::Number.within(language)), &dom::text_el("b", "", number)]);
        dom::add(node, &[&line]);
    }
    if document.stage != Stage::Cancelled {
        steps(node, document.stage, language);
    }
    let minutes = document.estimated_minutes.filter(|_| cards::reached(document.stage) < cards::STEPS.len());
    if let Some(minutes) = minutes {
        dom::add(node, &[&dom::text_el("p", "estimate", &Text::Minutes.with_number(language, minutes))]);
    }
    lines(node, &document.lines, document.total.as_ref(), language);
}

fn head(node: &Element, class: &str, title: &str, status: &str, mood: &str) {
    dom::set(node, "class", class);
    let head = dom::el("div", "top");
    let badge = dom::text_el("span", "badge", status);
    dom::set(&badge, "data-mood", mood);
    let title = dom::text_el("h3", "", title);
    for own in [&title, &badge] {
        dom::set(own, "dir", "auto");
    }
    dom::add(&head, &[&title, &badge]);
    dom::add(node, &[&head]);
}

fn steps(node: &Element, stage: Stage, language: Words) {
    let list = dom::el("ol", "steps");
    let reached = cards::reached(stage);
    for (at, text) in cards::STEPS.iter().enumerate() {
        let step = dom::text_el("li", if at < reached { "done" } else { "" }, text.within(language));
        if at + 1 == reached {
            dom::set(&step, "aria-current", "step");
        }
        dom::add(&list, &[&step]);
    }
    dom::add(node, &[&list]);
}

fn lines(node: &Element, lines: &[Line], total: Option<&Money>, language: Words) {
    if !lines.is_empty() {
        let list = dom::el("ul", "lines");
        for line in lines {
            let mut quantity = encode::decimal(u64::from(line.quantity));
            quantity.push('×');
            let item = dom::el("li", "");
            let label = dom::text_el("span", "label", &line.label);
            dom::set(&label, "dir", "auto");
            dom::add(&item, &[&dom::text_el("span", "count", &quantity), &label]);
            amount(&item, line.amount.as_ref(), language);
            dom::add(&list, &[&item]);
        }
        dom::add(node, &[&list]);
    }
    if total.is_some() {
        let row = dom::el("p", "total");
        dom::add(&row, &[&dom::text_el("span", "", Text::Total.within(language))]);
        amount(&row, total, language);
        dom::add(node, &[&row]);
    }
}

fn amount(row: &Element, money: Option<&Money>, language: Words) {
    if let Some(text) = money.and_then(|money| money::format(money, language)) {
        dom::add(row, &[&dom::text_el("b", "amount", &text)]);
    }
}

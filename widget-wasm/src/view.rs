//! Draws the model into one native `<dialog>` and turns clicks into messages. It keeps no state of its own but what is
//! already drawn.

mod card;
mod feed;
mod screen;

use core::cell::{Cell, RefCell};

use js_sys::{Array, Reflect};
use neoron_widget_core::{
    call::{Model, Msg, Phase, Target},
    media::{self, Mode},
    signalling::Signalling,
    texts::{Text, Words},
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CssStyleSheet, Element, Event, HtmlDialogElement, HtmlInputElement, ShadowRoot};

use crate::{
    app::App,
    dom::{self, Sure as _},
    speech,
};

const STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/style.css"));

/// Line drawings, 24 × 24.
mod icons {
    pub(super) const FACE: &str = "M12 3l1.9 5.1L19 10l-5.1 1.9L12 17l-1.9-5.1L5 10l5.1-1.9zM18.5 15.5l.8 2.2 2.2.8-2.2.8-.8 2.2-.8-2.2-2.2-.8 2.2-.8z";
    pub(super) const DOWN: &str = "M6 9l6 6 6-6";
    pub(super) const SOUND: &str = "M11 5L6.5 9H3v6h3.5L11 19zM15 9a4 4 0 010 6M17.8 6.2a8 8 0 010 11.6";
    pub(super) const SILENT: &str = "M11 5L6.5 9H3v6h3.5L11 19zM16 9.5l5 5M21 9.5l-5 5";
    pub(super) const MICROPHONE: &str = "M12 3a3 3 0 013 3v6a3 3 0 01-6 0V6a3 3 0 013-3zM6 11a6 6 0 0012 0M12 17v4";
    pub(super) const MUTED: &str =
        "M12 3a3 3 0 013 3v6a3 3 0 01-6 0V6a3 3 0 013-3zM6 11a6 6 0 0012 0M12 17v4M4 4l16 16";
    pub(super) const WRITE: &str = "M4 6.5A2.5 2.5 0 016.5 4h11A2.5 2.5 0 0120 6.5v7a2.5 2.5 0 01-2.5 2.5H11l-5 4v-4A2.5 2.5 0 014 13.5zM8 8.5h8M8 11.7h5";
    pub(super) const SEND: &str = "M5 12h13M12 5l7 7-7 7";
    pub(super) const SHIELD: &str = "M12 3l7 3v5c0 4.6-2.9 8.2-7 10-4.1-1.8-7-5.4-7-10V6zM9 12l2.2 2.2L15.2 10";
}

/// The dialog and the parts of it that change.
pub(crate) struct View {
    dialog: HtmlDialogElement,
    media: Element,
    signal: Element,
    sound: Element,
    mute: Element,
    body: Element,
    status: Element,
    language: Words,
    /// What `body` holds, so that it is only rebuilt when the screen is another one.
    screen: Cell<Option<screen::Kind>>,
    feed: RefCell<Option<feed::FeedView>>,
}

impl View {
    /// Builds the closed dialog.
    pub(crate) fn new(root: &ShadowRoot, model: &Model) -> Self {
        adopt(root);
        let language = model.config.language;
        let say = |text: Text| text.within(language);
        let dialog = dom::el("dialog", "panel");
        for (name, value) in [
            ("lang", language.tag()),
            ("dir", language.direction()),
            ("aria-labelledby", "neoron-title"),
            ("part", "panel"),
        ] {
            dom::set(&dialog, name, value);
        }
        let (head, face, who, pills) =
            (dom::el("header", "head"), dom::el("span", "face"), dom::el("div", "who"), dom::el("div", "pills"));
        let title = dom::text_el("h2", "", say(Text::Title));
        dom::set(&title, "id", "neoron-title");
        let (media, signal) = (dom::el("span", "pill"), dom::el("span", "pill"));
        dom::set(&media, "data-indicator", "media");
        dom::set(&signal, "data-indicator", "signalling");
        let mute = dom::icon_button("tool", "mute", say(Text::Mute), icons::MICROPHONE);
        let sound = dom::icon_button("tool", "sound", say(Text::SoundOn), icons::SILENT);
        let minimise = dom::icon_button("tool", "minimise", say(Text::Minimise), icons::DOWN);
        let (body, status) = (dom::el("div", "body"), dom::el("div", "sr"));
        dom::set(&status, "role", "status");
        dom::add(&face, &[&dom::icon(icons::FACE)]);
        dom::add(&pills, &[&media, &signal]);
        dom::add(&who, &[&title, &pills]);
        dom::add(&head, &[&face, &who, &mute, &sound, &minimise]);
        dom::add(&dialog, &[&head, &body, &status]);
        root.append_child(&dialog).sure();
        let view = Self {
            dialog: dialog.unchecked_into(),
            media,
            signal,
            sound,
            mute,
            body,
            status,
            language,
            screen: Cell::new(None),
            feed: RefCell::new(None),
        };
        view.draw(model);
        view
    }

    /// Turns what the visitor does into messages.
    pub(crate) fn listen(&self, app: &'static App) {
        listen(&self.dialog, app);
    }

    /// Brings the dialog up to the model. Cheap when little changed.
    pub(crate) fn draw(&self, model: &Model) {
        let kind = screen::Kind::of(&model.phase);
        if self.screen.replace(Some(kind)) != Some(kind) {
            self.body.set_text_content(None);
            *self.feed.borrow_mut() = None;
            match kind {
                screen::Kind::Talk => *self.feed.borrow_mut() = Some(feed::FeedView::new(&self.body, self.language)),
                _ => screen::build(&self.body, kind, model),
            }
        }
        if kind == screen::Kind::Queue
            && let Ok(Some(words)) = self.body.query_selector(".trouble")
        {
            dom::set_text(&words, &model.place());
        }
        if let Some(feed) = &mut *self.feed.borrow_mut() {
            feed.draw(model);
        }
        self.draw_head(model);
    }

    fn draw_head(&self, model: &Model) {
        let say = |text: Text| text.within(self.language);
        for (pill, text, mood) in [
            (&self.media, model.media.text(), media_mood(model)),
            (&self.signal, model.signalling.text(), signal_mood(model.signalling)),
        ] {
            dom::set_text(pill, text.map_or("", say));
            dom::flag(pill, "hidden", text.is_none());
            dom::set(pill, "data-mood", mood);
        }
        let live = model.phase == Phase::Live;
        let voice = model.media.is_voice();
        dom::flag(&self.mute, "hidden", !(live && voice));
        dom::flag(&self.sound, "hidden", !live || voice || !speech::is_possible());
        self.toggle(&self.mute, model.media.is_muted(), (Text::Mute, Text::Unmute), (icons::MICROPHONE, icons::MUTED));
        self.toggle(&self.sound, model.sound, (Text::SoundOn, Text::SoundOff), (icons::SILENT, icons::SOUND));
    }

    fn toggle(&self, button: &Element, on: bool, texts: (Text, Text), paths: (&str, &str)) {
        let label = if on { texts.1 } else { texts.0 }.within(self.language);
        dom::set(button, "aria-label", label);
        dom::set(button, "title", label);
        dom::flag(button, "data-on", on);
        if let Ok(Some(path)) = button.query_selector("path") {
            dom::set(&path, "d", if on { paths.1 } else { paths.0 });
        }
    }

    /// Opens the dialog over the page.
    pub(crate) fn show(&self) {
        // A dialog that is open or out of the page must not be opened: both throw.
        if self.dialog.is_connected() && !self.dialog.open() {
            let _ = self.dialog.show_modal();
        }
    }

    /// Closes it; the browser gives the focus back to where it was.
    pub(crate) fn hide(&self) {
        self.dialog.close();
    }

    /// Moves the keyboard.
    pub(crate) fn focus(&self, target: Target) {
        let selector = match target {
            Target::Composer => "input",
            Target::First => "[data-first]",
        };
        if let Ok(Some(element)) = self.dialog.query_selector(selector) {
            dom::focus(&element);
        }
    }

    /// Lets a screen reader say it, a repeat as well.
    pub(crate) fn announce(&self, text: &str) {
        self.status.set_text_content(None);
        self.status.set_text_content(Some(text));
    }
}

fn media_mood(model: &Model) -> &'static str {
    use media::{Media, Status};
    match model.media {
        Media::Lost => "bad",
        Media::Asking | Media::Joining | Media::Replying | Media::Live(Status::Thinking | Status::Speaking) => "busy",
        Media::Muted(_) => "quiet",
        Media::Off | Media::Text | Media::Live(Status::Listening) => "good",
    }
}

fn signal_mood(signalling: Signalling) -> &'static str {
    match signalling {
        Signalling::Lost => "bad",
        Signalling::Connecting { .. } | Signalling::Reconnecting { .. } | Signalling::GoingAway => "busy",
        Signalling::Open | Signalling::Resumed { .. } | Signalling::Idle | Signalling::Ended => "good",
    }
}

/// Adds the style sheet as an object: `style-src 'self'` blocks a `<style>`, but not this.
fn adopt(root: &ShadowRoot) {
    let name = JsValue::from_str("adoptedStyleSheets");
    let Ok(sheet) = CssStyleSheet::new() else { return };
    if sheet.replace_sync(STYLE).is_err() {
        return;
    }
    let adopted: Array = Reflect::get(root, &name).map(|list| Array::from(&list)).unwrap_or_default();
    adopted.push(&sheet);
    let _ = Reflect::set(root, &name, &adopted);
}

/// One listener for all buttons: what a click means is written on the button.
fn listen(dialog: &Element, app: &'static App) {
    dom::on(dialog, "click", move |event| {
        let target = event.unchecked_into::<Event>().target();
        let button = target.and_then(|target| target.dyn_into::<Element>().ok()?.closest("[data-act]").ok()?);
        let Some(button) = button else { return };
        let number = || button.get_attribute("data-n").and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
        let on = || button.has_attribute("data-on");
        let msg = match button.get_attribute("data-act").as_deref() {
            Some("type") => Msg::Choose(Mode::Text),
            Some("talk") => Msg::Choose(Mode::Voice),
            Some("reply") => Msg::Reply(number()),
            Some("minimise") => Msg::Minimise,
            Some("retry") => Msg::Retry,
            Some("hangup") => Msg::HangUp,
            Some("again") => Msg::Again,
            Some("dismiss") => Msg::Dismiss,
            Some("sound") => Msg::Sound(!on()),
            Some("mute") => Msg::Media(media::Event::Mute(!on())),
            _ => return,
        };
        app.dispatch(msg);
    });
    dom::on(dialog, "submit", move |event| {
        let event: Event = event.unchecked_into();
        event.prevent_default();
        let form = event.target().and_then(|form| form.dyn_into::<Element>().ok());
        let field = form.and_then(|form| form.query_selector("input").ok()?);
        if let Some(field) = field {
            let field: HtmlInputElement = field.unchecked_into();
            let text = field.value();
            field.set_value("");
            app.dispatch(Msg::Say(text));
        }
    });
    // Escape minimises: a conversation is not lost by a key.
    dom::on(dialog, "cancel", move |event| {
        event.unchecked_into::<Event>().prevent_default();
        app.dispatch(Msg::Minimise);
    });
}

//! Holds the model, draws it and carries out its effects. One page has one popup.

use alloc::{boxed::Box, string::String};
use core::cell::{Cell, RefCell};

use neoron_protocol::{
    UnixMillis,
    frame::{self, View as _},
};
use neoron_widget_core::{
    answers::{self, Refusal, Ticket},
    call::{self, Effect, Fetched, Model, Msg, Timer},
    encode,
};
use wasm_bindgen::JsValue;
use web_sys::{CustomEvent, CustomEventInit, ShadowRoot};

use crate::{
    dom,
    json::Json,
    media::Voice,
    net,
    options::{self, Options},
    socket, speech, storage,
    view::View,
};

/// The popup of this page.
pub(crate) struct App {
    options: Options,
    model: RefCell<Model>,
    view: View,
    socket: socket::Slot,
    voice: Voice,
    /// What the gateway said when it refused the last time.
    pub(crate) refused: Cell<JsValue>,
    timers: [Cell<Option<i32>>; 3],
    host: web_sys::Element,
}

/// Draws the popup, picks up a conversation of an earlier page and returns what opens the dialog.
pub(crate) fn mount(root: &ShadowRoot, options: &JsValue) -> JsValue {
    let (options, config) = options::read(options);
    let model = Model::new(config);
    // Leaked on purpose: the popup lives as long as its page, and every callback keeps to it without counting.
    let app: &'static App = Box::leak(Box::new(App {
        options,
        view: View::new(root, &model),
        host: root.host(),
        model: RefCell::new(model),
        socket: socket::Slot::default(),
        voice: Voice::default(),
        refused: Cell::default(),
        timers: [const { Cell::new(None) }; 3],
    }));
    app.listen();
    if let Some(ticket) = storage::load() {
        app.dispatch(Msg::Found(ticket));
    }
    dom::callback(move |_| app.dispatch(Msg::Open)).into_js_value()
}

fn now() -> UnixMillis {
    UnixMillis(js_sys::Date::now() as u64)
}

fn random() -> u32 {
    (js_sys::Math::random() * f64::from(u32::MAX)) as u32
}

impl App {
    /// What the visitor, the page and the browser tell.
    fn listen(&'static self) {
        let window = dom::window();
        self.view.listen(self);
        dom::on(&window, "online", move |_| self.dispatch(Msg::Nudge));
        dom::on(&window, "pagehide", move |_| self.dispatch(Msg::PageHide));
        dom::on(&window, "pageshow", move |_| self.dispatch(Msg::PageShow));
        if let Some(document) = window.document() {
            dom::on(&document, "visibilitychange", move |_| self.dispatch(Msg::Nudge));
        }
    }

    /// Takes a message in, draws what became of it, then carries the effects out. Nothing is borrowed while the page's
    /// own code may run.
    pub(crate) fn dispatch(&'static self, msg: Msg) {
        let (effects, live) = {
            let mut model = self.model.borrow_mut();
            let effects = call::update(&mut model, msg, now(), random());
            self.view.draw(&model);
            (effects, model.is_live())
        };
        dom::set(&self.host, "data-live", if live { "true" } else { "false" });
        for effect in effects {
            self.carry_out(effect);
        }
    }

    /// Takes a message in after the present code has returned.
    pub(crate) fn later(&'static self, msg: Msg) {
        dom::after(0, Box::new(move || self.dispatch(msg)));
    }

    fn carry_out(&'static self, effect: Effect) {
        match effect {
            Effect::Show => self.view.show(),
            Effect::Hide => self.view.hide(),
            Effect::Focus(target) => self.view.focus(target),
            Effect::Announce(text) => self.view.announce(&text),
            Effect::RequestGrant(body) => self.request_grant(&body),
            Effect::CreateSession { grant, mode, proof } => self.create_session(&grant, mode, proof.as_deref()),
            Effect::Prove => self.prove(),
            Effect::AskPlace(place) => self.ask(&self.address(&place, ""), &place.ticket, "{}", None),
            Effect::LeavePlace(place) => {
                let address = self.address(&place, "");
                net::request(self, &address, Some(&place.ticket), Some(""), None, Box::new(|_| {}));
            }
            Effect::FetchSession(ticket) => self.fetch_session(&ticket),
            Effect::EndSession(ticket) => {
                let address = self.address(&ticket, "/end");
                net::request(self, &address, Some(&ticket.ticket), Some("{}"), None, Box::new(|_| {}));
            }
            Effect::OpenSocket(ticket) => self.socket.open(self, &self.options.gateway, &ticket),
            Effect::CloseSocket => self.socket.close(),
            Effect::Send(text) => self.socket.send(&text),
            Effect::AskMicrophone => self.voice.ask(self, self.options.voice.as_ref()),
            Effect::JoinVoice(url) => self.voice.join(self, &url),
            Effect::MuteVoice(on) => self.voice.mute(on),
            Effect::LeaveVoice => self.voice.leave(),
            Effect::Speak(text) => speech::speak(&text, &self.model.borrow().config.language_tag),
            Effect::Hush => speech::hush(),
            Effect::Wait(timer, millis) => self.set_timer(timer, millis),
            Effect::Forget(timer) => self.clear_timer(timer),
            Effect::StoreTicket(ticket) => storage::store(&ticket),
            Effect::ClearTicket => storage::clear(),
            Effect::Emit(name) => self.emit(name),
        }
    }

    fn address(&self, ticket: &Ticket, rest: &str) -> String {
        let mut url = self.options.gateway.clone();
        url.push_str(if ticket.waits() { "/v1/waiting/" } else { "/v1/sessions/" });
        url.push_str(&ticket.session);
        url.push_str(rest);
        url
    }

    fn request_grant(&'static self, body: &str) {
        net::request(
            self,
            &self.options.grant,
            None,
            Some(body),
            None,
            Box::new(move |answer| {
                let grant = answer.and_then(|json| answers::grant(&json).ok_or_else(broken));
                self.dispatch(Msg::Grant(grant));
            }),
        );
    }

    fn create_session(&'static self, grant: &str, mode: neoron_widget_core::media::Mode, proof: Option<&str>) {
        let body = {
            let config = &self.model.borrow().config;
            encode::session_request(mode, &config.language_tag, now(), &config.page)
        };
        let mut url = self.options.gateway.clone();
        url.push_str("/v1/sessions");
        self.ask(&url, grant, &body, proof);
    }

    /// Asks for a session, with a grant or for a place in the waiting room.
    fn ask(&'static self, url: &str, secret: &str, body: &str, proof: Option<&str>) {
        net::request(
            self,
            url,
            Some(secret),
            Some(body),
            proof,
            Box::new(move |answer| {
                let answer = answer.and_then(|json| answers::answer(&json).ok_or_else(broken));
                self.dispatch(Msg::Answered(answer));
            }),
        );
    }

    /// Has the challenge solved by a script that only those visitors load who are asked for it.
    fn prove(&'static self) {
        let asked = self.options.prove.as_ref().and_then(|prove| {
            let solved = prove.call1(&JsValue::UNDEFINED, &self.refused.take()).ok()?;
            Some(js_sys::Promise::resolve(&solved))
        });
        let Some(asked) = asked else { return self.later(Msg::Proved(None)) };
        let done = move |proof: Option<JsValue>| self.dispatch(Msg::Proved(proof.and_then(|proof| proof.as_string())));
        dom::settle(&asked, Box::new(done));
    }

    fn fetch_session(&'static self, ticket: &Ticket) {
        net::request(
            self,
            &self.address(ticket, ""),
            Some(&ticket.ticket),
            None,
            None,
            Box::new(move |answer| {
                self.dispatch(Msg::Fetched(answer.and_then(|json| fetched(&json).ok_or_else(broken))));
            }),
        );
    }

    fn set_timer(&'static self, timer: Timer, millis: u32) {
        self.clear_timer(timer);
        let id = dom::after(millis, Box::new(move || self.dispatch(Msg::Due(timer))));
        self.timers[timer as usize].set(id);
    }

    fn clear_timer(&self, timer: Timer) {
        if let Some(id) = self.timers[timer as usize].take() {
            dom::window().clear_timeout_with_handle(id);
        }
    }

    fn emit(&self, name: &str) {
        let mut full = String::from("neoron:");
        full.push_str(name);
        let options = CustomEventInit::new();
        options.set_bubbles(true);
        options.set_composed(true);
        if let Ok(event) = CustomEvent::new_with_event_init_dict(&full, &options) {
            let _ = self.host.dispatch_event(&event);
        }
    }
}

/// An answer that came but is not what the contract says.
fn broken() -> Refusal {
    Refusal { status: 500, ..Refusal::unreachable() }
}

/// Reads `GET /v1/sessions/{id}` through the one decoder of frames: the answer holds what a snapshot frame would.
fn fetched(json: &Json) -> Option<Fetched> {
    let epoch = json.member("epoch")?.text()?;
    let whole = js_sys::Object::new();
    let fields: [(&str, JsValue); 5] = [
        ("epoch", epoch.as_str().into()),
        ("offset", 0.into()),
        ("at", 0.into()),
        ("type", "snapshot".into()),
        ("data", json.member("snapshot")?.0),
    ];
    for (name, value) in fields {
        js_sys::Reflect::set(&whole, &name.into(), &value).ok()?;
    }
    Some(Fetched { epoch, snapshot: frame::server(&Json(whole.into())).ok()? })
}

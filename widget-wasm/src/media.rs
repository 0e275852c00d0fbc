//! The boundary to the voice path. It knows no voice SDK: the page names a module (`data-voice`), which is loaded only
//! after consent, and without one the popup offers text only.
//!
//! The module's default export is an object with these methods; it keeps the SDK's faults to itself (no error event, a
//! status that stays "listening" after the room is lost, "connecting" for ever) and reports what truly is:
//!
//! - `ask()` → promise, called within the click: takes the microphone and unlocks audio. Rejects with an error whose
//!   `name` is `NotAllowedError` or `NotFoundError`. Asking comes before a call exists, because the SDK joins without a
//!   microphone and says nothing.
//! - `join(url, report)` → promise: joins the call. `report` is called with `listening`, `thinking`, `speaking` or
//!   `lost`, each time the state changes.
//! - `mute(on)`: switches the microphone.
//! - `leave()`: leaves and lets the microphone go; safe to call twice and before `join`.

use alloc::boxed::Box;
use core::cell::RefCell;

use js_sys::{Function, Promise, Reflect};
use neoron_widget_core::{
    call::Msg,
    media::{Event, Refusal, Status},
};
use wasm_bindgen::{JsCast, JsValue};

use crate::{app::App, dom};

/// The voice module, once it is loaded.
#[derive(Default)]
pub(crate) struct Voice(RefCell<Option<JsValue>>);

impl Voice {
    /// Loads the module and asks for the microphone. The Permissions-Policy is asked first: it rejects with the same
    /// error as a visitor's refusal, and the help is another one.
    pub(crate) fn ask(&'static self, app: &'static App, load: Option<&Function>) {
        if is_forbidden_by_policy() {
            return app.later(Msg::Media(Event::Refused(Refusal::Policy)));
        }
        let loading = load.and_then(|load| promise(load.call0(&JsValue::UNDEFINED)));
        let Some(loading) = loading else { return app.later(Msg::Media(Event::Refused(Refusal::Missing))) };
        dom::settle(
            &loading,
            Box::new(move |module| {
                let module = module.and_then(|module| Reflect::get(&module, &"default".into()).ok());
                *self.0.borrow_mut() = module.filter(JsValue::is_object);
                let Some(asked) = promise(self.call("ask", &[])) else {
                    return app.dispatch(Msg::Media(Event::Refused(Refusal::Missing)));
                };
                let named = dom::callback(move |error| {
                    let name = Reflect::get(&error, &"name".into()).ok().and_then(|name| name.as_string());
                    let missing = name.as_deref() == Some("NotFoundError");
                    app.dispatch(Msg::Media(Event::Refused(if missing { Refusal::Missing } else { Refusal::Denied })));
                });
                let granted = dom::callback(move |_| app.dispatch(Msg::Media(Event::Granted)));
                let _ = asked.then2(&granted, &named);
                granted.forget();
                named.forget();
            }),
        );
    }

    /// Joins the call.
    pub(crate) fn join(&self, app: &'static App, url: &str) {
        let report = dom::callback(move |status| {
            let event = match status.as_string().as_deref() {
                Some("listening") => Event::Status(Status::Listening),
                Some("thinking") => Event::Status(Status::Thinking),
                Some("speaking") => Event::Status(Status::Speaking),
                Some("lost") => Event::Broken,
                _ => return,
            };
            app.dispatch(Msg::Media(event));
        });
        let joined = promise(self.call("join", &[url.into(), report.as_ref().clone()]));
        report.forget();
        let Some(joined) = joined else { return app.later(Msg::Media(Event::Broken)) };
        dom::settle(
            &joined,
            Box::new(move |joined| {
                if joined.is_none() {
                    app.dispatch(Msg::Media(Event::Broken));
                }
            }),
        );
    }

    /// Switches the microphone.
    pub(crate) fn mute(&self, on: bool) {
        let _ = self.call("mute", &[on.into()]);
    }

    /// Leaves the call.
    pub(crate) fn leave(&self) {
        let _ = self.call("leave", &[]);
    }

    fn call(&self, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
        let module = self.0.borrow().clone().ok_or(JsValue::UNDEFINED)?;
        let method: Function = Reflect::get(&module, &method.into())?.dyn_into()?;
        method.apply(&module, &arguments.iter().collect())
    }
}

fn promise(value: Result<JsValue, JsValue>) -> Option<Promise> {
    value.ok().map(|value| Promise::resolve(&value))
}

/// Whether the site forbids the microphone; only Chromium can tell, elsewhere the help text covers both causes.
fn is_forbidden_by_policy() -> bool {
    let ask = || -> Result<bool, JsValue> {
        let document: JsValue = dom::window().document().into();
        let policy = Reflect::get(&document, &"featurePolicy".into())?;
        let allows: Function = Reflect::get(&policy, &"allowsFeature".into())?.dyn_into()?;
        Ok(allows.call1(&policy, &"microphone".into())?.as_bool() == Some(false))
    };
    ask().unwrap_or(false)
}

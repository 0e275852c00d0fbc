//! The few ways in which this crate touches the document. It never sets HTML from text.

use alloc::{boxed::Box, rc::Rc};
use core::cell::Cell;

use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::{Document, Element, EventTarget, HtmlElement, Window};

const SVG: &str = "http://www.w3.org/2000/svg";

/// What cannot fail. `expect` would print the error, and the code for that adds some 4 kB to the download; this stops the
/// popup as well, and the loader then shows the plain form.
pub(crate) trait Sure<T> {
    /// The value.
    fn sure(self) -> T;
}

impl<T, E> Sure<T> for Result<T, E> {
    fn sure(self) -> T {
        match self {
            Ok(value) => value,
            Err(_) => panic!(),
        }
    }
}

impl<T> Sure<T> for Option<T> {
    fn sure(self) -> T {
        match self {
            Some(value) => value,
            None => panic!(),
        }
    }
}

#[wasm_bindgen]
extern "C" {
    // `web_sys::window` looks in four places for whoever runs it; this code runs in a page.
    #[wasm_bindgen(thread_local_v2, js_name = window)]
    static WINDOW: Window;
}

/// The window.
pub(crate) fn window() -> Window {
    WINDOW.with(Clone::clone)
}

fn document() -> Document {
    window().document().sure()
}

/// A new element with a class.
pub(crate) fn el(tag: &str, class: &str) -> Element {
    let element = document().create_element(tag).sure();
    if !class.is_empty() {
        set(&element, "class", class);
    }
    element
}

/// The same with a text in it.
pub(crate) fn text_el(tag: &str, class: &str, text: &str) -> Element {
    let element = el(tag, class);
    element.set_text_content(Some(text));
    element
}

/// A button that acts as `act`, with its accessible name as its text.
pub(crate) fn button(class: &str, act: &str, text: &str) -> Element {
    let button = text_el("button", class, text);
    set(&button, "type", "button");
    set(&button, "data-act", act);
    button
}

/// A button that shows an icon and is named by a label.
pub(crate) fn icon_button(class: &str, act: &str, label: &str, path: &str) -> Element {
    let button = button(class, act, "");
    set(&button, "aria-label", label);
    set(&button, "title", label);
    add(&button, &[&icon(path)]);
    button
}

/// A 24 × 24 line drawing.
pub(crate) fn icon(path: &str) -> Element {
    let make = |tag: &str| document().create_element_ns(Some(SVG), tag).sure();
    let (svg, line) = (make("svg"), make("path"));
    set(&svg, "viewBox", "0 0 24 24");
    set(&svg, "aria-hidden", "true");
    set(&line, "d", path);
    add(&svg, &[&line]);
    svg
}

/// Sets an attribute, unless it has that value already: a screen reader may read every change.
pub(crate) fn set(element: &Element, name: &str, value: &str) {
    if element.get_attribute(name).as_deref() != Some(value) {
        element.set_attribute(name, value).sure();
    }
}

/// Sets or removes a boolean attribute.
pub(crate) fn flag(element: &Element, name: &str, on: bool) {
    if on {
        set(element, name, "");
    } else {
        element.remove_attribute(name).sure();
    }
}

/// Sets the text, unless it is there already.
pub(crate) fn set_text(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// Appends children in order.
pub(crate) fn add(parent: &Element, children: &[&Element]) {
    for child in children {
        parent.append_child(child).sure();
    }
}

/// Moves the keyboard to an element, if it takes it.
pub(crate) fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // Refused only for an element that is not shown.
        let _ = element.focus();
    }
}

/// Listens for as long as the page lives. One closure type for every callback keeps the generated glue small.
pub(crate) fn on(target: &EventTarget, event: &str, listener: impl FnMut(JsValue) + 'static) {
    let listener = callback(listener);
    target.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref()).sure();
    listener.forget();
}

/// A JavaScript function that calls back.
pub(crate) fn callback(listener: impl FnMut(JsValue) + 'static) -> Closure<dyn FnMut(JsValue)> {
    Closure::wrap(Box::new(listener) as Box<dyn FnMut(JsValue)>)
}

/// Runs `work` after that many milliseconds; returns the timer's number.
pub(crate) fn after(millis: u32, work: Box<dyn FnOnce()>) -> Option<i32> {
    let once = Closure::once_into_js(work);
    let millis = i32::try_from(millis).unwrap_or(i32::MAX);
    window().set_timeout_with_callback_and_timeout_and_arguments_0(once.unchecked_ref(), millis).ok()
}

/// What is to be done with the outcome of a promise. Boxed, so that the code around it exists once.
pub(crate) type Settled = Box<dyn FnOnce(Option<JsValue>)>;

/// Calls `done` once with what a promise gives, or `None` if it is refused. The two callbacks are never freed: some 100
/// bytes for each of the handful of requests of a call, against twice the code.
pub(crate) fn settle(promise: &js_sys::Promise, done: Settled) {
    let done = Rc::new(Cell::new(Some(done)));
    let once = |good: bool| {
        let done = Rc::clone(&done);
        callback(move |value| {
            if let Some(done) = done.take() {
                done(good.then_some(value));
            }
        })
    };
    let (good, bad) = (once(true), once(false));
    let _ = promise.then2(&good, &bad);
    good.forget();
    bad.forget();
}

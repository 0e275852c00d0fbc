//! Requests to the site and the gateway by `fetch`. Without cookies, never from a cache, each with a time limit.

use alloc::boxed::Box;

use js_sys::{Promise, Reflect};
use neoron_widget_core::{
    answers::{self, Refusal},
    encode,
};
use wasm_bindgen::JsCast;
use web_sys::{AbortSignal, Response};

use crate::{app::App, dom, json::Json};

/// The longest that the visitor waits for an answer. Making a call takes the gateway some seconds at worst.
const TIMEOUT_MS: u32 = 20_000;

type Done = Box<dyn FnOnce(Result<Json, Refusal>)>;

/// Sends a request and reads the answer as JSON. `secret` is sent as a bearer token, `proof` as a proof of work. What a
/// refusal says is left with the app.
pub(crate) fn request(
    app: &'static App,
    url: &str,
    secret: Option<&str>,
    body: Option<&str>,
    proof: Option<&str>,
    done: Done,
) {
    let Some(Json(options)) = Json::parse(&encode::request_options(secret, body, proof)) else {
        return done(Err(Refusal::unreachable()));
    };
    let _ = Reflect::set(&options, &"signal".into(), &AbortSignal::timeout_with_u32(TIMEOUT_MS));
    let answer = dom::window().fetch_with_str_and_init(url, options.unchecked_ref());
    dom::settle(
        &answer,
        Box::new(move |response| match response {
            Some(response) => read(app, response.unchecked_into(), done),
            None => done(Err(Refusal::unreachable())),
        }),
    );
}

fn read(app: &'static App, response: Response, done: Done) {
    let (good, status) = (response.ok(), response.status());
    let text = response.text().unwrap_or_else(|refused| Promise::reject(&refused));
    dom::settle(
        &text,
        Box::new(move |text| {
            let json = text.and_then(|text| text.as_string()).and_then(|text| Json::parse(&text));
            done(match json {
                Some(json) if good => Ok(json),
                other => {
                    let refusal = answers::refusal(status, other.as_ref());
                    app.refused.set(other.map(|json| json.0).unwrap_or_default());
                    Err(refusal)
                }
            });
        }),
    );
}

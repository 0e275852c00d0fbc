//! What the loader hands over: the page's settings. It reads them once.

use alloc::{string::String, vec::Vec};

use js_sys::Function;
use neoron_protocol::frame::View;
use neoron_widget_core::{
    call::Config,
    texts::{Language, Words},
};
use wasm_bindgen::{JsCast, JsValue};

use crate::{dom, json::Json};

/// The settings that the shell itself needs; the model has the rest.
pub(crate) struct Options {
    /// The gateway's origin, without a slash at the end.
    pub(crate) gateway: String,
    /// The site's grant endpoint.
    pub(crate) grant: String,
    /// Loads the voice module; see [`crate::media`].
    pub(crate) voice: Option<Function>,
    /// Solves the challenge of a refusal; see `loader/proof.js`.
    pub(crate) prove: Option<Function>,
}

/// Reads the loader's object.
pub(crate) fn read(options: &JsValue) -> (Options, Config) {
    let view = Json(options.clone());
    let text = |name: &str| view.member(name).and_then(|value| value.text()).filter(|text| !text.is_empty());
    let function = |name: &str| view.member(name).and_then(|value| value.0.dyn_into::<Function>().ok());
    let voice = function("voice");
    let tag = text("language").unwrap_or_default();
    let sentences: Option<Vec<String>> =
        view.member("texts").and_then(|texts| texts.items()?.iter().map(View::text).collect());
    let config = Config {
        language: Words::new(Language::from_tag(&tag), sentences.unwrap_or_default().leak()),
        business: text("business").unwrap_or_else(|| "general".into()),
        page: dom::window().location().href().unwrap_or_default(),
        fallback: text("fallback"),
        voice: voice.is_some(),
        language_tag: if tag.is_empty() { "en".into() } else { tag },
    };
    let gateway = text("gateway").unwrap_or_default().trim_end_matches('/').into();
    (Options { gateway, grant: text("grant").unwrap_or_default(), voice, prove: function("prove") }, config)
}

//! The browser's JSON behind the protocol's [`View`]. It never fails on a value of the wrong shape: that is the decoder's.

use alloc::{string::String, vec::Vec};

use js_sys::{Array, JSON, Reflect};
use neoron_protocol::frame::View;
use wasm_bindgen::{JsCast, JsValue};

/// A value of `JSON.parse`, or any plain JavaScript object.
#[derive(Clone)]
pub(crate) struct Json(pub(crate) JsValue);

impl Json {
    /// Parses `text`; `None` if it is no JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        JSON::parse(text).ok().map(Self)
    }
}

impl View for Json {
    fn member(&self, name: &str) -> Option<Self> {
        if !self.0.is_object() {
            return None;
        }
        let value = Reflect::get(&self.0, &JsValue::from_str(name)).ok()?;
        (!value.is_null() && !value.is_undefined()).then_some(Self(value))
    }

    fn text(&self) -> Option<String> {
        self.0.as_string()
    }

    fn number(&self) -> Option<f64> {
        self.0.as_f64()
    }

    fn truth(&self) -> Option<bool> {
        self.0.as_bool()
    }

    fn items(&self) -> Option<Vec<Self>> {
        let array: &Array = self.0.dyn_ref()?;
        Some(array.iter().map(Self).collect())
    }
}

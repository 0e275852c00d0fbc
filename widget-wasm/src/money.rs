//! Amounts in the visitor's way of writing, by the browser's `Intl`. Rust never formats a fraction here.

use alloc::string::String;

use js_sys::{Array, Intl::NumberFormat, JSON, Reflect};
use neoron_protocol::frame::Money;
use neoron_widget_core::texts::Words;
use wasm_bindgen::{JsCast, JsValue};

/// `£12.50` for 1250 pence. An amount whose currency is no ISO 4217 code is left out rather than shown wrong.
pub(crate) fn format(money: &Money, language: Words) -> Option<String> {
    // `Intl` throws at a code of another shape.
    if money.currency.len() != 3 || !money.currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    // Through the browser's parser: one call for an object of any size.
    let mut options = String::from(r#"{"style":"currency","currency":""#);
    options.push_str(&money.currency);
    options.push_str(r#""}"#);
    let options = JSON::parse(&options).ok()?;
    let format = NumberFormat::new(&Array::of1(&language.tag().into()), options.unchecked_ref());
    let digits = Reflect::get(&format.resolved_options(), &"maximumFractionDigits".into()).ok()?.as_f64()?;
    // Exact enough: the protocol keeps amounts within a double's whole numbers.
    let mut amount = money.minor as f64;
    for _ in 0..(digits as u32).min(4) {
        amount /= 10.0;
    }
    format.format().call1(&JsValue::UNDEFINED, &amount.into()).ok()?.as_string()
}

//! The popup in the browser: the shell that draws the model of `neoron-widget-core` and carries out its effects.
//!
//! It decides nothing. It never writes HTML as text and has no `<style>`: it works under `style-src 'self'` and Trusted
//! Types. JSON is the browser's own, money is formatted by its `Intl`; serde, `{:?}` and float formatting would each add
//! 10 to 20 kB to every visitor's download.

// Without `std`, whose panic messages no visitor sees: 2 kB. Natively the crate is only ever checked.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod app;
mod dom;
mod json;
mod media;
mod money;
mod net;
mod options;
mod socket;
mod speech;
mod storage;
mod view;

use wasm_bindgen::prelude::*;
use web_sys::ShadowRoot;

/// 3 kB gzipped less than the default allocator. The lock costs nothing without threads and keeps this crate free of
/// `unsafe`, which the variant for a single thread would need.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: lol_alloc::LockedAllocator<lol_alloc::FreeListAllocator> =
    lol_alloc::LockedAllocator::new(lol_alloc::FreeListAllocator::new());

/// Stops the instance. The loader notices at its next call and offers the plain form.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Draws the popup into `root`, closed. `options` is what the loader read from the page (see `loader/loader.js`). If the
/// tab holds a conversation, it opens and goes on; otherwise nothing is contacted. Returns the function that opens the
/// dialog. A page has one popup: the loader calls this once.
#[wasm_bindgen]
pub fn mount(root: ShadowRoot, options: JsValue) -> JsValue {
    app::mount(&root, &options)
}

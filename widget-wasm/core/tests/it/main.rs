//! The popup's rules, without a browser.

#![allow(clippy::unwrap_used)]

mod call;
mod feed;
mod machines;
mod support;

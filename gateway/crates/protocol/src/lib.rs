//! The contracts that cross a boundary: ids, grants, the session's life, realtime frames, error codes.
//!
//! This crate is shared by the server, the popup (wasm32) and the PHP extension, so that a rule is written once.
//! It never does I/O, never reads a clock and never draws a random number: the caller passes both in.
//!
//! Features: `serde` (encoding on servers), `grant` (Ed25519 grants, pure Rust), `private` (texts that hide themselves).
//! The popup takes none; it reads frames with [`frame::decode`] over the browser's own JSON.

#![cfg_attr(not(feature = "serde"), no_std)]

extern crate alloc;

pub mod error;
pub mod frame;
#[cfg(feature = "grant")]
pub mod grant;
pub mod id;
#[cfg(feature = "private")]
pub mod private;
pub mod session;
pub mod time;

pub use error::ErrorCode;
pub use id::{JobId, QuoteId, RequestId, SessionId, WorkerId};
pub use time::UnixMillis;

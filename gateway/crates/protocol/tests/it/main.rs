//! The contracts, as golden vectors and properties.

#![allow(clippy::unwrap_used, missing_docs)]

mod error;
mod frame;
mod grant;
mod id;
mod private;
mod session;
mod vectors;

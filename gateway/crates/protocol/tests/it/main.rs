//! The contracts, as golden vectors and properties.

#![allow(clippy::unwrap_used, missing_docs)]

mod error;
mod frame;
mod grant;
mod id;
mod session;
mod vectors;

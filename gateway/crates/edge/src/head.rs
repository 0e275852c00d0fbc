//! Request heads: what they may look like, and reading one under a deadline.
//!
//! Stock Pingora 0.9.1 forwards two equal `Content-Length` lines, `Content-Length: 5, 5` and a missing `Host` unchanged,
//! takes bare line feeds, and removes `Content-Length` before any filter could see that there was a `Transfer-Encoding`
//! too. So the raw bytes are judged here, before Pingora gets them. Nothing here knows a route.

mod parse;
mod read;

pub use parse::{Body, HEADERS_AT_MOST, Head, HeadLimits, Parsed, Refusal, parse};
pub(crate) use read::{Incoming, Timing, read};

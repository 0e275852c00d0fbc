//! The whole product from outside.

#![allow(clippy::unwrap_used, missing_docs)]

mod canary;
mod contracts;
mod counters;
mod crash;
mod outage;
mod talk;
mod traces;

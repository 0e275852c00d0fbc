//! The binary from outside and its configuration layer: mistakes and where they are told, commands and their exit codes,
//! the built-in profiles, the demo.

#![allow(clippy::unwrap_used, missing_docs)]

mod commands;
mod config;
mod demo;
mod documentation;
mod profiles;
mod support;

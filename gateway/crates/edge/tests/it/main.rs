//! The whole edge on free ports, before workers that are small servers in this process. Raw sockets speak to it where a
//! client library would be too polite.
#![allow(clippy::unwrap_used)]

mod admin;
mod conformance;
mod drain;
mod files;
mod grants;
mod log;
mod proofs;
mod proxying;
mod routes;
mod slow;
mod support;
mod websocket;

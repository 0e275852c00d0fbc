//! The simulated Ultravox over real HTTP and WebSockets, with a small gateway on the other side.

#![allow(clippy::unwrap_used)]

mod calls;
mod data_connection;
mod faults;
mod gateway;
mod rest;
mod signature;
mod tools;
mod webhooks;

//! The session worker: sessions, calls, tools, webhooks, realtime, jobs, and the clients of Ultravox and ERPNext.
//!
//! A worker keeps nothing that another worker could not take over: what counts is in the store before it is answered.
//! It never faces the internet itself (the edge does) and never knows how the store keeps things.

pub mod config;

mod analytics;
mod app;
mod data_connection;
mod erpnext;
mod http;
mod http_client;
mod jobs;
mod ledger;
mod local;
mod metrics;
mod openapi;
mod realtime;
mod record;
mod serve;
mod sessions;
mod tools;
mod trace;
mod ultravox;
mod webhooks;

pub use app::{Random, SystemRandom};
pub use openapi::openapi_json;
pub use serve::{Counters, Deps, StartError, Worker, check_businesses};

//! The edge: the front door of the gateway, on Pingora's server and its `HttpProxy`.
//!
//! Reads every request head itself, under one deadline and on the raw bytes ([`head`]); decides once what becomes of
//! it (`policy`); then one of three drivers does it: an own WebSocket relay (`relay`), Pingora's proxy (`proxy`), or an
//! answer of the edge's own (a problem document, a preflight, a file of the popup). The drivers decide nothing, so they
//! cannot come to differ.
//!
//! It never holds a session's state, never reads what a body says, and never imports the worker: the two meet on the
//! wire, in `neoron_protocol` and in the store's registry of workers.

mod admin;
mod answer;
mod balance;
mod clients;
mod config;
mod connection;
mod connections;
mod demand;
mod drain;
mod entropy;
pub mod head;
mod metrics;
mod network;
mod observe;
mod policy;
mod proof;
mod proxy;
mod relay;
mod scratch;
mod server;
mod static_files;
mod world;

pub use config::{EdgeConfig, LimitConfig, Secret, WorkerConfig};
pub use drain::Drained;
pub use server::{Edge, EdgeDeps, EdgeHandle, MoreMetrics, StartError};
pub use static_files::LoadError;

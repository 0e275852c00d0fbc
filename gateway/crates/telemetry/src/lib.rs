//! The one place that knows OpenTelemetry: the W3C trace context, the export of spans, the forms of `/metrics`.
//!
//! A span is an ordinary `tracing` span with the target [`TARGET`]; everything else in the code logs. Only such spans are
//! exported and none of them is logged, so what may leave the process is decided where a span is made and nowhere else.
//! Without an exporter nothing listens to the target, and a span costs one comparison.
//!
//! It never puts an id of a person, a text, an address or a token into a span: whoever makes one keeps to that.

mod client;
mod context;
mod export;
pub mod exposition;

pub use context::Traceparent;
pub use export::{Options, StartError, Telemetry};

/// The target of every span that is exported.
pub const TARGET: &str = "neoron_spans";

/// A directive for a log's filter: exported spans are not logged as well.
pub const NOT_LOGGED: &str = "neoron_spans=off";

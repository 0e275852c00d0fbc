//! Logs to standard error, as text or JSON, and spans to a collector if there is one.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
use neoron_telemetry::{NOT_LOGGED, Telemetry};
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Our crates, as log targets.
const OURS: [&str; 7] = [
    "neoron",
    "neoron_edge",
    "neoron_gateway",
    "neoron_simulators",
    "neoron_store",
    "neoron_telemetry",
    "neoron_worker",
];

/// Begins to log and to trace. The first call wins: a test process has several.
///
/// # Errors
/// If the filter cannot be read.
pub(crate) fn start(filter: &str, json: bool, telemetry: Option<&Telemetry>) -> Result<()> {
    let read = EnvFilter::try_new(own(filter));
    let filter = read.with_context(|| format!("log.level cannot be read: {filter:?}"))?;
    let filter = filter.add_directive(NOT_LOGGED.parse().context("the directive of spans")?);
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let logs = if json { logs.json().flatten_event(true).boxed() } else { logs.boxed() };
    let subscriber = tracing_subscriber::registry().with(logs.with_filter(filter));
    let begun = subscriber.with(telemetry.map(Telemetry::layer)).try_init();
    // Somebody logs already: theirs is as good.
    begun.ok();
    Ok(())
}

/// A filter in which a level alone is meant for our own code. Below `info`, HTTP and WebSocket libraries tell what they
/// carry: words, tokens, numbers. Who wants to hear a library names it.
fn own(filter: &str) -> String {
    let parts = filter.split(',').map(|part| match part.trim().to_ascii_lowercase().as_str() {
        level @ ("debug" | "trace") => OURS.iter().fold("info".to_owned(), |all, name| all + "," + name + "=" + level),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn a_level_alone_is_for_our_own_code() {
        assert!(own("trace").starts_with("info,neoron=trace,neoron_edge=trace,"));
        assert_eq!(own("warn,neoron_worker=debug"), "warn,neoron_worker=debug");
        assert_eq!(own("hyper=trace"), "hyper=trace");
        assert!(own("warn, TRACE").starts_with("warn,info,neoron=trace"));
    }
}

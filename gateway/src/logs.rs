//! Logs to standard error, as text or JSON.

use anyhow::{Context as _, Result};
use tracing_subscriber::EnvFilter;

/// Begins to log. The first call wins: a test process has several.
///
/// # Errors
/// If the filter cannot be read.
pub(crate) fn start(filter: &str, json: bool) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("log.level cannot be read: {filter:?}"))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let begun = if json { logs.json().flatten_event(true).try_init() } else { logs.try_init() };
    // Somebody logs already: theirs is as good.
    begun.ok();
    Ok(())
}

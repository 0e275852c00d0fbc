//! `neoron healthcheck`: for container images without any other program.

use std::time::Duration;

use anyhow::{Context as _, anyhow};

use crate::{Failure, out};

/// The largest answer that is looked at, in characters.
const MAX_SHOWN: usize = 2_000;

/// Asks the admin listener.
pub(super) async fn check(url: &str, timeout: u64) -> Result<(), Failure> {
    let client = crate::run::http_client(Duration::from_secs(timeout))?;
    let answer = client.get(url).send().await.map_err(reqwest::Error::without_url);
    let answer = answer.with_context(|| format!("no answer from {url}"))?;
    let status = answer.status();
    let body: String = answer.text().await.unwrap_or_default().chars().take(MAX_SHOWN).collect();
    if status.is_success() {
        out::line(format!("ready: {}", body.trim()));
        Ok(())
    } else {
        Err(anyhow!("not ready: {status} {}", body.trim()).into())
    }
}

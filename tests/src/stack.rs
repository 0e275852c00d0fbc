//! The simulators in this process, the whole gateway in another, over the embedded store.

use std::{fs, future::Future, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use neoron_gateway::demo::visitor::{self, Session, Socket};
use neoron_store::{Clock, SystemClock};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::{
    outside::{ORIGIN, Outside, Place, free_address},
    process::{Launch, Process, binary},
};

/// How long anything may take before a test counts as stuck. Generous: no test fails on time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Everything that runs.
pub struct Stack {
    /// What is outside of it.
    pub outside: Outside,
    /// A client for what a visitor's browser asks.
    pub client: reqwest::Client,
    public: SocketAddr,
    gateway: Process,
    _folder: TempDir,
}

impl Stack {
    /// Starts the simulators and the gateway; `more` is added to its configuration.
    ///
    /// # Errors
    /// If a part does not start.
    pub async fn start(more: &str) -> Result<Self> {
        Self::around(Outside::start().await?, more, &[]).await
    }

    /// Starts the gateway among these simulators, with keys of `set`, as `section.key=value`, on top of its file.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn around(outside: Outside, more: &str, set: &[String]) -> Result<Self> {
        let (public, admin) = (free_address().await?, free_address().await?);
        let (folder, url) = (TempDir::new()?, format!("http://{public}"));
        outside.announce(&url)?;
        let (config, data): (PathBuf, PathBuf) = (folder.path().join("neoron.toml"), folder.path().join("data"));
        let place = Place { public_url: &url, data: &data, drain: Duration::from_secs(2), more };
        fs::write(&config, outside.configuration(&place))?;
        let listens = [format!("edge.listen={public}"), format!("edge.admin={admin}")];
        let set = [&listens[..], set].concat();
        let gateway = Process::new(Launch::run("gateway", &binary()?, "all", &config, &set, admin)?);
        let mut stack = Self { outside, client: client()?, public, gateway, _folder: folder };
        stack.start_gateway().await?;
        Ok(stack)
    }

    /// Starts the gateway, or starts it again, and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn start_gateway(&mut self) -> Result<()> {
        self.gateway.start()?;
        self.gateway.ready(&self.client).await
    }

    /// What the gateway wrote to its log, the last 4,000 characters.
    pub fn log(&self) -> String {
        self.gateway.log()
    }

    /// All that the gateway wrote to its log.
    pub fn whole_log(&self) -> String {
        self.gateway.whole_log()
    }

    /// Kills the gateway as `kill -9` does.
    ///
    /// # Errors
    /// If it is not running.
    pub async fn kill_gateway(&mut self) -> Result<()> {
        self.gateway.kill().await
    }

    /// A visitor's session by text.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn session(&self) -> Result<Session> {
        visitor::start(&self.client, &self.url(), ORIGIN, &self.outside.grant(), SystemClock.now().0).await
    }

    /// The socket of a session.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn socket(&self, session: &Session) -> Result<Socket> {
        Socket::open(&self.url(), ORIGIN, session).await
    }

    /// The gateway's public base.
    pub fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// What the admin listener's `/metrics` shows whoever asks for nothing else.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn metrics(&self) -> Result<String> {
        self.metrics_as("*/*").await
    }

    /// What it shows in this form.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn metrics_as(&self, accept: &str) -> Result<String> {
        let asked = self.client.get(format!("http://{}/metrics", self.gateway.launch.admin));
        Ok(asked.header("accept", accept).send().await?.text().await?)
    }

    /// The orders of a session in ERPNext.
    pub fn orders_of(&self, session: &str) -> usize {
        self.outside.erpnext.orders().iter().filter(|order| order["session_id"] == session).count()
    }
}

/// A client for what a browser asks.
pub(crate) fn client() -> Result<reqwest::Client> {
    rustls::crypto::ring::default_provider().install_default().ok();
    Ok(reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?)
}

/// Waits until `found` finds something.
///
/// # Errors
/// If it does not in two minutes; says `what` was awaited.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut found: impl FnMut() -> F) -> Result<T> {
    let search = async {
        loop {
            if let Some(found) = found().await {
                return found;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    within(search).await.with_context(|| format!("waited in vain for {what}"))
}

/// Gives up on `work` after two minutes.
///
/// # Errors
/// If it is given up.
pub async fn within<T>(work: impl Future<Output = T>) -> Result<T> {
    timeout(PATIENCE, work).await.context("nothing happened for two minutes")
}

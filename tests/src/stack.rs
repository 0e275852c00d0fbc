//! The simulators in this process, the gateway in another.

use std::{
    fs,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use neoron_gateway::demo::visitor::{self, Session, Socket};
use neoron_protocol::{
    RequestId,
    grant::{Claims, MintingKey, mint},
};
use neoron_simulators::{erpnext, ultravox};
use neoron_store::{Clock, SystemClock};
use neoron_worker::{Random, SystemRandom};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{sleep, timeout},
};

/// How long anything may take before a test counts as stuck. Generous: no test fails on time.
const PATIENCE: Duration = Duration::from_secs(120);
const SITE: &str = "https://pizzeria.example";
const ULTRAVOX_SECRET: &str = "ultravox-webhook-secret";
const ERPNEXT_SECRET: &str = "erpnext-webhook-secret";

/// Everything that runs.
pub struct Stack {
    /// The voice service.
    pub ultravox: ultravox::Simulator,
    /// The business system.
    pub erpnext: erpnext::Simulator,
    /// A client for what a visitor's browser asks.
    pub client: reqwest::Client,
    key: MintingKey,
    public: SocketAddr,
    admin: SocketAddr,
    folder: TempDir,
    gateway: Option<Child>,
}

impl Stack {
    /// Starts the simulators and the gateway; `more` is added to its configuration.
    ///
    /// # Errors
    /// If a part does not start.
    pub async fn start(more: &str) -> Result<Self> {
        let erpnext = erpnext::Simulator::start(listener().await?, erpnext::Options::default()).await?;
        let options = ultravox::Options {
            plan: ultravox::Plan::unlimited(),
            speech_pace: Duration::ZERO,
            billing_delay: Duration::ZERO,
            retry_base: Duration::from_millis(500),
            ..ultravox::Options::default()
        };
        let ultravox = ultravox::Simulator::start(listener().await?, options)?;
        let (public, admin) = (free_address().await?, free_address().await?);
        let url = format!("http://{public}/webhook/order-update").parse()?;
        erpnext.set_webhook(Some(erpnext::WebhookTarget { url, secret: ERPNEXT_SECRET.to_owned() }));
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let key = MintingKey::from_seed("k1", &random())?;
        let mut stack = Self { ultravox, erpnext, client, key, public, admin, folder: TempDir::new()?, gateway: None };
        fs::write(stack.config(), stack.configuration(more))?;
        stack.start_gateway().await?;
        Ok(stack)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("neoron.toml")
    }

    fn configuration(&self, more: &str) -> String {
        let (public, admin) = (self.public, self.admin);
        let (ultravox, erpnext) = (self.ultravox.address(), self.erpnext.address());
        let api_key = ultravox::Options::default().api_key;
        let user = erpnext::User::gateway();
        let key = self.key.public().to_text();
        let data = self.folder.path().join("data");
        format!(
            r#"[gateway]
public_url = "http://{public}"
data_dir = "{data}"
drain = "2s"
[edge]
listen = "{public}"
admin = "{admin}"
sessions_per_address = 100000
sessions_per_site = 100000
[worker]
job_lease = "6s"
poll_calls_every = "5s"
[ultravox]
url = "http://{ultravox}"
api_key = "{api_key}"
webhook_secrets = ["{ULTRAVOX_SECRET}"]
shared_secrets = ["ultravox-data-connection-secret"]
creations_per_second = 1000
creations_per_minute = 60000
request_deadline = "5s"
[erpnext]
url = "http://{erpnext}"
site = "{site}"
token = "{user_key}:{secret}"
webhook_secrets = ["{ERPNEXT_SECRET}"]
request_deadline = "5s"
breaker_pause = "1s"
[sites.pizzeria]
origins = ["{SITE}"]
minutes_per_day = 100000
[sites.pizzeria.keys]
k1 = "{key}"
{more}
"#,
            data = data.display(),
            site = erpnext::Options::default().site,
            user_key = user.key,
            secret = user.secret,
        )
    }

    /// Starts the gateway, or starts it again, and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn start_gateway(&mut self) -> Result<()> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("gateway.log"))?;
        let mut command = Command::new(binary()?);
        command.arg("run").arg("--config").arg(self.config()).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let gateway = self.gateway.insert(command.spawn()?);
        let (client, url) = (self.client.clone(), format!("http://{}/readyz", self.admin));
        let ready = async {
            while gateway.try_wait()?.is_none() {
                if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
                sleep(Duration::from_millis(20)).await;
            }
            bail!("the gateway has ended")
        };
        within(ready).await.flatten().with_context(|| format!("the gateway's log says:\n{}", self.log()))
    }

    /// What the gateway wrote to its log, the last 4,000 characters.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("gateway.log")).unwrap_or_default();
        let skip = log.chars().count().saturating_sub(4_000);
        log.chars().skip(skip).collect()
    }

    /// Kills the gateway as `kill -9` does.
    ///
    /// # Errors
    /// If it is not running.
    pub async fn kill_gateway(&mut self) -> Result<()> {
        let mut gateway = self.gateway.take().context("the gateway is not running")?;
        gateway.kill().await?;
        Ok(())
    }

    /// A visitor's session by text.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn session(&self) -> Result<Session> {
        let now = SystemClock.now();
        let jti = RequestId::new(now, random()).to_string();
        let grant = mint(&Claims::for_visit("pizzeria", SITE, "restaurant", &jti, now, 600), &self.key);
        visitor::start(&self.client, &self.url(), SITE, &grant, now.0).await
    }

    /// The socket of a session.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn socket(&self, session: &Session) -> Result<Socket> {
        Socket::open(&self.url(), SITE, session).await
    }

    /// The gateway's public base.
    pub fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// What the admin listener's `/metrics` shows.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn metrics(&self) -> Result<String> {
        Ok(self.client.get(format!("http://{}/metrics", self.admin)).send().await?.text().await?)
    }

    /// The orders of a session in ERPNext.
    pub fn orders_of(&self, session: &str) -> usize {
        self.erpnext.orders().iter().filter(|order| order["session_id"] == session).count()
    }
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

/// The gateway's binary, beside the test's own.
fn binary() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let found = test.ancestors().map(|folder| folder.join("neoron")).find(|path| is_program(path));
    found.context("the binary `neoron` is not built: `cargo build --package neoron-gateway`")
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}

async fn listener() -> Result<TcpListener> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?)
}

/// An address that was free a moment ago.
async fn free_address() -> Result<SocketAddr> {
    Ok(listener().await?.local_addr()?)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom.fill(&mut bytes);
    bytes
}

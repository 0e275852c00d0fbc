//! What is outside of the product: the voice service and the business system, simulated in this process, the site
//! that mints grants, and the configuration by which a gateway knows them.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::Result;
use neoron_protocol::{
    RequestId,
    grant::{Claims, MintingKey, mint},
};
use neoron_simulators::{erpnext, ultravox};
use neoron_store::{Clock, SystemClock};
use neoron_worker::{Random, SystemRandom};
use tokio::net::TcpListener;

/// The site whose visitors call.
pub const SITE: &str = "pizzeria";
/// The origin of its pages.
pub const ORIGIN: &str = "https://pizzeria.example";
const ULTRAVOX_SECRET: &str = "ultravox-webhook-secret";
const ERPNEXT_SECRET: &str = "erpnext-webhook-secret";
/// The longest call that a grant here allows, in seconds.
pub const MAX_SECONDS: u32 = 600;

/// The simulators and the site's key.
pub struct Outside {
    /// The voice service.
    pub ultravox: ultravox::Simulator,
    /// The business system.
    pub erpnext: erpnext::Simulator,
    key: MintingKey,
}

/// Where a gateway is, as its configuration has it.
pub(crate) struct Place<'a> {
    /// What browsers, Ultravox and ERPNext call.
    pub(crate) public_url: &'a str,
    /// Where the embedded store is, if it is used.
    pub(crate) data: &'a Path,
    /// How long a process that was told to leave waits for its calls.
    pub(crate) drain: Duration,
    /// Whole tables that are added.
    pub(crate) more: &'a str,
}

impl Outside {
    /// Starts the simulators. They answer at once and have no limits.
    ///
    /// # Errors
    /// If one does not start.
    pub async fn start() -> Result<Self> {
        let erpnext = erpnext::Simulator::start(listener().await?, erpnext::Options::default()).await?;
        let options = ultravox::Options {
            plan: ultravox::Plan::unlimited(),
            speech_pace: Duration::ZERO,
            billing_delay: Duration::ZERO,
            retry_base: Duration::from_millis(500),
            ..ultravox::Options::default()
        };
        let ultravox = ultravox::Simulator::start(listener().await?, options)?;
        let key = MintingKey::from_seed("k1", &random())?;
        Ok(Self { ultravox, erpnext, key })
    }

    /// Tells ERPNext where the gateway is.
    ///
    /// # Errors
    /// If that is no address.
    pub(crate) fn announce(&self, public_url: &str) -> Result<()> {
        let url = format!("{public_url}/webhook/order-update").parse()?;
        self.erpnext.set_webhook(Some(erpnext::WebhookTarget { url, secret: ERPNEXT_SECRET.to_owned() }));
        Ok(())
    }

    /// A grant for a visit from now on.
    pub fn grant(&self) -> String {
        self.grant_by(&self.key)
    }

    /// The same, by a key that is not the site's.
    ///
    /// # Errors
    /// Never, with a key so made.
    pub fn forged_grant(&self) -> Result<String> {
        Ok(self.grant_by(&MintingKey::from_seed("k1", &random())?))
    }

    fn grant_by(&self, key: &MintingKey) -> String {
        let now = SystemClock.now();
        let jti = RequestId::new(now, random()).to_string();
        mint(&Claims::for_visit(SITE, ORIGIN, "restaurant", &jti, now, MAX_SECONDS), key)
    }

    /// The configuration that all processes share; where each of them listens, it is told as it starts.
    pub(crate) fn configuration(&self, place: &Place<'_>) -> String {
        let (ultravox, erpnext) = (self.ultravox.address(), self.erpnext.address());
        let user = erpnext::User::gateway();
        format!(
            r#"[gateway]
public_url = "{public_url}"
data_dir = "{data}"
drain = "{drain}ms"
[edge]
sessions_per_address = 1000000
sessions_per_site = 1000000
requests_per_address = 10000000
max_connections_per_address = 100000
[worker]
job_lease = "6s"
calls_per_network = 0
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
[sites.{SITE}]
origins = ["{ORIGIN}"]
minutes_per_day = 1000000
max_calls = 100000
[sites.{SITE}.keys]
k1 = "{key}"
{more}
"#,
            public_url = place.public_url,
            data = place.data.display(),
            drain = place.drain.as_millis(),
            more = place.more,
            api_key = ultravox::Options::default().api_key,
            site = erpnext::Options::default().site,
            user_key = user.key,
            secret = user.secret,
            key = self.key.public().to_text(),
        )
    }
}

/// A listener on a free port of this machine.
pub(crate) async fn listener() -> Result<TcpListener> {
    Ok(TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?)
}

/// An address that was free a moment ago.
pub(crate) async fn free_address() -> Result<SocketAddr> {
    Ok(listener().await?.local_addr()?)
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom.fill(&mut bytes);
    bytes
}

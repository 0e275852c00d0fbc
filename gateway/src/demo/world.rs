//! The demo's parts: two simulators, the gateway with its workers, in this process or as several, and the site.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use neoron_protocol::grant::MintingKey;
use neoron_simulators::{erpnext, ultravox};
use neoron_store::{EmbeddedStore, SystemClock};
use tokio::net::TcpListener;
use url::Url;

use super::{
    pool::{self, Pool},
    site::Site,
};
use crate::{
    Failure,
    cli::{DemoArgs, Role},
    config::{self, Sources},
    random,
    run::{self, Gateway},
    store::{Opened, Place},
};

/// The demo's site and its key.
pub(super) const SITE: &str = "demo";
/// How long the gateway may take to be ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that runs.
pub(super) struct World {
    pub(super) site: Site,
    gateway: Running,
    erpnext: erpnext::Simulator,
    ultravox: ultravox::Simulator,
}

/// The gateway and its workers.
enum Running {
    /// In this process, over a store of its own.
    Here(Gateway),
    /// As processes over Redis.
    Pool(Pool),
}

/// What the parts know each other by; new at every start.
struct Secrets {
    api_key: String,
    ultravox_webhook: String,
    ultravox_shared: String,
    erpnext_webhook: String,
}

impl World {
    /// Starts everything.
    ///
    /// # Errors
    /// If a port is taken or a part does not start.
    pub(super) async fn start(args: &DemoArgs, widget: Option<PathBuf>) -> Result<Self, Failure> {
        let secrets = Secrets {
            api_key: random::token(),
            ultravox_webhook: random::token(),
            ultravox_shared: random::token(),
            erpnext_webhook: random::token(),
        };
        let site_listener = listen(args.port, 0).await?;
        let port = site_listener.local_addr().context("no port")?.port();
        let erpnext = erpnext::Simulator::start(listen(args.port, 3).await?, erpnext::Options::default())
            .await
            .context("the ERPNext simulator cannot be started")?;
        let options = ultravox_options(&secrets, args.fast || args.check);
        let ultravox = ultravox::Simulator::start(listen(args.port, 4).await?, options)
            .context("the Ultravox simulator cannot be started")?;
        let key = MintingKey::from_seed(SITE, &random::bytes()).context("the demo's key")?;
        let places = Places::of(args)?;
        let text =
            configuration(args, &places, widget, port, &key, &secrets, [&erpnext.address(), &ultravox.address()]);
        let gateway = Running::start(args, &places, text).await?;
        let url =
            Url::parse(&format!("{}/webhook/order-update", gateway.public_url())).context("the gateway's address")?;
        erpnext.set_webhook(Some(erpnext::WebhookTarget { url, secret: secrets.erpnext_webhook }));
        let staff = format!("http://{}/_control/", erpnext.address());
        let site = Site::start(site_listener, key, &gateway.public_url(), &staff)?;
        let world = Self { site, gateway, erpnext, ultravox };
        world.ready().await?;
        Ok(world)
    }

    /// Waits until the gateway takes calls.
    async fn ready(&self) -> Result<()> {
        let client = run::http_client(Duration::from_secs(2))?;
        let url = format!("{}/readyz", self.admin_url());
        let asked = async {
            while !client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, asked).await.is_err() {
            bail!("the gateway is not ready after {} s; --log info tells more", PATIENCE.as_secs());
        }
        Ok(())
    }

    /// The gateway's public base.
    pub(super) fn gateway_url(&self) -> String {
        self.gateway.public_url()
    }

    /// The gateway's admin listener.
    pub(super) fn admin_url(&self) -> String {
        self.gateway.admin_url()
    }

    /// What else there is to try.
    pub(super) fn hint(&self) -> Option<&'static str> {
        matches!(self.gateway, Running::Pool(_)).then_some(
            "\nEach part is a process of its own: kill -9 one of them in the middle of a call, and see nothing go missing.",
        )
    }

    /// The ERPNext simulator.
    pub(super) fn erpnext_url(&self) -> String {
        format!("http://{}", self.erpnext.address())
    }

    /// Stops everything at once.
    pub(super) async fn stop(self) {
        self.site.stop();
        self.gateway.stop().await;
        self.ultravox.stop().await;
        self.erpnext.stop().await;
    }
}

/// Where the gateway listens.
struct Places {
    public: SocketAddr,
    admin: SocketAddr,
}

impl Places {
    fn of(args: &DemoArgs) -> Result<Self> {
        let at = |offset| match (part_port(args.port, offset), &args.store) {
            // Processes of their own must be told where to listen, so that all know where the gateway is.
            (0, Some(_)) => pool::free_address(),
            (port, _) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        };
        Ok(Self { public: at(1)?, admin: at(2)? })
    }
}

impl Running {
    async fn start(args: &DemoArgs, places: &Places, text: String) -> Result<Self, Failure> {
        let sources =
            Sources { isolated: true, program: Some(("the demo's settings", text.clone())), ..Sources::default() };
        let config = config::load(&sources)?;
        if args.store.is_some() {
            return Ok(Self::Pool(Pool::start(&text, args.workers, [places.public, places.admin])?));
        }
        let store = match &args.data {
            Some(folder) => Place::File(folder.join("neoron.db")).open().await?,
            None => {
                let store = EmbeddedStore::in_memory(Arc::new(SystemClock)).context("no room for the store")?;
                Opened::Embedded(Arc::new(store))
            }
        };
        Ok(Self::Here(Gateway::start(config, store, Role::All, true).await?))
    }

    fn public_url(&self) -> String {
        url(match self {
            Self::Here(gateway) => gateway.public_address(),
            Self::Pool(pool) => Some(pool.public),
        })
    }

    fn admin_url(&self) -> String {
        url(match self {
            Self::Here(gateway) => gateway.admin_address(),
            Self::Pool(pool) => Some(pool.admin),
        })
    }

    async fn stop(self) {
        match self {
            Self::Here(gateway) => gateway.stop().await,
            Self::Pool(pool) => pool.stop().await,
        }
    }
}

/// The demo runs all roles, so there is an address.
fn url(address: Option<SocketAddr>) -> String {
    address.map(|address| format!("http://{address}")).unwrap_or_default()
}

fn ultravox_options(secrets: &Secrets, fast: bool) -> ultravox::Options {
    let options = ultravox::Options { api_key: secrets.api_key.clone(), ..ultravox::Options::default() };
    if fast {
        ultravox::Options { speech_pace: Duration::ZERO, billing_delay: Duration::ZERO, ..options }
    } else {
        options
    }
}

/// A listener on this machine only; the port is `base + offset`, or a free one without a base.
async fn listen(base: u16, offset: u16) -> Result<TcpListener> {
    let port = part_port(base, offset);
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| format!("port {port} cannot be listened on"))
}

fn part_port(base: u16, offset: u16) -> u16 {
    if base == 0 { 0 } else { base.saturating_add(offset) }
}

/// The settings, as an operator would write them; they pass the same checks.
fn configuration(
    args: &DemoArgs,
    places: &Places,
    widget: Option<PathBuf>,
    site_port: u16,
    key: &MintingKey,
    secrets: &Secrets,
    [erpnext, ultravox]: [&SocketAddr; 2],
) -> String {
    let text = |text: &str| toml_edit::Value::from(text).to_string();
    let widget = widget.map(|folder| format!("widget_dir = {}", text(&folder.to_string_lossy()))).unwrap_or_default();
    // In one process the edge's own address takes the public URL's place once that is known.
    let (public, admin) = (places.public, places.admin);
    let (workers, shared) = match &args.store {
        Some(url) => (1, format!("[store]\nurl = {}\nprefix = \"demo-{}:\"\n", text(url), random::token())),
        None => (args.workers, String::new()),
    };
    let Secrets { api_key, ultravox_webhook, ultravox_shared, erpnext_webhook } = secrets;
    let user = erpnext::User::gateway();
    let site = erpnext::Options::default();
    format!(
        r#"[gateway]
public_url = "http://{public}"
workers = {workers}
drain = "2s"

[edge]
listen = "{public}"
admin = "{admin}"
key = "{edge_key}"
{widget}

{shared}
[log]
level = {log}

[ultravox]
url = "http://{ultravox}"
api_key = "{api_key}"
webhook_secrets = ["{ultravox_webhook}"]
shared_secrets = ["{ultravox_shared}"]

[erpnext]
url = "http://{erpnext}"
site = "{frappe_site}"
token = "{user_key}:{user_secret}"
webhook_secrets = ["{erpnext_webhook}"]
time_zone = "{zone}"

[sites.{SITE}]
origins = ["http://127.0.0.1:{site_port}", "http://localhost:{site_port}"]
minutes_per_day = 10000

[sites.{SITE}.keys]
{SITE} = "{public_key}"
"#,
        edge_key = random::token(),
        log = text(&args.log),
        frappe_site = site.site,
        zone = site.time_zone,
        user_key = user.key,
        user_secret = user.secret,
        public_key = key.public().to_text(),
    )
}

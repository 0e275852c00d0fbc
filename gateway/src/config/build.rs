//! From settings to what the parts are told. Everything was checked before: nothing here fails for a sound
//! configuration.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use neoron_edge::{EdgeConfig, LimitConfig};
use neoron_protocol::grant::{KeyRing, PublicKey, Site};
use neoron_store::{Rate, redis::RedisOptions};
use neoron_worker::config::{
    Business, Confirm, ErpnextConfig, Quoter, Secret, SiteConfig, StaffConfig, ToolKind, ToolSpec, UltravoxConfig,
    WorkerConfig,
};

use super::{
    effective::Settings,
    path::Path,
    report::{Problem, Problems},
};
use crate::store::Place;

/// Where data lies on a machine that was set up for us.
const SYSTEM_DATA: &str = "/var/lib/neoron";
/// Where it lies elsewhere.
const LOCAL_DATA: &str = "./neoron-data";

/// A configuration that can be run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Workers in this process.
    pub workers: usize,
    /// How long calls may take to end when the process is told to stop.
    pub drain: Duration,
    /// Where everything is remembered.
    pub store: Place,
    /// Where each worker listens.
    pub worker_listen: SocketAddr,
    /// Where a process with workers only tells operators how it is.
    pub worker_admin: Option<SocketAddr>,
    /// How logs are filtered.
    pub log_level: String,
    /// Whether logs are JSON.
    pub log_json: bool,
    /// Where spans go; nowhere without it.
    pub telemetry: Option<neoron_telemetry::Options>,
    /// The front.
    pub edge: EdgeConfig,
    /// Each worker.
    pub worker: WorkerConfig,
    /// The sites' keys and origins.
    pub keys: KeyRing,
    /// Whether edge and workers must be given a key of their own making.
    pub edge_key_missing: bool,
}

fn at(text: &str) -> Path {
    Path::of(text.split('.'))
}

impl Config {
    /// Builds it from checked settings.
    ///
    /// # Errors
    /// A value that passed its check but cannot be used; it would be a mistake of ours.
    pub(super) fn of(settings: &Settings) -> Result<Self, Problems> {
        Ok(Self {
            workers: settings.count(&at("gateway.workers")),
            drain: settings.span(&at("gateway.drain")),
            store: store(settings),
            worker_listen: address(settings, "worker.listen")?,
            worker_admin: settings
                .maybe_text(&at("worker.admin"))
                .map(|_| address(settings, "worker.admin"))
                .transpose()?,
            log_level: settings.text(&at("log.level")),
            log_json: settings.text(&at("log.format")) == "json",
            telemetry: telemetry(settings),
            edge: edge(settings)?,
            worker: worker(settings),
            keys: keys(settings)?,
            edge_key_missing: settings.get(&at("edge.key")).is_none(),
        })
    }

    /// Gives edge and workers the key that they know each other by.
    pub fn set_edge_key(&mut self, key: &str) {
        self.edge.worker_key = neoron_edge::Secret::new(key);
        self.worker.edge_key = Secret::new(key);
        self.edge_key_missing = false;
    }
}

/// Where the store is.
pub(super) fn store(settings: &Settings) -> Place {
    match settings.maybe_text(&at("store.url")) {
        Some(url) => Place::Redis(RedisOptions {
            prefix: settings.text(&at("store.prefix")),
            partitions: u16::try_from(settings.number(&at("store.partitions"))).unwrap_or(u16::MAX),
            ..RedisOptions::new(vec![url])
        }),
        None => Place::File(store_file(settings)),
    }
}

fn store_file(settings: &Settings) -> PathBuf {
    let data_dir = || match settings.maybe_text(&at("gateway.data_dir")) {
        Some(path) => PathBuf::from(path),
        None if std::path::Path::new(SYSTEM_DATA).is_dir() => PathBuf::from(SYSTEM_DATA),
        None => PathBuf::from(LOCAL_DATA),
    };
    settings.maybe_text(&at("store.file")).map_or_else(|| data_dir().join("neoron.db"), PathBuf::from)
}

fn unusable(path: &str, said: impl ToString) -> Problems {
    let mut problems = Problems::default();
    problems.add(Problem::new("value", Some(at(path)), said.to_string()));
    problems
}

/// Where spans go.
fn telemetry(settings: &Settings) -> Option<neoron_telemetry::Options> {
    Some(neoron_telemetry::Options {
        url: settings.maybe_text(&at("telemetry.otlp_url"))?,
        service: settings.text(&at("telemetry.service_name")),
        version: env!("CARGO_PKG_VERSION"),
        sample_per_mille: u16::try_from(settings.number(&at("telemetry.sample"))).unwrap_or(1_000),
    })
}

fn address(settings: &Settings, path: &str) -> Result<SocketAddr, Problems> {
    settings.text(&at(path)).parse().map_err(|error| unusable(path, error))
}

fn edge(settings: &Settings) -> Result<EdgeConfig, Problems> {
    let minute = Duration::from_secs(60);
    let rate = |path: &str| Rate::per(settings.small(&at(path)), minute);
    let limits = LimitConfig {
        address: rate("edge.requests_per_address"),
        sessions_by_address: rate("edge.sessions_per_address"),
        sessions_by_site: rate("edge.sessions_per_site"),
        pow_below: settings.small(&at("edge.pow_below")),
        ..LimitConfig::default()
    };
    Ok(EdgeConfig {
        listen: address(settings, "edge.listen")?,
        admin_listen: address(settings, "edge.admin")?,
        threads: settings.count(&at("edge.threads")),
        head_deadline: settings.span(&at("edge.head_deadline")),
        body_deadline: settings.span(&at("edge.body_deadline")),
        tool_deadline: settings.span(&at("edge.tool_deadline")),
        idle_timeout: settings.span(&at("edge.idle_timeout")),
        worker_key: neoron_edge::Secret::new(settings.text(&at("edge.key"))),
        limits,
        widget_dir: settings.maybe_text(&at("edge.widget_dir")).map(PathBuf::from),
        max_connections: settings.count(&at("edge.max_connections")),
        max_connections_per_address: settings.count(&at("edge.max_connections_per_address")),
        trusted_proxies: settings.list(&at("edge.trusted_proxies")).iter().filter_map(|it| it.parse().ok()).collect(),
        drain_deadline: settings.span(&at("gateway.drain")),
        ..EdgeConfig::default()
    })
}

fn worker(settings: &Settings) -> WorkerConfig {
    let names = |table: &str| settings.names(&at(table)).into_iter();
    WorkerConfig {
        public_url: settings.text(&at("gateway.public_url")).trim_end_matches('/').to_owned(),
        edge_key: Secret::new(settings.text(&at("edge.key"))),
        advertise: settings.maybe_text(&at("worker.advertise")).and_then(|text| text.parse().ok()),
        capacity: settings.small(&at("worker.capacity")),
        calls_per_network: settings.small(&at("worker.calls_per_network")),
        waiting_room: settings.small(&at("worker.waiting_room")),
        keep_finished: settings.span(&at("worker.keep_finished")),
        job_concurrency: settings.count(&at("worker.job_concurrency")),
        job_lease: settings.span(&at("worker.job_lease")),
        poll_calls_every: settings.span(&at("worker.poll_calls_every")),
        webhook_window: settings.span(&at("worker.webhook_window")),
        ultravox: ultravox(settings),
        erpnext: erpnext(settings),
        sites: names("sites")
            .map(|name| {
                let site = at("sites").child(&name);
                let config = SiteConfig {
                    minutes_per_day: settings.number(&site.child("minutes_per_day")),
                    max_calls: settings.small(&site.child("max_calls")),
                };
                (name, config)
            })
            .collect(),
        staff: names("staff")
            .map(|name| {
                let token_sha256 = settings.text(&at("staff").child(&name).child("token_sha256"));
                (name, StaffConfig { token_sha256 })
            })
            .collect(),
        businesses: names("business")
            .map(|name| {
                let path = at("business").child(&name);
                (name, business(settings, &path))
            })
            .collect(),
    }
}

fn secrets(settings: &Settings, path: &str) -> Vec<Secret> {
    settings.list(&at(path)).into_iter().map(Secret::new).collect()
}

fn ultravox(settings: &Settings) -> UltravoxConfig {
    UltravoxConfig {
        url: settings.text(&at("ultravox.url")).trim_end_matches('/').to_owned(),
        api_key: Secret::new(settings.text(&at("ultravox.api_key"))),
        webhook_secrets: secrets(settings, "ultravox.webhook_secrets"),
        shared_secrets: secrets(settings, "ultravox.shared_secrets"),
        creations_per_second: settings.small(&at("ultravox.creations_per_second")),
        creations_per_minute: settings.small(&at("ultravox.creations_per_minute")),
        create_deadline: settings.span(&at("ultravox.create_deadline")),
        request_deadline: settings.span(&at("ultravox.request_deadline")),
    }
}

fn erpnext(settings: &Settings) -> ErpnextConfig {
    ErpnextConfig {
        url: settings.text(&at("erpnext.url")).trim_end_matches('/').to_owned(),
        site: settings.text(&at("erpnext.site")),
        token: Secret::new(settings.text(&at("erpnext.token"))),
        webhook_secrets: secrets(settings, "erpnext.webhook_secrets"),
        time_zone: settings.text(&at("erpnext.time_zone")),
        concurrency: settings.count(&at("erpnext.concurrency")),
        request_deadline: settings.span(&at("erpnext.request_deadline")),
        breaker_failures: settings.small(&at("erpnext.breaker_failures")),
        breaker_pause: settings.span(&at("erpnext.breaker_pause")),
    }
}

/// A business profile.
pub(super) fn business(settings: &Settings, path: &Path) -> Business {
    let tools = path.child("tools");
    Business {
        title: settings.text(&path.child("title")),
        session_type: settings.text(&path.child("session_type")),
        prompt: settings.text(&path.child("prompt")),
        greeting: settings.text(&path.child("greeting")),
        voice: settings.maybe_text(&path.child("voice")),
        language: settings.text(&path.child("language")),
        max_seconds: u32::try_from(settings.span(&path.child("max_length")).as_secs()).unwrap_or(u32::MAX),
        tools: settings
            .names(&tools)
            .into_iter()
            .map(|name| {
                let spec = tool(settings, &tools.child(&name));
                (name, spec)
            })
            .collect(),
    }
}

fn tool(settings: &Settings, path: &Path) -> ToolSpec {
    let text = |name: &str| settings.text(&path.child(name));
    let maybe = |name: &str| settings.maybe_text(&path.child(name));
    ToolSpec {
        description: text("description").trim().to_owned(),
        kind: match text("kind").as_str() {
            "command" => ToolKind::Command,
            "confirm" => ToolKind::Confirm,
            _ => ToolKind::Query,
        },
        confirm: if text("confirm") == "quote" { Confirm::Quote } else { Confirm::None },
        quoter: maybe("quoter").map(|it| if it == "slot" { Quoter::Slot } else { Quoter::Catalogue }),
        catalogue: maybe("catalogue"),
        confirms: maybe("confirms"),
        method: maybe("method"),
        arguments: settings.texts(&path.child("arguments")),
        parameters: settings.json(&path.child("parameters")),
        timeout: settings.span(&path.child("timeout")),
        title: text("title"),
        say: text("say"),
        say_queued: text("say_queued"),
        say_unavailable: text("say_unavailable"),
        keep: settings.span(&path.child("keep")),
    }
}

fn keys(settings: &Settings) -> Result<KeyRing, Problems> {
    let mut ring = KeyRing::default();
    for name in settings.names(&at("sites")) {
        let site = at("sites").child(&name);
        let table = site.child("keys");
        let keys: Result<Vec<PublicKey>, Problems> = settings
            .names(&table)
            .iter()
            .map(|kid| {
                let path = table.child(kid);
                PublicKey::from_text(kid, &settings.text(&path)).map_err(|error| unusable(&path.to_string(), error))
            })
            .collect();
        ring.insert(name, Site { origins: settings.list(&site.child("origins")), keys: keys? });
    }
    Ok(ring)
}

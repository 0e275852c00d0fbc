//! What a worker is told. The gateway's configuration layer fills these in; nothing here reads a file or a variable.

mod business;

use std::{net::IpAddr, time::Duration};

pub use business::{Business, Confirm, Quoter, ToolKind, ToolSpec};
pub use neoron_protocol::private::Secret;

use std::collections::BTreeMap;

/// A worker's configuration.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The base of our own URLs as Ultravox reaches them, such as `https://voice.neoron.co.uk`.
    pub public_url: String,
    /// Shared with the edge; a request without it is refused.
    pub edge_key: Secret,
    /// The IP address that edges reach it at, if that is not the one it listens on.
    pub advertise: Option<IpAddr>,
    /// Sessions this worker holds at most, 1..=100_000.
    pub capacity: u32,
    /// Calls, and visitors who wait for one, of one network of clients (IPv4: /24, IPv6: /56) at a time, over all
    /// workers; 0 is no limit.
    pub calls_per_network: u32,
    /// Visitors of one site that wait for room at a time, over all workers; 0 lets nobody wait.
    pub waiting_room: u32,
    /// How long a finished session is kept for a visitor who comes back, and for staff.
    pub keep_finished: Duration,
    /// Jobs that run at once.
    pub job_concurrency: usize,
    /// How long a job's lease is; longer than the slowest call to ERPNext.
    pub job_lease: Duration,
    /// How often a call that nobody reported on is asked after.
    pub poll_calls_every: Duration,
    /// How old or how far ahead a webhook's time may be.
    pub webhook_window: Duration,
    /// The voice service.
    pub ultravox: UltravoxConfig,
    /// The business system.
    pub erpnext: ErpnextConfig,
    /// Sites by id.
    pub sites: BTreeMap<String, SiteConfig>,
    /// Who may read statistics, by name; nobody if it is empty.
    pub staff: BTreeMap<String, StaffConfig>,
    /// Business profiles by id.
    pub businesses: BTreeMap<String, Business>,
}

/// The voice service.
#[derive(Clone, Debug)]
pub struct UltravoxConfig {
    /// Such as `https://api.ultravox.ai`; without `/api`.
    pub url: String,
    /// `X-API-Key`.
    pub api_key: Secret,
    /// Sign and check webhooks; the first one is given to new calls together with the others.
    pub webhook_secrets: Vec<Secret>,
    /// Sign and check data connections, 16..=127 characters each.
    pub shared_secrets: Vec<Secret>,
    /// Calls created a second at most, over the whole account.
    pub creations_per_second: u32,
    /// Calls created a minute at most, over the whole account.
    pub creations_per_minute: u32,
    /// How long a new session may wait for its call.
    pub create_deadline: Duration,
    /// How long any other request may take.
    pub request_deadline: Duration,
}

/// The business system.
#[derive(Clone, Debug)]
pub struct ErpnextConfig {
    /// Such as `https://erp.neoron.co.uk`.
    pub url: String,
    /// The Frappe site, sent as `X-Frappe-Site-Name`.
    pub site: String,
    /// `key:secret` of the machine user.
    pub token: Secret,
    /// Checks status webhooks; several while they are rotated.
    pub webhook_secrets: Vec<Secret>,
    /// The site's time zone, IANA name.
    pub time_zone: String,
    /// Requests at once; Frappe's workers times threads.
    pub concurrency: usize,
    /// How long a request may take outside a tool call.
    pub request_deadline: Duration,
    /// Transient failures in a row that open the breaker.
    pub breaker_failures: u32,
    /// How long the breaker stays open before one request is let through.
    pub breaker_pause: Duration,
}

/// Somebody of the staff.
#[derive(Clone, Debug)]
pub struct StaffConfig {
    /// Lower-case hex SHA-256 of the token.
    pub token_sha256: String,
}

/// A site.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// Minutes of calls a day.
    pub minutes_per_day: u64,
    /// Calls at a time, over all workers, 1..=100_000.
    pub max_calls: u32,
}

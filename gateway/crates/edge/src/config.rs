//! What can be set. Plain values with defaults that suit a small machine; reading files and the environment, and
//! telling a person what is wrong with them, is the gateway's work.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

pub use neoron_protocol::private::Secret;
use neoron_store::Rate;

/// How often things may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitConfig {
    /// Requests of any kind by one address (IPv6: by one /64). Counted in this process.
    pub address: Rate,
    /// Attempts to start a session by one address. Counted in the store, before the signature is checked.
    pub sessions_by_address: Rate,
    /// Sessions started with a site's grants. Counted in the store, after the signature is checked, so that forged
    /// grants cannot use a site's share up.
    pub sessions_by_site: Rate,
    /// Percent of `sessions_by_site` below which a newcomer owes a proof of work, 0..=100; 0 is never.
    pub pow_below: u32,
    /// Addresses that are counted apart, 1..=1,000,000; beyond that the newcomers share one count.
    pub tracked_addresses: usize,
}

impl Default for LimitConfig {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            // A webhook sender is one address with a whole site's traffic: this stops floods, not use.
            address: Rate::per(12_000, minute),
            sessions_by_address: Rate::per(30, minute),
            sessions_by_site: Rate::per(600, minute),
            pow_below: 25,
            tracked_addresses: 65_536,
        }
    }
}

/// How workers are found and watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// How often the registry is read. A worker beats every second and is forgotten after five.
    pub refresh_every: Duration,
    /// How often each worker's `/internal/health` is asked.
    pub check_every: Duration,
    /// A check comes up to this much later, by chance, so that edges do not ask in step.
    pub check_jitter: Duration,
    /// How long a health check may take.
    pub check_timeout: Duration,
    /// How long a connection to a worker may take to be made.
    pub connect_timeout: Duration,
    /// How long an unused connection to a worker is kept. Keep it below the worker's own keep-alive.
    pub keep_idle: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            refresh_every: Duration::from_millis(500),
            check_every: Duration::from_secs(2),
            check_jitter: Duration::from_millis(400),
            check_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            keep_idle: Duration::from_secs(30),
        }
    }
}

/// The edge's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeConfig {
    /// Where clients connect. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where operators connect; keep it private. Port 0 takes a free one.
    pub admin_listen: SocketAddr,
    /// Threads that serve clients, 1..=256.
    pub threads: usize,
    /// From the first byte of a request's head to its last.
    pub head_deadline: Duration,
    /// How long a connection may stay without a request.
    pub idle_timeout: Duration,
    /// From the end of the head to the end of the body, and how long a worker may take to begin its answer.
    pub body_deadline: Duration,
    /// How long a worker may take over a tool call: it waits for ERPNext.
    pub tool_deadline: Duration,
    /// How long an event stream or a WebSocket may be without a byte in either direction. Workers ping every 20 s.
    pub stream_idle: Duration,
    /// How old a WebSocket may become; then it is closed with 1012 and the client comes back.
    pub stream_max_age: Duration,
    /// The largest frame a client may send over a WebSocket, in bytes.
    pub client_frame_bytes: u64,
    /// The largest frame a worker may send over a WebSocket, in bytes.
    pub worker_frame_bytes: u64,
    /// The largest head, in bytes, 1,024..=65,536.
    pub max_head_bytes: usize,
    /// The most headers in a head, 8..=128.
    pub max_headers: usize,
    /// What proves to a worker that a request passed the edge.
    pub worker_key: Secret,
    /// How workers are found and watched.
    pub workers: WorkerConfig,
    /// How often things may be asked for.
    pub limits: LimitConfig,
    /// The popup's files, served under `/widget/`; read once, at the start (at most 16 MiB).
    pub widget_dir: Option<PathBuf>,
    /// Connections at a time, in all.
    pub max_connections: usize,
    /// Connections at a time from one address that is no trusted proxy.
    pub max_connections_per_address: usize,
    /// Proxies whose last `X-Forwarded-For` entry is believed. Everybody else is who they connect as.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a drain may take before what is left is cut.
    pub drain_deadline: Duration,
    /// Over how long the WebSockets are told to leave, so that they do not come back all at once.
    pub drain_spread: Duration,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            threads: 1,
            head_deadline: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_deadline: Duration::from_secs(30),
            tool_deadline: Duration::from_secs(45),
            stream_idle: Duration::from_secs(90),
            stream_max_age: Duration::from_secs(4 * 3_600),
            client_frame_bytes: 64 * 1024,
            worker_frame_bytes: 1024 * 1024,
            max_head_bytes: 16 * 1024,
            max_headers: 64,
            worker_key: Secret::default(),
            workers: WorkerConfig::default(),
            limits: LimitConfig::default(),
            widget_dir: None,
            max_connections: 20_000,
            max_connections_per_address: 2_000,
            trusted_proxies: Vec::new(),
            drain_deadline: Duration::from_secs(60),
            drain_spread: Duration::from_secs(5),
        }
    }
}

impl EdgeConfig {
    /// What is wrong with the settings, if anything: one sentence for each.
    pub fn problems(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        let mut check = |fine: bool, sentence: &'static str| {
            if !fine {
                found.push(sentence);
            }
        };
        check((1..=256).contains(&self.threads), "threads must be 1 to 256");
        check((1_024..=65_536).contains(&self.max_head_bytes), "max_head_bytes must be 1,024 to 65,536");
        check((8..=crate::head::HEADERS_AT_MOST).contains(&self.max_headers), "max_headers must be 8 to 128");
        check(self.max_connections >= 1, "max_connections must be at least 1");
        check(self.max_connections_per_address >= 1, "max_connections_per_address must be at least 1");
        check(
            (1..=1_000_000).contains(&self.limits.tracked_addresses),
            "limits.tracked_addresses must be 1 to 1,000,000",
        );
        check(self.limits.pow_below <= 100, "limits.pow_below must be 0 to 100");
        let key = self.worker_key.expose();
        check(
            (16..=512).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()),
            "worker_key must be 16 to 512 printable ASCII characters",
        );
        found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_worker_key_never_shows_itself() {
        let config = EdgeConfig { worker_key: Secret::new("a-key-nobody-may-see"), ..EdgeConfig::default() };
        assert!(!format!("{config:?}").contains("nobody"));
        assert!(config.problems().is_empty());
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let config = EdgeConfig { threads: 0, max_headers: 1_000, ..EdgeConfig::default() };
        assert_eq!(config.problems().len(), 3);
    }
}

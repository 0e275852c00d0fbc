//! What is counted. Every label comes from a fixed set: route names, status classes, error codes, kinds of failure.
//! Never an address, an id or a path.

use std::time::Duration;

use neoron_protocol::ErrorCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

/// How a worker failed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection to it.
    Connect,
    /// No answer in time.
    Timeout,
    /// An answer that is none, or a broken connection.
    Broken,
}

impl Failure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
        }
    }
}

/// The counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabel, Histogram, fn() -> Histogram>,
    refusals: Family<CodeLabel, Counter>,
    grants: Family<ReasonLabel, Counter>,
    failures: Family<KindLabel, Counter>,
    workers: Family<KindLabel, Gauge>,
    pub(crate) websockets: Gauge,
    connections: Gauge,
}

fn request_seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 45.0])
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("voice_edge");
        let seconds: Family<RouteLabel, Histogram, fn() -> Histogram> = Family::new_with_constructor(request_seconds);
        let metrics = Self {
            requests: Family::default(),
            refusals: Family::default(),
            grants: Family::default(),
            failures: Family::default(),
            workers: Family::default(),
            websockets: Gauge::default(),
            connections: Gauge::default(),
            seconds,
            registry: Registry::default(),
        };
        registry.register("requests", "Requests answered, by route and status class", metrics.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "From the end of the head to the end of the answer",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        registry.register("refusals", "Requests the edge refused, by error code", metrics.refusals.clone());
        registry.register("grants_rejected", "Grants that started no session, by reason", metrics.grants.clone());
        registry.register("upstream_failures", "Requests a worker failed, by kind", metrics.failures.clone());
        registry.register("workers", "Workers in the registry, by state", metrics.workers.clone());
        registry.register("websocket_connections", "Open WebSockets", metrics.websockets.clone());
        registry.register("connections", "Open connections of clients", metrics.connections.clone());
        Self { registry, ..metrics }
    }

    /// A request that was answered.
    pub(crate) fn answered(&self, route: &'static str, status: u16, took: Duration) {
        let class = match status {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&RequestLabels { route, class }).inc();
        self.seconds.get_or_create(&RouteLabel { route }).observe(took.as_secs_f64());
    }

    /// A request the edge itself refused.
    pub(crate) fn refused(&self, code: ErrorCode) {
        self.refusals.get_or_create(&CodeLabel { code: code.as_str() }).inc();
    }

    /// A grant that started no session.
    pub(crate) fn grant_rejected(&self, reason: ErrorCode) {
        self.grants.get_or_create(&ReasonLabel { reason: reason.as_str() }).inc();
    }

    /// A request a worker failed.
    pub(crate) fn worker_failed(&self, kind: Failure) {
        self.failures.get_or_create(&KindLabel { kind: kind.as_str() }).inc();
    }

    /// How many workers there are.
    pub(crate) fn workers(&self, healthy: usize, unhealthy: usize) {
        let set = |kind, count| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.workers.get_or_create(&KindLabel { kind }).set(count);
        };
        set("healthy", healthy);
        set("unhealthy", unhealthy);
    }

    /// How many connections clients have.
    pub(crate) fn connections(&self, count: usize) {
        self.connections.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// The Prometheus text.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

//! What is counted. Every label comes from a fixed set: outcomes, states, the configured sites. Never an id, a text or an
//! address.

use std::{sync::atomic::AtomicU64, time::Duration};

use neoron_store::Depth;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{erpnext, jobs::Job, local::Local};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Webhook {
    sender: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// Sites are few and configured; a site that is no longer is `other`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Site {
    site: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Budget {
    site: String,
    state: &'static str,
}

/// Histogram bounds as OpenTelemetry has them for HTTP, in seconds.
pub(crate) fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0])
}

/// The counters of one worker.
pub(crate) struct Metrics {
    registry: Registry,
    starts: Family<Outcome, Counter>,
    start_seconds: Histogram,
    webhooks: Family<Webhook, Counter>,
    tools: Family<Outcome, Counter>,
    jobs: Family<JobLabels, Counter>,
    suspects: Counter,
    depth: Family<State, Gauge>,
    unfinished: Family<Kind, Gauge>,
    oldest: Gauge<f64, AtomicU64>,
    active: Family<Site, Gauge>,
    budget: Family<Budget, Gauge>,
    legs: Gauge,
    draining: Gauge,
    /// The talk with ERPNext.
    pub(crate) erpnext: erpnext::Meter,
    /// Open realtime connections: sockets, event streams, data connections.
    pub(crate) connections: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("voice");
        let metrics = Self {
            starts: Family::default(),
            start_seconds: seconds(),
            webhooks: Family::default(),
            tools: Family::default(),
            jobs: Family::default(),
            suspects: Counter::default(),
            depth: Family::default(),
            unfinished: Family::default(),
            oldest: Gauge::default(),
            active: Family::default(),
            budget: Family::default(),
            legs: Gauge::default(),
            draining: Gauge::default(),
            erpnext: erpnext::Meter::default(),
            connections: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("session_start", "Sessions asked for, by outcome", metrics.starts.clone());
        registry.register_with_unit(
            "session_start",
            "From the request to the created call",
            Unit::Seconds,
            metrics.start_seconds.clone(),
        );
        registry.register("sessions_active", "Sessions that hold a slot", metrics.active.clone());
        registry.register_with_unit(
            "budget",
            "Seconds of calls a site has a day (cap) and had left when this worker last asked (left)",
            Unit::Seconds,
            metrics.budget.clone(),
        );
        registry.register("webhook", "Webhooks received, by sender and outcome", metrics.webhooks.clone());
        registry.register("tool_call", "Tool calls answered, by outcome", metrics.tools.clone());
        registry.register("job_run", "Jobs run, by kind and outcome", metrics.jobs.clone());
        registry.register("jobs", "Jobs in the queue, by state", metrics.depth.clone());
        let help = "Jobs claimed whose worker may have died of them";
        registry.register("job_suspect", help, metrics.suspects.clone());
        registry.register("jobs_unfinished", "Jobs that are not given up, by kind", metrics.unfinished.clone());
        registry.register_with_unit(
            "jobs_oldest_ready",
            "How long the oldest job that could be claimed has been so",
            Unit::Seconds,
            metrics.oldest.clone(),
        );
        registry.register("text_legs", "Calls joined for visitors who type", metrics.legs.clone());
        registry.register("drain_state", "Whether the worker takes no new sessions", metrics.draining.clone());
        registry.register("ws_connections", "Open realtime connections", metrics.connections.clone());
        metrics.erpnext.register(&mut registry);
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// A session was asked for.
    pub(crate) fn session_started(&self, outcome: &'static str, took: Duration) {
        self.starts.get_or_create(&Outcome { outcome }).inc();
        if outcome == "created" {
            self.start_seconds.observe(took.as_secs_f64());
        }
    }

    /// Minutes were asked for a call of a configured site: this is left of its day.
    pub(crate) fn budget(&self, site: &str, left: u64, cap: u64) {
        for (state, seconds) in [("left", left), ("cap", cap)] {
            let gauge = self.budget.get_or_create(&Budget { site: site.to_owned(), state });
            gauge.set(i64::try_from(seconds).unwrap_or(i64::MAX));
        }
    }

    /// A webhook came.
    pub(crate) fn webhook(&self, sender: &'static str, outcome: &'static str) {
        self.webhooks.get_or_create(&Webhook { sender, outcome }).inc();
    }

    /// A tool call was answered with this status.
    pub(crate) fn tool_answered(&self, outcome: &'static str) {
        self.tools.get_or_create(&Outcome { outcome }).inc();
    }

    /// A job was run.
    pub(crate) fn job_run(&self, kind: &'static str, outcome: &'static str) {
        self.jobs.get_or_create(&JobLabels { kind, outcome }).inc();
    }

    /// A job was claimed whose worker may have died of it.
    pub(crate) fn suspect(&self) {
        self.suspects.inc();
    }

    /// How full the queue is.
    pub(crate) fn queue(&self, depth: &Depth) {
        let counts =
            [("ready", depth.ready), ("delayed", depth.delayed), ("running", depth.running), ("dead", depth.dead)];
        for (state, count) in counts {
            self.depth.get_or_create(&State { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut others: u64 = depth.kinds.values().sum();
        for kind in Job::NAMES {
            let count = depth.kinds.get(kind).copied().unwrap_or(0);
            others = others.saturating_sub(count);
            self.unfinished.get_or_create(&Kind { kind }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        // Of another version of us.
        self.unfinished.get_or_create(&Kind { kind: "other" }).set(i64::try_from(others).unwrap_or(i64::MAX));
        self.oldest.set(depth.oldest_ready.as_secs_f64());
    }

    /// All of it in the text format of OpenMetrics. `sites` are the configured ones.
    pub(crate) fn text<'a>(
        &self,
        local: &Local,
        legs: usize,
        draining: bool,
        sites: impl Iterator<Item = &'a String>,
    ) -> String {
        let mut held = local.by_site();
        for site in sites {
            let count = held.remove(site).unwrap_or(0);
            self.active.get_or_create(&Site { site: site.clone() }).set(count);
        }
        let others = held.values().sum();
        self.active.get_or_create(&Site { site: "other".to_owned() }).set(others);
        self.legs.set(i64::try_from(legs).unwrap_or(i64::MAX));
        self.draining.set(i64::from(draining));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Counts something as open for as long as it lives.
pub(crate) struct Open(Gauge);

impl Open {
    /// One more.
    pub(crate) fn in_gauge(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_metric_has_its_help_and_its_unit() {
        let metrics = Metrics::default();
        metrics.session_started("created", Duration::from_millis(20));
        metrics.webhook("ultravox", "accepted");
        metrics.tool_answered("quoted");
        metrics.job_run("poll_call", "done");
        let kinds = BTreeMap::from([("poll_call".to_owned(), 3), ("of_tomorrow".to_owned(), 2)]);
        metrics.queue(&Depth { kinds, oldest_ready: Duration::from_millis(1_500), ..Depth::default() });
        let sites = ["shop".to_owned()];
        let text = metrics.text(&Local::default(), 0, true, sites.iter());
        for expected in [
            "voice_session_start_total{outcome=\"created\"} 1",
            "voice_session_start_seconds_count 1",
            "voice_sessions_active{site=\"shop\"} 0",
            "voice_webhook_total{sender=\"ultravox\",outcome=\"accepted\"} 1",
            "voice_jobs_unfinished{kind=\"poll_call\"} 3",
            "voice_jobs_unfinished{kind=\"other\"} 2",
            "voice_jobs_oldest_ready_seconds 1.5",
            "voice_erpnext_breaker{state=\"closed\"} 1",
            "voice_erpnext_waiting{for=\"visitor\"} 0",
            "voice_drain_state 1",
            "# HELP voice_ws_connections ",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
    }
}

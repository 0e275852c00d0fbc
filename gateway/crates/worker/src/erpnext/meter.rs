//! What is counted of the talk with ERPNext. Every label comes from a fixed set.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{Error, breaker::Phase, gate::Priority};
use crate::metrics::{Open, seconds};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct For {
    r#for: &'static str,
}

/// The counters of the client.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    requests: Family<Outcome, Histogram>,
    unasked: Family<Why, Counter>,
    limit: Gauge,
    breaker: Family<State, Gauge>,
    waiting: Family<For, Gauge>,
}

impl Default for Meter {
    fn default() -> Self {
        let meter = Self {
            requests: Family::new_with_constructor(seconds),
            unasked: Family::default(),
            limit: Gauge::default(),
            breaker: Family::default(),
            waiting: Family::default(),
        };
        meter.phase(Phase::Closed);
        for who in Priority::ALL {
            meter.waiting.get_or_create(&For { r#for: who.as_str() }).set(0);
        }
        meter
    }
}

impl Meter {
    /// Has it shown with the others.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let (seconds, help) = (Unit::Seconds, "Requests to ERPNext that were sent, by outcome");
        registry.register_with_unit("erpnext", help, seconds, self.requests.clone());
        registry.register("erpnext_unasked", "Requests to ERPNext that were not sent, by reason", self.unasked.clone());
        registry.register("erpnext_limit", "Requests that ERPNext may get at once, at present", self.limit.clone());
        registry.register("erpnext_breaker", "1 for the state that the breaker is in", self.breaker.clone());
        registry.register("erpnext_waiting", "Requests that wait for a place, by what for", self.waiting.clone());
    }

    /// A request came to its end.
    pub(super) fn sent(&self, took: Duration, error: Option<&Error>) {
        let outcome = error.map_or("ok", |error| error.class().as_str());
        self.requests.get_or_create(&Outcome { outcome }).observe(took.as_secs_f64());
    }

    /// A request was not sent.
    pub(super) fn unasked(&self, why: &'static str) {
        self.unasked.get_or_create(&Why { why }).inc();
    }

    /// The limit in force.
    pub(super) fn limit(&self, limit: usize) {
        self.limit.set(i64::try_from(limit).unwrap_or(i64::MAX));
    }

    /// What the breaker does.
    pub(super) fn phase(&self, phase: Phase) {
        let states = [("closed", Phase::Closed), ("open", Phase::Open), ("half_open", Phase::HalfOpen)];
        for (state, of) in states {
            self.breaker.get_or_create(&State { state }).set(i64::from(of == phase));
        }
    }

    /// Somebody waits for a place, for as long as this lives.
    pub(super) fn waits(&self, who: Priority) -> Open {
        Open::in_gauge(&self.waiting.get_or_create(&For { r#for: who.as_str() }))
    }
}

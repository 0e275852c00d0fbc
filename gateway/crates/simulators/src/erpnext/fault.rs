//! Faults on demand, as a pure decision per request.
//!
//! Faults concern the site's own routes; the control API always answers.

use std::time::Duration;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    failure::{DEADLOCK, Failure, SITE_LIMIT},
    limit::refuse_site,
};

/// The longest added latency: two minutes, a real worker's timeout.
const MAX_LATENCY_MS: u64 = 120_000;

/// What goes wrong. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every request is answered 503 with an HTML page, as by a proxy whose site is gone.
    pub down: bool,
    /// Every connection is cut without an answer.
    pub refuse: bool,
    /// Requests are read but never answered; after two minutes the connection is cut.
    pub hang: bool,
    /// Milliseconds that a worker spends on each request on top; at most 120,000.
    pub latency_ms: u64,
    /// The share of requests, 0 to 1, that fail with 500 `QueryDeadlockError` and change nothing.
    pub error_rate: f64,
    /// The next requests fail with this exception and change nothing.
    pub fail_next: Option<FailNext>,
    /// The answers of so many next requests are lost after their effect took place.
    pub lose_answers: u32,
    /// So many next status webhooks are never sent.
    pub lose_webhooks: u32,
    /// Every status webhook is delivered twice.
    pub duplicate_webhooks: bool,
}

/// An exception for the next requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailNext {
    /// How many requests.
    pub count: u32,
    /// The HTTP status; one outside 400 to 599 is answered as 500.
    pub status: u16,
    /// The exception's class name.
    pub exc_type: String,
}

/// What happens to one request.
#[derive(Debug)]
pub(super) enum Verdict {
    Serve { delay: Duration, lose_answer: bool },
    Fail { delay: Duration, failure: Failure },
    Page503,
    Cut,
    Hang,
}

impl Faults {
    /// Decides about the next request. `dice` is uniform in 0..1.
    pub(super) fn judge(&mut self, dice: f64) -> Verdict {
        if self.refuse {
            return Verdict::Cut;
        }
        if self.hang {
            return Verdict::Hang;
        }
        if self.down {
            return Verdict::Page503;
        }
        let delay = Duration::from_millis(self.latency_ms.min(MAX_LATENCY_MS));
        if let Some(next) = self.fail_next.as_mut().filter(|next| next.count > 0) {
            next.count -= 1;
            return Verdict::Fail { delay, failure: next.failure() };
        }
        if dice < self.error_rate {
            let failure = Failure::raised(DEADLOCK, "(1213, 'Deadlock found when trying to get lock')");
            return Verdict::Fail { delay, failure };
        }
        let lose_answer = self.lose_answers > 0;
        self.lose_answers = self.lose_answers.saturating_sub(1);
        Verdict::Serve { delay, lose_answer }
    }

    /// How many times the next status webhook is delivered.
    pub(super) fn copies(&mut self) -> usize {
        if self.lose_webhooks > 0 {
            self.lose_webhooks -= 1;
            return 0;
        }
        if self.duplicate_webhooks { 2 } else { 1 }
    }
}

impl FailNext {
    fn failure(&self) -> Failure {
        if self.exc_type == SITE_LIMIT.name {
            return refuse_site(Duration::from_secs(1), 1);
        }
        let status = StatusCode::from_u16(self.status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Failure::injected(status, self.exc_type.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fail_next_counts_down_and_then_requests_are_served() {
        let next = FailNext { count: 1, status: 503, exc_type: "SessionStopped".into() };
        let mut faults = Faults { fail_next: Some(next), ..Faults::default() };
        assert!(matches!(faults.judge(0.5), Verdict::Fail { failure, .. } if failure.exc_type() == "SessionStopped"));
        assert!(matches!(faults.judge(0.5), Verdict::Serve { lose_answer: false, .. }));
    }

    #[test]
    fn an_error_rate_of_one_fails_all_and_of_zero_none() {
        let mut always = Faults { error_rate: 1.0, ..Faults::default() };
        assert!(matches!(always.judge(0.999), Verdict::Fail { .. }));
        assert!(matches!(Faults::default().judge(0.0), Verdict::Serve { .. }));
    }
}

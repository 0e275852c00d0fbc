//! The plan's limits as pure sliding windows over instants that the caller passes in.
//!
//! Decides only; never sleeps and never reads a clock.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What an account may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Answered as `subscriptionTier`.
    pub tier: String,
    /// Calls that may be created within one second.
    pub creations_per_second: usize,
    /// Calls that may be created within one minute.
    pub creations_per_minute: usize,
    /// Calls that may exist without having ended; `None` for no hard cap.
    pub concurrency: Option<usize>,
    /// API requests of any kind within one second, for one key.
    pub requests_per_second: usize,
}

impl Plan {
    /// The free and the pay-as-you-go plan: 5/s, 30/min, 5 calls at a time.
    #[must_use]
    pub fn pay_as_you_go() -> Self {
        Self::new("PAY_AS_YOU_GO", 5, 30, Some(5))
    }

    /// Pro: 10/s, 120/min.
    #[must_use]
    pub fn pro() -> Self {
        Self::new("PRO", 10, 120, None)
    }

    /// Scale: 30/s, 360/min.
    #[must_use]
    pub fn scale() -> Self {
        Self::new("SCALE", 30, 360, None)
    }

    /// No limit that a test or a benchmark could reach.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { requests_per_second: usize::MAX, ..Self::new("SCALE", usize::MAX, usize::MAX, None) }
    }

    fn new(tier: &str, per_second: usize, per_minute: usize, concurrency: Option<usize>) -> Self {
        Self {
            tier: tier.to_owned(),
            creations_per_second: per_second,
            creations_per_minute: per_minute,
            concurrency,
            requests_per_second: 200,
        }
    }
}

/// Counts events of the last `span`; holds at most `limit` instants.
#[derive(Debug)]
pub(super) struct Window {
    span: Duration,
    limit: usize,
    events: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(span: Duration, limit: usize) -> Self {
        Self { span, limit, events: VecDeque::new() }
    }

    /// How long until one more fits; `None` when it fits now.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        while self.events.front().is_some_and(|first| now.duration_since(*first) >= self.span) {
            self.events.pop_front();
        }
        if self.events.len() < self.limit {
            return None;
        }
        let first = self.events.front().copied().unwrap_or(now);
        Some(self.span.saturating_sub(now.duration_since(first)))
    }

    /// Counts one event. An unlimited window keeps nothing.
    pub(super) fn count(&mut self, now: Instant) {
        if self.limit != usize::MAX {
            self.events.push_back(now);
        }
    }
}

/// The account's windows.
#[derive(Debug)]
pub(super) struct Limits {
    second: Window,
    minute: Window,
    requests: Window,
    concurrency: Option<usize>,
}

/// A refused creation waits this long when the concurrency cap is the reason: nobody can know when a call will end.
const CONCURRENCY_RETRY: Duration = Duration::from_secs(5);

impl Limits {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            second: Window::new(Duration::from_secs(1), plan.creations_per_second),
            minute: Window::new(Duration::from_secs(60), plan.creations_per_minute),
            requests: Window::new(Duration::from_secs(1), plan.requests_per_second),
            concurrency: plan.concurrency,
        }
    }

    /// Counts a request, or says how long to wait.
    pub(super) fn request(&mut self, now: Instant) -> Result<(), Duration> {
        match self.requests.wait(now) {
            Some(wait) => Err(wait),
            None => {
                self.requests.count(now);
                Ok(())
            }
        }
    }

    /// Counts a creation, or says how long to wait. A refused creation is not counted.
    pub(super) fn create(&mut self, now: Instant, live: usize) -> Result<(), Duration> {
        let rate = self.second.wait(now).max(self.minute.wait(now));
        if let Some(wait) = rate {
            return Err(wait);
        }
        if self.concurrency.is_some_and(|cap| live >= cap) {
            return Err(CONCURRENCY_RETRY);
        }
        self.second.count(now);
        self.minute.count(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_call_of_a_second_waits() {
        let now = Instant::now();
        let mut limits = Limits::new(&Plan { concurrency: None, ..Plan::pay_as_you_go() });
        for _ in 0..5 {
            assert_eq!(limits.create(now, 0), Ok(()));
        }
        assert_eq!(limits.create(now, 0), Err(Duration::from_secs(1)));
        assert_eq!(limits.create(now + Duration::from_secs(1), 0), Ok(()));
    }

    #[test]
    fn the_minute_binds_when_it_is_the_smaller_one() {
        let start = Instant::now();
        let mut limits = Limits::new(&Plan { concurrency: None, ..Plan::pay_as_you_go() });
        for second in 0..6 {
            for _ in 0..5 {
                assert_eq!(limits.create(start + Duration::from_secs(second * 2), 0), Ok(()));
            }
        }
        assert_eq!(limits.create(start + Duration::from_secs(20), 0), Err(Duration::from_secs(40)));
    }

    #[test]
    fn a_call_above_the_concurrency_cap_is_refused_and_not_counted() {
        let now = Instant::now();
        let mut limits = Limits::new(&Plan::pay_as_you_go());
        assert_eq!(limits.create(now, 5), Err(CONCURRENCY_RETRY));
        for _ in 0..5 {
            assert_eq!(limits.create(now, 4), Ok(()));
        }
    }
}

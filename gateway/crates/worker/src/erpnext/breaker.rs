//! A circuit breaker as a pure state machine: while ERPNext is down nobody waits for it.
//!
//! Consecutive failures open it; after a pause one request is let through, and its outcome decides. It never reads a
//! clock and never sends anything. Only failures of the passing kind are to be reported as failures.

use std::time::Duration;

use tokio::time::Instant;

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// As usual.
    Go,
    /// As the one that finds out; its outcome must be reported.
    Probe,
    /// Not before this time is over.
    Wait(Duration),
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// ERPNext answered, be it with a refusal.
    Answered,
    /// It is in trouble.
    Failed,
    /// The request was given up by us: it tells nothing.
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// The breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    limit: u32,
    pause: Duration,
    state: State,
}

impl Breaker {
    /// A closed breaker that `limit` failures in a row open for `pause`.
    pub(super) fn new(limit: u32, pause: Duration) -> Self {
        Self { limit: limit.max(1), pause, state: State::Closed { failures: 0 } }
    }

    /// Whether a request may be sent now.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed { .. } => Admission::Go,
            State::Open { until } if now < until => Admission::Wait(until - now),
            State::Open { .. } => {
                self.state = State::Probing;
                Admission::Probe
            }
            // The probe's own deadline ends this; a second is a guess that keeps jobs from spinning.
            State::Probing => Admission::Wait(Duration::from_secs(1)),
        }
    }

    /// Tells how an admitted request went.
    pub(super) fn report(&mut self, now: Instant, admission: Admission, report: Report) {
        let opened = State::Open { until: now + self.pause };
        self.state = match (self.state, admission, report) {
            (State::Probing, Admission::Probe, Report::Answered) => State::Closed { failures: 0 },
            (State::Probing, Admission::Probe, Report::Failed) => opened,
            // Nobody found out: the next one may.
            (State::Probing, Admission::Probe, Report::Abandoned) => State::Open { until: now },
            (State::Closed { .. }, _, Report::Answered) => State::Closed { failures: 0 },
            (State::Closed { failures }, _, Report::Failed) if failures + 1 >= self.limit => opened,
            (State::Closed { failures }, _, Report::Failed) => State::Closed { failures: failures + 1 },
            // Late news of requests that were sent before it opened.
            (state, _, _) => state,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    fn failed(breaker: &mut Breaker) {
        let admission = breaker.admit(Instant::now());
        breaker.report(Instant::now(), admission, Report::Failed);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_a_good_probe_closes_it() {
        let mut breaker = Breaker::new(3, PAUSE);
        (0..3).for_each(|_| failed(&mut breaker));
        assert_eq!(breaker.admit(Instant::now()), Admission::Wait(PAUSE));
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.admit(Instant::now()), Admission::Probe);
        assert!(matches!(breaker.admit(Instant::now()), Admission::Wait(_)), "one probe at a time");
        breaker.report(Instant::now(), Admission::Probe, Report::Answered);
        assert_eq!(breaker.admit(Instant::now()), Admission::Go);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_between_failures_counts_anew() {
        let mut breaker = Breaker::new(2, PAUSE);
        failed(&mut breaker);
        breaker.report(Instant::now(), Admission::Go, Report::Answered);
        failed(&mut breaker);
        assert_eq!(breaker.admit(Instant::now()), Admission::Go);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bad_probe_opens_it_again_and_an_abandoned_one_leaves_the_next_to_find_out() {
        let mut breaker = Breaker::new(1, PAUSE);
        failed(&mut breaker);
        tokio::time::advance(PAUSE).await;
        failed(&mut breaker);
        assert_eq!(breaker.admit(Instant::now()), Admission::Wait(PAUSE));
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.admit(Instant::now()), Admission::Probe);
        breaker.report(Instant::now(), Admission::Probe, Report::Abandoned);
        assert_eq!(breaker.admit(Instant::now()), Admission::Probe);
    }

    #[tokio::test(start_paused = true)]
    async fn late_news_does_not_move_an_open_breaker() {
        let mut breaker = Breaker::new(1, PAUSE);
        failed(&mut breaker);
        breaker.report(Instant::now(), Admission::Go, Report::Answered);
        assert_eq!(breaker.admit(Instant::now()), Admission::Wait(PAUSE));
    }

    proptest! {
        #[test]
        fn there_is_never_more_than_one_probe(steps in prop::collection::vec((0u8..5, 0u64..15), 0..200)) {
            let mut breaker = Breaker::new(2, PAUSE);
            let (mut now, mut probes) = (Instant::now(), 0i32);
            for (step, seconds) in steps {
                now += Duration::from_secs(seconds);
                let report = match step {
                    0 | 1 => { probes += i32::from(breaker.admit(now) == Admission::Probe); None }
                    2 => Some(Report::Answered),
                    3 => Some(Report::Failed),
                    _ => Some(Report::Abandoned),
                };
                if let Some(report) = report {
                    let admission = if probes > 0 { Admission::Probe } else { Admission::Go };
                    breaker.report(now, admission, report);
                    probes = 0;
                }
                prop_assert!(probes <= 1);
            }
        }
    }
}

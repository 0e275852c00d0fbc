//! A circuit breaker as a pure state machine: while ERPNext is down nobody waits for it.
//!
//! Failures in a row open it; after a pause one request is let through, and its outcome decides. Each time it opens
//! again without having been closed the pause doubles, up to a cap, and is shortened by chance: workers that lost
//! ERPNext together do not come back together. It never reads a clock, never throws dice and never sends anything. Only
//! failures of the passing kind are to be reported as failures.

use std::time::Duration;

use tokio::time::Instant;

/// The longest pause is so many times the first one.
const LONGEST: u32 = 8;
/// While the probe is under way nobody knows when it will be back: whoever comes meanwhile looks again after this.
const PROBE_LOOK: Duration = Duration::from_secs(1);

/// The right to send a request; whoever has it reports how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// Which closed time, or which opening, it belongs to: older news is no news.
    era: u32,
}

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may.
    Go(Pass),
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

/// What the breaker does, for a metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Requests are sent.
    Closed,
    /// None is sent.
    Open,
    /// One is sent to find out.
    HalfOpen,
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
    /// Changes whenever the state does; tells late news from news.
    era: u32,
    /// How often it opened since it was last closed.
    opened: u32,
}

impl Breaker {
    /// A closed breaker that `limit` failures in a row open, for `pause` at first.
    pub(super) fn new(limit: u32, pause: Duration) -> Self {
        Self { limit: limit.max(1), pause, state: State::Closed { failures: 0 }, era: 0, opened: 0 }
    }

    /// Whether a request may be sent now.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.wait(now) {
            Some(wait) => Admission::Wait(wait),
            None => {
                if !matches!(self.state, State::Closed { .. }) {
                    self.go_to(State::Probing);
                }
                Admission::Go(Pass { era: self.era })
            }
        }
    }

    /// How long a request would have to wait now; `None` if it may be sent.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed { .. } => None,
            State::Open { until } => until.checked_duration_since(now).filter(|left| !left.is_zero()),
            State::Probing => Some(PROBE_LOOK),
        }
    }

    /// Tells how an admitted request went. `chance` is uniform over all its values.
    pub(super) fn report(&mut self, now: Instant, pass: Pass, report: Report, chance: u32) {
        // Sent before the breaker last opened or closed: what it met is over.
        if pass.era != self.era {
            return;
        }
        match (self.state, report) {
            (State::Closed { failures }, Report::Failed) if failures + 1 >= self.limit => self.open(now, chance),
            (State::Closed { failures }, Report::Failed) => self.state = State::Closed { failures: failures + 1 },
            (State::Closed { .. }, Report::Answered) => self.state = State::Closed { failures: 0 },
            (State::Probing, Report::Failed) => self.open(now, chance),
            (State::Probing, Report::Answered) => {
                self.opened = 0;
                self.go_to(State::Closed { failures: 0 });
            }
            // Nobody found out: the next one may.
            (State::Probing, Report::Abandoned) => self.go_to(State::Open { until: now }),
            (State::Closed { .. } | State::Open { .. }, _) => {}
        }
    }

    /// What it does now.
    pub(super) fn phase(&self) -> Phase {
        match self.state {
            State::Closed { .. } => Phase::Closed,
            State::Open { .. } => Phase::Open,
            State::Probing => Phase::HalfOpen,
        }
    }

    fn open(&mut self, now: Instant, chance: u32) {
        let factor = 1_u32.checked_shl(self.opened).unwrap_or(LONGEST).min(LONGEST);
        self.opened = self.opened.saturating_add(1);
        self.go_to(State::Open { until: now + jittered(self.pause.saturating_mul(factor), chance) });
    }

    fn go_to(&mut self, state: State) {
        self.state = state;
        self.era = self.era.wrapping_add(1);
    }
}

/// Between three quarters of a pause and all of it.
fn jittered(pause: Duration, chance: u32) -> Duration {
    let share = u128::from(chance) * (pause.as_nanos() / 4) / u128::from(u32::MAX);
    pause - Duration::from_nanos(u64::try_from(share).unwrap_or(0))
}

#[cfg(test)]
mod tests;

//! Rate limits by the generic cell rate algorithm: exact for each key, one number of state.

use std::time::Duration;

use async_trait::async_trait;

use crate::StoreError;

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many may come at once, at least 1.
    pub burst: u32,
    /// How long it takes to earn one back, at least a millisecond.
    pub every: Duration,
}

impl Rate {
    /// `count` in each `window`, all of them at once if nothing came before.
    pub fn per(count: u32, window: Duration) -> Self {
        let count = count.max(1);
        Self { burst: count, every: (window / count).max(Duration::from_millis(1)) }
    }
}

/// What a limit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether this one may pass.
    pub allowed: bool,
    /// How many more may come at once after this one.
    pub remaining: u32,
    /// Until the whole burst is earned back.
    pub reset_after: Duration,
    /// Until the next one may pass; zero if one may pass now.
    pub retry_after: Duration,
}

impl Decision {
    /// The pure rule. `tat` is the key's theoretical arrival time in milliseconds (0 for a new key), `now` the present;
    /// returns the decision and the key's new time, which is unchanged if the decision is a no.
    pub fn take(tat: u64, now: u64, rate: Rate) -> (Self, u64) {
        let every = u64::try_from(rate.every.as_millis()).unwrap_or(u64::MAX).max(1);
        let tolerance = every.saturating_mul(u64::from(rate.burst.max(1)));
        let base = tat.max(now);
        let next = base.saturating_add(every);
        let ahead = next - now;
        let (allowed, kept) = if ahead <= tolerance { (true, next) } else { (false, tat) };
        let used = kept.saturating_sub(now);
        let free = tolerance.saturating_sub(used);
        let decision = Self {
            allowed,
            remaining: u32::try_from(free / every).unwrap_or(u32::MAX),
            reset_after: Duration::from_millis(used),
            retry_after: Duration::from_millis(every.saturating_sub(free)),
        };
        (decision, kept)
    }
}

/// The limits.
#[async_trait]
pub trait Limits: Send + Sync {
    /// Asks for one passage under `key` (at most 256 bytes).
    async fn take(&self, key: &str, rate: Rate) -> Result<Decision, StoreError>;
}

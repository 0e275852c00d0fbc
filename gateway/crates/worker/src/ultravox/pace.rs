//! The account's creation rate, shared by all workers through the store.
//!
//! It only says when; it never waits and never creates.

use std::time::Duration;

use neoron_store::{Limits, Rate, StoreError};

/// Global keys: the limits belong to the account, not to a worker.
const SECOND: &str = "ultravox:create:second";
const MINUTE: &str = "ultravox:create:minute";

/// The two limits; whichever comes first binds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    second: Rate,
    minute: Rate,
}

impl Pace {
    /// At most `per_second` calls in any second and `per_minute` in any minute.
    pub(super) fn new(per_second: u32, per_minute: u32) -> Self {
        Self { second: within(per_second, Duration::from_secs(1)), minute: within(per_minute, Duration::from_secs(60)) }
    }

    /// Takes a place, or tells how long to wait before asking again.
    pub(super) async fn take(&self, limits: &dyn Limits) -> Result<Option<Duration>, StoreError> {
        // The second first: its places are cheap, a place of the minute must not be taken in vain.
        for (key, rate) in [(SECOND, self.second), (MINUTE, self.minute)] {
            let decision = limits.take(key, rate).await?;
            if !decision.allowed {
                return Ok(Some(decision.retry_after.max(Duration::from_millis(1))));
            }
        }
        Ok(None)
    }
}

/// A rate that never lets more than `count` through in any window. A burst of all of them would let twice as many
/// through, because it is earned back while it is used; a tenth at once leaves nine tenths for the rest of the window.
fn within(count: u32, window: Duration) -> Rate {
    let count = count.max(1);
    let burst = (count / 10).max(1);
    // Limits count in milliseconds: rounded up, or one too many would pass.
    let every = window.as_millis().div_ceil(u128::from((count - burst).max(1)));
    Rate { burst, every: Duration::from_millis(u64::try_from(every).unwrap_or(u64::MAX)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use neoron_store::Decision;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_plans_of_the_service_are_nine_tenths_used() {
        assert_eq!(within(360, Duration::from_secs(60)).burst, 36);
        assert_eq!(within(5, Duration::from_secs(1)), Rate { burst: 1, every: Duration::from_millis(250) });
        assert_eq!(within(0, Duration::from_secs(1)), Rate { burst: 1, every: Duration::from_secs(1) });
    }

    proptest! {
        #[test]
        fn no_window_ever_sees_more_than_the_limit(count in 1u32..200, steps in prop::collection::vec(0u64..400, 1..300)) {
            let window = Duration::from_secs(60);
            let rate = within(count, window);
            let (mut tat, mut now, mut passed) = (0, 1_000_000, Vec::new());
            for step in steps {
                now += step;
                let (decision, next) = Decision::take(tat, now, rate);
                tat = next;
                if decision.allowed {
                    passed.push(now);
                }
                let recent = passed.iter().filter(|at| now - **at < 60_000).count();
                prop_assert!(recent <= usize::try_from(count).unwrap());
            }
        }
    }
}

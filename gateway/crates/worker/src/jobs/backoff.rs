//! How long to wait before the next attempt: exponential with full jitter. Pure: the chance comes in.

use std::time::Duration;

/// The longest wait after the first failure; it doubles.
const BASE: Duration = Duration::from_millis(500);
/// The longest wait at all. An ERPNext that is back after an hour is noticed within a minute.
const CAP: Duration = Duration::from_secs(60);

/// The wait after `attempt` (from 1) has failed. `chance` is uniform over all its values, and so is the wait between
/// nothing and the attempt's longest: jobs that failed together do not come back together.
pub(super) fn wait(attempt: u32, chance: u32) -> Duration {
    let doubled = BASE.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    let longest = doubled.min(CAP).as_millis();
    let millis = longest * u128::from(chance) / u128::from(u32::MAX);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_wait_doubles_to_a_minute() {
        let longest = |attempt| wait(attempt, u32::MAX);
        assert_eq!(longest(1), Duration::from_millis(500));
        assert_eq!(longest(2), Duration::from_secs(1));
        assert_eq!(longest(7), Duration::from_secs(32));
        assert_eq!(longest(8), CAP);
        assert_eq!(longest(u32::MAX), CAP);
        assert_eq!(longest(0), Duration::from_millis(500));
    }

    proptest! {
        #[test]
        fn a_wait_is_within_its_bounds(attempt: u32, chance: u32) {
            prop_assert!(wait(attempt, chance) <= wait(attempt, u32::MAX));
            prop_assert_eq!(wait(attempt, 0), Duration::ZERO);
        }
    }
}

//! The pure rule of rate limits against a bucket that anybody can check by hand.

use std::time::Duration;

use neoron_store::{Decision, Rate};
use proptest::prelude::*;

/// A bucket of `burst` tokens of `every` milliseconds each, filled with time and emptied by passages.
struct Bucket {
    every: u64,
    size: u64,
    level: u64,
    at: u64,
}

impl Bucket {
    fn take(&mut self, now: u64) -> Decision {
        self.level = self.size.min(self.level + (now - self.at));
        self.at = now;
        let allowed = self.level >= self.every;
        if allowed {
            self.level -= self.every;
        }
        Decision {
            allowed,
            remaining: u32::try_from(self.level / self.every).unwrap(),
            reset_after: Duration::from_millis(self.size - self.level),
            retry_after: Duration::from_millis(self.every.saturating_sub(self.level)),
        }
    }
}

proptest! {
    #[test]
    fn the_rule_decides_as_a_token_bucket_does(
        burst in 1_u32..20,
        every in 1_u64..5_000,
        steps in prop::collection::vec(prop_oneof![3 => Just(0), 3 => 0_u64..3_000, 1 => 0_u64..200_000], 1..200),
    ) {
        let rate = Rate { burst, every: Duration::from_millis(every) };
        let size = every * u64::from(burst);
        let (mut tat, mut now) = (0, 1_800_000_000_000);
        let mut bucket = Bucket { every, size, level: size, at: now };
        for step in steps {
            now += step;
            let (decision, next) = Decision::take(tat, now, rate);
            prop_assert_eq!(decision, bucket.take(now));
            prop_assert!(decision.allowed || next == tat, "a refusal leaves no trace");
            tat = next;
        }
    }

    #[test]
    fn a_rate_for_a_window_lets_exactly_its_count_through_at_once(count in 1_u32..200, seconds in 1_u64..600) {
        let rate = Rate::per(count, Duration::from_secs(seconds));
        let (mut tat, now) = (0, 1_800_000_000_000);
        for _ in 0..count {
            let (decision, next) = Decision::take(tat, now, rate);
            prop_assert!(decision.allowed);
            tat = next;
        }
        prop_assert!(!Decision::take(tat, now, rate).0.allowed);
    }

    #[test]
    fn no_instant_and_no_rate_overflows(
        tat in any::<u64>(), now in any::<u64>(), burst in any::<u32>(), every in any::<u64>(),
    ) {
        let rate = Rate { burst, every: Duration::from_millis(every) };
        let (decision, next) = Decision::take(tat, now, rate);
        prop_assert!(decision.allowed || next == tat);
    }
}

//! Chance that can be played again: the seed decides every fault and every visitor's wish. What the machine makes of
//! them in time it does not decide.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::SmallRng};

/// A source of numbers.
pub(crate) struct Chance(SmallRng);

impl Chance {
    /// The same seed, the same numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// Another source, for somebody whose number of draws is not known beforehand.
    pub(crate) fn branch(&mut self) -> Self {
        Self::new(self.0.next_u64())
    }

    /// A number from 0 to below `bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The bias of a remainder is of no matter for bounds so small.
        self.0.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// A time below this many milliseconds.
    pub(crate) fn millis(&mut self, bound: u64) -> Duration {
        Duration::from_millis(self.below(bound))
    }

    /// One of them.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(usize::try_from(self.below(all.len() as u64)).unwrap_or(0))
    }

    /// All of them in another order.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or(0);
            all.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            let mut order = [1, 2, 3, 4, 5];
            chance.shuffle(&mut order);
            (order, chance.below(1_000), chance.branch().below(1_000))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}

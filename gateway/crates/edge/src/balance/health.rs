//! When a worker counts as well: after one good check; as sick after two bad ones, so that one lost packet moves nobody.

/// Bad checks that make a worker sick.
const BAD_CHECKS: u8 = 2;

/// A worker's health, as its checks told it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Health {
    well: bool,
    bad: u8,
}

impl Health {
    /// After one more check.
    pub(super) fn after(self, good: bool) -> Self {
        if good {
            return Self { well: true, bad: 0 };
        }
        let bad = self.bad.saturating_add(1);
        Self { well: self.well && bad < BAD_CHECKS, bad }
    }

    /// After a request could not reach it: sick at once.
    pub(super) fn doubted(self) -> Self {
        Self { well: false, bad: BAD_CHECKS }
    }

    /// Whether it gets requests.
    pub(super) fn is_well(self) -> bool {
        self.well
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_check_heals_and_two_bad_ones_make_sick() {
        let newcomer = Health::default();
        assert!(!newcomer.is_well());
        let well = newcomer.after(true);
        assert!(well.is_well());
        assert!(well.after(false).is_well());
        assert!(!well.after(false).after(false).is_well());
        assert!(well.after(false).after(true).after(false).is_well());
        assert!(!well.doubted().is_well());
        assert!(well.doubted().after(true).is_well());
    }
}

//! How much of its sessions a site has used up, as this gateway saw it last: what decides whether a newcomer owes a
//! proof of work. It takes nothing from the site's limit, so that who is only asked for a proof uses nothing up, and
//! asks no store: each session that starts brings the news. With several gateways each learns of the others' sessions
//! by its own next one.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use neoron_protocol::UnixMillis;
use neoron_store::{Decision, Rate};

/// What is known of the sites. As many as the key ring has had since the start: only its sites come this far.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    /// When each site's whole burst is earned back.
    full_at: Mutex<HashMap<String, UnixMillis>>,
}

impl Demand {
    /// A site's limit was asked.
    pub(crate) fn note(&self, site: &str, decision: &Decision, now: UnixMillis) {
        self.sites().insert(site.to_owned(), now.plus(decision.reset_after));
    }

    /// Whether less than `percent` of a site's burst is left, but something: where nothing is, no proof helps, and the
    /// limit itself says when to come back.
    pub(crate) fn is_low(&self, site: &str, rate: Rate, percent: u32, now: UnixMillis) -> bool {
        let full_at = self.sites().get(site).copied().unwrap_or(now);
        let left = left(rate, full_at, now);
        left > 0 && left * 100 < u128::from(rate.burst) * u128::from(percent)
    }

    fn sites(&self) -> MutexGuard<'_, HashMap<String, UnixMillis>> {
        // A map of plain values: a panic elsewhere cannot leave it half changed.
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many may come at once.
fn left(rate: Rate, full_at: UnixMillis, now: UnixMillis) -> u128 {
    let every = rate.every.as_millis().max(1);
    let used = full_at.since(now).as_millis().div_ceil(every);
    u128::from(rate.burst).saturating_sub(used)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn a_site_is_low_while_its_burst_is_used_up_and_recovers_by_time() {
        let rate = Rate::per(8, Duration::from_secs(8));
        let demand = Demand::default();
        assert!(!demand.is_low("pizza", rate, 25, NOW), "nobody came yet");
        let (mut tat, mut decision) = (0, None);
        for used in 1..=7_u32 {
            let (taken, next) = Decision::take(tat, NOW.0, rate);
            tat = next;
            demand.note("pizza", &taken, NOW);
            assert_eq!(demand.is_low("pizza", rate, 25, NOW), 8 - used < 2, "{used}");
            decision = Some(taken);
        }
        assert_eq!(decision.map(|it| it.remaining), Some(1));
        assert!(!demand.is_low("pizza", rate, 0, NOW), "0 is never");
        assert!(!demand.is_low("hair", rate, 25, NOW));
        demand.note("hair", &Decision::take(8_000 + NOW.0, NOW.0, rate).0, NOW);
        assert!(!demand.is_low("hair", rate, 25, NOW), "nothing is left");
        assert!(!demand.is_low("pizza", rate, 25, NOW.plus(Duration::from_secs(1))));
    }
}

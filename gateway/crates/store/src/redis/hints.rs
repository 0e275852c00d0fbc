//! When each partition's next job is due, as far as this process knows: it saves asking all partitions at every claim.
//! Only hints: what is claimed is decided in Redis. A hint is never later than the truth for longer than a second,
//! because all partitions are looked at again by then.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use neoron_protocol::UnixMillis;

use super::layout::Partition;

/// How long at most a job goes unnoticed whose message was lost.
pub(super) const LONGEST_BLINDNESS: Duration = Duration::from_secs(1);
/// A partition whose server fails is left alone for so long.
const REST: Duration = Duration::from_millis(250);
/// Nothing is due.
const NEVER: u64 = u64::MAX;

#[derive(Clone, Debug)]
struct Hint {
    due: u64,
    /// Counts what lowered the hint, so that an older answer does not raise it again.
    lowered: u64,
    rests_until: Option<Instant>,
}

/// The hints of all partitions.
#[derive(Debug)]
pub(super) struct Hints {
    partitions: Vec<Hint>,
    looked_at: Option<Instant>,
    turn: usize,
}

/// A hint's state when a question was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked(u64);

impl Hints {
    /// Of partitions that nobody has looked at.
    pub(super) fn new(partitions: usize) -> Self {
        let hint = Hint { due: NEVER, lowered: 0, rests_until: None };
        Self { partitions: vec![hint; partitions], looked_at: None, turn: 0 }
    }

    /// A job of the partition is due then.
    pub(super) fn lower(&mut self, partition: Partition, due: u64) {
        if let Some(hint) = self.partitions.get_mut(partition) {
            hint.due = hint.due.min(due);
            hint.lowered += 1;
        }
    }

    /// Call before a partition is asked.
    pub(super) fn ask(&self, partition: Partition) -> Asked {
        Asked(self.partitions[partition].lowered)
    }

    /// The partition's answer: its next job's time, if it has one.
    pub(super) fn answer(&mut self, partition: Partition, asked: Asked, due: Option<u64>) {
        let hint = &mut self.partitions[partition];
        let due = due.unwrap_or(NEVER);
        hint.due = if hint.lowered == asked.0 { due } else { hint.due.min(due) };
        hint.rests_until = None;
    }

    /// The partition's server failed.
    pub(super) fn fail(&mut self, partition: Partition, now: Instant) {
        self.partitions[partition].rests_until = Some(now + REST);
    }

    /// The answers of all may be out of date.
    pub(super) fn forget(&mut self) {
        self.looked_at = None;
    }

    /// Whether it is time to look at all partitions; if so, the caller is to do it.
    pub(super) fn look(&mut self, now: Instant) -> bool {
        let due = self.looked_at.is_none_or(|at| now.saturating_duration_since(at) >= LONGEST_BLINDNESS);
        if due {
            self.looked_at = Some(now);
        }
        due
    }

    /// How long until a job is due, at most [`LONGEST_BLINDNESS`].
    pub(super) fn rest(&self, now: UnixMillis, instant: Instant) -> Duration {
        let awake = self.partitions.iter().filter(|hint| hint.rests_until.is_none_or(|until| until <= instant));
        let due = awake.map(|hint| hint.due).min().unwrap_or(NEVER);
        UnixMillis(due).since(now).min(LONGEST_BLINDNESS)
    }

    /// At most `most` partitions with something due that are not among `passed`. They take turns: one that always has
    /// more to do, or older jobs, keeps none of the others waiting for longer than one round.
    pub(super) fn ready(
        &mut self,
        passed: &HashSet<Partition>,
        most: usize,
        now: UnixMillis,
        instant: Instant,
    ) -> Vec<Partition> {
        let count = self.partitions.len();
        let due = |partition: &Partition| {
            let hint = &self.partitions[*partition];
            hint.due <= now.0 && hint.rests_until.is_none_or(|until| until <= instant) && !passed.contains(partition)
        };
        let in_turn = (0..count).map(|index| (index + self.turn) % count);
        let ready: Vec<_> = in_turn.filter(due).take(most).collect();
        if let Some(last) = ready.last() {
            self.turn = (last + 1) % count;
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000);

    fn ready(hints: &mut Hints, instant: Instant) -> Vec<Partition> {
        hints.ready(&HashSet::new(), usize::MAX, NOW, instant)
    }

    #[test]
    fn partitions_with_something_due_take_turns_however_long_they_have_waited() {
        let (mut hints, instant) = (Hints::new(4), Instant::now());
        hints.lower(2, 5);
        hints.lower(0, 9);
        hints.lower(1, 9);
        hints.lower(3, NOW.0 + 1);
        let served: Vec<_> = (0..6).flat_map(|_| hints.ready(&HashSet::new(), 1, NOW, instant)).collect();
        assert_eq!(served, [0, 1, 2, 0, 1, 2]);
        assert_eq!(hints.ready(&HashSet::from([0]), 2, NOW, instant), [1, 2]);
        assert!(hints.ready(&HashSet::from([0, 1, 2]), 2, NOW, instant).is_empty());
    }

    #[test]
    fn an_answer_does_not_hide_a_job_that_came_while_it_was_on_its_way() {
        let mut hints = Hints::new(1);
        let asked = hints.ask(0);
        hints.lower(0, 7);
        hints.answer(0, asked, None);
        assert_eq!(ready(&mut hints, Instant::now()), [0]);
        let asked = hints.ask(0);
        hints.answer(0, asked, None);
        assert!(ready(&mut hints, Instant::now()).is_empty());
    }

    #[test]
    fn a_partition_whose_server_fails_is_left_alone_for_a_while() {
        let (mut hints, instant) = (Hints::new(2), Instant::now());
        hints.lower(0, 1);
        hints.fail(0, instant);
        assert!(ready(&mut hints, instant).is_empty());
        assert_eq!(hints.rest(NOW, instant), LONGEST_BLINDNESS);
        assert_eq!(ready(&mut hints, instant + REST), [0]);
    }

    #[test]
    fn all_are_looked_at_once_a_second_and_after_a_change() {
        let (mut hints, instant) = (Hints::new(2), Instant::now());
        assert!(hints.look(instant));
        assert!(!hints.look(instant));
        assert!(hints.look(instant + LONGEST_BLINDNESS));
        hints.forget();
        assert!(hints.look(instant + LONGEST_BLINDNESS));
    }
}

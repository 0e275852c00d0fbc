//! Time is passed in: these tests never wait.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const PAUSE: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

/// A breaker and its clock; chance always takes the longest pause.
struct World {
    breaker: Breaker,
    now: Instant,
}

impl World {
    fn new(limit: u32) -> Self {
        Self { breaker: Breaker::new(limit, PAUSE), now: Instant::now() }
    }

    fn admitted(&mut self) -> Pass {
        match self.breaker.admit(self.now) {
            Admission::Go(pass) => pass,
            Admission::Wait(pause) => panic!("it is closed for {pause:?}"),
        }
    }

    fn goes(&mut self, report: Report) {
        let pass = self.admitted();
        self.breaker.report(self.now, pass, report, 0);
    }

    fn waits(&mut self) -> Option<Duration> {
        match self.breaker.admit(self.now) {
            Admission::Go(_) => None,
            Admission::Wait(pause) => Some(pause),
        }
    }
}

#[test]
fn failures_in_a_row_open_it_and_a_good_probe_closes_it() {
    let mut world = World::new(3);
    (0..3).for_each(|_| world.goes(Report::Failed));
    assert_eq!((world.waits(), world.breaker.phase()), (Some(PAUSE), Phase::Open));
    world.now += PAUSE - SECOND;
    assert_eq!(world.waits(), Some(SECOND));
    world.now += SECOND;
    let probe = world.admitted();
    assert_eq!(world.breaker.phase(), Phase::HalfOpen);
    assert_eq!(world.waits(), Some(PROBE_LOOK), "one probe at a time");
    world.breaker.report(world.now, probe, Report::Answered, 0);
    assert_eq!((world.waits(), world.breaker.phase()), (None, Phase::Closed));
    (0..2).for_each(|_| world.goes(Report::Failed));
    assert_eq!(world.waits(), None, "failures are counted anew");
}

#[test]
fn an_answer_between_failures_counts_anew_and_a_request_given_up_counts_nothing() {
    let mut world = World::new(2);
    world.goes(Report::Failed);
    world.goes(Report::Answered);
    world.goes(Report::Failed);
    world.goes(Report::Abandoned);
    assert_eq!(world.waits(), None);
    world.goes(Report::Failed);
    assert_eq!(world.waits(), Some(PAUSE));
}

#[test]
fn the_pause_doubles_while_probes_fail_up_to_a_cap_and_is_short_again_after_a_good_one() {
    let mut world = World::new(1);
    world.goes(Report::Failed);
    for factor in [1, 2, 4, 8, 8, 8] {
        let pause = world.waits().unwrap();
        assert_eq!(pause, PAUSE * factor);
        world.now += pause;
        world.goes(Report::Failed);
    }
    world.now += PAUSE * LONGEST;
    world.goes(Report::Answered);
    world.goes(Report::Failed);
    assert_eq!(world.waits(), Some(PAUSE));
}

#[test]
fn chance_takes_up_to_a_quarter_of_a_pause() {
    assert_eq!(jittered(PAUSE, 0), PAUSE);
    assert_eq!(jittered(PAUSE, u32::MAX), PAUSE * 3 / 4);
    assert_eq!(jittered(Duration::ZERO, u32::MAX), Duration::ZERO);
}

#[test]
fn an_abandoned_probe_leaves_the_next_to_find_out() {
    let mut world = World::new(1);
    world.goes(Report::Failed);
    world.now += PAUSE;
    world.goes(Report::Abandoned);
    world.goes(Report::Answered);
    assert_eq!(world.breaker.phase(), Phase::Closed);
}

#[test]
fn news_of_requests_from_before_it_opened_or_closed_is_no_news() {
    let mut world = World::new(1);
    let (slow, slower) = (world.admitted(), world.admitted());
    world.goes(Report::Failed);
    world.breaker.report(world.now, slow, Report::Answered, 0);
    assert_eq!(world.waits(), Some(PAUSE), "an old answer does not close it");
    world.now += PAUSE;
    world.goes(Report::Answered);
    world.breaker.report(world.now, slower, Report::Failed, 0);
    assert_eq!(world.waits(), None, "an old failure does not open it");
}

proptest! {
    /// Whatever happens: one probe at most while it is not closed, no request while it is open, and its pause is over
    /// at some time.
    #[test]
    fn it_lets_one_probe_through_at_a_time_and_never_stays_open_for_ever(
        limit in 1u32..5,
        steps in prop::collection::vec((0u8..6, 0u64..30, any::<u32>(), any::<prop::sample::Index>()), 0..200),
    ) {
        let mut breaker = Breaker::new(limit, PAUSE);
        let mut now = Instant::now();
        let mut out: Vec<(Pass, bool)> = Vec::new();
        for (step, seconds, chance, which) in steps {
            now += SECOND * u32::try_from(seconds).unwrap();
            if step < 3 {
                let closed = breaker.phase() == Phase::Closed;
                let wait = breaker.wait(now);
                match breaker.admit(now) {
                    Admission::Go(pass) => {
                        prop_assert_eq!(wait, None);
                        out.push((pass, !closed));
                    }
                    Admission::Wait(pause) => {
                        prop_assert!(!closed);
                        prop_assert_eq!(wait, Some(pause));
                        prop_assert!(!pause.is_zero() && pause <= PAUSE * LONGEST);
                    }
                }
            } else if !out.is_empty() {
                let (pass, _) = out.swap_remove(which.index(out.len()));
                let report = [Report::Answered, Report::Failed, Report::Abandoned][usize::from(step - 3)];
                breaker.report(now, pass, report, chance);
            }
            let probes = out.iter().filter(|(_, probe)| *probe).count();
            if breaker.phase() == Phase::HalfOpen {
                prop_assert_eq!(probes, 1);
            } else {
                prop_assert_eq!(probes, 0, "a probe's report ends its probing");
            }
        }
        // The probe comes back and everybody waits: somebody may go.
        for (pass, _) in out {
            breaker.report(now, pass, Report::Abandoned, 0);
        }
        now += PAUSE * LONGEST;
        prop_assert!(matches!(breaker.admit(now), Admission::Go(_)));
    }
}

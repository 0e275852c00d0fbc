//! Against a small model of a Frappe: so many workers, each busy for so long with a request, the others queue.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const SERVICE: Duration = Duration::from_millis(100);

/// Whoever has requests without end sends as many at once as allowed, round after round; the request at place `n` of a
/// round is answered by one of `workers` in its turn.
fn rounds(limit: &mut Limit, now: &mut Instant, rounds: u32, workers: usize, service: Duration) {
    for _ in 0..rounds {
        let (sent, under_way) = (*now, limit.get());
        for place in 0..under_way {
            let turn = u32::try_from(place / workers + 1).unwrap();
            *now = sent + service * turn;
            limit.report(*now, sent, under_way, Sample::Answered);
        }
    }
}

#[test]
fn it_starts_at_the_ceiling_and_stays_there_while_answers_are_fast() {
    let (mut limit, mut now) = (Limit::new(8), Instant::now());
    assert_eq!(limit.get(), 8);
    rounds(&mut limit, &mut now, 100, 8, SERVICE);
    assert_eq!(limit.get(), 8);
    assert_eq!(Limit::new(0).get(), 1);
}

#[test]
fn it_comes_down_when_answers_get_slower_and_up_again_when_they_are_fast() {
    let (mut limit, mut now) = (Limit::new(32), Instant::now());
    rounds(&mut limit, &mut now, 20, 32, SERVICE);
    assert_eq!(limit.get(), 32);
    // Somebody else uses the site: two workers are left.
    let mut seen = Vec::new();
    for _ in 0..60 {
        rounds(&mut limit, &mut now, 1, 2, SERVICE);
        seen.push(limit.get());
    }
    let late = &seen[30..];
    assert!(late.iter().all(|limit| (2..=10).contains(limit)), "{seen:?}");
    rounds(&mut limit, &mut now, 200, 32, SERVICE);
    assert_eq!(limit.get(), 32);
}

#[test]
fn trouble_shrinks_it_once_for_all_that_was_under_way() {
    let (mut limit, start) = (Limit::new(100), Instant::now());
    for millis in 0..50 {
        limit.report(start + Duration::from_millis(millis + 1), start, 100, Sample::Trouble);
    }
    assert_eq!(limit.get(), 70);
    limit.report(start + SERVICE * 2, start + SERVICE, 70, Sample::Trouble);
    assert_eq!(limit.get(), 49);
    for turn in 2..30 {
        limit.report(start + SERVICE * (turn + 1), start + SERVICE * turn, 1, Sample::Trouble);
    }
    assert_eq!(limit.get(), 1, "one request finds out whether it is over");
    let mut now = start + SERVICE * 40;
    rounds(&mut limit, &mut now, 3_000, 100, SERVICE);
    assert_eq!(limit.get(), 100);
}

#[test]
fn a_site_that_nobody_fills_gives_no_reason_for_more() {
    let (mut limit, start) = (Limit::new(10), Instant::now());
    limit.report(start + SERVICE, start, 1, Sample::Trouble);
    assert_eq!(limit.get(), 7);
    for turn in 1..200 {
        limit.report(start + SERVICE * (turn + 1), start + SERVICE * turn, 1, Sample::Answered);
    }
    assert_eq!(limit.get(), 7);
}

#[test]
fn what_is_fast_for_a_person_is_no_queue() {
    let (mut limit, start) = (Limit::new(4), Instant::now());
    let mut now = start;
    rounds(&mut limit, &mut now, 20, 4, Duration::from_millis(5));
    rounds(&mut limit, &mut now, 20, 4, Duration::from_millis(80));
    assert_eq!(limit.get(), 4);
}

#[test]
fn a_site_that_got_slower_for_good_is_used_fully_again() {
    let (mut limit, mut now) = (Limit::new(8), Instant::now());
    rounds(&mut limit, &mut now, 50, 8, SERVICE);
    rounds(&mut limit, &mut now, 20, 8, SERVICE * 4);
    assert!(limit.get() < 8);
    rounds(&mut limit, &mut now, 500, 8, SERVICE * 4);
    assert_eq!(limit.get(), 8);
}

proptest! {
    #[test]
    fn it_stays_between_one_and_the_ceiling(
        ceiling in 1usize..300,
        reports in prop::collection::vec((any::<bool>(), 0u64..20_000, 0usize..400), 0..300),
    ) {
        let mut limit = Limit::new(ceiling);
        let mut now = Instant::now();
        for (good, millis, under_way) in reports {
            let sent = now;
            now += Duration::from_millis(millis);
            limit.report(now, sent, under_way, if good { Sample::Answered } else { Sample::Trouble });
            prop_assert!((1..=ceiling).contains(&limit.get()));
        }
    }
}

#![allow(clippy::unwrap_used)]

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;

use super::*;

type Entering<'a> = Pin<Box<dyn Future<Output = Result<Place<'a>, Full>> + 'a>>;

fn entering(gate: &Gate, who: Priority) -> Entering<'_> {
    let mut entering: Entering<'_> = Box::pin(gate.enter(who));
    // The first look puts it into the queue.
    match look(&mut entering) {
        None => entering,
        Some(place) => Box::pin(std::future::ready(place)),
    }
}

fn look<'a>(entering: &mut Entering<'a>) -> Option<Result<Place<'a>, Full>> {
    match entering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(place) => Some(place),
        Poll::Pending => None,
    }
}

fn now<'a>(gate: &'a Gate, who: Priority) -> Place<'a> {
    let entering = pin!(gate.enter(who));
    match entering.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(place) => place.unwrap(),
        Poll::Pending => panic!("there is no place"),
    }
}

#[test]
fn a_visitor_passes_a_backlog_of_jobs() {
    let gate = Gate::new(4);
    let jobs: Vec<_> = (0..3).map(|_| now(&gate, Priority::Job)).collect();
    let mut backlog: Vec<_> = (0..50).map(|_| entering(&gate, Priority::Job)).collect();
    assert!(backlog.iter_mut().all(|job| look(job).is_none()), "the last place is kept for visitors");
    let visitor = now(&gate, Priority::Visitor);
    let mut second = entering(&gate, Priority::Visitor);
    assert!(look(&mut second).is_none(), "all four are taken");
    drop(jobs);
    assert!(look(&mut second).is_some(), "the first place that gets free is a visitor's");
    let let_in: Vec<_> = backlog.iter_mut().filter_map(look).collect();
    assert_eq!(let_in.len(), 3);
    drop(visitor);
}

#[test]
fn jobs_get_a_place_in_the_end_though_visitors_keep_coming() {
    let gate = Gate::new(1);
    let mut place = Some(now(&gate, Priority::Visitor));
    let mut job = entering(&gate, Priority::Job);
    let mut visitors: VecDeque<_> = (0..20).map(|_| entering(&gate, Priority::Visitor)).collect();
    for served in 1..=VISITORS_IN_A_ROW {
        drop(place.take());
        if let Some(of_job) = look(&mut job) {
            assert_eq!(served, VISITORS_IN_A_ROW);
            drop(of_job);
            return;
        }
        place = Some(look(&mut visitors.pop_front().unwrap()).unwrap().unwrap());
    }
    panic!("the job never came in");
}

#[test]
fn those_of_one_kind_come_in_in_their_order() {
    let gate = Gate::new(1);
    let place = now(&gate, Priority::Job);
    let (mut first, mut second) = (entering(&gate, Priority::Job), entering(&gate, Priority::Job));
    drop(place);
    assert!(look(&mut second).is_none());
    let place = look(&mut first).unwrap();
    drop(place);
    assert!(look(&mut second).is_some());
}

#[test]
fn whoever_goes_away_gives_the_place_to_the_next() {
    let gate = Gate::new(1);
    let place = now(&gate, Priority::Visitor);
    let (waiting, let_in) = (entering(&gate, Priority::Visitor), entering(&gate, Priority::Visitor));
    let mut last = entering(&gate, Priority::Visitor);
    drop(waiting);
    drop(place);
    // It was let in but has not looked yet.
    drop(let_in);
    let place = look(&mut last).unwrap();
    drop(place);
    assert_eq!(gate.state().turns.under_way(), 0);
}

#[test]
fn the_queue_is_bounded_and_whoever_went_away_does_not_count() {
    let gate = Gate::new(1);
    let _place = now(&gate, Priority::Job);
    let mut waiting: Vec<_> = (0..MAX_WAITING).map(|_| entering(&gate, Priority::Job)).collect();
    assert!(matches!(look(&mut entering(&gate, Priority::Job)), Some(Err(Full))));
    assert!(look(&mut entering(&gate, Priority::Visitor)).is_none(), "visitors have a queue of their own");
    waiting.pop();
    assert!(look(&mut entering(&gate, Priority::Job)).is_none());
}

#[test]
fn a_smaller_limit_lets_nobody_in_until_enough_have_left() {
    let gate = Gate::new(10);
    let mut places: Vec<_> = (0..10).map(|_| now(&gate, Priority::Visitor)).collect();
    places[0].report(Instant::now(), Sample::Trouble);
    assert_eq!(gate.limit(), 7);
    let mut next = entering(&gate, Priority::Visitor);
    places.truncate(7);
    assert!(look(&mut next).is_none());
    places.truncate(6);
    assert!(look(&mut next).is_some());
}

#[test]
fn a_visitor_comes_in_beside_a_job_when_one_request_at_a_time_is_all() {
    let gate = Gate::new(2);
    now(&gate, Priority::Job).report(Instant::now(), Sample::Trouble);
    assert_eq!(gate.limit(), 1);
    let job = now(&gate, Priority::Job);
    assert!(look(&mut entering(&gate, Priority::Job)).is_none());
    let _visitor = now(&gate, Priority::Visitor);
    assert!(look(&mut entering(&gate, Priority::Visitor)).is_none(), "one of them");
    drop(job);
    assert!(look(&mut entering(&gate, Priority::Job)).is_none());
}

#[test]
fn jobs_have_all_places_but_a_quarter() {
    let rooms: Vec<_> = [1, 2, 3, 4, 5, 8, 100].map(room_for_jobs).to_vec();
    assert_eq!(rooms, [1, 1, 2, 3, 3, 6, 75]);
}

proptest! {
    /// Whoever comes and goes in whatever order: never more than the limit, and nobody waits while there is a place.
    #[test]
    fn no_place_is_lost_and_none_is_given_twice(
        ceiling in 1usize..6,
        steps in prop::collection::vec((0u8..5, any::<prop::sample::Index>()), 0..200),
    ) {
        let gate = Gate::new(ceiling);
        let mut waiting: Vec<(Priority, Entering<'_>)> = Vec::new();
        let mut inside: Vec<Place<'_>> = Vec::new();
        for (step, which) in steps {
            match step {
                0 | 1 => {
                    let who = Priority::ALL[usize::from(step)];
                    waiting.push((who, entering(&gate, who)));
                }
                2 if !inside.is_empty() => drop(inside.swap_remove(which.index(inside.len()))),
                3 if !waiting.is_empty() => drop(waiting.swap_remove(which.index(waiting.len()))),
                _ => {
                    waiting = std::mem::take(&mut waiting)
                        .into_iter()
                        .filter_map(|(who, mut it)| match look(&mut it) {
                            Some(place) => {
                                inside.push(place.unwrap());
                                None
                            }
                            None => Some((who, it)),
                        })
                        .collect();
                    let jobs = inside.iter().filter(|place| place.who == Priority::Job).count();
                    prop_assert!(inside.len() <= ceiling && jobs <= room_for_jobs(ceiling));
                    if inside.len() < ceiling {
                        prop_assert!(!waiting.iter().any(|(who, _)| *who == Priority::Visitor));
                    }
                }
            }
        }
        drop(waiting);
        drop(inside);
        prop_assert_eq!(gate.state().turns.under_way(), 0);
    }
}

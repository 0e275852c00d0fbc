//! Waiting rooms: the order of joining, no place for who is gone, one way out.

use std::{collections::VecDeque, time::Duration};

use neoron_protocol::UnixMillis;
use neoron_store::{Joined, MAX_WAITING_BODY_BYTES, StoreError, Waiting};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::world::{HOUR, MINUTE, SECOND, World, twenty_times};

const CAP: u32 = 3;

async fn join(world: &World, holder: &str) -> Joined {
    world.store.join("room", holder, format!("body of {holder}"), CAP, MINUTE).await.unwrap()
}

async fn place(world: &World, holder: &str) -> Option<(u32, u32)> {
    world.store.place("room", holder, MINUTE).await.unwrap().map(|waiting| (waiting.ahead, waiting.of))
}

async fn waiting(world: &World) -> u32 {
    world.store.waiting("room").await.unwrap()
}

pub(crate) async fn visitors_wait_in_the_order_of_their_joining(world: World) {
    let since = world.now();
    for (ahead, holder) in ["c", "a", "b"].into_iter().enumerate() {
        let (ahead, body) = (ahead as u32, format!("body of {holder}"));
        let expected = Waiting { ahead, of: ahead + 1, body, since: since.plus(SECOND * ahead) };
        assert_eq!(join(&world, holder).await, Joined::Waits(expected));
        world.clock.advance(SECOND);
    }
    assert_eq!(place(&world, "c").await, Some((0, 3)));
    assert_eq!(place(&world, "a").await, Some((1, 3)));
    assert_eq!(place(&world, "b").await, Some((2, 3)));
    assert_eq!(place(&world, "d").await, None);
    assert_eq!(waiting(&world).await, 3);
}

pub(crate) async fn a_full_room_takes_nobody_else(world: World) {
    for holder in ["a", "b", "c"] {
        join(&world, holder).await;
    }
    assert_eq!(join(&world, "d").await, Joined::Full { waiting: 3 });
    assert_eq!(place(&world, "d").await, None);
    assert!(world.store.depart("room", "b").await.unwrap());
    assert!(matches!(join(&world, "d").await, Joined::Waits(Waiting { ahead: 2, of: 3, .. })));
    let none = world.store.join("another", "e", String::new(), 0, MINUTE).await.unwrap();
    assert_eq!(none, Joined::Full { waiting: 0 });
}

pub(crate) async fn who_joins_again_keeps_place_and_body(world: World) {
    let since = world.now();
    for holder in ["a", "b", "c"] {
        join(&world, holder).await;
    }
    world.clock.advance(SECOND);
    let again = world.store.join("room", "a", "another body".into(), 1, MINUTE).await.unwrap();
    assert_eq!(again, Joined::Waits(Waiting { ahead: 0, of: 3, body: "body of a".into(), since }));
    assert_eq!(waiting(&world).await, 3);
}

pub(crate) async fn who_does_not_ask_in_time_loses_the_place(world: World) {
    for holder in ["a", "b", "c"] {
        join(&world, holder).await;
        world.clock.advance(SECOND);
    }
    world.clock.advance(50 * SECOND);
    assert_eq!(place(&world, "c").await, Some((2, 3)));
    world.clock.advance(7 * SECOND);
    assert_eq!(place(&world, "b").await, Some((0, 2)), "the first one has been gone for a moment");
    assert_eq!(waiting(&world).await, 2);
    assert!(!world.store.depart("room", "a").await.unwrap());
    assert_eq!(place(&world, "a").await, None);
    assert!(matches!(join(&world, "a").await, Joined::Waits(Waiting { ahead: 2, of: 3, .. })), "anew, at the end");
}

pub(crate) async fn asking_for_the_place_keeps_it(world: World) {
    join(&world, "a").await;
    for _ in 0..5 {
        world.clock.advance(MINUTE - Duration::from_millis(1));
        assert_eq!(place(&world, "a").await, Some((0, 1)));
    }
    world.clock.advance(MINUTE);
    assert_eq!(place(&world, "a").await, None);
    assert_eq!(waiting(&world).await, 0);
}

pub(crate) async fn those_whose_patience_is_over_take_no_room(world: World) {
    for holder in ["a", "b", "c"] {
        join(&world, holder).await;
    }
    world.clock.advance(MINUTE);
    assert_eq!(waiting(&world).await, 0);
    for (ahead, holder) in ["d", "e", "c"].into_iter().enumerate() {
        let joined = join(&world, holder).await;
        assert!(matches!(&joined, Joined::Waits(place) if place.ahead == ahead as u32), "{joined:?}");
    }
    assert_eq!(join(&world, "f").await, Joined::Full { waiting: 3 });
}

pub(crate) async fn of_twenty_departures_of_one_visitor_exactly_one_succeeds(world: World) {
    for holder in ["a", "b"] {
        join(&world, holder).await;
    }
    let results = twenty_times(|_| {
        let store = world.store.clone();
        async move { store.depart("room", "a").await.unwrap() }
    })
    .await;
    assert_eq!(results.iter().filter(|departed| **departed).count(), 1);
    assert_eq!(place(&world, "b").await, Some((0, 1)));
}

pub(crate) async fn of_twenty_who_join_exactly_as_many_wait_as_there_is_room(world: World) {
    let results = twenty_times(|number| {
        let store = world.store.clone();
        async move { store.join("room", &number.to_string(), "{}".into(), 7, MINUTE).await.unwrap() }
    })
    .await;
    let mut places: Vec<_> = results
        .iter()
        .filter_map(|joined| match joined {
            Joined::Waits(place) => Some(place.ahead),
            Joined::Full { .. } => None,
        })
        .collect();
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2, 3, 4, 5, 6], "each has a place of its own");
}

pub(crate) async fn each_room_has_its_own_queue(world: World) {
    join(&world, "a").await;
    let other = world.store.join("another", "a", "{}".into(), CAP, HOUR).await.unwrap();
    assert!(matches!(other, Joined::Waits(Waiting { ahead: 0, of: 1, .. })));
    assert!(world.store.depart("another", "a").await.unwrap());
    assert_eq!(place(&world, "a").await, Some((0, 1)));
}

pub(crate) async fn the_largest_waiting_body_is_taken_and_a_larger_one_is_refused(world: World) {
    let largest = format!("{{\n{}", "é".repeat(MAX_WAITING_BODY_BYTES / 2 - 1));
    let joined = world.store.join("room", "a", largest.clone(), CAP, MINUTE).await.unwrap();
    assert!(matches!(joined, Joined::Waits(place) if place.body == largest));
    assert_eq!(world.store.place("room", "a", MINUTE).await.unwrap().unwrap().body, largest);
    let long = "x".repeat(129);
    for refused in [
        world.store.join("room", "b", format!("{largest}x"), CAP, MINUTE).await.map(drop),
        world.store.join(&long, "b", String::new(), CAP, MINUTE).await.map(drop),
        world.store.join("room", &long, String::new(), CAP, MINUTE).await.map(drop),
        world.store.place("room", &long, MINUTE).await.map(drop),
        world.store.depart(&long, "b").await.map(drop),
        world.store.waiting(&long).await.map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    }
    assert_eq!(waiting(&world).await, 1);
}

/// What somebody does in a room.
#[derive(Clone, Debug)]
enum Act {
    Join { holder: u8, cap: u32, patience: u64 },
    Place { holder: u8, patience: u64 },
    Depart { holder: u8 },
    Pass { seconds: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let (holder, patience) = (0_u8..6, 1_u64..20);
    prop_oneof![
        4 => (holder.clone(), 0_u32..5, patience.clone()).prop_map(|(holder, cap, patience)| {
            Act::Join { holder, cap, patience }
        }),
        3 => (holder.clone(), patience).prop_map(|(holder, patience)| Act::Place { holder, patience }),
        1 => holder.prop_map(|holder| Act::Depart { holder }),
        2 => (0_u64..12).prop_map(|seconds| Act::Pass { seconds }),
    ]
}

/// Somebody in the model's room.
struct Visitor {
    holder: u8,
    body: String,
    since: UnixMillis,
    gone_at: UnixMillis,
}

/// A room as a list.
#[derive(Default)]
struct Model(VecDeque<Visitor>);

impl Model {
    fn tidy(&mut self, now: UnixMillis) {
        self.0.retain(|visitor| visitor.gone_at > now);
    }

    fn place(&mut self, holder: u8, gone_at: UnixMillis) -> Option<Waiting> {
        let (ahead, of) = (self.0.iter().position(|visitor| visitor.holder == holder)?, self.0.len() as u32);
        let visitor = &mut self.0[ahead];
        visitor.gone_at = gone_at;
        Some(Waiting { ahead: ahead as u32, of, body: visitor.body.clone(), since: visitor.since })
    }

    fn join(&mut self, (holder, body): (u8, String), cap: u32, now: UnixMillis, gone_at: UnixMillis) -> Joined {
        if let Some(place) = self.place(holder, gone_at) {
            return Joined::Waits(place);
        }
        if self.0.len() as u32 >= cap {
            return Joined::Full { waiting: self.0.len() as u32 };
        }
        self.0.push_back(Visitor { holder, body, since: now, gone_at });
        self.place(holder, gone_at).map(Joined::Waits).unwrap()
    }

    fn depart(&mut self, holder: u8) -> bool {
        let before = self.0.len();
        self.0.retain(|visitor| visitor.holder != holder);
        self.0.len() < before
    }
}

pub(crate) async fn a_waiting_room_is_the_list_that_anybody_can_check_by_hand(world: World) {
    // The same histories each time: what fails, fails again.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for history in 0..8 {
        let acts = prop::collection::vec(act(), 60).new_tree(&mut runner).unwrap().current();
        let (room, mut model) = (format!("room-{history}"), Model::default());
        for (number, act) in acts.into_iter().enumerate() {
            let now = world.now();
            model.tidy(now);
            let context = format!("act {number} of {room}: {act:?}");
            match act {
                Act::Join { holder, cap, patience } => {
                    let (patience, body) = (SECOND * patience as u32, format!("{{\"n\":{number}}}"));
                    let expected = model.join((holder, body.clone()), cap, now, now.plus(patience));
                    let got = world.store.join(&room, &holder.to_string(), body, cap, patience).await.unwrap();
                    assert_eq!(got, expected, "{context}");
                }
                Act::Place { holder, patience } => {
                    let patience = SECOND * patience as u32;
                    let expected = model.place(holder, now.plus(patience));
                    let got = world.store.place(&room, &holder.to_string(), patience).await.unwrap();
                    assert_eq!(got, expected, "{context}");
                }
                Act::Depart { holder } => {
                    let got = world.store.depart(&room, &holder.to_string()).await.unwrap();
                    assert_eq!(got, model.depart(holder), "{context}");
                }
                Act::Pass { seconds } => world.clock.advance(SECOND * seconds as u32),
            }
            model.tidy(world.now());
            assert_eq!(world.store.waiting(&room).await.unwrap(), model.0.len() as u32, "{context}");
        }
    }
}

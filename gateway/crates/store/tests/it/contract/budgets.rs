//! Budgets: reserved, settled, never counted twice.

use std::time::Duration;

use neoron_store::Reservation::{self, Exhausted, Reserved};

use crate::world::{HOUR, World, twenty_times};

const CAP: u64 = 100;

async fn reserve(world: &World, holder: &str, seconds: u64) -> Reservation {
    world.store.reserve("site:day", holder, seconds, CAP, HOUR).await.unwrap()
}

async fn settle(world: &World, holder: &str, used: u64) {
    world.store.settle("site:day", holder, used).await.unwrap();
}

/// What is left, asked for without taking any of it.
async fn left(world: &World) -> u64 {
    match reserve(world, "nobody", CAP + 1).await {
        Exhausted { left } => left,
        Reserved { .. } => panic!("more than all was reserved"),
    }
}

pub(crate) async fn a_reservation_tells_what_is_left_for_others(world: World) {
    assert_eq!(reserve(&world, "a", 60).await, Reserved { left: 40 });
    assert_eq!(reserve(&world, "b", 40).await, Reserved { left: 0 });
}

pub(crate) async fn more_than_is_left_is_refused_and_costs_nothing(world: World) {
    reserve(&world, "a", 60).await;
    assert_eq!(reserve(&world, "b", 41).await, Exhausted { left: 40 });
    assert_eq!(reserve(&world, "b", 40).await, Reserved { left: 0 });
    assert_eq!(reserve(&world, "c", 1).await, Exhausted { left: 0 });
}

pub(crate) async fn a_repeated_reservation_costs_once(world: World) {
    reserve(&world, "a", 60).await;
    assert_eq!(reserve(&world, "a", 60).await, Reserved { left: 40 });
    reserve(&world, "b", 40).await;
    assert_eq!(reserve(&world, "a", 60).await, Reserved { left: 0 }, "also when nothing is left");
}

pub(crate) async fn a_settlement_gives_back_what_was_not_used(world: World) {
    reserve(&world, "a", 60).await;
    settle(&world, "a", 25).await;
    assert_eq!(left(&world).await, 75);
}

pub(crate) async fn a_second_settlement_changes_nothing(world: World) {
    reserve(&world, "a", 60).await;
    reserve(&world, "b", 10).await;
    settle(&world, "a", 25).await;
    settle(&world, "a", 0).await;
    assert_eq!(left(&world).await, 65);
}

pub(crate) async fn a_settlement_never_takes_more_than_was_reserved(world: World) {
    reserve(&world, "a", 60).await;
    settle(&world, "a", 99).await;
    assert_eq!(left(&world).await, 40);
}

pub(crate) async fn a_settlement_of_nothing_changes_nothing(world: World) {
    settle(&world, "a", 5).await;
    reserve(&world, "b", 10).await;
    settle(&world, "a", 5).await;
    assert_eq!(left(&world).await, 90);
}

pub(crate) async fn a_budget_is_forgotten_after_its_time(world: World) {
    reserve(&world, "a", 60).await;
    world.clock.advance(HOUR - Duration::from_millis(1));
    assert_eq!(left(&world).await, 40, "counted from its first use");
    reserve(&world, "b", 10).await;
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(reserve(&world, "a", 30).await, Reserved { left: 70 });
    settle(&world, "b", 0).await;
    assert_eq!(left(&world).await, 70, "what was reserved of the old one is forgotten as well");
}

pub(crate) async fn each_key_has_its_own_budget(world: World) {
    reserve(&world, "a", 60).await;
    let other = world.store.reserve("other:day", "a", 60, CAP, HOUR).await.unwrap();
    assert_eq!(other, Reserved { left: 40 });
    world.store.settle("other:day", "a", 0).await.unwrap();
    assert_eq!(left(&world).await, 40);
    assert!(world.store.reserve(&"x".repeat(129), "a", 1, CAP, HOUR).await.is_err());
}

pub(crate) async fn of_twenty_reservations_exactly_as_many_fit_as_there_is_room_for(world: World) {
    let results = twenty_times(|number| {
        let store = world.store.clone();
        async move { store.reserve("site:day", &number.to_string(), 10, CAP, HOUR).await.unwrap() }
    })
    .await;
    assert_eq!(results.iter().filter(|result| matches!(result, Reserved { .. })).count(), 10);
    assert_eq!(left(&world).await, 0);
}

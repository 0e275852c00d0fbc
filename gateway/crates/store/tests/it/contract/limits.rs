//! Rate limits, exact for each key.

use std::time::Duration;

use neoron_store::{Decision, Rate, StoreError};

use crate::world::{MINUTE, SECOND, World, twenty_times};

/// Six a minute.
fn rate() -> Rate {
    Rate::per(6, MINUTE)
}

async fn take(world: &World, key: &str) -> Decision {
    world.store.take(key, rate()).await.unwrap()
}

pub(crate) async fn a_burst_passes_and_the_next_one_does_not(world: World) {
    for remaining in (0..6).rev() {
        let decision = take(&world, "ip").await;
        assert_eq!((decision.allowed, decision.remaining), (true, remaining));
    }
    assert!(!take(&world, "ip").await.allowed);
    let refused = world.store.take(&"x".repeat(257), rate()).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
}

pub(crate) async fn a_refusal_costs_nothing_and_tells_when_to_come_back(world: World) {
    for _ in 0..6 {
        take(&world, "ip").await;
    }
    for _ in 0..10 {
        let decision = take(&world, "ip").await;
        let expected =
            Decision { allowed: false, remaining: 0, reset_after: MINUTE, retry_after: Duration::from_secs(10) };
        assert_eq!(decision, expected);
    }
}

pub(crate) async fn what_is_earned_back_passes(world: World) {
    for _ in 0..7 {
        take(&world, "ip").await;
    }
    world.clock.advance(10 * SECOND - Duration::from_millis(1));
    assert!(!take(&world, "ip").await.allowed);
    world.clock.advance(Duration::from_millis(1));
    assert!(take(&world, "ip").await.allowed);
    assert!(!take(&world, "ip").await.allowed);
    world.clock.advance(MINUTE);
    assert_eq!(take(&world, "ip").await.remaining, 5);
}

pub(crate) async fn each_key_has_its_own_limit(world: World) {
    for _ in 0..7 {
        take(&world, "one").await;
    }
    assert!(take(&world, "other").await.allowed);
    assert!(!take(&world, "one").await.allowed);
}

pub(crate) async fn of_twenty_at_once_exactly_the_burst_passes(world: World) {
    let results = twenty_times(|_| {
        let store = world.store.clone();
        async move { store.take("ip", rate()).await.unwrap() }
    })
    .await;
    assert_eq!(results.iter().filter(|decision| decision.allowed).count(), 6);
}

pub(crate) async fn the_store_decides_as_the_pure_rule_does(world: World) {
    let mut tat = 0;
    for step in [0, 0, 3, 1, 0, 12, 0, 0, 0, 0, 0, 25, 9, 2, 0, 61, 0, 0, 7, 300, 0] {
        world.clock.advance(step * SECOND);
        let (expected, next) = Decision::take(tat, world.now().0, rate());
        tat = next;
        assert_eq!(take(&world, "ip").await, expected);
    }
}

//! Seats: never more than the cap, and none is lost to a holder that died.

use std::time::Duration;

use neoron_store::{
    Seated::{self, Full, Taken},
    StoreError,
};

use crate::world::{HOUR, MINUTE, SECOND, World, twenty_times};

const CAP: u32 = 3;

async fn sit(world: &World, holder: &str) -> Seated {
    world.store.sit("site-1", holder, CAP, MINUTE).await.unwrap()
}

async fn seated(world: &World) -> u32 {
    world.store.seated("site-1").await.unwrap()
}

pub(crate) async fn seats_are_taken_up_to_the_cap_and_no_further(world: World) {
    assert_eq!(seated(&world).await, 0);
    for (number, holder) in ["a", "b", "c"].into_iter().enumerate() {
        assert_eq!(sit(&world, holder).await, Taken { used: number as u32 + 1 });
    }
    assert_eq!(sit(&world, "d").await, Full { used: 3 });
    assert_eq!(seated(&world).await, 3);
    assert_eq!(world.store.sit("site-1", "d", 4, MINUTE).await.unwrap(), Taken { used: 4 });
    assert_eq!(world.store.sit("site-2", "e", 0, MINUTE).await.unwrap(), Full { used: 0 });
}

pub(crate) async fn who_sits_keeps_the_one_seat_whatever_the_cap(world: World) {
    for holder in ["a", "b", "a"] {
        sit(&world, holder).await;
    }
    assert_eq!(seated(&world).await, 2);
    assert_eq!(world.store.sit("site-1", "b", 1, MINUTE).await.unwrap(), Taken { used: 2 });
}

pub(crate) async fn a_seat_is_free_again_once_its_holder_rises(world: World) {
    for holder in ["a", "b", "c"] {
        sit(&world, holder).await;
    }
    for _ in 0..2 {
        world.store.rise("site-1", "b").await.unwrap();
        assert_eq!(seated(&world).await, 2, "rising twice frees one seat");
    }
    assert_eq!(sit(&world, "d").await, Taken { used: 3 });
    world.store.rise("site-9", "nobody").await.unwrap();
}

pub(crate) async fn a_seat_is_free_again_after_its_lease(world: World) {
    sit(&world, "a").await;
    world.clock.advance(30 * SECOND);
    for holder in ["b", "c"] {
        sit(&world, holder).await;
    }
    world.clock.advance(30 * SECOND - Duration::from_millis(1));
    assert_eq!(sit(&world, "d").await, Full { used: 3 });
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(seated(&world).await, 2);
    assert_eq!(sit(&world, "d").await, Taken { used: 3 });
    assert_eq!(sit(&world, "a").await, Full { used: 3 }, "the first holder's seat is gone");
}

pub(crate) async fn a_seat_that_is_prolonged_lasts_from_then_on(world: World) {
    sit(&world, "a").await;
    world.store.sit("site-1", "b", CAP, HOUR).await.unwrap();
    world.clock.advance(59 * SECOND);
    assert_eq!(sit(&world, "a").await, Taken { used: 2 });
    world.clock.advance(59 * SECOND);
    assert_eq!(seated(&world).await, 2);
    world.clock.advance(SECOND);
    assert_eq!(seated(&world).await, 1, "the longer lease goes on");
    world.clock.advance(HOUR);
    assert_eq!(seated(&world).await, 0);
}

pub(crate) async fn each_scope_has_its_own_seats(world: World) {
    for holder in ["a", "b", "c"] {
        sit(&world, holder).await;
    }
    assert_eq!(world.store.sit("site-2", "a", CAP, MINUTE).await.unwrap(), Taken { used: 1 });
    world.store.rise("site-2", "a").await.unwrap();
    assert_eq!(seated(&world).await, 3);
}

pub(crate) async fn of_twenty_who_want_a_seat_exactly_as_many_sit_as_there_are(world: World) {
    let results = twenty_times(|number| {
        let store = world.store.clone();
        async move { store.sit("site-1", &number.to_string(), 7, MINUTE).await.unwrap() }
    })
    .await;
    assert_eq!(results.iter().filter(|result| matches!(result, Taken { .. })).count(), 7);
    assert_eq!(seated(&world).await, 7);
}

pub(crate) async fn many_leases_that_ran_out_take_no_seat(world: World) {
    for number in 0..250 {
        assert!(matches!(world.store.sit("site-1", &number.to_string(), 250, MINUTE).await.unwrap(), Taken { .. }));
    }
    world.clock.advance(MINUTE);
    for used in 1..=3 {
        assert_eq!(sit(&world, &format!("late-{used}")).await, Taken { used });
    }
    assert_eq!(sit(&world, "late-4").await, Full { used: 3 });
}

pub(crate) async fn a_seats_name_that_is_too_long_is_refused(world: World) {
    let (fits, long) = ("x".repeat(128), "x".repeat(129));
    assert_eq!(world.store.sit(&fits, &fits, 1, MINUTE).await.unwrap(), Taken { used: 1 });
    for refused in [
        world.store.sit(&long, "a", 1, MINUTE).await.map(drop),
        world.store.sit("site-1", &long, 1, MINUTE).await.map(drop),
        world.store.rise("site-1", &long).await,
        world.store.seated(&long).await.map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::TooLarge { bytes: 129, limit: 128 })), "{refused:?}");
    }
}

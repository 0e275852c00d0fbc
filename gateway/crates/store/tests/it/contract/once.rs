//! Keys that burn once.

use std::time::Duration;

use neoron_store::{Burn, StoreError};

use crate::world::{MINUTE, World, key, twenty_times};

pub(crate) async fn a_key_burns_once(world: World) {
    assert!(world.store.burn(key("jti-1")).await.unwrap());
    assert!(!world.store.burn(key("jti-1")).await.unwrap());
    assert!(world.store.burn(key("jti-2")).await.unwrap());
    assert!(world.store.burn(key("JTI-1")).await.unwrap(), "keys are compared byte by byte");
}

pub(crate) async fn of_twenty_that_burn_one_key_exactly_one_succeeds(world: World) {
    let results = twenty_times(|_| {
        let store = world.store.clone();
        async move { store.burn(key("jti")).await.unwrap() }
    })
    .await;
    assert_eq!(results.into_iter().filter(|first| *first).count(), 1);
}

pub(crate) async fn a_key_may_burn_again_after_its_time(world: World) {
    let burn = Burn { key: "jti".into(), keep: MINUTE };
    assert!(world.store.burn(burn.clone()).await.unwrap());
    world.clock.advance(MINUTE - Duration::from_millis(1));
    assert!(!world.store.burn(burn.clone()).await.unwrap());
    world.clock.advance(Duration::from_millis(1));
    assert!(world.store.burn(burn.clone()).await.unwrap());
    assert!(!world.store.burn(burn).await.unwrap());
}

pub(crate) async fn a_key_that_is_too_long_is_refused(world: World) {
    assert!(world.store.burn(key(&"x".repeat(256))).await.unwrap());
    let refused = world.store.burn(key(&"x".repeat(257))).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { bytes: 257, limit: 256 })), "{refused:?}");
}

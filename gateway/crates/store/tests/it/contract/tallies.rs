//! Tallies: counted exactly as often as the step that counts is done.

use neoron_store::{Change, CommitError, KEPT_TALLY_DAYS, StoreError, Tally};

use crate::world::{HOUR, World, key, session_id, twenty_times};

fn tally(day: u32, name: &str, by: u64) -> Tally {
    Tally { day, name: name.into(), by }
}

fn today(world: &World) -> u32 {
    u32::try_from(world.now().0 / (24 * 3_600 * 1_000)).unwrap()
}

/// A session that counts.
async fn count(world: &World, tallies: Vec<Tally>) {
    let mut change = world.creation(session_id());
    change.tallies = tallies;
    world.commit(change).await;
}

pub(crate) async fn tallies_are_summed_by_day_and_name_in_order(world: World) {
    let day = today(&world);
    for _ in 0..5 {
        count(&world, vec![tally(day, "calls", 1), tally(day, "seconds", 60), tally(day - 1, "calls", 2)]).await;
    }
    count(&world, vec![tally(day, "booked", 1), tally(day, "booked", 1), tally(day + 1, "zero", 0)]).await;
    let expected = [
        tally(day - 1, "calls", 10),
        tally(day, "booked", 2),
        tally(day, "calls", 5),
        tally(day, "seconds", 300),
        tally(day + 1, "zero", 0),
    ];
    assert_eq!(world.store.tallies(day - 1..=day + 1).await.unwrap(), expected);
    assert_eq!(world.store.tallies(0..=u32::MAX).await.unwrap(), expected);
    assert_eq!(world.store.tallies(day - 9..=day - 1).await.unwrap(), expected[..1]);
    assert!(world.store.tallies(day + 2..=day + 9).await.unwrap().is_empty());
}

pub(crate) async fn a_refused_step_counts_nothing(world: World) {
    let (day, session) = (today(&world), world.session().await);
    let with_tally = |version| {
        let mut change = world.update(session, version);
        change.burn = vec![key("ended")];
        change.tallies = vec![tally(day, "calls", 1)];
        change
    };
    assert!(matches!(world.store.commit(with_tally(7)).await, Err(CommitError::Conflict)));
    world.commit(with_tally(1)).await;
    assert!(matches!(world.store.commit(with_tally(2)).await, Err(CommitError::Burnt { .. })));
    assert_eq!(world.store.tallies(day..=day).await.unwrap(), [tally(day, "calls", 1)]);
}

pub(crate) async fn parallel_steps_lose_no_count(world: World) {
    let day = today(&world);
    twenty_times(|_| {
        let (store, expires_at) = (world.store.clone(), world.later(HOUR));
        async move {
            for _ in 0..5 {
                let mut change = Change::create(session_id(), "{}".into(), expires_at);
                change.tallies = vec![tally(day, "calls", 3)];
                store.commit(change).await.unwrap();
            }
        }
    })
    .await;
    assert_eq!(world.store.tallies(day..=day).await.unwrap(), [tally(day, "calls", 300)]);
}

pub(crate) async fn a_sum_that_would_not_fit_stays_at_the_largest(world: World) {
    let (day, session) = (today(&world), world.session().await);
    for version in 1..=3 {
        let mut change = world.update(session, version);
        change.tallies = vec![tally(day, "seconds", u64::MAX), tally(day, "calls", 1)];
        world.commit(change).await;
    }
    count(&world, vec![tally(day, "seconds", u64::MAX)]).await;
    let expected = [tally(day, "calls", 3), tally(day, "seconds", i64::MAX as u64)];
    assert_eq!(world.store.tallies(day..=day).await.unwrap(), expected);
}

pub(crate) async fn tallies_are_forgotten_after_four_hundred_days(world: World) {
    let day = today(&world);
    count(&world, vec![tally(day, "calls", 1)]).await;
    world.clock.advance(24 * HOUR * KEPT_TALLY_DAYS);
    assert_eq!(world.store.tallies(0..=u32::MAX).await.unwrap().len(), 1);
    world.clock.advance(24 * HOUR);
    assert!(world.store.tallies(0..=u32::MAX).await.unwrap().is_empty());
}

pub(crate) async fn too_many_tallies_or_too_long_a_name_are_refused(world: World) {
    let day = today(&world);
    let full = vec![tally(day, &"x".repeat(128), 1); Change::MAX_TALLIES];
    count(&world, full.clone()).await;
    let mut many = full.clone();
    many.push(tally(day, "x", 1));
    for tallies in [many, vec![tally(day, &"x".repeat(129), 1)]] {
        let mut change = world.creation(session_id());
        change.tallies = tallies;
        let refused = world.store.commit(change).await;
        assert!(matches!(refused, Err(CommitError::Store(StoreError::TooLarge { .. }))), "{refused:?}");
    }
    assert_eq!(world.store.tallies(day..=day).await.unwrap(), [tally(day, &"x".repeat(128), 16)]);
}

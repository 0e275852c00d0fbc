//! What a promoted replica may lack, what a server forgets, and stores that do not fit.

use std::sync::Arc;

use neoron_protocol::JobId;
use neoron_redis_servers::Servers;
use neoron_store::{
    Change, CommitError, Events, LeaseError, NewJob, RedisStore, Sessions, StoreError, SystemClock, Tally,
    redis::{ConnectError, RedisOptions},
};

use super::{CLUSTER, SINGLE, cli, connect, patient, prefix};
use crate::world::{HOUR, SECOND, World, clock, cursor, events, job, offsets, session_id, soon, worker_id};

/// The keys of one session, by what they hold.
fn keys(prefix: &str, letter: char, session: neoron_protocol::SessionId) -> String {
    cli(SINGLE.all()[0].port(), &["KEYS", &format!("{prefix}*{letter}:{session}")]).trim().to_owned()
}

/// Takes a stream back to its first two events, as a replica that was behind would have it.
fn lose_the_tail(prefix: &str, session: neoron_protocol::SessionId) {
    let port = SINGLE.all()[0].port();
    let (head, stream) = (keys(prefix, 's', session), keys(prefix, 'e', session));
    cli(port, &["DEL", &stream]);
    for (id, event) in [("1-0", events(1..=1)), ("2-0", events(2..=2))] {
        cli(port, &["XADD", &stream, id, "k", &event[0].kind, "d", &event[0].data, "a", &event[0].at.0.to_string()]);
    }
    assert_eq!(cli(port, &["HSET", &head, "n", "2"]).trim(), "0");
}

async fn with_five_events() -> (RedisStore, String, neoron_protocol::SessionId, String) {
    let (options, clock) = (patient(&SINGLE), clock());
    let (prefix, session) = (options.prefix.clone(), session_id());
    let expiry = neoron_store::Clock::now(&*clock).plus(HOUR);
    let store = connect(options, clock).await;
    let mut change = Change::create(session, "{}".into(), expiry);
    change.events = events(1..=5);
    store.commit(change).await.unwrap();
    let epoch = store.read(session, &Default::default(), 1).await.unwrap().unwrap().epoch;
    (store, prefix, session, epoch)
}

#[tokio::test]
async fn a_stream_that_lost_its_tail_goes_on_in_a_new_epoch_before_its_offsets_are_used_again() {
    let (store, prefix, session, epoch) = with_five_events().await;
    lose_the_tail(&prefix, session);
    assert_eq!(offsets(&store.append(session, events(7..=9)).await.unwrap().unwrap()), [3, 4, 5]);
    // Without the new epoch this reader would take the fifth event for the one it has.
    let page = store.read(session, &cursor(&epoch, 5), 10).await.unwrap().unwrap();
    assert_ne!(page.epoch, epoch);
    assert_eq!((page.gap, page.last), (true, 5));
    let again = store.read(session, &cursor(&page.epoch, 2), 10).await.unwrap().unwrap();
    assert_eq!((again.gap, offsets(&again.events)), (false, vec![3, 4, 5]));
}

#[tokio::test]
async fn a_change_notices_a_lost_tail_as_well() {
    let (store, prefix, session, epoch) = with_five_events().await;
    lose_the_tail(&prefix, session);
    let stored = store.load(session).await.unwrap().unwrap();
    let mut change = Change::update(session, stored.version, "{}".into(), stored.expires_at);
    change.events = events(7..=7);
    assert_eq!(offsets(&store.commit(change).await.unwrap().events), [3]);
    assert!(store.read(session, &cursor(&epoch, 2), 10).await.unwrap().unwrap().gap);
}

#[tokio::test]
async fn who_reads_or_watches_a_stream_that_lost_its_tail_notices() {
    let (store, prefix, session, epoch) = with_five_events().await;
    lose_the_tail(&prefix, session);
    let page = store.read(session, &cursor(&epoch, 5), 10).await.unwrap().unwrap();
    assert!(page.gap);
    assert_ne!(page.epoch, epoch, "the loss is known from the first reader on");

    let (store, prefix, session, epoch) = with_five_events().await;
    lose_the_tail(&prefix, session);
    let mut watch = store.watch(session).await.unwrap();
    assert!(soon("the wake-up", watch.changed()).await);
    assert!(store.read(session, &cursor(&epoch, 5), 10).await.unwrap().unwrap().gap);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_the_servers_forget_in_the_middle_are_sent_again() {
    let clock = clock();
    let expiry = neoron_store::Clock::now(&*clock).plus(HOUR);
    let store = Arc::new(connect(patient(&CLUSTER), clock).await);
    let mut writers = Vec::new();
    for _ in 0..10 {
        let (store, session) = (Arc::clone(&store), session_id());
        writers.push(tokio::spawn(async move {
            store.commit(Change::create(session, "{}".into(), expiry)).await.unwrap();
            for number in 1..=100 {
                let appended = store.append(session, events(number..=number)).await.unwrap().unwrap();
                assert_eq!(offsets(&appended), [number]);
            }
        }));
    }
    for _ in 0..20 {
        for server in CLUSTER.all() {
            cli(server.port(), &["SCRIPT", "FLUSH"]);
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        soon("a writer", writer).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_whose_memory_is_full_takes_nothing_more_and_forgets_nothing() {
    let servers = tokio::task::spawn_blocking(Servers::single).await.unwrap().unwrap();
    let port = servers.all()[0].port();
    let (options, clock) = (patient(&servers), clock());
    let world = World { store: Arc::new(connect(options, clock.clone()).await), clock };
    let session = world.session().await;
    world.store.accept(job(None), None).await.unwrap();
    let lease = world.store.claim(worker_id(), 1, HOUR).await.unwrap().remove(0).lease;
    assert_eq!(cli(port, &["CONFIG", "SET", "maxmemory", "1mb"]).trim(), "OK");

    let refused = world.store.commit(world.update(session, 1)).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Full))), "{refused:?}");
    let refused = world.store.commit(world.creation(session_id())).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Full))), "{refused:?}");
    assert!(matches!(world.store.append(session, events(1..=1)).await, Err(StoreError::Full)));
    assert!(matches!(world.store.accept(job(None), None).await, Err(StoreError::Full)));
    world.store.done(&lease).await.unwrap();
    assert_eq!(world.store.load(session).await.unwrap().unwrap().version, 1);

    assert_eq!(cli(port, &["CONFIG", "SET", "maxmemory", "0"]).trim(), "OK");
    assert_eq!(world.commit(world.update(session, 1)).await.version, 2);
}

#[tokio::test]
async fn a_store_with_another_number_of_partitions_is_refused() {
    let options = patient(&SINGLE);
    connect(options.clone(), Arc::new(SystemClock)).await;
    let other = RedisOptions { partitions: 16, ..options.clone() };
    let refused = RedisStore::connect(other, Arc::new(SystemClock)).await.unwrap_err();
    assert!(matches!(&refused, ConnectError::Otherwise { found, wanted: 16 } if found == "64"), "{refused}");
    connect(RedisOptions { prefix: prefix(), partitions: 16, ..options }, Arc::new(SystemClock)).await;
}

#[tokio::test]
async fn servers_that_do_not_answer_are_told_as_such() {
    let nobody = RedisOptions::new(vec!["redis://127.0.0.1:1,127.0.0.1:2".to_owned()]);
    let refused = soon("the refusal", RedisStore::connect(nobody, Arc::new(SystemClock))).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Unreachable(2)), "{refused}");
    for (partitions, prefix) in [(0, "ok:"), (1_025, "ok:"), (64, "{no}:")] {
        let odd = RedisOptions { partitions, prefix: prefix.to_owned(), ..RedisOptions::new(vec![SINGLE.url()]) };
        assert!(RedisStore::connect(odd, Arc::new(SystemClock)).await.is_err());
    }
}

#[tokio::test]
async fn a_lane_whose_jobs_were_lost_goes_on_with_the_next_that_is_there() {
    let (options, clock) = (patient(&SINGLE), clock());
    let prefix = options.prefix.clone();
    let world = World { store: Arc::new(connect(options, clock.clone()).await), clock };
    let session = session_id();
    let in_lane = || NewJob { lane: Some("calls".into()), ..job(Some(session)) };
    let lose = |id: JobId| cli(SINGLE.all()[0].port(), &["DEL", &job_key(&prefix, id)]);
    let accept = async |new: NewJob| {
        let id = new.id;
        world.store.accept(new, None).await.unwrap();
        id
    };
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(accept(in_lane()).await);
    }
    // One behind the first is passed over when its turn comes.
    assert_eq!(lose(ids[1]).trim(), "1");
    let first = world.store.claim(worker_id(), 10, HOUR).await.unwrap().remove(0).lease;
    assert_eq!(first.job, ids[0]);
    world.store.done(&first).await.unwrap();
    // The first itself is noticed by the next who joins.
    assert_eq!(lose(ids[2]).trim(), "1");
    assert!(world.store.claim(worker_id(), 10, HOUR).await.unwrap().is_empty());
    ids.push(accept(in_lane()).await);
    for id in &ids[3..] {
        let claimed = world.store.claim(worker_id(), 10, HOUR).await.unwrap();
        assert_eq!(claimed.iter().map(|claimed| claimed.lease.job).collect::<Vec<_>>(), [*id]);
        world.store.done(&claimed[0].lease).await.unwrap();
    }
}

fn job_key(prefix: &str, job: JobId) -> String {
    cli(SINGLE.all()[0].port(), &["KEYS", &format!("{prefix}*j:{job}")]).trim().to_owned()
}

#[tokio::test]
async fn a_server_that_lost_everything_starts_anew() {
    let servers = tokio::task::spawn_blocking(Servers::single).await.unwrap().unwrap();
    let (options, clock) = (patient(&servers), clock());
    let world = World { store: Arc::new(connect(options, clock.clone()).await), clock };
    let session = world.session().await;
    world.store.accept(job(None), None).await.unwrap();
    let lease = world.store.claim(worker_id(), 1, HOUR).await.unwrap().remove(0).lease;
    assert_eq!(cli(servers.all()[0].port(), &["FLUSHALL"]).trim(), "OK");

    assert!(matches!(world.store.commit(world.update(session, 1)).await, Err(CommitError::Conflict)));
    assert!(matches!(world.store.done(&lease).await, Err(LeaseError::Lost)));
    assert_eq!(world.store.depth().await.unwrap(), Default::default());
    let mut change = world.creation(session);
    change.jobs = vec![job(Some(session))];
    assert_eq!(world.commit(change).await.version, 1);
    assert_eq!(world.store.claim(worker_id(), 10, HOUR).await.unwrap().len(), 1);
}

#[tokio::test]
async fn whatever_is_for_a_while_has_a_lifetime_in_redis_and_jobs_have_none() {
    let servers = tokio::task::spawn_blocking(Servers::single).await.unwrap().unwrap();
    let port = servers.all()[0].port();
    let (options, clock) = (patient(&servers), clock());
    let world = World { store: Arc::new(connect(options, clock.clone()).await), clock };
    let mut change = world.creation(session_id());
    change.tallies = vec![Tally { day: 20_833, name: "calls".into(), by: 1 }];
    world.commit(change).await;
    for (holder, lasts) in [("a", HOUR), ("b", SECOND), ("a", HOUR)] {
        world.store.sit("site", holder, 9, lasts).await.unwrap();
        world.store.join("room", holder, "{}".into(), 9, lasts).await.unwrap();
    }
    let lifetime = |letter: char| {
        let keys = cli(port, &["KEYS", &format!("*}}{letter}:*")]);
        assert_eq!(keys.lines().count(), 1, "{letter}: {keys}");
        cli(port, &["PTTL", keys.trim()]).trim().parse::<i64>().unwrap()
    };
    // Seats, and the three keys of a room: as long as the longest of those in it, and the slack.
    for letter in ['a', 'm', 'u', 'f'] {
        assert!((3_600_000..=4_200_000).contains(&lifetime(letter)), "{letter}: {}", lifetime(letter));
    }
    assert!(lifetime('t') > 400 * 24 * 3_600_000);
    world.store.accept(NewJob { lane: Some("calls".into()), ..job(Some(session_id())) }, None).await.unwrap();
    for letter in ['j', 'z'] {
        assert_eq!(lifetime(letter), -1, "what must be done waits until it is");
    }
}

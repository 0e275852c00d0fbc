//! A server whose answer is lost on the way: what was done must not be done twice.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use neoron_store::{
    Accepted, Budgets, Burn, Events, Jobs, Joined, NewJob, Once, RedisStore, Reservation, Seated, Seats, Sessions,
    StoreError, Tallies, Tally, WaitingRooms, redis::RedisOptions,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

use super::{SINGLE, connect, patient};
use crate::world::{HOUR, MINUTE, World, clock, events, job, key, offsets, session_id, worker_id};

/// Between the store and a server; once armed, it swallows the next answer and hangs up.
struct Proxy {
    port: u16,
    armed: Arc<AtomicBool>,
}

impl Proxy {
    async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Arc::new(AtomicBool::new(false));
        let proxy = Self { port, armed: Arc::clone(&armed) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, Arc::clone(&armed)));
            }
        });
        proxy
    }

    fn lose_the_next_answer(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    fn assert_lost(&self) {
        assert!(!self.armed.load(Ordering::SeqCst), "no answer was lost");
    }
}

async fn carry(client: TcpStream, server: u16, armed: Arc<AtomicBool>) {
    let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
    let mut buffer = [0; 16 * 1024];
    while let Ok(count) = from_server.read(&mut buffer).await {
        let over = count == 0 || armed.swap(false, Ordering::SeqCst);
        if over || to_client.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn store() -> (Proxy, World, Arc<RedisStore>) {
    let proxy = Proxy::before(SINGLE.all()[0].port()).await;
    // Only what the test asks for is sent over the proxy while it counts.
    let options = RedisOptions {
        urls: vec![format!("redis://127.0.0.1:{}", proxy.port)],
        refresh_every: HOUR,
        ..patient(&SINGLE)
    };
    let clock = clock();
    let store = Arc::new(connect(options, clock.clone()).await);
    (proxy, World { store: store.clone(), clock }, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_whose_answer_was_lost_is_done_once() {
    let (proxy, world, store) = store().await;
    let session = world.session().await;
    let mut change = world.update(session, 1);
    change.events = events(1..=2);
    change.jobs = vec![job(Some(session))];
    change.burn = vec![key("delivery")];
    change.tallies = vec![Tally { day: 20_833, name: "calls".into(), by: 3 }];
    proxy.lose_the_next_answer();
    let committed = store.commit(change).await.unwrap();
    proxy.assert_lost();
    assert_eq!((committed.version, offsets(&committed.events)), (2, vec![1, 2]));
    assert_eq!(store.load(session).await.unwrap().unwrap().version, 2);
    assert_eq!(world.ready_jobs().await, 1);
    let counted = store.tallies(20_833..=20_833).await.unwrap();
    assert_eq!(counted, [Tally { day: 20_833, name: "calls".into(), by: 3 }], "counted once");

    proxy.lose_the_next_answer();
    assert_eq!(offsets(&store.append(session, events(3..=3)).await.unwrap().unwrap()), [3]);
    proxy.assert_lost();
    let page = store.read(session, &Default::default(), 10).await.unwrap().unwrap();
    assert_eq!(offsets(&page.events), [1, 2, 3]);

    proxy.lose_the_next_answer();
    assert!(store.burn(key("jti")).await.unwrap());
    proxy.assert_lost();
    assert!(!store.burn(key("jti")).await.unwrap());

    proxy.lose_the_next_answer();
    assert_eq!(store.reserve("site", "call", 60, 100, HOUR).await.unwrap(), Reservation::Reserved { left: 40 });
    proxy.assert_lost();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_accepted_claimed_and_finished_once_although_the_answers_were_lost() {
    let (proxy, world, store) = store().await;
    for burn in [None, Some(Burn { key: "delivery".into(), keep: HOUR })] {
        let accepted = job(None);
        proxy.lose_the_next_answer();
        assert_eq!(store.accept(accepted.clone(), burn).await.unwrap(), Accepted::New);
        proxy.assert_lost();
        assert_eq!(world.ready_jobs().await, 1);

        proxy.lose_the_next_answer();
        let claimed = store.claim(worker_id(), 10, MINUTE).await.unwrap();
        proxy.assert_lost();
        assert_eq!(claimed.len(), 1);
        assert_eq!((claimed[0].lease.job, claimed[0].lease.attempt), (accepted.id, 1));

        proxy.lose_the_next_answer();
        store.done(&claimed[0].lease).await.unwrap();
        proxy.assert_lost();
        assert_eq!(store.depth().await.unwrap(), Default::default());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_not_asked_twice_for_one_passage() {
    use neoron_store::{Limits, Rate};
    let (proxy, _world, store) = store().await;
    proxy.lose_the_next_answer();
    let lost = store.take("ip", Rate::per(5, HOUR)).await;
    proxy.assert_lost();
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert_eq!(store.take("ip", Rate::per(5, HOUR)).await.unwrap().remaining, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_left_a_waiting_room_is_told_so_although_the_answer_was_lost() {
    let (proxy, _world, store) = store().await;
    proxy.lose_the_next_answer();
    let joined = store.join("room", "a", "{}".into(), 1, MINUTE).await.unwrap();
    proxy.assert_lost();
    assert!(matches!(joined, Joined::Waits(place) if (place.ahead, place.of) == (0, 1)));
    proxy.lose_the_next_answer();
    assert!(store.depart("room", "a").await.unwrap());
    proxy.assert_lost();
    assert!(!store.depart("room", "a").await.unwrap());

    proxy.lose_the_next_answer();
    assert_eq!(store.sit("site", "a", 1, MINUTE).await.unwrap(), Seated::Taken { used: 1 });
    proxy.assert_lost();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_is_passed_on_once_although_the_answer_was_lost() {
    let (proxy, world, store) = store().await;
    let session = session_id();
    for _ in 0..3 {
        let new = NewJob { lane: Some("calls".into()), ..job(Some(session)) };
        proxy.lose_the_next_answer();
        store.accept(new, None).await.unwrap();
        proxy.assert_lost();
    }
    for behind in [1, 0] {
        let lease = store.claim(worker_id(), 10, MINUTE).await.unwrap().remove(0).lease;
        proxy.lose_the_next_answer();
        store.done(&lease).await.unwrap();
        proxy.assert_lost();
        let depth = store.depth().await.unwrap();
        assert_eq!((depth.ready, depth.delayed, depth.running), (1, behind, 0));
    }
    assert_eq!(world.ready_jobs().await, 1);
}

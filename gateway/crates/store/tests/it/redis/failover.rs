//! The death of a master, and one that freezes: nothing acknowledged is lost, nobody hangs, the others go on.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use neoron_protocol::{JobId, SessionId};
use neoron_redis_servers::{Server, Servers};
use neoron_store::{
    Change, Clock, Cursor, Events, Jobs, NewEvent, NewJob, RedisStore, Sessions, StoreError, SystemClock,
    redis::RedisOptions,
};

use super::{cli, connect, prefix};
use crate::world::{HOUR, job, session_id, soon, worker_id};

const WRITERS: usize = 50;
/// A call that takes longer hangs; the store promises 1.5 s, a busy machine may need more.
const HANGING: Duration = Duration::from_secs(20);

struct Scene {
    servers: Servers,
    store: Arc<RedisStore>,
    prefix: String,
    sessions: Vec<SessionId>,
}

impl Scene {
    async fn set() -> Self {
        let servers = tokio::task::spawn_blocking(Servers::cluster).await.unwrap().unwrap();
        let options = RedisOptions { prefix: prefix(), ..RedisOptions::new(vec![servers.url()]) };
        let prefix = options.prefix.clone();
        let store = Arc::new(connect(options, Arc::new(SystemClock)).await);
        let mut sessions = Vec::new();
        for _ in 0..WRITERS {
            let session = session_id();
            let change = Change::create(session, "{}".into(), SystemClock.now().plus(HOUR));
            persistently(|| store.commit(change.clone())).await;
            sessions.push(session);
        }
        Self { servers, store, prefix, sessions }
    }

    /// The master with the most sessions, and which ones they are.
    fn victim(&self) -> (&Server, Vec<SessionId>) {
        let of = |server: &Server| {
            let keys = cli(server.port(), &["KEYS", &format!("{}*", self.prefix)]);
            let mut sessions = self.sessions.clone();
            sessions.retain(|session| keys.contains(&format!("}}s:{session}")));
            sessions
        };
        let masters = self.servers.masters().into_iter().map(|server| (server, of(server)));
        masters.max_by_key(|(_, sessions)| sessions.len()).unwrap()
    }
}

/// Tries until it succeeds: for what a test needs beside what it tests.
async fn persistently<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>>(make: impl Fn() -> F) -> T {
    soon("a success", async {
        loop {
            if let Ok(done) = make().await {
                return done;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// What one writer has been told.
#[derive(Default)]
struct Told {
    acknowledged: Vec<String>,
    refused: u64,
    longest: Duration,
}

/// Appends numbered events until it is stopped; one that gets no answer is not written again.
async fn write(store: Arc<RedisStore>, session: SessionId, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) -> Told {
    let mut told = Told::default();
    for number in 0_u64.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let data = format!("{{\"n\":{number}}}");
        let event = NewEvent { kind: "transcript".into(), data: data.clone(), at: SystemClock.now() };
        let start = Instant::now();
        match tokio::time::timeout(HANGING, store.append(session, vec![event])).await.expect("a call hangs") {
            Ok(appended) => {
                assert_eq!(appended.expect("the session is gone").len(), 1);
                told.acknowledged.push(data);
                done.fetch_add(1, Ordering::SeqCst);
            }
            Err(StoreError::Unavailable(_)) => told.refused += 1,
            Err(error) => panic!("{error}"),
        }
        told.longest = told.longest.max(start.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    told
}

/// Follows a stream by watch and cursor until it has the event `last`; returns what it got.
async fn follow(store: Arc<RedisStore>, session: SessionId, last: &'static str) -> Vec<String> {
    let mut watch = store.watch(session).await.unwrap();
    let (mut known, mut got) = (Cursor::default(), Vec::new());
    loop {
        let Ok(page) = store.read(session, &known, 100).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let page = page.expect("the session is gone");
        assert!(!page.gap, "a stream whose replica had everything has no gap");
        if page.events.is_empty() {
            assert!(watch.changed().await);
            continue;
        }
        for event in &page.events {
            assert_eq!(event.offset, known.offset + 1, "every event once and in order");
            known.offset = event.offset;
            got.push(event.data.clone());
        }
        known.epoch = page.epoch;
        if got.last().is_some_and(|data| data == last) {
            return got;
        }
    }
}

/// Writers of all sessions, and how often each has succeeded so far.
struct Crowd {
    stop: Arc<AtomicBool>,
    done: HashMap<SessionId, Arc<AtomicU64>>,
    tasks: Vec<(SessionId, tokio::task::JoinHandle<Told>)>,
}

impl Crowd {
    fn start(scene: &Scene) -> Self {
        let mut crowd = Self { stop: Arc::default(), done: HashMap::new(), tasks: Vec::new() };
        for session in &scene.sessions {
            let done = Arc::new(AtomicU64::new(0));
            crowd.done.insert(*session, Arc::clone(&done));
            let writer = write(Arc::clone(&scene.store), *session, Arc::clone(&crowd.stop), done);
            crowd.tasks.push((*session, tokio::spawn(writer)));
        }
        crowd
    }

    /// How often these have succeeded.
    fn sum(&self, sessions: &[SessionId]) -> u64 {
        sessions.iter().map(|session| self.done[session].load(Ordering::SeqCst)).sum()
    }

    /// Waits until each of these has succeeded `times` more.
    async fn until(&self, sessions: &[SessionId], times: u64) {
        let goal: BTreeMap<_, _> = sessions.iter().map(|session| (*session, self.sum(&[*session]) + times)).collect();
        soon("a success of every writer", async {
            while goal.iter().any(|(session, goal)| self.sum(&[*session]) < *goal) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    async fn end(self) -> HashMap<SessionId, Told> {
        self.stop.store(true, Ordering::SeqCst);
        let mut told = HashMap::new();
        for (session, task) in self.tasks {
            told.insert(session, soon("a writer", task).await.unwrap());
        }
        told
    }
}

const LAST: &str = "\"the last one\"";

/// Everything acknowledged came to who follows, once and in order.
async fn assert_complete(
    scene: &Scene,
    told: &HashMap<SessionId, Told>,
    followers: Vec<(SessionId, tokio::task::JoinHandle<Vec<String>>)>,
) {
    for session in &scene.sessions {
        let last = NewEvent { kind: "notice".into(), data: LAST.into(), at: SystemClock.now() };
        persistently(|| scene.store.append(*session, vec![last.clone()])).await;
    }
    for (session, follower) in followers {
        let got = soon("the end of a stream", follower).await.unwrap();
        let mut rest = got.iter();
        for data in &told[&session].acknowledged {
            assert!(rest.any(|got| got == data), "{data} was acknowledged and is lost, or came twice");
        }
    }
}

fn followers(scene: &Scene) -> Vec<(SessionId, tokio::task::JoinHandle<Vec<String>>)> {
    let follow = |session: &SessionId| (*session, tokio::spawn(follow(Arc::clone(&scene.store), *session, LAST)));
    scene.sessions.iter().map(follow).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_masters_death_loses_nothing_acknowledged_and_stops_no_other_shard() {
    let scene = Scene::set().await;
    let followers = followers(&scene);
    let crowd = Crowd::start(&scene);
    crowd.until(&scene.sessions, 20).await;
    let (victim, on_it) = scene.victim();
    let others: Vec<_> = scene.sessions.iter().filter(|session| !on_it.contains(session)).copied().collect();
    assert!(!on_it.is_empty() && !others.is_empty());

    let before = crowd.sum(&on_it);
    victim.signal("KILL").unwrap();
    // The others go on while the shard is without a master: it takes the replica some seconds to be sure.
    crowd.until(&others, 30).await;
    let during = crowd.sum(&on_it) - before;
    crowd.until(&on_it, 20).await;

    let told = crowd.end().await;
    let refused = |sessions: &[SessionId]| sessions.iter().map(|session| told[session].refused).sum::<u64>();
    assert!(refused(&on_it) > 0 || during > 0, "the shard was without a master");
    assert_eq!(refused(&others), 0, "no call to another shard failed");
    assert_complete(&scene, &told, followers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_master_hangs_nobody_and_comes_back_as_a_replica() {
    let scene = Scene::set().await;
    let followers = followers(&scene);
    let crowd = Crowd::start(&scene);
    crowd.until(&scene.sessions, 10).await;
    let (victim, on_it) = scene.victim();
    let others: Vec<_> = scene.sessions.iter().filter(|session| !on_it.contains(session)).copied().collect();
    victim.signal("STOP").unwrap();
    crowd.until(&others, 30).await;
    crowd.until(&on_it, 10).await;
    victim.signal("CONT").unwrap();
    crowd.until(&scene.sessions, 10).await;
    let told = crowd.end().await;
    assert_complete(&scene, &told, followers).await;
    tokio::task::block_in_place(|| scene.servers.until_whole()).unwrap();
    assert_eq!(soon("the shards' answer", scene.store.health()).await.answering, 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_accepted_around_a_masters_death_are_all_claimed_and_finished() {
    let scene = Scene::set().await;
    let (victim, _) = scene.victim();
    let mut accepted = std::collections::BTreeSet::new();
    for number in 0..300 {
        if number == 100 {
            victim.signal("KILL").unwrap();
        }
        let new = job(None);
        let id = new.id;
        persistently(|| scene.store.accept(new.clone(), None)).await;
        accepted.insert(id);
    }
    let mut finished = std::collections::BTreeSet::new();
    soon("the last job", async {
        while finished.len() < accepted.len() {
            scene.store.wait(Duration::from_millis(200)).await;
            let Ok(claimed) = scene.store.claim(worker_id(), 50, HOUR).await else { continue };
            for claimed in claimed {
                persistently(|| scene.store.done(&claimed.lease)).await;
                assert!(finished.insert(claimed.lease.job), "a job was claimed twice");
            }
        }
    })
    .await;
    assert_eq!(finished, accepted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_keep_their_order_while_a_master_is_frozen_and_replaced() {
    let scene = Scene::set().await;
    let (victim, _) = scene.victim();
    let mut expected = BTreeMap::<SessionId, Vec<JobId>>::new();
    for number in 0..4 {
        if number == 2 {
            victim.signal("STOP").unwrap();
        }
        for session in &scene.sessions[..20] {
            let new = NewJob { lane: Some("calls".into()), ..job(Some(*session)) };
            persistently(|| scene.store.accept(new.clone(), None)).await;
            expected.entry(*session).or_default().push(new.id);
        }
    }
    victim.signal("CONT").unwrap();
    let mut finished = BTreeMap::<SessionId, Vec<JobId>>::new();
    soon("the last job", async {
        while finished.values().map(Vec::len).sum::<usize>() < 80 {
            scene.store.wait(Duration::from_millis(200)).await;
            let Ok(claimed) = scene.store.claim(worker_id(), 50, HOUR).await else { continue };
            for claimed in claimed {
                persistently(|| scene.store.done(&claimed.lease)).await;
                finished.entry(claimed.lease.session.unwrap()).or_default().push(claimed.lease.job);
            }
        }
    })
    .await;
    assert_eq!(finished, expected);
}

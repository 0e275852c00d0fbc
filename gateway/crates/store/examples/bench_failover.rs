//! `cargo xtask bench store`, second part: how soon writing goes on after a master's death, beside the time Redis
//! itself needs to promote the replica. Six servers of its own; prints one JSON object a line; takes about a minute.
//!
//! 48 sessions are written to, each by a writer of its own that waits 5 ms between two events; the master with the
//! most of them is killed with `kill -9`. The medians of all rounds are printed.

use std::{
    collections::BTreeMap,
    error::Error,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use neoron_protocol::{SessionId, UnixMillis};
use neoron_redis_servers::{Servers, cli};
use neoron_store::{Change, Clock, Cursor, Events, NewEvent, RedisStore, Sessions, SystemClock, redis::RedisOptions};
use redis::Value;
use serde_json::json;

type Failure = Box<dyn Error + Send + Sync>;

const ROUNDS: usize = 3;
const SESSIONS: u64 = 48;
const CALM: Duration = Duration::from_secs(2);
/// After the shard is back.
const AFTERWARDS: Duration = Duration::from_secs(2);
const BUCKET: Duration = Duration::from_millis(500);
const PEER: &str = "redis's own failover";

/// One event that was acknowledged, and when.
struct Acknowledged {
    at: Instant,
    data: String,
}

async fn write(store: Arc<RedisStore>, session: SessionId, stop: Arc<AtomicBool>) -> Vec<Acknowledged> {
    let mut told = Vec::new();
    for number in 0_u64.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let data = number.to_string();
        let event = NewEvent { kind: "transcript".into(), data: data.clone(), at: SystemClock.now() };
        if store.append(session, vec![event]).await.is_ok() {
            told.push(Acknowledged { at: Instant::now(), data });
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    told
}

/// Until the survivors have given the victim's slots to another server.
async fn promotion(survivor: u16, victim: u16) -> Result<Instant, Failure> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{survivor}"))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    loop {
        let slots: Value = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
        let Value::Array(ranges) = slots else { return Err("CLUSTER SLOTS has another form".into()) };
        let victims = |range: &Value| {
            let Value::Array(fields) = range else { return false };
            let Some(Value::Array(master)) = fields.get(2) else { return false };
            master.get(1) == Some(&Value::Int(i64::from(victim)))
        };
        if !ranges.iter().any(victims) {
            return Ok(Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What one round measured.
struct Round {
    resume: f64,
    promotion: f64,
    lost: u64,
    lowest: u64,
    calm: u64,
}

/// Acknowledged events of the surviving shards in each half second after `from`.
fn buckets(
    told: &BTreeMap<SessionId, Vec<Acknowledged>>,
    on_it: &[SessionId],
    from: Instant,
    until: Instant,
) -> Vec<u64> {
    let count = (until.duration_since(from).as_millis() / BUCKET.as_millis()).max(1);
    let mut buckets = vec![0; usize::try_from(count).unwrap_or(1)];
    for event in told.iter().filter(|(session, _)| !on_it.contains(session)).flat_map(|(_, events)| events) {
        let Some(since) = event.at.checked_duration_since(from) else { continue };
        let bucket = usize::try_from(since.as_millis() / BUCKET.as_millis()).unwrap_or(usize::MAX);
        if let Some(count) = buckets.get_mut(bucket) {
            *count += 1;
        }
    }
    buckets
}

async fn lost(store: &RedisStore, told: &BTreeMap<SessionId, Vec<Acknowledged>>) -> Result<u64, Failure> {
    let mut lost = 0;
    for (session, acknowledged) in told {
        let (mut known, mut found) = (Cursor::default(), std::collections::BTreeSet::new());
        loop {
            let page = store.read(*session, &known, 1_000).await?.ok_or("a session is gone")?;
            let Some(last) = page.events.last() else { break };
            known = Cursor { epoch: page.epoch.clone(), offset: last.offset };
            found.extend(page.events.into_iter().map(|event| event.data));
        }
        lost += acknowledged.iter().filter(|event| !found.contains(&event.data)).count() as u64;
    }
    Ok(lost)
}

async fn round() -> Result<Round, Failure> {
    let servers = tokio::task::spawn_blocking(Servers::cluster).await??;
    let options = RedisOptions::new(vec![servers.url()]);
    let store = Arc::new(RedisStore::connect(options, Arc::new(SystemClock)).await?);
    let (stop, mut writers) = (Arc::new(AtomicBool::new(false)), Vec::new());
    for number in 0..SESSIONS {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        let session = SessionId::new(UnixMillis(1), random);
        store.commit(Change::create(session, "{}".into(), SystemClock.now().plus(Duration::from_secs(3_600)))).await?;
        writers.push((session, tokio::spawn(write(Arc::clone(&store), session, Arc::clone(&stop)))));
    }
    let start = Instant::now();
    tokio::time::sleep(CALM).await;

    let masters = servers.masters();
    let on = |port: u16| {
        let keys = cli(port, &["KEYS", "*}s:*"]).unwrap_or_default();
        writers
            .iter()
            .map(|(session, _)| *session)
            .filter(|session| keys.contains(session.as_str()))
            .collect::<Vec<_>>()
    };
    let victim = masters.iter().max_by_key(|server| on(server.port()).len()).ok_or("there is no master")?;
    let on_it = on(victim.port());
    let survivor = masters.iter().find(|server| server.port() != victim.port()).ok_or("there is one master")?;
    let killed = Instant::now();
    victim.signal("KILL")?;
    let promoted = promotion(survivor.port(), victim.port()).await?;
    tokio::time::sleep(AFTERWARDS).await;
    stop.store(true, Ordering::SeqCst);
    let mut told = BTreeMap::new();
    for (session, writer) in writers {
        told.insert(session, writer.await?);
    }

    // Answers that were on their way at the kill still arrive right after it.
    let dead = killed + Duration::from_millis(200);
    let resumed = told.iter().filter(|(session, _)| on_it.contains(session)).flat_map(|(_, events)| events);
    let resumed = resumed.map(|event| event.at).filter(|at| *at > dead).min().ok_or("the shard did not come back")?;
    let calm = buckets(&told, &on_it, start, killed).into_iter().min().unwrap_or(0);
    let lowest = buckets(&told, &on_it, killed, promoted + AFTERWARDS).into_iter().min().unwrap_or(0);
    Ok(Round {
        resume: resumed.duration_since(killed).as_secs_f64(),
        promotion: promoted.duration_since(killed).as_secs_f64(),
        lost: lost(&store, &told).await?,
        lowest,
        calm,
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(runtime.block_on(round())?);
    }
    let of = |value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
    let rows = [
        ("failover_resume_s", of(|round| round.resume), of(|round| round.promotion), PEER, "s"),
        (
            "failover_lost_acknowledged",
            rounds.iter().map(|round| round.lost).sum::<u64>() as f64,
            0.0,
            "nothing",
            "events",
        ),
        (
            "failover_survivors_lowest_per_500ms",
            of(|round| round.lowest as f64),
            of(|round| round.calm as f64),
            "the lowest half second before the kill",
            "events",
        ),
    ];
    for (metric, ours, peer, peer_name, unit) in rows {
        // A peer of zero has no ratio.
        let ratio = (peer > 0.0).then(|| ours / peer);
        let line = json!({
            "bench": "store", "metric": metric, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ratio,
            "unit": unit,
        });
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}

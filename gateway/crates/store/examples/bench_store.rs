//! `cargo xtask bench store`: the embedded store against a naive one on the same schema, one transaction per call
//! behind a lock, both with every answer on disk. Prints one JSON object a line; takes about 20 seconds.
//!
//! One operation accepts a webhook: one key burnt, one job and one event of 600 bytes each, one session changed.

use std::{
    error::Error,
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use neoron_protocol::{JobId, SessionId, UnixMillis};
use neoron_store::{
    Burn, Change, Clock, EmbeddedStore, NewEvent, NewJob, Sessions, Start, SystemClock, embedded::Options,
};
use rusqlite::{Connection, TransactionBehavior};
use serde_json::json;

type Failure = Box<dyn Error + Send + Sync>;

const CALLERS: [usize; 3] = [1, 16, 128];
/// Ours, peer, ours, peer: what the machine does beside it hits both.
const ROUNDS: usize = 2;
const ROUND: Duration = Duration::from_millis(1_500);
const BYTES: usize = 600;
const PEER: &str = "sqlite, one transaction per call, synchronous=FULL";
/// Longest latency that is told apart, in microseconds.
const LONGEST_US: u64 = 60_000_000;
/// `/proc/<pid>/stat` counts in hundredths of a second on every Linux.
const TICK_US: f64 = 10_000.0;

/// What one side did in its rounds.
struct Tally {
    latency_us: Histogram<u64>,
    wall: Duration,
    cpu_us: f64,
}

impl Tally {
    fn new() -> Result<Self, Failure> {
        Ok(Self { latency_us: Histogram::new_with_max(LONGEST_US, 3)?, wall: Duration::ZERO, cpu_us: 0.0 })
    }

    /// Adds a round that `run` measures; it returns the latencies.
    fn round(&mut self, run: impl FnOnce() -> Result<Histogram<u64>, Failure>) -> Result<(), Failure> {
        let (start, cpu) = (Instant::now(), cpu_us()?);
        self.latency_us.add(run()?)?;
        self.cpu_us += cpu_us()? - cpu;
        self.wall += start.elapsed();
        Ok(())
    }

    fn metrics(&self) -> [(&'static str, &'static str, f64); 4] {
        // Exact up to 2^53 operations.
        let count = self.latency_us.len() as f64;
        let at = |quantile| self.latency_us.value_at_quantile(quantile) as f64;
        [
            ("accepts_per_s", "1/s", count / self.wall.as_secs_f64()),
            ("accept_p50_us", "us", at(0.5)),
            ("accept_p99_us", "us", at(0.99)),
            ("cpu_us_per_accept", "us", self.cpu_us / count),
        ]
    }
}

/// Processor time of this process so far, all threads, in microseconds.
fn cpu_us() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field is the program's name in brackets; user and system time are the 14th and 15th.
    let fields = stat.rsplit_once(')').ok_or("/proc/self/stat has another form")?.1;
    let ticks = |index: usize| fields.split_ascii_whitespace().nth(index).unwrap_or("0").parse::<f64>();
    Ok((ticks(11)? + ticks(12)?) * TICK_US)
}

/// Ids, keys and texts of the operations; no two are alike.
#[derive(Default)]
struct Numbers(AtomicU64);

impl Numbers {
    fn next(&self) -> [u8; 10] {
        let mut bytes = [7; 10];
        bytes[2..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    }
}

fn far() -> UnixMillis {
    SystemClock.now().plus(Duration::from_secs(86_400))
}

fn webhook(change: &mut Change, numbers: &Numbers) {
    let now = SystemClock.now();
    let id = JobId::new(now, numbers.next());
    let text = "x".repeat(BYTES);
    change.burn = vec![Burn { key: format!("delivery:{id}"), keep: Duration::from_secs(86_400) }];
    change.events = vec![NewEvent { kind: "document".into(), data: text.clone(), at: now }];
    change.jobs = vec![NewJob {
        id,
        session: Some(change.session),
        kind: "upsert_session".into(),
        payload: text,
        start: Start::Now,
        lane: None,
    }];
}

async fn ours_caller(
    store: Arc<EmbeddedStore>,
    numbers: Arc<Numbers>,
    until: Instant,
) -> Result<Histogram<u64>, Failure> {
    let mut latency = Histogram::new_with_max(LONGEST_US, 3)?;
    let session = SessionId::new(SystemClock.now(), numbers.next());
    let mut version = store.commit(Change::create(session, "x".repeat(BYTES), far())).await?.version;
    while Instant::now() < until {
        let start = Instant::now();
        let mut change = Change::update(session, version, "x".repeat(BYTES), far());
        webhook(&mut change, &numbers);
        version = store.commit(change).await?.version;
        latency.record(u64::try_from(start.elapsed().as_micros())?)?;
    }
    Ok(latency)
}

fn ours(
    runtime: &tokio::runtime::Runtime,
    store: &Arc<EmbeddedStore>,
    numbers: &Arc<Numbers>,
    callers: usize,
) -> Result<Histogram<u64>, Failure> {
    let until = Instant::now() + ROUND;
    runtime.block_on(async {
        let callers: Vec<_> =
            (0..callers).map(|_| tokio::spawn(ours_caller(Arc::clone(store), Arc::clone(numbers), until))).collect();
        let mut all = Histogram::new_with_max(LONGEST_US, 3)?;
        for caller in callers {
            all.add(caller.await??)?;
        }
        Ok(all)
    })
}

/// What a careful programmer writes first: prepared statements, the same settings, one transaction for each call.
struct Naive(Mutex<Connection>);

impl Naive {
    fn open(path: &Path) -> Result<Self, Failure> {
        // The store makes the file, so that both have the same tables and indexes.
        drop(EmbeddedStore::open(path, Options::default(), Arc::new(SystemClock))?);
        let db = Connection::open(path)?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.set_prepared_statement_cache_capacity(64);
        Ok(Self(Mutex::new(db)))
    }

    fn commit(&self, change: &Change) -> Result<(), Failure> {
        let mut db = self.0.lock().map_err(|_| "a caller panicked")?;
        let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id = change.session.as_str();
        step.prepare_cached(
            "INSERT OR IGNORE INTO session (id, version, live, expires_at, epoch, first, last)
             VALUES (?1, 0, 1, 0, 'naive', 1, 0)",
        )?
        .execute([id])?;
        let (n, last): (i64, i64) = step
            .prepare_cached("SELECT n, last FROM session WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let now = i64::try_from(SystemClock.now().0)?;
        for burn in &change.burn {
            let sql = "INSERT INTO burnt (scope, key, forget_at) VALUES (?1, ?2, ?3)";
            step.prepare_cached(sql)?.execute((n, &burn.key, now))?;
        }
        for event in &change.events {
            let sql = "INSERT INTO event (session, seq, at, kind, data) VALUES (?1, ?2, ?3, ?4, ?5)";
            step.prepare_cached(sql)?.execute((n, last + 1, now, &event.kind, &event.data))?;
        }
        for job in &change.jobs {
            let sql = "INSERT INTO job (id, session, state, due, attempt, enqueued_at, kind, payload)
                VALUES (?1, ?2, 0, ?3, 0, ?3, ?4, ?5)";
            step.prepare_cached(sql)?.execute((job.id.as_str(), id, now, &job.kind, &job.payload))?;
        }
        let sql = "UPDATE session SET version = version + 1, last = ?2, expires_at = ?3 WHERE n = ?1";
        step.prepare_cached(sql)?.execute((n, last + 1, i64::try_from(change.expires_at.0)?))?;
        step.prepare_cached("INSERT OR REPLACE INTO body (session, body) VALUES (?1, ?2)")?
            .execute((n, &change.body))?;
        Ok(step.commit()?)
    }
}

fn naive_caller(naive: &Naive, numbers: &Numbers, until: Instant) -> Result<Histogram<u64>, Failure> {
    let mut latency = Histogram::new_with_max(LONGEST_US, 3)?;
    let session = SessionId::new(SystemClock.now(), numbers.next());
    while Instant::now() < until {
        let start = Instant::now();
        let mut change = Change::update(session, 0, "x".repeat(BYTES), far());
        webhook(&mut change, numbers);
        naive.commit(&change)?;
        latency.record(u64::try_from(start.elapsed().as_micros())?)?;
    }
    Ok(latency)
}

fn naive(naive: &Naive, numbers: &Numbers, callers: usize) -> Result<Histogram<u64>, Failure> {
    let until = Instant::now() + ROUND;
    thread::scope(|scope| {
        let callers: Vec<_> = (0..callers).map(|_| scope.spawn(|| naive_caller(naive, numbers, until))).collect();
        let mut all = Histogram::new_with_max(LONGEST_US, 3)?;
        for caller in callers {
            all.add(caller.join().map_err(|_| "a caller panicked")??)?;
        }
        Ok(all)
    })
}

fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let options = Options::default();
    let store = Arc::new(EmbeddedStore::open(&folder.path().join("ours.db"), options, Arc::new(SystemClock))?);
    let peer = Naive::open(&folder.path().join("peer.db"))?;
    let numbers = Arc::new(Numbers::default());
    for callers in CALLERS {
        let (mut ours_did, mut peer_did) = (Tally::new()?, Tally::new()?);
        for _ in 0..ROUNDS {
            ours_did.round(|| ours(&runtime, &store, &numbers, callers))?;
            peer_did.round(|| naive(&peer, &numbers, callers))?;
        }
        for ((name, unit, ours), (_, _, peer)) in ours_did.metrics().into_iter().zip(peer_did.metrics()) {
            let line = json!({
                "bench": "store", "metric": format!("{name}_at_{callers}"), "ours": ours, "peer": peer,
                "peer_name": PEER, "ratio": ours / peer, "unit": unit,
            });
            writeln!(std::io::stdout(), "{line}")?;
        }
    }
    Ok(())
}

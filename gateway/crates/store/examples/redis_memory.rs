//! How much memory a session takes in Redis, live and finished, and a job, a seat and a place in a waiting room; the
//! figures in the documentation of
//! `neoron_store::redis` come from here. Starts a server of its own; prints one JSON object a line.

use std::{collections::BTreeMap, error::Error, io::Write, sync::Arc, time::Duration};

use neoron_protocol::{JobId, SessionId, UnixMillis};
use neoron_redis_servers::{Servers, cli};
use neoron_store::{
    Burn, Change, Clock, DocumentKey, Jobs, NewEvent, NewJob, RedisStore, Seats, Sessions, Start, SystemClock,
    WaitingRooms, redis::RedisOptions,
};
use serde_json::json;

type Failure = Box<dyn Error + Send + Sync>;

const SESSIONS: u64 = 200;
/// An event of a transcript, in bytes.
const EVENT: usize = 200;
/// Jobs, seats and places.
const THINGS: u64 = 1_000;
/// What a job carries, and who waits, in bytes.
const PAYLOAD: usize = 500;
const HOUR: Duration = Duration::from_secs(3_600);

/// What a kind of session has.
struct Shape {
    name: &'static str,
    live: bool,
    body: usize,
    events: usize,
    keys: usize,
}

/// A call in its third minute; a long call that is over.
const SHAPES: [Shape; 2] = [
    Shape { name: "live", live: true, body: 4_000, events: 40, keys: 8 },
    Shape { name: "finished", live: false, body: 20_000, events: 400, keys: 30 },
];

fn change(shape: &Shape, number: u64) -> Change {
    let (now, session) = (SystemClock.now(), SessionId::new(UnixMillis(number), unique(number)));
    let mut change = Change::create(session, "x".repeat(shape.body), now.plus(HOUR));
    change.live = shape.live;
    change.calls = vec![format!("00000000-0000-4000-8000-{number:012}")];
    change.documents = vec![DocumentKey { doctype: "Restaurant Order".into(), name: format!("RO-2026-{number:05}") }];
    change.events = vec![NewEvent { kind: "transcript".into(), data: "x".repeat(EVENT), at: now }; shape.events];
    change.burn = (0..shape.keys).map(|key| Burn { key: format!("call.ended:{number}:{key}"), keep: HOUR }).collect();
    change
}

/// Sums of `MEMORY USAGE` by the letter of the key's kind.
fn usage(port: u16) -> Result<BTreeMap<char, u64>, Failure> {
    let mut sums = BTreeMap::new();
    for key in cli(port, &["KEYS", "*"])?.lines() {
        let letter = key.rsplit_once('}').and_then(|(_, rest)| rest.chars().next()).unwrap_or('?');
        let bytes = cli(port, &["MEMORY", "USAGE", key, "SAMPLES", "0"])?.trim().parse().unwrap_or(0);
        *sums.entry(letter).or_default() += bytes;
    }
    Ok(sums)
}

/// Ten random bytes' worth of an id.
fn unique(number: u64) -> [u8; 10] {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    random
}

/// Jobs in lanes of ten each; seats; places with a body.
async fn fill(store: &RedisStore) -> Result<(), Failure> {
    for number in 0..THINGS {
        let job = NewJob {
            id: JobId::new(UnixMillis(number), unique(number)),
            session: Some(SessionId::new(UnixMillis(1), unique(number / 10))),
            kind: "upsert_session".into(),
            payload: "x".repeat(PAYLOAD),
            start: Start::Now,
            lane: Some("documents".into()),
        };
        store.accept(job, None).await?;
        let holder = SessionId::new(UnixMillis(number), unique(number)).to_string();
        store.sit("site-1", &holder, u32::MAX, HOUR).await?;
        store.join("site-1", &holder, "x".repeat(PAYLOAD), u32::MAX, HOUR).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    for shape in SHAPES {
        let servers = tokio::task::spawn_blocking(Servers::single).await??;
        let port = servers.all()[0].port();
        let store = RedisStore::connect(RedisOptions::new(vec![servers.url()]), Arc::new(SystemClock)).await?;
        for number in 0..SESSIONS {
            store.commit(change(&shape, number)).await?;
        }
        let by_kind: BTreeMap<_, _> = usage(port)?.into_iter().map(|(kind, sum)| (kind, sum / SESSIONS)).collect();
        // What a step remembers is gone after a minute, whatever becomes of the session.
        let bytes: u64 = by_kind.iter().filter(|(kind, _)| **kind != 'x').map(|(_, bytes)| bytes).sum();
        let raw = shape.body + shape.events * EVENT;
        let line = json!({ "session": shape.name, "bytes": bytes, "bytes_written": raw, "by_kind": by_kind });
        writeln!(std::io::stdout(), "{line}")?;
    }
    let servers = tokio::task::spawn_blocking(Servers::single).await??;
    let store = RedisStore::connect(RedisOptions::new(vec![servers.url()]), Arc::new(SystemClock)).await?;
    fill(&store).await?;
    let by_kind: BTreeMap<_, _> =
        usage(servers.all()[0].port())?.into_iter().map(|(kind, sum)| (kind, sum / THINGS)).collect();
    writeln!(std::io::stdout(), "{}", json!({ "each of": THINGS, "payload": PAYLOAD, "by_kind": by_kind }))?;
    Ok(())
}

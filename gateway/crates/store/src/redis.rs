//! The store in a Redis Cluster, or in a single Redis server (7.0 or newer): for several machines.
//!
//! **Layout.** Sessions are spread over partitions ([`RedisOptions::partitions`]); all keys of a partition are in one
//! slot, so that each step (everything one [`crate::Change`] carries) is one script, atomic in its shard. A job is with
//! the key it burns, else with its session, whose lanes are there too, else by itself; limits, budgets, seats, waiting
//! rooms and indexes are spread by their own names. Tallies are in the partition of the step that counts; a reader adds
//! the partitions up. Claims go round the partitions with something due, so that none keeps the others waiting.
//!
//! **Outcome.** `Ok` means that the master has it; a master that dies before it has told its replica loses it, as
//! Redis does. A call that got no answer is sent once more under the same step's name, which the script remembers for
//! a minute, so nothing is done twice; if that fails too, the answer is [`StoreError::Unavailable`] and nobody knows.
//! No call takes longer than [`Timeouts::call`], also when a server is frozen, and a shard that is down costs the
//! callers of the others nothing.
//!
//! **Lost tails.** If a promoted replica lacks the end of a stream that any process here has seen, the stream gets a
//! new epoch before its offsets are given out again, so that a reader ahead of it notices.
//!
//! **Time** is the store's [`Clock`], handed to the scripts; Redis's own expiry only collects garbage,
//! [`SLACK`] later. Jobs never expire: they wait until they are done, the dead ones for a person.
//!
//! **Memory**, measured on Redis 7.0.15 (`examples/redis_memory.rs`, one call and one document each): a live session
//! with a body of 4,000 bytes, 40 events of 200 bytes and 8 burnt keys takes 19.5 kB (4.2 the body, 14.5 the stream,
//! 0.8 all else); a finished one with 20,000 bytes, 400 events and 30 keys takes 134 kB (20.6; 111.5; 1.4). Each step
//! is remembered for a minute in some 110 bytes. A job with a payload of 500 bytes takes 1.4 kB in a lane, a seat 118
//! bytes, a place in a waiting room with a body of 500 bytes 0.9 kB (a thousand of each).
//!
//! **A master's death**, measured with 3 masters, 3 replicas and `cluster-node-timeout` 2000
//! (`examples/bench_failover.rs`, medians of 3): writing went on 4.3 s after the kill, 0.2 s after Redis had promoted
//! the replica; 0 acknowledged events lost; the other shards' slowest half second was as busy as before the kill.
//!
//! **Server settings** that it relies on: `appendonly yes`, `maxmemory-policy noeviction`, and in a cluster
//! `cluster-require-full-coverage no`. It speaks plain TCP; cross an untrusted network inside a tunnel.
//!
//! It never logs keys or values, never uses `KEYS` or `SCAN`, and never reads from a replica.

mod budgets;
mod cluster;
mod connect;
mod events;
mod fault;
mod hints;
mod hub;
mod jobs;
mod layout;
mod limits;
mod listen;
mod node;
mod once;
mod queue;
mod reply;
mod script;
mod seats;
mod seen;
mod sessions;
mod slots;
mod tallies;
mod waiting;
mod workers;

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use neoron_protocol::UnixMillis;
use tokio::task::JoinSet;

pub use self::connect::ConnectError;
use self::{cluster::Cluster, hub::Hub, layout::Layout};
use crate::Clock;

/// How much later than needed Redis may forget a key: clocks that differ, and a process that was held up, still find
/// it. It costs the memory of ten minutes' keys.
const SLACK: Duration = Duration::from_secs(600);
/// No lifetime is longer than this; a longer one would overflow Redis's clock.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// How long to wait for a server.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For one answer.
    pub response: Duration,
    /// For a call as a whole, with what is tried again.
    pub call: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(500),
            response: Duration::from_millis(500),
            call: Duration::from_millis(1_500),
        }
    }
}

/// Where the store is and how it is used. [`RedisOptions::new`] has defaults that suit a small cluster.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://[user:password@]host[:port][,host[:port]…]`, also with `redis+cluster`. Name several servers of a
    /// cluster: with one of them down the others still tell where the rest is.
    pub urls: Vec<String>,
    /// What every key begins with. Stores with different prefixes share servers without seeing each other.
    pub prefix: String,
    /// How many partitions (1..=1024); fixed once the store has been used.
    pub partitions: u16,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Calls under way to one server; one more is answered with [`crate::StoreError::Full`].
    pub in_flight: usize,
    /// Sessions whose events may be watched at a time; one more is answered with [`crate::StoreError::Full`].
    pub watches: usize,
    /// How often the map of slots is asked for although nothing happened.
    pub refresh_every: Duration,
}

impl RedisOptions {
    /// The defaults, for these servers.
    pub fn new(urls: Vec<String>) -> Self {
        Self {
            urls,
            prefix: "neoron:".to_owned(),
            partitions: 64,
            timeouts: Timeouts::default(),
            in_flight: 1_024,
            watches: 65_536,
            refresh_every: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The addresses may hold a password.
        f.debug_struct("RedisOptions")
            .field("urls", &self.urls.len())
            .field("prefix", &self.prefix)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

/// What the store knows of its servers, for health checks and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Servers known, replicas too.
    pub servers: usize,
    /// Masters known.
    pub shards: usize,
    /// Partitions.
    pub partitions: usize,
    /// Partitions whose shard answered just now.
    pub answering: usize,
}

/// What the store and its tasks share.
struct Core {
    cluster: Arc<Cluster>,
    hub: Arc<Hub>,
    layout: Arc<Layout>,
    clock: Arc<dyn Clock>,
}

impl Core {
    fn now(&self) -> UnixMillis {
        self.clock.now()
    }
}

/// The store in Redis.
pub struct RedisStore {
    core: Arc<Core>,
    tasks: Mutex<JoinSet<()>>,
    listening: OnceLock<()>,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (servers, shards) = self.core.cluster.sizes();
        f.debug_struct("RedisStore").field("servers", &servers).field("shards", &shards).finish_non_exhaustive()
    }
}

impl RedisStore {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }

    /// Starts to listen for wake-ups, once: a process that only asks for limits needs none.
    fn listen(&self) {
        self.listening.get_or_init(|| self.spawn(listen::listen_to_all(Arc::clone(&self.core))));
    }

    /// Asks every shard whether it answers.
    pub async fn health(&self) -> Health {
        let (servers, shards) = self.core.cluster.sizes();
        let answering = self.core.answering().await;
        Health { servers, shards, partitions: self.core.layout.count(), answering }
    }

    /// Ends the store: every watch and every waiting ends, and nobody listens any more. Dropping it does the same.
    pub fn close(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.core.hub.close();
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.close();
    }
}

/// Milliseconds of a lifetime, for Redis: `keep` and the slack.
fn lifetime(keep: Duration) -> u64 {
    let millis = keep.saturating_add(SLACK).min(LONGEST).as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX)
}

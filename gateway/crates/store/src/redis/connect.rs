//! The way in: reads the addresses, finds the servers, and checks that they can hold this store.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use redis::{ConnectionInfo, IntoConnectionInfo, Value};
use tokio::task::JoinSet;

use super::{
    Core, RedisOptions, RedisStore,
    cluster::{Cluster, keep_fresh},
    hub::Hub,
    layout::{Layout, MAX_PARTITIONS},
    node::split_address,
};
use crate::{Clock, StoreError};

/// Sharded publish and subscribe came with this version.
const OLDEST_VERSION: u32 = 7;
/// How often the servers are asked before they count as unreachable.
const ATTEMPTS: u32 = 3;

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// An address cannot be read. It is not shown: it may hold a password.
    #[error("address {number} of the store cannot be read: {reason}")]
    Address {
        /// Which one, from 1.
        number: usize,
        /// Why.
        reason: String,
    },
    /// There must be 1 to 1024 partitions.
    #[error("a store has 1 to {MAX_PARTITIONS} partitions, not {0}")]
    Partitions(u16),
    /// A prefix with braces would spoil the spreading over slots.
    #[error("the prefix of a store has no braces")]
    Prefix,
    /// None of the servers answers.
    #[error("none of the store's {0} servers answers")]
    Unreachable(usize),
    /// The server is too old.
    #[error("the store needs Redis {OLDEST_VERSION}.0 or newer, this one is {0}")]
    TooOld(String),
    /// The store is there with another number of partitions.
    #[error("the store was made with {found} partitions, not {wanted}: set it back, or use another prefix")]
    Otherwise {
        /// How many it has.
        found: String,
        /// How many were asked for.
        wanted: u16,
    },
    /// A server does not answer as it should.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The servers named by the addresses, and how to speak to them.
fn seeds(urls: &[String]) -> Result<(Vec<String>, ConnectionInfo), ConnectError> {
    let (mut addresses, mut like) = (Vec::new(), None);
    for (index, url) in urls.iter().enumerate() {
        let bad = |reason: &str| ConnectError::Address { number: index + 1, reason: reason.to_owned() };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("it has no scheme"))?;
        if !matches!(scheme, "redis" | "redis+cluster") {
            return Err(bad("its scheme is neither redis nor redis+cluster"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        for host in hosts.split(',') {
            let info = format!("redis://{user}{host}/{path}").into_connection_info();
            let info = info.map_err(|error| bad(error.category()))?;
            let redis::ConnectionAddr::Tcp(name, port) = info.addr() else { return Err(bad("it is no TCP address")) };
            let address = if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") };
            split_address(&address).ok_or_else(|| bad("it has no port"))?;
            addresses.push(address);
            like.get_or_insert(info);
        }
    }
    let like = like.ok_or_else(|| ConnectError::Address { number: 1, reason: "there is none".to_owned() })?;
    Ok((addresses, like))
}

impl RedisStore {
    /// Connects to the store; makes it if it is not there yet. Needs a tokio runtime, on which its tasks stay.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(options: RedisOptions, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        if !(1..=MAX_PARTITIONS).contains(&options.partitions) {
            return Err(ConnectError::Partitions(options.partitions));
        }
        if options.prefix.contains(['{', '}']) {
            return Err(ConnectError::Prefix);
        }
        let (seeds, like) = seeds(&options.urls)?;
        let count = seeds.len();
        let layout = Arc::new(Layout::new(&options.prefix, options.partitions));
        let cluster = Cluster::new(seeds, like, options.timeouts, options.in_flight, Arc::clone(&layout));
        let cluster = Arc::new(cluster);
        find(&cluster, count).await?;
        check_version(&cluster, count).await?;
        check_partitions(&cluster, &layout, options.partitions).await?;

        let hub = Arc::new(Hub::new(layout.count(), options.watches));
        let core = Arc::new(Core { cluster: Arc::clone(&cluster), hub, layout, clock });
        let store = Self { core, tasks: Mutex::new(JoinSet::new()), listening: OnceLock::new() };
        store.spawn(keep_fresh(cluster, options.refresh_every.max(Duration::from_millis(100))));
        Ok(store)
    }
}

async fn find(cluster: &Cluster, count: usize) -> Result<(), ConnectError> {
    for attempt in 1..=ATTEMPTS {
        if cluster.refresh().await {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200) * attempt).await;
    }
    Err(ConnectError::Unreachable(count))
}

async fn check_version(cluster: &Cluster, count: usize) -> Result<(), ConnectError> {
    let info = cluster.server_info().await.ok_or(ConnectError::Unreachable(count))?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("unknown").trim();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= OLDEST_VERSION) {
        Ok(())
    } else {
        Err(ConnectError::TooOld(version.to_owned()))
    }
}

/// A job or a session would not be found again with another number of partitions.
async fn check_partitions(cluster: &Cluster, layout: &Layout, wanted: u16) -> Result<(), ConnectError> {
    let (slot, key) = layout.meta();
    cluster.command(slot, redis::cmd("SET").arg(&key).arg(wanted).arg("NX")).await?;
    let found = cluster.command(slot, redis::cmd("GET").arg(&key)).await?;
    let found = match found {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => String::new(),
    };
    if found == wanted.to_string() { Ok(()) } else { Err(ConnectError::Otherwise { found, wanted }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn several_servers_may_be_named_in_one_address_or_in_several() {
        let urls = ["redis+cluster://me:secret@10.0.0.1:7001,10.0.0.2".to_owned(), "redis://[::1]:7003".to_owned()];
        let (addresses, like) = seeds(&urls).unwrap();
        assert_eq!(addresses, ["10.0.0.1:7001", "10.0.0.2:6379", "[::1]:7003"]);
        assert_eq!(like.redis_settings().username(), Some("me"));
        assert_eq!(like.redis_settings().password(), Some("secret"));
    }

    #[test]
    fn an_address_that_cannot_be_read_is_named_by_its_number_only() {
        for url in ["10.0.0.1", "http://x", "rediss://me:secret@x", "redis://me:secret@x:port"] {
            let error = seeds(&["redis://ok".to_owned(), url.to_owned()]).unwrap_err().to_string();
            assert!(error.starts_with("address 2 of the store"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(seeds(&[]).is_err());
    }
}

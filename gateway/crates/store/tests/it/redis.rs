//! The store in Redis: the contract on a single server and on a cluster of six, and what only servers go through.

mod failover;
mod fair;
mod lost;
mod proxy;
mod together;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use neoron_store::{
    Clock, RedisStore,
    redis::{RedisOptions, Timeouts},
};

use neoron_redis_servers::Servers;

use crate::{
    contract::contract,
    world::{World, clock},
};

contract!(contract_on_a_single_server, crate::redis::make_single);
contract!(contract_on_a_cluster, crate::redis::make_cluster);

/// What `redis-cli` prints.
fn cli(port: u16, arguments: &[&str]) -> String {
    neoron_redis_servers::cli(port, arguments).unwrap()
}

/// Started once; every world has a prefix of its own.
static SINGLE: LazyLock<Servers> = LazyLock::new(|| Servers::single().unwrap());
static CLUSTER: LazyLock<Servers> = LazyLock::new(|| Servers::cluster().unwrap());

/// A prefix that nobody used before.
fn prefix() -> String {
    format!("t{}:", crate::world::job_id())
}

/// Patient: a busy machine must not fail a test.
fn patient(servers: &Servers) -> RedisOptions {
    let timeouts =
        Timeouts { connect: Duration::from_secs(10), response: Duration::from_secs(10), call: Duration::from_secs(25) };
    RedisOptions { prefix: prefix(), timeouts, ..RedisOptions::new(vec![servers.url()]) }
}

async fn connect(options: RedisOptions, clock: Arc<dyn Clock>) -> RedisStore {
    RedisStore::connect(options, clock).await.unwrap()
}

async fn world(servers: &Servers) -> World {
    let clock = clock();
    World { store: Arc::new(connect(patient(servers), clock.clone()).await), clock }
}

pub(crate) async fn make_single() -> World {
    world(&SINGLE).await
}

pub(crate) async fn make_cluster() -> World {
    world(&CLUSTER).await
}

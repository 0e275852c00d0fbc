//! Sends each call to the server that has its slot, follows redirections, and keeps the map of slots fresh.
//!
//! Its own router instead of the library's `ClusterConnection`, because the outcome of every call must be known as one
//! of "done", "not done" or "unknown", one dead or frozen server must not hold the calls to the others (the library
//! drives all servers from one task), and the subscriptions of `listen.rs` follow the same map.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use redis::{Cmd, ConnectionInfo, Value};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::{
    Timeouts,
    fault::Trouble,
    layout::{Layout, Partition},
    node::Node,
    reply::Reply,
    script::{Call, Repeat},
    slots::View,
};
use crate::StoreError;

/// Redirections that one call follows.
const MAX_HOPS: usize = 5;
/// Before a call is tried again that the server did not take.
const PAUSE: Duration = Duration::from_millis(25);
/// The map is not asked for more often than this, however many calls fail.
const SHORTEST_REFRESH: Duration = Duration::from_millis(100);
/// After the first good answer, how long others may bring a newer one.
const GRACE: Duration = Duration::from_millis(50);
/// Servers that are asked for the map.
const MAX_ASKED: usize = 16;

/// The servers and who has which slots.
pub(super) struct Cluster {
    like: ConnectionInfo,
    timeouts: Timeouts,
    in_flight: usize,
    seeds: Vec<String>,
    nodes: Mutex<HashMap<String, Arc<Node>>>,
    view: RwLock<Arc<View>>,
    changed: watch::Sender<u64>,
    stale: Notify,
    layout: Arc<Layout>,
}

impl Cluster {
    /// A cluster that is known by some of its servers; call [`Cluster::refresh`] first.
    pub(super) fn new(
        seeds: Vec<String>,
        like: ConnectionInfo,
        timeouts: Timeouts,
        in_flight: usize,
        layout: Arc<Layout>,
    ) -> Self {
        Self {
            like,
            timeouts,
            in_flight,
            seeds,
            nodes: Mutex::default(),
            view: RwLock::new(Arc::new(View { epoch: 0, ranges: Vec::new(), servers: Vec::new() })),
            changed: watch::Sender::new(0),
            stale: Notify::new(),
            layout,
        }
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The server at an address.
    pub(super) fn node(&self, address: &str) -> Result<Arc<Node>, Trouble> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = nodes.get(address) {
            return Ok(Arc::clone(node));
        }
        let node = Arc::new(Node::new(address, &self.like, self.timeouts, self.in_flight)?);
        nodes.insert(address.to_owned(), Arc::clone(&node));
        Ok(node)
    }

    /// Tells when the map has changed.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The partitions of each master.
    pub(super) fn shards(&self) -> HashMap<String, Vec<Partition>> {
        let view = self.view();
        let mut shards = HashMap::<_, Vec<_>>::new();
        for partition in 0..self.layout.count() {
            if let Some(master) = view.master(self.layout.slot(partition)) {
                shards.entry(master.to_owned()).or_default().push(partition);
            }
        }
        shards
    }

    /// Asks for the map soon.
    pub(super) fn suspect(&self) {
        self.stale.notify_one();
    }

    /// Runs a script in a partition.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the call was not done or nobody knows, [`StoreError::Full`] if it was not done
    /// for want of memory or because too many calls are under way to its server.
    pub(super) async fn call(&self, partition: Partition, call: Call<'_>) -> Result<Reply, StoreError> {
        let slot = self.layout.slot(partition);
        let repeat = call.repeat;
        let work = async {
            match self.route(slot, &call.command(false), repeat).await {
                Err(Trouble::NoScript) => self.route(slot, &call.command(true), repeat).await,
                done => done,
            }
        };
        Reply::of(self.bounded(work).await?)
    }

    /// Runs one command on keys of a slot; its second time must do nothing.
    pub(super) async fn command(&self, slot: u16, command: &Cmd) -> Result<Value, StoreError> {
        self.bounded(self.route(slot, command, Repeat::Safe)).await
    }

    async fn bounded(&self, work: impl Future<Output = Result<Value, Trouble>>) -> Result<Value, StoreError> {
        match timeout(self.timeouts.call, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(trouble)) => Err(trouble.into_error()),
            Err(_) => {
                self.suspect();
                Err(Trouble::Unknown("the call took too long".to_owned()).into_error())
            }
        }
    }

    /// Sends a command to who has the slot, until it is done or nothing more may be tried.
    async fn route(&self, slot: u16, command: &Cmd, repeat: Repeat) -> Result<Value, Trouble> {
        // Half of a call's time: what is refused for so long is refused.
        let patience = Instant::now() + self.timeouts.call / 2;
        let mut redirected: Option<(String, bool)> = None;
        let (mut hops, mut repeated) = (0, false);
        loop {
            let (address, asking) = match redirected.take() {
                Some(redirected) => redirected,
                None => (self.master(slot)?, false),
            };
            let trouble = match self.node(&address)?.send(command, asking).await {
                Ok(value) => return Ok(value),
                Err(trouble) => trouble,
            };
            match trouble {
                Trouble::Moved(ref to) | Trouble::Ask(ref to) if hops < MAX_HOPS => {
                    hops += 1;
                    let asking = matches!(trouble, Trouble::Ask(_));
                    if !asking {
                        self.suspect();
                    }
                    redirected = Some((to.clone(), asking));
                }
                Trouble::NotNow(_) if Instant::now() < patience => {
                    self.suspect();
                    sleep(PAUSE).await;
                }
                Trouble::Unknown(_) if repeat == Repeat::Safe && !repeated => {
                    repeated = true;
                    self.suspect();
                    sleep(PAUSE).await;
                }
                over => {
                    self.suspect();
                    return Err(over);
                }
            }
        }
    }

    fn master(&self, slot: u16) -> Result<String, Trouble> {
        self.view().master(slot).map(str::to_owned).ok_or_else(|| {
            self.suspect();
            Trouble::Unsent("nobody has the slot".to_owned())
        })
    }

    /// Asks the servers for the map and takes the newest answer. `false` if none answers.
    pub(super) async fn refresh(&self) -> bool {
        let mut addresses = self.view().servers.clone();
        addresses.extend(self.seeds.iter().cloned());
        addresses.sort();
        addresses.dedup();
        addresses.truncate(MAX_ASKED);
        let mut asked: FuturesUnordered<_> = addresses.iter().map(|address| self.ask(address)).collect();
        let mut newest: Option<View> = None;
        let mut until = Instant::now() + 2 * (self.timeouts.connect + self.timeouts.response);
        while let Ok(Some(view)) = timeout(until.saturating_duration_since(Instant::now()), asked.next()).await {
            let Some(view) = view else { continue };
            if newest.is_none() {
                until = Instant::now() + GRACE;
            }
            if newest.as_ref().is_none_or(|newest| view.epoch > newest.epoch) {
                newest = Some(view);
            }
        }
        let Some(view) = newest else { return false };
        self.take(view);
        true
    }

    fn take(&self, view: View) {
        let moved = self.view().ranges != view.ranges;
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|address, _| view.servers.contains(address) || self.seeds.contains(address));
        drop(nodes);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        if moved {
            tracing::info!(shards = self.shards().len(), "the map of the store's slots has changed");
            self.changed.send_modify(|version| *version += 1);
        }
    }

    async fn ask(&self, address: &str) -> Option<View> {
        let node = self.node(address).ok()?;
        let mut command = redis::cmd("CLUSTER");
        match node.send(command.arg("SLOTS"), false).await {
            Ok(slots) => {
                let mut command = redis::cmd("CLUSTER");
                let info = node.send(command.arg("INFO"), false).await.ok()?;
                let info = redis::from_redis_value::<String>(info).ok()?;
                View::read(&slots, &info, node.host())
            }
            // "This instance has cluster support disabled".
            Err(Trouble::Refused(reason)) if reason.contains("cluster support disabled") => {
                let role = Reply::of(node.send(&redis::cmd("ROLE"), false).await.ok()?).ok()?;
                (role.word == "master").then(|| View::single(address))
            }
            Err(_) => None,
        }
    }

    /// Text of `INFO server` of any server that answers.
    pub(super) async fn server_info(&self) -> Option<String> {
        let master = self.view().ranges.first()?.master.clone();
        let node = self.node(&master).ok()?;
        let value = node.send(redis::cmd("INFO").arg("server"), false).await.ok()?;
        redis::from_redis_value::<String>(value).ok()
    }

    /// How many servers are known, and how many masters.
    pub(super) fn sizes(&self) -> (usize, usize) {
        let view = self.view();
        let mut masters: Vec<_> = view.ranges.iter().map(|range| &range.master).collect();
        masters.sort();
        masters.dedup();
        (view.servers.len(), masters.len())
    }
}

/// Keeps the map fresh: soon after somebody suspects it, and every `every` anyway.
pub(super) async fn keep_fresh(cluster: Arc<Cluster>, every: Duration) {
    loop {
        let _ = timeout(every, cluster.stale.notified()).await;
        cluster.refresh().await;
        sleep(SHORTEST_REFRESH).await;
    }
}

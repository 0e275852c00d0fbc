//! Gateways and workers as processes of their own over one store, with the simulators in this process.
//!
//! It kills them, asks them to leave and replaces them, as a bad day or a deploy does. What clients see goes through
//! one address that stands before all gateways.

use std::{
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use tempfile::TempDir;

use crate::{
    front::Front,
    outside::{Outside, Place, free_address},
    process::{Launch, Process},
    stack::client,
};

/// How long a process that was told to leave waits for its calls; longer than any visitor here talks.
const DRAIN: Duration = Duration::from_secs(60);
/// Known to gateways and workers.
const EDGE_KEY: &str = "edge-key-edge-key-edge-key-edge-key";

/// What runs over what.
pub struct Plan<'a> {
    /// The binary `neoron`.
    pub program: &'a Path,
    /// The address of a Redis, or of a cluster's servers. Without it one process runs everything over the embedded
    /// store.
    pub store: Option<String>,
    /// How many gateways; one without a shared store.
    pub gateways: usize,
    /// How many worker processes; none without a shared store.
    pub workers: usize,
    /// Where the embedded store is; in a temporary folder without it.
    pub data: Option<PathBuf>,
    /// Keys for all processes, as `section.key=value`.
    pub set: Vec<String>,
    /// Whole tables for the configuration.
    pub more: &'a str,
}

/// One of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// A gateway, from 0.
    Gateway(usize),
    /// A worker process, from 0.
    Worker(usize),
}

/// Everything that runs.
pub struct Fleet {
    /// What is outside of it.
    pub outside: Arc<Outside>,
    client: reqwest::Client,
    front: Front,
    gateways: Vec<Process>,
    addresses: Vec<SocketAddr>,
    workers: Vec<Process>,
    _folder: TempDir,
}

impl Fleet {
    /// Starts the simulators and all processes, and waits until each is ready.
    ///
    /// # Errors
    /// If one is not.
    pub async fn start(plan: &Plan<'_>) -> Result<Self> {
        let outside = Outside::start().await?;
        let (listener, address) = Front::listen().await?;
        let url = format!("http://{address}");
        outside.announce(&url)?;
        let folder = TempDir::new()?;
        let (config, data) = (folder.path().join("neoron.toml"), folder.path().join("data"));
        let data = plan.data.as_deref().unwrap_or(&data);
        let place = Place { public_url: &url, data, drain: DRAIN, more: plan.more };
        fs::write(&config, outside.configuration(&place))?;
        let mut shared = vec![format!("edge.key={EDGE_KEY}")];
        if let Some(store) = &plan.store {
            let prefix = u32::from_be_bytes(crate::outside::random());
            shared.extend([format!("store.url={store}"), format!("store.prefix=chaos-{prefix:08x}:")]);
        }
        shared.extend(plan.set.iter().cloned());
        let role = if plan.store.is_some() { "gateway" } else { "all" };
        let (mut gateways, mut workers, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..plan.gateways {
            let (public, admin) = (free_address().await?, free_address().await?);
            let mut set = shared.clone();
            set.extend([format!("edge.listen={public}"), format!("edge.admin={admin}")]);
            let name = format!("gateway-{number}");
            gateways.push(Process::new(Launch::run(&name, plan.program, role, &config, &set, admin)?));
            places.push((public, admin));
        }
        for number in 0..plan.workers {
            let admin = free_address().await?;
            let mut set = shared.clone();
            set.push(format!("worker.admin={admin}"));
            let name = format!("worker-{number}");
            workers.push(Process::new(Launch::run(&name, plan.program, "worker", &config, &set, admin)?));
        }
        let addresses = places.iter().map(|(public, _)| *public).collect();
        let front = Front::start(listener, address, &places);
        let (outside, client) = (Arc::new(outside), client()?);
        let mut fleet = Self { outside, client, front, gateways, addresses, workers, _folder: folder };
        for process in fleet.workers.iter_mut().chain(&mut fleet.gateways) {
            process.start()?;
        }
        fleet.ready().await?;
        Ok(fleet)
    }

    /// Waits until all are ready.
    ///
    /// # Errors
    /// If one is not in two minutes.
    pub async fn ready(&mut self) -> Result<()> {
        let client = &self.client;
        let ready = self.workers.iter_mut().chain(&mut self.gateways).map(|process| process.ready(client));
        try_join_all(ready).await.map(drop)
    }

    /// Where clients connect: to one of the gateways.
    pub fn url(&self) -> String {
        format!("http://{}", self.front.address())
    }

    /// The gateways themselves, for clients that choose.
    pub fn gateway_urls(&self) -> Vec<String> {
        self.addresses.iter().map(|address| format!("http://{address}")).collect()
    }

    /// A client for what a browser asks.
    pub fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    /// All members: the workers first, then the gateways.
    pub fn members(&self) -> Vec<Member> {
        let workers = (0..self.workers.len()).map(Member::Worker);
        workers.chain((0..self.gateways.len()).map(Member::Gateway)).collect()
    }

    /// Kills one as `kill -9` does.
    ///
    /// # Errors
    /// If it is not running.
    pub async fn kill(&mut self, member: Member) -> Result<()> {
        self.process(member)?.kill().await
    }

    /// Asks one to leave.
    ///
    /// # Errors
    /// If it is not running.
    pub async fn terminate(&mut self, member: Member) -> Result<()> {
        self.process(member)?.signal("TERM").await
    }

    /// Waits until one has left in peace.
    ///
    /// # Errors
    /// If it takes minutes or fails.
    pub async fn left(&mut self, member: Member) -> Result<()> {
        let process = self.process(member)?;
        let left = process.left().await;
        left.with_context(|| format!("its log says:\n{}", process.log()))
    }

    /// Starts another in its place and waits until that is ready.
    ///
    /// # Errors
    /// If it is not.
    pub async fn replace(&mut self, member: Member) -> Result<()> {
        let client = self.client.clone();
        let process = self.process(member)?;
        process.start()?;
        process.ready(&client).await
    }

    /// What one finds in its environment from its next start on.
    ///
    /// # Errors
    /// If there is no such member.
    pub fn environment(&mut self, member: Member, environment: Vec<(&'static str, OsString)>) -> Result<()> {
        self.process(member)?.launch.environment = environment;
        Ok(())
    }

    /// Resident memory of one, in KiB; `None` while it does not run.
    pub fn memory(&self, member: Member) -> Option<u64> {
        let process = match member {
            Member::Gateway(number) => self.gateways.get(number),
            Member::Worker(number) => self.workers.get(number),
        };
        let status = fs::read_to_string(format!("/proc/{}/status", process?.pid()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// The end of every process's log.
    pub fn logs(&self) -> String {
        let all = self.workers.iter().chain(&self.gateways);
        all.map(|process| format!("--- {}\n{}\n", process.launch.name, process.log())).collect()
    }

    fn process(&mut self, member: Member) -> Result<&mut Process> {
        let found = match member {
            Member::Gateway(number) => self.gateways.get_mut(number),
            Member::Worker(number) => self.workers.get_mut(number),
        };
        found.with_context(|| format!("there is no {member:?}"))
    }
}

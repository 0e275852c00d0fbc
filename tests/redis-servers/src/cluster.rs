//! Several servers, as a cluster or each for itself.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{Server, cli, until};

/// Servers that end together.
#[derive(Debug)]
pub struct Servers(Vec<Server>);

impl Servers {
    /// One server without a cluster.
    ///
    /// # Errors
    /// If it does not start.
    pub fn single() -> Result<Self> {
        Ok(Self(vec![Server::start(false)?]))
    }

    /// Three masters, each with a replica that has caught up.
    ///
    /// # Errors
    /// If one does not start or they do not find each other.
    pub fn cluster() -> Result<Self> {
        let servers = (0..6).map(|_| Server::start(true)).collect::<Result<Vec<_>>>()?;
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(servers.iter().map(|server| format!("127.0.0.1:{}", server.port())));
        create.args(["--cluster-replicas", "1", "--cluster-yes"]).stdout(Stdio::null());
        if !create.status().context("redis-cli is missing: run `cargo xtask setup`")?.success() {
            bail!("redis-cli could not make a cluster");
        }
        let all = Self(servers);
        all.until_whole()?;
        Ok(all)
    }

    /// Waits until all agree that every master has a replica that has caught up, or is alone.
    ///
    /// # Errors
    /// If that takes too long.
    pub fn until_whole(&self) -> Result<()> {
        until("the forming of the cluster", || {
            for server in &self.0 {
                let role = cli(server.port(), &["ROLE"])?;
                let linked = match role.lines().next() {
                    Some("slave") => role.contains("connected"),
                    Some("master") => role.lines().count() > 2,
                    _ => false,
                };
                if !linked || !cli(server.port(), &["CLUSTER", "INFO"])?.contains("cluster_state:ok") {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// An address for the store that names all of them.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.0.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
        let scheme = if hosts.len() > 1 { "redis+cluster" } else { "redis" };
        format!("{scheme}://{}", hosts.join(","))
    }

    /// All of them.
    pub fn all(&self) -> &[Server] {
        &self.0
    }

    /// All of them, to be started again.
    pub fn all_mut(&mut self) -> &mut [Server] {
        &mut self.0
    }

    /// The masters.
    pub fn masters(&self) -> Vec<&Server> {
        self.0.iter().filter(|server| server.is_master()).collect()
    }
}

//! Redis servers for tests, benchmarks and the demo: on free ports of this machine, in temporary folders.
//!
//! They end with the value that stands for them, and also with the process, however it ends: a shell holds each of them
//! and waits for the end of its input. It never touches a server that it did not start.

mod cluster;
mod server;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

pub use self::{cluster::Servers, server::Server};

/// Long enough for a cluster to form on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Runs `redis-cli` against a port of this machine and returns what it prints.
///
/// # Errors
/// If it is missing.
pub fn cli(port: u16, arguments: &[&str]) -> Result<String> {
    let output = Command::new("redis-cli").arg("-p").arg(port.to_string()).args(arguments).output();
    let output = output.context("redis-cli is missing: run `cargo xtask setup`")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits until something is done.
fn until(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !done()? {
        if start.elapsed() > PATIENCE {
            bail!("{what} took longer than {} s", PATIENCE.as_secs());
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    Ok(())
}

//! The whole product on this machine, with the outside systems simulated.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use anyhow::{Context, Result, bail};
use neoron_redis_servers::Servers;

use crate::{exec, setup};

/// How to run it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run one scripted visitor against it instead of waiting for one; exit 0 if all went well.
    #[arg(long)]
    check: bool,
    /// Do not build the popup anew.
    #[arg(long)]
    keep_widget: bool,
    /// On a Redis Cluster of six servers, started for the demo, with the gateway and each worker as a process of its own.
    #[arg(long)]
    redis: bool,
    /// How many workers, 1 to 16.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    workers: u8,
    /// More options of `neoron demo`, such as `--port 8000`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Builds and starts it.
///
/// # Errors
/// If something is missing, does not build, or the scripted visitor fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::native_build()?;
    setup::wasm_target()?;
    if !options.keep_widget {
        exec::build_widget()?;
    }
    let neoron = exec::build_neoron()?;
    let mut command = exec::command(neoron);
    command.arg("demo").arg("--widget-dir").arg(exec::widget_dir()).arg("--workers").arg(options.workers.to_string());
    // Dropped, and with it ended, after the demo.
    let cluster = if options.redis { Some(redis_cluster()?) } else { None };
    if let Some(cluster) = &cluster {
        command.arg("--store").arg(cluster.url());
    }
    if options.check {
        command.arg("--check");
    }
    exec::run(command.args(&options.more))
}

/// A cluster that ends with the value.
///
/// # Errors
/// If Redis is missing or does not start.
pub(crate) fn redis_cluster() -> Result<Servers> {
    setup::redis()?;
    exec::step("starting a Redis Cluster: three masters, three replicas");
    Servers::cluster()
}

/// The demo as a browser suite uses it: on free ports, until it is dropped.
pub(crate) struct Demo {
    /// The page with the popup.
    pub(crate) page: String,
    /// The ERPNext simulator.
    pub(crate) erpnext: String,
    process: Child,
}

impl Demo {
    /// Starts it and reads from its greeting where it is.
    ///
    /// # Errors
    /// If it ends before it has said so.
    pub(crate) fn start(neoron: &Path) -> Result<Self> {
        let mut command = exec::command(neoron);
        command.args(["demo", "--fast", "--port", "0", "--widget-dir"]).arg(exec::widget_dir());
        let mut process = command.stdout(Stdio::piped()).spawn().context("cannot start the demo")?;
        let lines = process.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        let (mut page, mut erpnext) = (None, None);
        for line in lines.into_iter().flatten().map_while(std::result::Result::ok) {
            let value = |label: &str| line.trim().strip_prefix(label).map(|url| url.trim().to_owned());
            page = page.or_else(|| value("Open this page"));
            erpnext =
                erpnext.or_else(|| value("As the staff").map(|url| url.trim_end_matches("/_control/").to_owned()));
            if let (Some(page), Some(erpnext)) = (&page, &erpnext) {
                return Ok(Self { page: page.clone(), erpnext: erpnext.clone(), process });
            }
        }
        process.kill().ok();
        process.wait().ok();
        bail!("the demo ended before it said where it is")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already; there is nobody to tell.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

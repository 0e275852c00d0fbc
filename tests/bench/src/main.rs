//! Benchmarks of the worker and of the realtime path: ours, and the Node design in `tests/peers/node-design`, by turns,
//! each as processes of its own over a Redis of its own.
//!
//! The load, the sockets and the outside systems (Ultravox, ERPNext) are in this process, and its time is in no figure.
//! It fails on no figure.

mod fakes;
mod http;
mod load;
mod plot;
mod process;
mod realtime;
mod report;
mod sockets;
mod subject;
mod worker;

use std::{io::Write as _, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files this process and those it starts may have open: the edge has two for each of 10,000 sockets.
const FILES: u64 = 65_536;

/// Measures ours beside the Node design and prints medians.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// All, if none is named.
    #[arg(value_enum)]
    benches: Vec<Bench>,
    /// Print only the results, one JSON object a line.
    #[arg(long)]
    json: bool,
    /// How often everything is measured; medians are told. 1 to 20.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// A short run that shows whether everything works. Its figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Leave the peer out.
    #[arg(long)]
    only_ours: bool,
    /// Also draw the results into this folder, as SVG.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// The binary `neoron`; without it, the one beside this one.
    #[arg(long, value_name = "FILE")]
    neoron: Option<PathBuf>,
    /// The peer's folder, with its packages installed.
    #[arg(long, value_name = "DIR", default_value = "tests/peers/node-design")]
    peer: PathBuf,
}

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// Webhooks, sockets, new sessions and tool calls at one worker.
    Worker,
    /// From an event to the visitor's socket through the edge, and what a live session costs.
    Realtime,
}

impl Options {
    /// Says how far it is, unless a program reads the output.
    fn say(&self, what: &str) {
        if !self.json {
            // Progress that nobody sees is no reason to stop.
            let _ = writeln!(std::io::stderr(), "  {what}");
        }
    }

    fn neoron(&self) -> Result<PathBuf> {
        let found = match &self.neoron {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("neoron"),
        };
        let missing = "the binary `neoron` is missing: `cargo build --release --package neoron-gateway`";
        found.canonicalize().context(missing)
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    raise_limit()?;
    let benches: &[Bench] = if options.benches.is_empty() { Bench::value_variants() } else { &options.benches };
    // One thread: the other processor is for those that are measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for bench in benches {
        let report = runtime.block_on(async {
            match bench {
                Bench::Worker => worker::run(&options).await,
                Bench::Realtime => realtime::run(&options).await,
            }
        })?;
        report.print(options.json)?;
        if let Some(folder) = &options.plots {
            plot::draw(&report, folder)?;
        }
    }
    Ok(())
}

/// As many open files as the system allows, at most [`FILES`].
fn raise_limit() -> Result<()> {
    let is = getrlimit(Resource::Nofile);
    let hard = is.maximum.unwrap_or(FILES);
    if hard < FILES && setrlimit(Resource::Nofile, Rlimit { current: Some(FILES), maximum: Some(FILES) }).is_ok() {
        return Ok(());
    }
    let current = Some(hard.min(FILES));
    setrlimit(Resource::Nofile, Rlimit { current, maximum: is.maximum }).context("the limit of open files")
}

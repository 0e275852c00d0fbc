//! Benchmarks: ours and a peer, side by side in one run on one machine. They print ratios and fail on none.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

use crate::{exec, setup};

/// What to measure.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// Webhooks, sockets, new sessions and tool calls at one worker, against the Node design.
    Worker,
    /// From an event to the visitor's socket through the edge, and what a live session costs, against the same.
    Realtime,
    /// The embedded store against one transaction a call; the Redis store's failover against Redis's own.
    Store,
}

/// What to measure and how to print it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// All, if none is named.
    #[arg(value_enum)]
    benches: Vec<Bench>,
    /// Print only the results, one JSON object a line.
    #[arg(long)]
    json: bool,
    /// How often worker and realtime are measured; medians are told. 1 to 20.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// A short run of worker and realtime that shows whether everything works. Its figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Also draw the results of worker and realtime into this folder, as SVG.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

impl Options {
    fn say(&self, what: &str) {
        if !self.json {
            exec::step(what);
        }
    }

    /// What the program behind `worker` and `realtime` is told.
    fn arguments(&self, bench: &str) -> Vec<String> {
        let mut arguments = vec![bench.to_owned(), format!("--rounds={}", self.rounds)];
        arguments.extend(self.json.then(|| "--json".to_owned()));
        arguments.extend(self.quick.then(|| "--quick".to_owned()));
        arguments.extend(self.plots.iter().map(|folder| format!("--plots={}", folder.display())));
        arguments
    }
}

/// Runs them one after another: they share the machine.
///
/// # Errors
/// If one does not build or run.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::native_build()?;
    setup::redis()?;
    let all = Bench::value_variants();
    let benches = if options.benches.is_empty() { all } else { &options.benches[..] };
    if benches.iter().any(|bench| *bench != Bench::Store) {
        setup::node_peer(options.json)?;
        options.say("building the release binaries (some minutes the first time)");
        let build = ["build", "--quiet", "--release", "--package", "neoron-gateway", "--package", "neoron-bench"];
        exec::run(exec::cargo().args(build))?;
    }
    for bench in benches {
        match bench {
            Bench::Worker => side_by_side(options, "worker")?,
            Bench::Realtime => side_by_side(options, "realtime")?,
            Bench::Store => store(options)?,
        }
    }
    Ok(())
}

fn side_by_side(options: &Options, bench: &str) -> Result<()> {
    options.say(&format!("{bench}: ours and the Node design by turns, {} rounds", options.rounds));
    let program = exec::root().join("target/release/neoron-bench");
    exec::run(exec::command(program).args(options.arguments(bench)))
}

fn store(options: &Options) -> Result<()> {
    for example in ["bench_store", "bench_failover"] {
        options.say(&format!("{example} (release build)"));
        let run = ["run", "--quiet", "--release", "--package", "neoron-store", "--example", example];
        exec::run(exec::cargo().args(run))?;
    }
    Ok(())
}

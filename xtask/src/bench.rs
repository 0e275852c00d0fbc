//! Benchmarks: ours and a peer, side by side in one run on one machine. They print ratios and fail on none.

use anyhow::Result;
use clap::ValueEnum;

use crate::{exec, setup};

/// What to measure.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Bench {
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
}

/// Runs them one after another: they share two cores.
///
/// # Errors
/// If one does not build or run.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::native_build()?;
    let all = Bench::value_variants();
    for bench in if options.benches.is_empty() { all } else { &options.benches[..] } {
        let (package, examples) = match bench {
            Bench::Store => ("neoron-store", ["bench_store", "bench_failover"]),
        };
        setup::redis()?;
        for example in examples {
            if !options.json {
                exec::step(&format!("{example} (release build)"));
            }
            let run = ["run", "--quiet", "--release", "--package", package, "--example", example];
            exec::run(exec::cargo().args(run))?;
        }
    }
    Ok(())
}

//! `cargo xtask …`: everything a developer or CI runs. It builds, starts and checks; it holds none of the product.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

mod bench;
mod demo;
mod exec;
mod setup;
mod suites;
mod tally;
mod widget;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, runs and tests Neoron Voice.
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    after_help = "Examples:\n  cargo xtask demo            a pizzeria with a voice popup, everything on this machine\n  cargo xtask demo --check    one scripted visitor, exit 0 or 1\n  cargo xtask demo --redis    the same over a Redis Cluster, each part a process of its own\n  cargo xtask test            all suites\n  cargo xtask test edge call  some of them\n  cargo xtask bench store     ours and its peer in one run"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the popup and starts the whole product with simulated outside systems; prints the page to open.
    Demo(demo::Options),
    /// Runs test suites and ends with `N passed, N failed, N skipped`.
    Test(suites::Options),
    /// Runs benchmarks: ours and a peer side by side, one JSON object a line.
    Bench(bench::Options),
    /// Builds the popup into target/popup.
    Widget,
    /// Installs or names what the given suites need on this machine; safe to repeat.
    Setup,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => suites::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Widget => setup::wasm_target().and_then(|()| exec::build_widget()),
        Command::Setup => setup::everything(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

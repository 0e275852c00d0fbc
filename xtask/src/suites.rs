//! The test suites by name. All of them run even if one fails; a missing tool is installed or is a failure, never a
//! silent skip.

use std::{process::Command, time::Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{
    demo::{self, Demo},
    exec::{self, step},
    setup,
    tally::Tally,
};

/// A suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Formatting, lints of each language.
    Lint,
    /// Every crate's own tests but those with a suite of their own.
    Unit,
    /// The store's contract suite, and its crash tests.
    Store,
    /// The edge: conformance on raw sockets, limits, balancing, relay, drain.
    Edge,
    /// The whole call: a scripted visitor, crashes, outages, and the popup in a real browser.
    Call,
    /// The popup in a real browser, against a mock gateway.
    Widget,
    /// The Frappe apps without Frappe: rules, doctypes, permissions, lints. The HTTP contract with the simulator, and with
    /// a real site if FRAPPE_URL, FRAPPE_SITE and FRAPPE_TOKEN name one.
    Erpnext,
    /// Processes die, Redis fails, clocks differ, disks fill up, strangers attack: nothing is lost, nothing twice.
    Chaos,
}

/// Which suites.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// All, if none is named.
    #[arg(value_enum)]
    suites: Vec<Suite>,
    /// How chaos goes.
    #[command(flatten)]
    chaos: Chaos,
}

/// What is passed on to the program `chaos`, which explains each.
#[derive(clap::Args)]
#[command(next_help_heading = "Chaos only")]
struct Chaos {
    /// Decides what happens; a failure names it. Without it, and without --minutes, 1: the suite is the same each time.
    #[arg(long)]
    seed: Option<u64>,
    /// Goes on for so long; without it each scenario is played once.
    #[arg(long)]
    minutes: Option<u64>,
    /// One scenario; may be repeated. An unknown name lists all.
    #[arg(long)]
    scenario: Vec<String>,
    /// The soak's sessions at a time.
    #[arg(long)]
    sessions: Option<usize>,
    /// The attack's requests.
    #[arg(long)]
    starts: Option<usize>,
}

impl Chaos {
    fn arguments(&self) -> Vec<String> {
        let number = |name: &str, value: Option<u64>| value.map(|value| format!("--{name}={value}"));
        let count = |name: &str, value: Option<usize>| value.map(|value| format!("--{name}={value}"));
        let named = self.scenario.iter().map(|name| format!("--scenario={name}"));
        let seed = self.seed.or(self.minutes.is_none().then_some(1));
        let numbers = [number("seed", seed), number("minutes", self.minutes)];
        let counts = [count("sessions", self.sessions), count("starts", self.starts)];
        numbers.into_iter().chain(counts).flatten().chain(named).collect()
    }
}

/// Runs the suites and prints the closing line.
///
/// # Errors
/// If a test fails or something is missing.
pub(crate) fn run(options: &Options) -> Result<()> {
    let suites = if options.suites.is_empty() { Suite::value_variants() } else { &options.suites[..] };
    setup::native_build()?;
    setup::wasm_target()?;
    let mut total = Tally::default();
    for suite in suites {
        let name = suite.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        step(&format!("suite {name}"));
        let started = Instant::now();
        let mut tally = Tally::default();
        if let Err(error) = run_suite(*suite, options, &mut tally) {
            eprintln!("error: {error:#}");
            tally.check(false);
        }
        step(&format!("suite {name}: {tally} in {} s", started.elapsed().as_secs()));
        total += tally;
    }
    println!("{total}");
    if total.failed > 0 {
        bail!("{} of the tests failed", total.failed);
    }
    Ok(())
}

fn run_suite(suite: Suite, options: &Options, tally: &mut Tally) -> Result<()> {
    match suite {
        Suite::Lint => lint(tally),
        Suite::Unit => crates(
            tally,
            &[
                "neoron-protocol",
                "neoron-telemetry",
                "neoron-simulators",
                "neoron-worker",
                "neoron-widget-core",
                "neoron-gateway",
                "xtask",
            ],
        ),
        Suite::Store => {
            setup::redis()?;
            crates(tally, &["neoron-store"])
        }
        Suite::Edge => crates(tally, &["neoron-edge"]),
        Suite::Call => call(tally),
        Suite::Widget => {
            browser_files()?;
            browser(tally, "widget", |_| {})
        }
        Suite::Erpnext => erpnext(tally),
        Suite::Chaos => {
            setup::chaos()?;
            exec::build_neoron()?;
            let mut command = exec::cargo();
            command.args(["run", "--package", "neoron-tests", "--bin", "chaos", "--"]);
            tests(tally, command.args(options.chaos.arguments()))
        }
    }
}

fn erpnext(tally: &mut Tally) -> Result<()> {
    tests(tally, exec::command("bash").arg("erpnext/run-tests"))?;
    let contract = |options: &[&str]| {
        let mut command = exec::cargo();
        command.args(["test", "--no-fail-fast", "--package", "neoron-simulators", "--test", "it", "erpnext::", "--"]);
        command.args(options);
        command
    };
    step("the contract with the simulator");
    tests(tally, &mut contract(&[]))?;
    if std::env::var_os("FRAPPE_URL").is_some() {
        step("the contract with the real site");
        // One at a time: each case means to have the site's workers for itself.
        tests(tally, &mut contract(&["--ignored", "--test-threads", "1"]))?;
    }
    Ok(())
}

fn lint(tally: &mut Tally) -> Result<()> {
    let mut check = |what: &str, command: &mut Command| {
        step(what);
        let passed = exec::run(command).map_err(|error| eprintln!("error: {error:#}")).is_ok();
        tally.check(passed);
    };
    check("rustfmt", exec::cargo().args(["fmt", "--all", "--check"]));
    let deny = ["--", "--deny", "warnings"];
    check(
        "clippy",
        exec::cargo().args(["clippy", "--workspace", "--exclude", "neoron-widget", "--all-targets"]).args(deny),
    );
    check(
        "clippy for the popup",
        exec::cargo().args(["clippy", "--package", "neoron-widget", "--target", "wasm32-unknown-unknown"]).args(deny),
    );
    setup::browser()?;
    check(
        "eslint",
        exec::command("node").args(["tests/e2e/node_modules/eslint/bin/eslint.js", "--config"]).args([
            "tests/e2e/eslint.config.mjs",
            "tests/e2e",
            "widget-wasm/loader",
        ]),
    );
    Ok(())
}

fn crates(tally: &mut Tally, packages: &[&str]) -> Result<()> {
    let mut command = exec::cargo();
    command.args(["test", "--no-fail-fast"]);
    for package in packages {
        command.args(["--package", package]);
    }
    tests(tally, &mut command)
}

/// Runs a test runner. One that fails without reporting a failed test (it did not compile, or crashed) counts as one.
fn tests(tally: &mut Tally, command: &mut Command) -> Result<()> {
    let before = *tally;
    let passed = exec::run_lines(command, |line| tally.read(line))?;
    if !passed && tally.failed == before.failed {
        bail!("the test runner failed before it could report");
    }
    Ok(())
}

fn call(tally: &mut Tally) -> Result<()> {
    let neoron = exec::build_neoron()?;
    step("one scripted visitor");
    scripted_visitor(tally, exec::command(&neoron).args(["demo", "--check"]));
    step("one scripted visitor, over a Redis Cluster and three workers");
    let cluster = demo::redis_cluster()?;
    let store = ["demo", "--check", "--workers", "3", "--store", &cluster.url()];
    scripted_visitor(tally, exec::command(&neoron).args(store));
    drop(cluster);
    setup::metrics_lint()?;
    tests(tally, exec::cargo().args(["test", "--no-fail-fast", "--package", "neoron-tests"]))?;
    browser_files()?;
    step("the popup in a real browser, before the demo");
    let demo = Demo::start(&neoron)?;
    browser(tally, "call", |command| {
        command.env("NEORON_DEMO_URL", &demo.page).env("NEORON_ERPNEXT_CONTROL", &demo.erpnext);
        command.env("NEORON_SCREENSHOT", exec::root().join("target/popup.png"));
    })
}

fn scripted_visitor(tally: &mut Tally, command: &mut Command) {
    let checked = exec::run(command);
    tally.check(checked.map_err(|error| eprintln!("error: {error:#}")).is_ok());
}

fn browser_files() -> Result<()> {
    setup::browser()?;
    exec::build_widget()
}

fn browser(tally: &mut Tally, suite: &str, more: impl FnOnce(&mut Command)) -> Result<()> {
    let mut command = exec::command("node");
    command.current_dir(exec::root().join("tests/e2e")).args(["run.mjs", suite]);
    command.env("NEORON_WIDGET_DIR", exec::widget_dir());
    more(&mut command);
    tests(tally, &mut command)
}

//! `cargo xtask test chaos`: processes die, servers freeze, clocks differ, disks fill up, and afterwards every promise
//! must have been kept. The seed decides what happens; it is printed, and given again it plays the same again.

#![expect(clippy::print_stdout, reason = "a program that tells what it does")]

mod attack;
mod chance;
mod clocks;
mod crowd;
mod disk;
mod outages;
mod processes;
mod redis;
mod soak;
mod stage;

use std::{
    path::PathBuf,
    pin::Pin,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Parser;
use neoron_tests::{binary, ledger::Verdict};

use crate::{chance::Chance, stage::Stage};

/// Kills, freezes and confuses a pool of gateways and workers under load, and checks that nothing was lost.
#[derive(Parser)]
#[command(
    name = "chaos",
    after_help = "Examples:
  chaos                                     every scenario once
  chaos --seed 7 --scenario workers         one of them, as it went with seed 7
  chaos --minutes 60                        all of them again and again, each time with the next seed
  chaos --scenario soak --sessions 1000 --minutes 5"
)]
struct Arguments {
    /// Decides what happens; by the clock without it.
    #[arg(long)]
    seed: Option<u64>,
    /// Goes on for so long; without it everything is played once.
    #[arg(long)]
    minutes: Option<u64>,
    /// Only these.
    #[arg(long = "scenario", value_parser = SCENARIOS.map(|scenario| scenario.name))]
    scenarios: Vec<String>,
    /// The soak's sessions at a time.
    #[arg(long, default_value_t = 60)]
    sessions: usize,
    /// The attack's requests.
    #[arg(long, default_value_t = 10_000)]
    starts: usize,
    /// The binary to test; the one beside this program without it.
    #[arg(long, env = "NEORON_BINARY")]
    binary: Option<PathBuf>,
}

type Played<'a> = Pin<Box<dyn Future<Output = Result<Verdict>> + 'a>>;

struct Scenario {
    name: &'static str,
    sentence: &'static str,
    /// Whether it is part of a run that names none.
    usual: bool,
    play: for<'a> fn(&'a mut Stage) -> Played<'a>,
}

const SCENARIOS: [Scenario; 13] = [
    Scenario {
        name: "alone",
        sentence: "the only process is killed twice, and finds everything in its file",
        usual: true,
        play: |stage| Box::pin(processes::the_only_process_is_killed(stage)),
    },
    Scenario {
        name: "workers",
        sentence: "each worker is killed in turn, and nothing is lost, doubled or missed",
        usual: true,
        play: |stage| Box::pin(processes::workers_are_killed(stage)),
    },
    Scenario {
        name: "gateways",
        sentence: "each gateway is killed in turn, and clients go on at the other",
        usual: true,
        play: |stage| Box::pin(processes::gateways_are_killed(stage)),
    },
    Scenario {
        name: "deploy",
        sentence: "everything is replaced in turn, and no request and no call fails",
        usual: true,
        play: |stage| Box::pin(processes::everything_is_replaced(stage)),
    },
    Scenario {
        name: "master",
        sentence: "a Redis master is killed, and its replica knows everything",
        usual: true,
        play: |stage| Box::pin(redis::a_master_is_killed(stage)),
    },
    Scenario {
        name: "frozen",
        sentence: "a Redis master freezes for six seconds, and comes back as a replica",
        usual: true,
        play: |stage| Box::pin(redis::a_master_is_frozen(stage)),
    },
    Scenario {
        name: "restart",
        sentence: "a single Redis is restarted, and has lost its scripts",
        usual: true,
        play: |stage| Box::pin(redis::the_only_redis_is_restarted(stage)),
    },
    Scenario {
        name: "erpnext",
        sentence: "ERPNext is down, slow, failing and forgetful, and gets everything once",
        usual: true,
        play: |stage| Box::pin(outages::erpnext_is_ill(stage)),
    },
    Scenario {
        name: "ultravox",
        sentence: "Ultravox loses, repeats and mixes up its reports, and refuses calls",
        usual: true,
        play: |stage| Box::pin(outages::ultravox_is_ill(stage)),
    },
    Scenario {
        name: "disk",
        sentence: "the disk is full: what was accepted stays, the rest is refused, and it goes on afterwards",
        usual: true,
        play: |stage| Box::pin(disk::the_disk_is_full(stage)),
    },
    Scenario {
        name: "clocks",
        sentence: "two workers' clocks are half a minute off, one each way",
        usual: true,
        play: |stage| Box::pin(clocks::clocks_differ(stage)),
    },
    Scenario {
        name: "attack",
        sentence: "strangers spend nothing beyond the budget, and visitors come in",
        usual: true,
        play: |stage| Box::pin(attack::strangers_cannot_spend(stage)),
    },
    Scenario {
        name: "soak",
        sentence: "many sessions live for long, and a worker is killed each minute",
        usual: false,
        play: |stage| Box::pin(soak::many_sessions_for_long(stage)),
    },
];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => u64::from(std::process::id()),
    };
    // A copy: whoever builds meanwhile must not change what is tested under way.
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("neoron");
    let built = arguments.binary.clone().map_or_else(binary, Ok)?;
    std::fs::copy(&built, &program).with_context(|| format!("{} cannot be copied", built.display()))?;
    println!("{}, seed {seed}", built.display());
    let minutes = Duration::from_secs(arguments.minutes.unwrap_or(0) * 60);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let named = |scenario: &&Scenario| match &arguments.scenarios[..] {
        [] => scenario.usual,
        names => names.iter().any(|name| name == scenario.name),
    };
    let chosen: Vec<&Scenario> = SCENARIOS.iter().filter(named).collect();
    let mut stage = Stage::new(program, Chance::new(seed), (arguments.sessions, minutes), arguments.starts);
    let (mut passed, mut failed, start) = (0, Vec::new(), Instant::now());
    for round in seed.. {
        for scenario in &chosen {
            // Of its own: a scenario that is played alone goes as it went among the others.
            stage.chance = Chance::new(round ^ fold(scenario.name));
            println!("test {}: {} …", scenario.name, scenario.sentence);
            let begun = Instant::now();
            let verdict = runtime.block_on((scenario.play)(&mut stage));
            let took = begun.elapsed().as_secs();
            if told(verdict) {
                passed += 1;
                println!("test {} … ok, {took} s", scenario.name);
            } else {
                failed.push(format!("--scenario {} --seed {round}", scenario.name));
                println!("test {} … FAILED with seed {round}, {took} s", scenario.name);
            }
        }
        if start.elapsed() >= minutes {
            break;
        }
    }
    failed.iter().for_each(|failed| println!("to play it again: {failed}"));
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    // As cargo's test runner closes, so that one reader serves both.
    println!("test result: {word}. {passed} passed; {} failed; 0 ignored", failed.len());
    Ok(failed.is_empty())
}

/// Says something to whoever watches.
fn tell(text: &str) {
    println!("{text}");
}

fn told(verdict: Result<Verdict>) -> bool {
    match verdict {
        Ok(verdict) => {
            print!("{verdict}");
            verdict.wrong.is_empty()
        }
        Err(error) => {
            println!("    error: {error:#}");
            false
        }
    }
}

/// A number from a name (FNV-1a).
fn fold(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

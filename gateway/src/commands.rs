//! One module a command. Each prints its own result and returns why it failed, if it did.

mod config;
mod grant;
mod health;
mod jobs;
mod keys;
mod webhook;

use std::collections::BTreeMap;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::{
    Failure,
    cli::{Cli, Command, ConfigArgs},
    config::Sources,
    demo, out, run,
};

/// Does what the command line says.
pub(crate) fn dispatch(cli: Cli, environment: BTreeMap<String, String>) -> Result<(), Failure> {
    let sources = |args: ConfigArgs| Sources {
        file: args.config,
        flags: args.set,
        environment: environment.clone(),
        ..Sources::default()
    };
    match cli.command {
        Command::Run(args) => run::command(args.role, args.until_eof, &sources(args.config)),
        Command::Check { config, format } => config::check(&sources(config), format),
        Command::Config(command) => config::config(command, sources),
        Command::Healthcheck { url, timeout } => block_on(health::check(&url, timeout))?,
        Command::Keys(command) => keys::keys(command, sources),
        Command::Grant(command) => grant::grant(command, sources),
        Command::Webhook(command) => webhook::webhook(command),
        Command::Jobs(command) => jobs::jobs(command, sources),
        Command::Demo(args) => demo::command(args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "neoron", &mut script);
            out::bytes(&script);
            Ok(())
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).context("cannot write the manual page")?;
            out::bytes(&page);
            Ok(())
        }
    }
}

/// Runs a small command's future; the large ones have a runtime of their own.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    Ok(runtime.block_on(future))
}

/// The text of a file, or of standard input.
fn read_input(path: Option<&std::path::Path>) -> anyhow::Result<Vec<u8>> {
    use std::io::Read as _;
    // A webhook has at most 256 KiB: whatever is larger is a mistake.
    const MOST: u64 = 4 * 1024 * 1024;
    let mut bytes = Vec::new();
    match path {
        Some(path) => {
            let file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            file.take(MOST).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
        }
        None => {
            std::io::stdin().lock().take(MOST).read_to_end(&mut bytes).context("cannot read standard input")?;
        }
    }
    Ok(bytes)
}

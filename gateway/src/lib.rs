//! The gateway's binary as a library: configuration, commands and the composition of the crates.
//!
//! `main.rs` hands over the arguments and the environment and turns the result into an exit code; nothing else touches
//! the process. The logic of the parts is in their crates.

pub mod cli;
pub mod config;
pub mod demo;
pub mod run;

mod commands;
mod exposition;
mod logs;
mod out;
mod process;
mod random;
mod stop;
mod store;
mod worker_admin;

use std::{collections::BTreeMap, process::ExitCode};

use clap::Parser;

/// How a command ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] config::Problems),
    /// The same, told already in the form that was asked for.
    #[error("the configuration is wrong")]
    Told,
    /// What was asked for cannot be run like this.
    #[error("{0}")]
    Setup(String),
    /// Something else.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
    /// Something that was told already.
    #[error("failed")]
    Silent,
}

impl Failure {
    /// `EX_CONFIG` of sysexits.h: a supervisor must not try again before somebody changed something.
    pub const CONFIG: u8 = 78;

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Told | Self::Setup(_) => Self::CONFIG,
            Self::Other(_) | Self::Silent => 1,
        }
    }
}

/// Runs the command that the arguments name.
pub fn main(arguments: Vec<std::ffi::OsString>, environment: BTreeMap<String, String>) -> ExitCode {
    let cli = match cli::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no failure, and there is nowhere to tell of it.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match commands::dispatch(cli, environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Told | Failure::Silent) {
                out::error(failure.to_string());
            }
            ExitCode::from(failure.code())
        }
    }
}

//! Running other programs, with their output shown as it comes and their failure explained.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::widget;

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    // xtask lies directly in the workspace.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// A program of this workspace, started in its folder.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// Says what is being done.
pub(crate) fn step(what: &str) {
    println!("==> {what}");
}

/// Runs to the end, output passed through.
///
/// # Errors
/// If it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs to the end, standard output passed through line by line and shown to `each`.
///
/// # Errors
/// If it cannot be started. Its failure is the returned `false`.
pub(crate) fn run_lines(command: &mut Command, mut each: impl FnMut(&str)) -> Result<bool> {
    let shown = show(command);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{shown}`"))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            // A line that is not UTF-8 is shown as far as it can be read; it is no reason to stop.
            let line = line.unwrap_or_else(|_| "(a line that is not text)".into());
            println!("{line}");
            each(&line);
        }
    }
    Ok(child.wait()?.success())
}

/// The standard output of a short command; `None` if it is missing or fails.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = command(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Builds the popup into `target/popup`.
///
/// # Errors
/// If it does not build.
pub(crate) fn build_widget() -> Result<()> {
    let started = Instant::now();
    widget::build(&widget_dir(), &|what| step(what))?;
    step(&format!("popup: built in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// Where the popup's files are.
pub(crate) fn widget_dir() -> PathBuf {
    root().join("target/popup")
}

/// Builds the `neoron` binary and returns its path.
///
/// # Errors
/// If it does not build.
pub(crate) fn build_neoron() -> Result<PathBuf> {
    step("building the gateway (a few minutes the first time)");
    run(cargo().args(["build", "--package", "neoron-gateway"]))?;
    Ok(root().join("target/debug/neoron"))
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

//! What a fresh machine lacks: installed where we may, named where we may not.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::exec::{self, output, run, step};

/// Debian and Ubuntu packages by the program that shows they are there.
const PACKAGES: [(&str, &str); 5] = [
    ("cmake", "cmake"),
    ("cc", "build-essential"),
    ("chromium", "chromium"),
    ("redis-server", "redis-server"),
    ("faketime", "faketime"),
];
/// Node.js that runs the browser suites' test runner.
const NODE_MAJOR: u32 = 20;

/// What the gateway needs to be built.
///
/// # Errors
/// Names what is missing and could not be installed.
pub(crate) fn native_build() -> Result<()> {
    packages(&["cmake", "cc"])
}

/// What the popup needs to be built.
///
/// # Errors
/// If the target can be neither found nor added.
pub(crate) fn wasm_target() -> Result<()> {
    let installed = output("rustup", &["target", "list", "--installed"]).unwrap_or_default();
    if installed.lines().any(|target| target == "wasm32-unknown-unknown") {
        return Ok(());
    }
    step("adding the wasm32-unknown-unknown target");
    run(exec::command("rustup").args(["target", "add", "wasm32-unknown-unknown"]))
}

/// What the store's suite needs: Redis servers that it starts and stops itself.
///
/// # Errors
/// Names what is missing and could not be installed.
pub(crate) fn redis() -> Result<()> {
    packages(&["redis-server"])
}

/// What the chaos suite needs: Redis servers, and a clock that is off.
///
/// # Errors
/// Names what is missing and could not be installed.
pub(crate) fn chaos() -> Result<()> {
    packages(&["redis-server", "faketime"])
}

/// What the call suite needs to check the names of what is counted.
///
/// # Errors
/// Names what is missing and could not be installed.
pub(crate) fn metrics_lint() -> Result<()> {
    packages(&["promtool"])
}

/// What the browser suites need.
///
/// # Errors
/// Names what is missing and could not be installed.
pub(crate) fn browser() -> Result<()> {
    packages(&["chromium"])?;
    node()?;
    node_packages("tests/e2e", "the browser suites", false)
}

/// What the Node design needs that the gateway is measured against.
///
/// # Errors
/// Names what is missing and could not be installed.
pub(crate) fn node_peer(quiet: bool) -> Result<()> {
    node()?;
    node_packages("tests/peers/node-design", "the Node design", quiet)
}

/// Installs the locked packages of a folder, unless they are there.
fn node_packages(folder: &str, what: &str, quiet: bool) -> Result<()> {
    let folder = exec::root().join(folder);
    let (lock, marker) = (folder.join("package-lock.json"), folder.join("node_modules/.package-lock.json"));
    if newer(&marker, &lock) {
        return Ok(());
    }
    if !quiet {
        step(&format!("installing the Node packages of {what}"));
    }
    let mut install = exec::command("npm");
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).args(quiet.then_some("--silent"));
    run(install.current_dir(folder))
}

/// Everything for all suites.
///
/// # Errors
/// Names what is missing and could not be installed.
pub(crate) fn everything() -> Result<()> {
    native_build()?;
    wasm_target()?;
    redis()?;
    metrics_lint()?;
    chaos()?;
    browser()?;
    step("this machine has all that the suites need");
    Ok(())
}

fn node() -> Result<()> {
    let version = output("node", &["--version"]).unwrap_or_default();
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= NODE_MAJOR => Ok(()),
        Some(major) => {
            bail!("Node.js {major} is too old: install Node.js {NODE_MAJOR} or newer")
        }
        None => bail!("Node.js {NODE_MAJOR} or newer with npm is needed; install it and try again"),
    }
}

fn packages(programs: &[&str]) -> Result<()> {
    let missing: Vec<_> = PACKAGES
        .iter()
        .filter(|(program, _)| programs.contains(program) && !on_path(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if output("id", &["-u"]).as_deref().map(str::trim) != Some("0") || !on_path("apt-get") {
        bail!("missing: {list}. On Debian or Ubuntu: sudo apt-get update && sudo apt-get install {list}");
    }
    step(&format!("installing {list}"));
    run(apt().arg("update"))?;
    run(apt().args(["install", "--no-install-recommends"]).args(&missing))
}

fn apt() -> Command {
    let mut command = exec::command("apt-get");
    command.args(["-q", "-y"]).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn on_path(program: &str) -> bool {
    output("sh", &["-c", &format!("command -v {program}")]).is_some()
}

fn newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
    matches!((changed(file), changed(than)), (Some(file), Some(than)) if file >= than)
}

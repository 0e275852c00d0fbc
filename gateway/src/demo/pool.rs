//! The gateway and its workers as processes of their own over Redis, and what replaces the ones that die.
//!
//! In production systemd or Kubernetes does that; this is here so that the demo shows it on one machine.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt as _,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::out;

/// How long a place stays empty: a program that cannot start must not be tried in a tight loop.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a process may take to leave before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// The processes.
pub(super) struct Pool {
    pub(super) public: SocketAddr,
    pub(super) admin: SocketAddr,
    folder: PathBuf,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// An address that was free a moment ago.
pub(super) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    listener.local_addr().context("no port is free")
}

impl Pool {
    /// Starts one gateway and some workers with these settings.
    ///
    /// # Errors
    /// If the program or a folder for its settings is not to be had.
    pub(super) fn start(settings: &str, workers: u8, [public, admin]: [SocketAddr; 2]) -> Result<Self> {
        let program = std::env::current_exe().context("the program cannot find itself")?;
        let folder = std::env::temp_dir().join(format!("neoron-demo-{}", crate::random::token()));
        let config = folder.join("neoron.toml");
        fs::create_dir(&folder).and_then(|()| write_private(&config, settings)).context("no room for the settings")?;
        let pool = Self { public, admin, folder, stop: CancellationToken::new(), tasks: TaskTracker::new() };
        let mut places = vec![("gateway".to_owned(), "gateway")];
        places.extend((1..=workers).map(|number| (format!("worker {number}"), "worker")));
        for (name, role) in places {
            let (program, config, stop) = (program.clone(), config.clone(), pool.stop.clone());
            pool.tasks.spawn(async move { keep(&name, role, &program, &config, &stop).await });
        }
        pool.tasks.close();
        Ok(pool)
    }

    /// Ends them all.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, "the demo's settings could not be removed");
        }
    }
}

/// The settings hold secrets, even if only a demo's.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use io::Write as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

/// Keeps a place filled until it is told to stop.
async fn keep(name: &str, role: &str, program: &Path, config: &Path, stop: &CancellationToken) {
    loop {
        match spawn(role, program, config) {
            Ok(mut child) => {
                let pid = child.id().unwrap_or_default();
                out::line(format!("  {name} is process {pid}"));
                // Held here: waiting would close it, and the process would leave.
                let input = child.stdin.take();
                match stop.run_until_cancelled(child.wait()).await {
                    Some(Ok(status)) => out::line(format!("  {name}, process {pid}, {}", ending(status))),
                    Some(Err(error)) => out::line(format!("  {name}, process {pid}, is lost: {error}")),
                    None => {
                        drop(input);
                        return leave(child).await;
                    }
                }
            }
            Err(error) => out::line(format!("  {name} cannot be started: {error}")),
        }
        if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
            return;
        }
    }
}

fn spawn(role: &str, program: &Path, config: &Path) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(["run", "--until-eof", "--role", role, "--config"]).arg(config).env_clear();
    // What they print is for their own terminal; what they log is the demo's.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn()
}

fn ending(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was ended by signal {signal}; another one takes its place"),
        (None, Some(code)) => format!("ended with {code}; another one takes its place"),
        (None, None) => "ended; another one takes its place".to_owned(),
    }
}

/// Waits for a process that was asked to leave by the end of its input.
async fn leave(mut child: Child) {
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        tracing::warn!("a process had to be killed");
    }
}

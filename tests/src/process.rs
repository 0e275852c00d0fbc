//! One process of the gateway: started with its log in a file, killed, asked to leave, started again.
//!
//! It ends with this process, however this one ends: it drains when its standard input ends, and we hold that.

use std::{
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    process::{Child, ChildStdin, Command},
    time::sleep,
};

use crate::within;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What is shown of a log.
const SHOWN: usize = 4_000;

/// How a process is started, the first time and again.
pub(crate) struct Launch {
    /// Names its log.
    pub(crate) name: String,
    /// The binary `neoron`, or what runs it.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// What it finds in its environment, which is empty otherwise.
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// Where it works and its log is.
    pub(crate) folder: PathBuf,
    /// Its `/readyz`.
    pub(crate) admin: SocketAddr,
}

/// A process, or its empty place.
pub(crate) struct Process {
    pub(crate) launch: Launch,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// Held open: its end would end the process.
    _input: Option<ChildStdin>,
}

impl Launch {
    /// `neoron run` with this file and these keys on top of it.
    pub(crate) fn run(
        name: &str,
        program: &Path,
        role: &str,
        config: &Path,
        set: &[String],
        admin: SocketAddr,
    ) -> Result<Self> {
        let mut arguments: Vec<OsString> = ["run", "--until-eof", "--role", role, "--config"].map(Into::into).into();
        arguments.push(config.into());
        arguments.extend(set.iter().flat_map(|set| ["--set".into(), set.into()]));
        let folder = config.parent().context("the configuration is in no folder")?.to_path_buf();
        let (name, program) = (name.to_owned(), program.to_path_buf());
        Ok(Self { name, program, arguments, environment: Vec::new(), folder, admin })
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }
}

impl Process {
    /// A place for it; nothing runs yet.
    pub(crate) fn new(launch: Launch) -> Self {
        Self { launch, running: None }
    }

    /// Starts it, or starts it again.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(crate) fn start(&mut self) -> Result<()> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.launch.log())?;
        let mut command = Command::new(&self.launch.program);
        command.args(&self.launch.arguments).current_dir(&self.launch.folder).env_clear();
        command.envs(self.launch.environment.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{:?} cannot be started", self.launch.program))?;
        let input = child.stdin.take();
        self.running = Some(Running { child, _input: input });
        Ok(())
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// If it ends instead, or takes minutes.
    pub(crate) async fn ready(&mut self, client: &reqwest::Client) -> Result<()> {
        let url = format!("http://{}/readyz", self.launch.admin);
        let name = self.launch.name.clone();
        let ready = async {
            loop {
                if !self.is_running()? {
                    bail!("{name} has ended");
                }
                if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
                sleep(LOOK_EVERY).await;
            }
        };
        let ready = within(ready).await.flatten();
        ready.with_context(|| format!("{name} is not ready; its log says:\n{}", self.log()))
    }

    /// Kills it as `kill -9` does.
    ///
    /// # Errors
    /// If it is not running.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        let mut running = self.running.take().with_context(|| format!("{} is not running", self.launch.name))?;
        running.child.kill().await?;
        Ok(())
    }

    /// Sends it a signal by its name, such as `TERM` or `STOP`.
    ///
    /// # Errors
    /// If it is gone.
    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        let pid = self.running.as_ref().and_then(|running| running.child.id());
        let pid = pid.with_context(|| format!("{} is not running", self.launch.name))?.to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().await?;
        if sent.success() { Ok(()) } else { bail!("SIG{name} could not be sent to {}", self.launch.name) }
    }

    /// Waits until it has left by itself.
    ///
    /// # Errors
    /// If it did not leave in peace, or takes minutes.
    pub(crate) async fn left(&mut self) -> Result<()> {
        let mut running = self.running.take().with_context(|| format!("{} is not running", self.launch.name))?;
        let status = within(running.child.wait()).await??;
        if status.success() { Ok(()) } else { bail!("{} ended with {status}", self.launch.name) }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.running.as_ref().and_then(|running| running.child.id())
    }

    fn is_running(&mut self) -> Result<bool> {
        match &mut self.running {
            Some(running) => Ok(running.child.try_wait()?.is_none()),
            None => Ok(false),
        }
    }

    /// All that it wrote, over all its starts.
    pub(crate) fn whole_log(&self) -> String {
        fs::read_to_string(self.launch.log()).unwrap_or_default()
    }

    /// The end of what it wrote, over all its starts.
    pub(crate) fn log(&self) -> String {
        let log = self.whole_log();
        let skip = log.chars().count().saturating_sub(SHOWN);
        log.chars().skip(skip).collect()
    }
}

/// The gateway's binary, beside our own.
///
/// # Errors
/// If it is not built.
pub fn binary() -> Result<PathBuf> {
    let ours = std::env::current_exe()?;
    let found = ours.ancestors().map(|folder| folder.join("neoron")).find(|path| path.is_file());
    found.context("the binary `neoron` is not built: `cargo build --package neoron-gateway`")
}

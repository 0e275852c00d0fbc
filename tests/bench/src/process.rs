//! Processes that are measured: their start, their end with this one, and what `/proc` tells of them.

use std::{
    ffi::OsString,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};

/// `/proc/<pid>/stat` counts in hundredths of a second on every Linux.
const TICK_US: f64 = 10_000.0;

/// A process and those that it starts. It is killed when this value goes.
#[derive(Debug)]
pub(crate) struct Process(Child);

/// What processes have used and hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor time so far, user and system, in microseconds.
    pub(crate) cpu_us: f64,
    /// Resident memory, in bytes.
    pub(crate) rss: f64,
}

impl Process {
    /// Starts one with nothing in its environment but this; its log goes to a file.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn start(
        program: &Path,
        arguments: &[OsString],
        environment: &[(&str, String)],
        folder: &Path,
        log: &Path,
    ) -> Result<Self> {
        let log = fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        // It ends when its input does, which is when we do.
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        Ok(Self(command.spawn().with_context(|| format!("{} cannot be started", program.display()))?))
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Its use and that of its children.
    ///
    /// # Errors
    /// If it is gone.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let pid = self.0.id();
        let mut sum = usage(pid)?;
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        for child in children.split_ascii_whitespace().filter_map(|child| child.parse().ok()) {
            sum += usage(child)?;
        }
        Ok(sum)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its input lets it, and its children, leave in order; it gets a moment for that.
        drop(self.0.stdin.take());
        for _ in 0..100 {
            if self.has_ended() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        // It is gone, or cannot be ended by us.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.cpu_us += other.cpu_us;
        self.rss += other.rss;
    }
}

/// What one process uses.
///
/// # Errors
/// If it is gone.
pub(crate) fn usage(pid: u32) -> Result<Usage> {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).context("a measured process is gone");
    let stat = read("stat")?;
    // The second field is the program's name in brackets; user and system time are the 14th and 15th.
    let fields = stat.rsplit_once(')').context("/proc/<pid>/stat has another form")?.1;
    let ticks = |index: usize| fields.split_ascii_whitespace().nth(index).unwrap_or("0").parse::<f64>();
    let status = read("status")?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    let kilobytes: f64 = rss.split_ascii_whitespace().next().unwrap_or("0").parse()?;
    Ok(Usage { cpu_us: (ticks(11)? + ticks(12)?) * TICK_US, rss: kilobytes * 1024.0 })
}

//! One server: its start on a free port, signals, and its start again with the data it had.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{PATIENCE, cli, until};

/// A cluster's bus is at the port and this.
const BUS: u16 = 10_000;
/// How often a port may be lost to somebody else before that is an error.
const TRIES: usize = 20;

/// For each line of input it starts the server and tells its process id; when the input ends it kills it and removes
/// its folder, the first argument. A server works in its folder: by that it is told from a stranger who got its id
/// after it had died.
const HOLDER: &str = r#"exec 2>/dev/null; folder=$1; shift
while read -r _; do redis-server --dir "$folder" "$@" >/dev/null 2>&1 & server=$!; echo $server; done
if [ "$(readlink /proc/$server/cwd)" = "$folder" ]; then kill -9 $server; wait $server; fi
rm -rf "$folder""#;

/// A running server.
#[derive(Debug)]
pub struct Server {
    port: u16,
    pid: u32,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    holder: Child,
}

impl Server {
    /// Starts one, with what the store asks of it: an append-only file, no eviction, and in a cluster no need of full
    /// coverage.
    pub(crate) fn start(cluster: bool) -> Result<Self> {
        Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .context("redis-server is missing: run `cargo xtask setup`")?;
        for _ in 0..TRIES {
            let mut server = Self::hold(cluster)?;
            if server.launch()? {
                return Ok(server);
            }
        }
        bail!("no port was free for redis-server in {TRIES} tries")
    }

    fn hold(cluster: bool) -> Result<Self> {
        let (port, folder) = (free_port()?, tempfile::Builder::new().prefix("neoron-redis-").tempdir()?.keep());
        let mut command = Command::new("sh");
        command.args(["-c", HOLDER, "holder"]).arg(&folder).arg("--port").arg(port.to_string());
        command.args(["--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]);
        command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]);
        if cluster {
            command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]);
            command.args(["--cluster-require-full-coverage", "no"]);
        }
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("sh cannot be run")?;
        let output = BufReader::new(holder.stdout.take().context("the holder has no output")?);
        Ok(Self { port, pid: 0, input: holder.stdin.take(), output, holder })
    }

    /// `false` if somebody else took the port meanwhile.
    fn launch(&mut self) -> Result<bool> {
        let input = self.input.as_mut().context("the holder has no input")?;
        input.write_all(b"start\n")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        self.pid = line.trim().parse().context("the holder did not tell the server's process id")?;
        let begun = std::time::Instant::now();
        until("the start of redis-server", || {
            // After a restart it reads its file first and says so meanwhile.
            Ok(cli(self.port, &["PING"])?.trim() == "PONG" || begun.elapsed() > PATIENCE / 4)
        })?;
        Ok(cli(self.port, &["INFO", "server"])?.contains(&format!("process_id:{}\r", self.pid)))
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends a signal by its name, such as `KILL`, `STOP` or `CONT`.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid.to_string()]).status()?;
        if sent.success() { Ok(()) } else { bail!("SIG{name} could not be sent to the server on port {}", self.port) }
    }

    /// Starts a server that was killed again, with the data it had: scripts and what was not yet written are lost.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        if self.launch()? { Ok(()) } else { bail!("port {} was taken by somebody else", self.port) }
    }

    /// Whether it is a master now. A server that does not answer is none.
    pub fn is_master(&self) -> bool {
        cli(self.port, &["ROLE"]).is_ok_and(|role| role.starts_with("master"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        // The holder ends by itself; there is nobody to tell how.
        let _ = self.holder.wait();
    }
}

fn free_port() -> Result<u16> {
    let mut bytes = [0; 2];
    loop {
        getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
        let port = 12_000 + u16::from_be_bytes(bytes) % 10_000;
        let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + BUS) {
            return Ok(port);
        }
    }
}

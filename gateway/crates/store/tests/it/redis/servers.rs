//! Redis servers of the tests' own, on free ports, in temporary folders. They end with the value, and also with the
//! process, however it ends: a shell holds each of them and waits for the end of its input.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

/// Long enough for a cluster to form on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A cluster's bus is at the port and this.
const BUS: u16 = 10_000;

/// Starts the server, tells its process id; when the input ends, kills it and removes its folder, the first argument.
/// A server works in its folder: by that it is told from a stranger who got its id after it had died.
const HOLDER: &str = r#"folder=$1; shift
redis-server --dir "$folder" "$@" >/dev/null 2>&1 &
server=$!; echo $server; read -r _
if [ "$(readlink /proc/$server/cwd)" = "$folder" ]; then kill -9 $server; wait $server; fi
rm -rf "$folder""#;

pub(crate) struct Server {
    pub(crate) port: u16,
    pid: u32,
    input: Option<ChildStdin>,
    holder: Child,
}

/// Several servers, as a cluster or each for itself.
pub(crate) struct Servers(pub(crate) Vec<Server>);

fn free_port() -> u16 {
    let mut bytes = [0; 2];
    loop {
        getrandom::fill(&mut bytes).unwrap();
        let port = 12_000 + u16::from_be_bytes(bytes) % 10_000;
        let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + BUS) {
            return port;
        }
    }
}

/// Runs `redis-cli` and returns what it prints.
pub(crate) fn cli(port: u16, arguments: &[&str]) -> String {
    let output = Command::new("redis-cli").arg("-p").arg(port.to_string()).args(arguments).output();
    String::from_utf8_lossy(&output.expect("redis-cli is missing: run `cargo xtask setup`").stdout).into_owned()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "{what} took too long");
        // Waiting for a process to get ready; nobody is kept from running.
        let (_sender, never) = std::sync::mpsc::sync_channel::<()>(0);
        let _ = never.recv_timeout(Duration::from_millis(25));
    }
}

impl Server {
    fn start(cluster: bool) -> Self {
        loop {
            if let Some(server) = Self::try_start(cluster) {
                return server;
            }
        }
    }

    /// `None` if somebody else took the port meanwhile.
    fn try_start(cluster: bool) -> Option<Self> {
        let found = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        assert!(found.is_ok(), "redis-server is missing: run `cargo xtask setup`");
        let (port, folder) = (free_port(), tempfile::Builder::new().prefix("neoron-redis-").tempdir().unwrap().keep());
        let mut command = Command::new("sh");
        command.args(["-c", HOLDER, "holder"]).arg(&folder).arg("--port").arg(port.to_string());
        command.args(["--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]);
        command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]);
        if cluster {
            command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]);
            command.args(["--cluster-require-full-coverage", "no"]);
        }
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let input = holder.stdin.take();
        let server = Self { port, pid: line.trim().parse().unwrap(), input, holder };
        let start = Instant::now();
        until("the start of redis-server", || cli(port, &["PING"]).trim() == "PONG" || start.elapsed() > PATIENCE / 4);
        let own = cli(port, &["INFO", "server"]).contains(&format!("process_id:{}\r", server.pid));
        own.then_some(server)
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid.to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    fn is_master(&self) -> bool {
        cli(self.port, &["ROLE"]).starts_with("master")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.holder.wait();
    }
}

impl Servers {
    /// One server without a cluster.
    pub(crate) fn single() -> Self {
        Self(vec![Server::start(false)])
    }

    /// Three masters, each with a replica that has caught up.
    pub(crate) fn cluster() -> Self {
        let servers: Vec<_> = (0..6).map(|_| Server::start(true)).collect();
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(servers.iter().map(|server| format!("127.0.0.1:{}", server.port)));
        create.args(["--cluster-replicas", "1", "--cluster-yes"]).stdout(Stdio::null());
        assert!(create.status().expect("redis-cli is missing: run `cargo xtask setup`").success());
        let all = Self(servers);
        all.until_whole();
        all
    }

    /// Waits until all agree that three masters have a replica each that has caught up.
    pub(crate) fn until_whole(&self) {
        until("the forming of the cluster", || {
            self.0.iter().all(|server| {
                let role = cli(server.port, &["ROLE"]);
                let linked = match role.lines().next() {
                    Some("slave") => role.contains("connected"),
                    Some("master") => role.lines().count() > 2,
                    _ => false,
                };
                linked && cli(server.port, &["CLUSTER", "INFO"]).contains("cluster_state:ok")
            })
        });
    }

    /// An address for the store that names all of them.
    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> = self.0.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The masters.
    pub(crate) fn masters(&self) -> Vec<&Server> {
        self.0.iter().filter(|server| server.is_master()).collect()
    }
}

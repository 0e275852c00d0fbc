//! What is measured: ours or the peer, running, and how each is spoken to. The work asked of both is the same.

mod neoron;
mod node;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};
use neoron_redis_servers::{Servers, cli};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    Options,
    fakes::Fakes,
    http::{self, Connection},
    process::{self, Process, Usage},
    report::Side,
};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// In which form it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One worker; requests come as the edge would send them. The peer as it is drawn.
    Worker,
    /// Two edges and a worker; everything comes through the edge. The peer with an adapter between its processes.
    Whole,
}

/// A running system under test with a Redis of its own.
pub(crate) struct Subject {
    pub(crate) side: Side,
    pub(crate) form: Form,
    pub(crate) fakes: Fakes,
    /// Where sessions are made and tools are called.
    pub(crate) inner: SocketAddr,
    /// Where webhooks and sockets go.
    pub(crate) outer: SocketAddr,
    /// A second edge, for every other socket: a system may allow a process 20,000 open files, and an edge has two for
    /// each socket. The same as the first where there is no edge.
    pub(crate) second: SocketAddr,
    /// The operators' port of the worker; ours only.
    admin: SocketAddr,
    /// The operators' ports of the edges; ours only.
    edge_admins: [SocketAddr; 2],
    processes: Vec<Process>,
    redis: Servers,
    /// Settings and logs.
    folder: TempDir,
}

/// A visitor with a session.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) session: String,
    /// Opens the session's socket; empty at the peer.
    ticket: String,
    call: String,
    tool_token: String,
}

/// What a socket's text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The socket is in its session.
    Joined,
    /// An event of a document: when the load meant to cause it, and when the server wrote it (Unix milliseconds).
    Event { number: u64, at: u64 },
    /// A ping that wants this text back.
    Ping(&'static str),
    /// Anything else.
    Other,
}

impl Subject {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// If a part does not start; its log is shown.
    pub(crate) async fn start(side: Side, form: Form, options: &Options) -> Result<Self> {
        let redis = Servers::single()?;
        let fakes = Fakes::start().await?;
        let (inner, admin) = (free().await?, free().await?);
        let edge_admins = [free().await?, free().await?];
        let has_edges = form == Form::Whole && side == Side::Ours;
        let [outer, second] = if has_edges { [free().await?, free().await?] } else { [inner, inner] };
        let folder = tempfile::Builder::new().prefix("neoron-bench-").tempdir()?;
        let processes = Vec::new();
        let mut subject =
            Self { side, form, fakes, inner, outer, second, admin, edge_admins, processes, redis, folder };
        subject.launch(options).await?;
        Ok(subject)
    }

    /// Ends its processes and starts them again; sessions are in Redis and stay.
    ///
    /// # Errors
    /// As [`Subject::start`].
    pub(crate) async fn start_again(&mut self, options: &Options) -> Result<()> {
        self.processes.clear();
        self.launch(options).await
    }

    async fn launch(&mut self, options: &Options) -> Result<()> {
        match self.side {
            Side::Ours => neoron::start(self, &options.neoron()?)?,
            Side::Peer => node::start(self, &options.peer)?,
        }
        let ready = match self.side {
            Side::Ours if self.form == Form::Whole => {
                let [first, second] = self.edge_admins;
                [self.admin, first, second].map(|address| (address, "/readyz")).to_vec()
            }
            Side::Ours => vec![(self.admin, "/readyz")],
            Side::Peer => vec![(self.inner, "/health")],
        };
        for (address, path) in ready {
            self.until_ready(address, path).await.with_context(|| self.logs())?;
        }
        Ok(())
    }

    async fn until_ready(&mut self, address: SocketAddr, path: &str) -> Result<()> {
        let until = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < until {
            if self.processes.iter_mut().any(Process::has_ended) {
                bail!("a process under test has ended");
            }
            if let Ok(mut connection) = Connection::open(address).await
                && connection.must(&http::get(path)).await.is_ok()
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("nobody answers at {address}{path}")
    }

    /// The ends of its logs.
    fn logs(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let skip = log.chars().count().saturating_sub(3_000);
        log.chars().skip(skip).collect()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What its processes use, Redis not among them.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let mut sum = Usage::default();
        for process in &self.processes {
            sum += process.usage()?;
        }
        Ok(sum)
    }

    /// What its Redis uses.
    pub(crate) fn redis_usage(&self) -> Result<Usage> {
        let server = self.redis.all().first().context("there is no Redis")?;
        let told = cli(server.port(), &["INFO", "server"])?;
        let pid = told.lines().find_map(|line| line.strip_prefix("process_id:")).context("Redis tells no id")?;
        process::usage(pid.trim().parse()?)
    }

    /// Status webhooks that have been applied; `None` where they are applied before the answer.
    pub(crate) async fn applied(&self) -> Result<Option<u64>> {
        if self.side == Side::Peer {
            return Ok(None);
        }
        let told = Connection::open(self.admin).await?.must(&http::get("/metrics")).await?;
        let told = std::str::from_utf8(&told)?;
        // By a job, or at once.
        let done = told.lines().filter(|line| {
            line.contains("apply_document_webhook") && line.contains("\"done\"")
                || line.contains("\"erpnext\"") && (line.contains("\"applied\"") || line.contains("\"old\""))
        });
        Ok(Some(done.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()))
    }

    /// Asks for a session.
    pub(crate) fn create_request(&self) -> Vec<u8> {
        match self.side {
            Side::Ours => neoron::create(),
            Side::Peer => node::create(),
        }
    }

    /// The visitor of an answer to that.
    pub(crate) fn visitor(&self, answer: &[u8]) -> Result<Visitor> {
        let answer: serde_json::Value = serde_json::from_slice(answer)?;
        let name = if self.side == Side::Ours { "session" } else { "sessionId" };
        let session = answer[name].as_str().context("the answer names no session")?.to_owned();
        let call = self.fakes.call_of(&session).context("the session has no call")?;
        let ticket = answer["ticket"].as_str().unwrap_or_default().to_owned();
        Ok(Visitor { session, ticket, call: call.call, tool_token: call.tool_token })
    }

    /// Calls a tool that writes a document.
    pub(crate) fn command_request(&self, visitor: &Visitor, number: u64) -> Vec<u8> {
        match self.side {
            Side::Ours => neoron::command(visitor, number),
            Side::Peer => node::command(visitor, number),
        }
    }

    /// Calls a tool that reads; ours only.
    pub(crate) fn query_request(&self, visitor: &Visitor) -> Vec<u8> {
        neoron::query(visitor)
    }

    /// The webhook of a document's change; `number` comes back in the event.
    pub(crate) fn update_request(&self, visitor: &Visitor, number: u64) -> Result<Vec<u8>> {
        match self.side {
            Side::Ours => neoron::update(visitor, number),
            Side::Peer => Ok(node::update(visitor, number)),
        }
    }

    /// The path, the fields and the first texts of a visitor's socket.
    pub(crate) fn socket(&self, visitor: &Visitor) -> (String, Vec<(&'static str, String)>, Vec<String>) {
        match self.side {
            Side::Ours => neoron::socket(visitor),
            Side::Peer => node::socket(visitor),
        }
    }

    /// What a text of a socket says.
    pub(crate) fn heard(side: Side, text: &str) -> Heard {
        match side {
            Side::Ours => neoron::heard(text),
            Side::Peer => node::heard(text),
        }
    }
}

/// The whole number behind the first `name` of a JSON text.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let rest = text.split_once(name)?.1;
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// An address that was free a moment ago.
async fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}

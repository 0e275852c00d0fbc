//! The scripts and how they are called. Each does one step inside one partition. Their text is in `scripts/*.lua`.

use std::{borrow::Cow, sync::LazyLock};

use redis::Cmd;

const ENQUEUE: &str = include_str!("scripts/enqueue.lua");
const LANES: &str = include_str!("scripts/lanes.lua");
const STREAM: &str = include_str!("scripts/stream.lua");
const TALLY: &str = include_str!("scripts/tally.lua");
const ROOM: &str = include_str!("scripts/room.lua");
const REMEMBER: &str = include_str!("scripts/remember.lua");

/// A script and its hash, by which a server knows it.
pub(super) struct Script {
    text: String,
    hash: String,
}

impl Script {
    fn of(parts: &[&str]) -> Self {
        let text = parts.join("\n");
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $($part:expr),+;)+) => {
        $($(#[$doc])* pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::of(&[$($part),+]));)+
    };
}

scripts! {
    /// Applies a change.
    COMMIT = LANES, ENQUEUE, STREAM, TALLY, include_str!("scripts/commit.lua"), REMEMBER;
    /// Appends events.
    APPEND = STREAM, include_str!("scripts/append.lua"), REMEMBER;
    /// Tells where a stream stands.
    TOUCH = STREAM, include_str!("scripts/touch.lua");
    /// Reads events.
    READ = include_str!("scripts/read.lua");
    /// Reads a session.
    LOAD = include_str!("scripts/load.lua");
    /// Takes an expired session off the live ones.
    UNLIST = include_str!("scripts/unlist.lua");
    /// Follows an index.
    FIND = include_str!("scripts/find.lua");
    /// Enqueues a job.
    ACCEPT = LANES, ENQUEUE, include_str!("scripts/accept.lua");
    /// Claims jobs.
    CLAIM = include_str!("scripts/claim.lua");
    /// Uses a lease.
    LEASE = LANES, include_str!("scripts/lease.lua"), REMEMBER;
    /// Redrives or forgets a dead job.
    DEAD = LANES, include_str!("scripts/dead.lua"), REMEMBER;
    /// Counts jobs.
    DEPTH = include_str!("scripts/depth.lua");
    /// Burns a key.
    BURN = include_str!("scripts/burn.lua");
    /// Asks a rate limit.
    TAKE = include_str!("scripts/take.lua");
    /// Reserves of a budget.
    RESERVE = include_str!("scripts/reserve.lua");
    /// Settles with a budget.
    SETTLE = include_str!("scripts/settle.lua");
    /// Takes a seat.
    SIT = include_str!("scripts/sit.lua");
    /// Joins a waiting room.
    JOIN = ROOM, include_str!("scripts/join.lua");
    /// Asks for a place in a waiting room.
    PLACE = ROOM, include_str!("scripts/place.lua");
    /// Leaves a waiting room.
    DEPART = ROOM, include_str!("scripts/depart.lua"), REMEMBER;
    /// Reads tallies.
    TALLIES = include_str!("scripts/tallies.lua");
    /// Notes a worker's beat.
    BEAT = include_str!("scripts/beat.lua");
}

/// Whether a call may be sent again when nobody knows whether it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It reads, or its second time does nothing.
    Safe,
    /// Its second time would count.
    Never,
}

/// A script with its keys and arguments.
pub(super) struct Call<'a> {
    script: &'static Script,
    keys: Vec<String>,
    args: Vec<Cow<'a, str>>,
    /// Whether it may be sent again.
    pub(super) repeat: Repeat,
}

impl<'a> Call<'a> {
    /// A call that may be sent again.
    pub(super) fn new(script: &'static Script, keys: Vec<String>) -> Self {
        Self { script, keys, args: Vec::new(), repeat: Repeat::Safe }
    }

    /// The same, but never sent again.
    pub(super) fn once(self) -> Self {
        Self { repeat: Repeat::Never, ..self }
    }

    /// Adds a text.
    pub(super) fn text(mut self, text: impl Into<Cow<'a, str>>) -> Self {
        self.args.push(text.into());
        self
    }

    /// Adds a number.
    pub(super) fn number(self, number: u64) -> Self {
        self.text(number.to_string())
    }

    /// The command: by the script's hash, or with its text for a server that does not know it yet.
    pub(super) fn command(&self, with_text: bool) -> Cmd {
        let mut command = redis::cmd(if with_text { "EVAL" } else { "EVALSHA" });
        command.arg(if with_text { &self.script.text } else { &self.script.hash }).arg(self.keys.len());
        for key in &self.keys {
            command.arg(key);
        }
        for arg in &self.args {
            command.arg(arg.as_bytes());
        }
        command
    }
}

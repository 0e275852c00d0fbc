//! The one table of keys: what each may hold. What a key means and its default stand in `default.toml` (see
//! [`super::defaults`]); a test holds the two to each other. Pure.

use std::time::Duration;

use super::path::Path;

/// What a key may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A text of so many characters.
    Text(usize, usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A whole number within these bounds.
    Integer(i64, i64),
    /// A time span within these bounds.
    Span(Duration, Duration),
    /// An `http` or `https` URL without query and fragment.
    Url,
    /// `address:port`.
    Address,
    /// A file's or a folder's name.
    File,
    /// A list of so many texts, each of so many characters.
    List {
        /// How few and how many.
        count: (usize, usize),
        /// How short and how long each may be.
        length: (usize, usize),
    },
    /// Texts by name.
    Texts,
    /// Any table, read as JSON.
    Json,
}

/// Whether a key must be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It has a default, in `default.toml`.
    Default,
    /// It may be left out, and then means something of its own.
    Optional,
    /// Without it nothing starts.
    Required,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Where; `*` stands for a name that the operator chooses.
    pub path: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Whether it must be set.
    pub need: Need,
    /// Whether its value must never be seen.
    pub secret: bool,
}

const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind, need: Need::Default, secret: false }
}

impl Key {
    const fn optional(self) -> Self {
        Self { need: Need::Optional, ..self }
    }

    const fn required(self) -> Self {
        Self { need: Need::Required, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// Its last part.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

const fn millis(from: u64, to: u64) -> Kind {
    Kind::Span(Duration::from_millis(from), Duration::from_millis(to))
}

const fn seconds(from: u64, to: u64) -> Kind {
    Kind::Span(Duration::from_secs(from), Duration::from_secs(to))
}

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
/// Ultravox takes shared secrets of this length; ours are held to the same.
const SECRETS: Kind = Kind::List { count: (1, 8), length: (16, 127) };

/// All keys, in the order of `default.toml`.
pub static KEYS: &[Key] = &[
    key("gateway.public_url", Kind::Url).required(),
    key("gateway.data_dir", Kind::File).optional(),
    key("gateway.workers", Kind::Integer(1, 16)),
    key("gateway.drain", seconds(0, 2 * HOUR)),
    key("edge.listen", Kind::Address),
    key("edge.admin", Kind::Address),
    key("edge.widget_dir", Kind::File).optional(),
    key("edge.trusted_proxies", Kind::List { count: (0, 64), length: (2, 64) }),
    key("edge.key", Kind::Text(32, 256)).optional().secret(),
    key("edge.threads", Kind::Integer(1, 64)),
    key("edge.max_connections", Kind::Integer(16, 1_000_000)),
    key("edge.max_connections_per_address", Kind::Integer(1, 1_000_000)),
    key("edge.requests_per_address", Kind::Integer(1, 10_000_000)),
    key("edge.sessions_per_address", Kind::Integer(1, 1_000_000)),
    key("edge.sessions_per_site", Kind::Integer(1, 1_000_000)),
    key("edge.pow_below", Kind::Integer(0, 100)),
    key("edge.head_deadline", millis(100, 60_000)),
    key("edge.body_deadline", seconds(1, 120)),
    key("edge.tool_deadline", seconds(2, 120)),
    key("edge.idle_timeout", seconds(1, HOUR)),
    key("worker.listen", Kind::Address),
    key("worker.advertise", Kind::Text(2, 64)).optional(),
    key("worker.admin", Kind::Address).optional(),
    key("worker.capacity", Kind::Integer(1, 100_000)),
    key("worker.calls_per_network", Kind::Integer(0, 100_000)),
    key("worker.waiting_room", Kind::Integer(0, 10_000)),
    key("worker.keep_finished", seconds(60, 30 * DAY)),
    key("worker.job_concurrency", Kind::Integer(1, 256)),
    key("worker.job_lease", seconds(5, 600)),
    key("worker.poll_calls_every", seconds(5, HOUR)),
    key("worker.webhook_window", seconds(10, HOUR)),
    key("ultravox.url", Kind::Url),
    key("ultravox.api_key", Kind::Text(1, 512)).required().secret(),
    key("ultravox.webhook_secrets", SECRETS).required().secret(),
    key("ultravox.shared_secrets", SECRETS).required().secret(),
    key("ultravox.creations_per_second", Kind::Integer(1, 1_000)),
    key("ultravox.creations_per_minute", Kind::Integer(1, 60_000)),
    key("ultravox.create_deadline", seconds(1, 60)),
    key("ultravox.request_deadline", seconds(1, 60)),
    key("erpnext.url", Kind::Url).required(),
    key("erpnext.site", Kind::Text(1, 255)).required(),
    key("erpnext.token", Kind::Text(3, 512)).required().secret(),
    key("erpnext.webhook_secrets", SECRETS).required().secret(),
    key("erpnext.time_zone", Kind::Text(1, 64)),
    key("erpnext.concurrency", Kind::Integer(1, 256)),
    key("erpnext.request_deadline", seconds(1, 120)),
    key("erpnext.breaker_failures", Kind::Integer(1, 1_000)),
    key("erpnext.breaker_pause", millis(100, 600_000)),
    key("store.url", Kind::Text(8, 2_000)).optional().secret(),
    key("store.prefix", Kind::Text(1, 64)),
    key("store.partitions", Kind::Integer(1, 1_024)),
    key("store.file", Kind::File).optional(),
    key("log.level", Kind::Text(1, 500)),
    key("log.format", Kind::Choice(&["text", "json"])),
    key("telemetry.otlp_url", Kind::Url).optional(),
    key("telemetry.sample", Kind::Integer(0, 1_000)),
    key("telemetry.service_name", Kind::Text(1, 64)),
    key("sites.*.origins", Kind::List { count: (1, 32), length: (8, 255) }).required(),
    key("sites.*.minutes_per_day", Kind::Integer(1, 1_000_000)),
    key("sites.*.max_calls", Kind::Integer(1, 100_000)),
    key("sites.*.keys.*", Kind::Text(43, 43)).optional(),
    key("staff.*.token_sha256", Kind::Text(64, 64)).required(),
    key("business.*.enabled", Kind::Bool),
    key("business.*.title", Kind::Text(1, 80)).required(),
    key("business.*.session_type", Kind::Choice(&["Restaurant", "Appointment", "Support", "General"])),
    key("business.*.prompt", Kind::Text(1, 50_000)).required(),
    key("business.*.greeting", Kind::Text(1, 500)).required(),
    key("business.*.voice", Kind::Text(1, 100)).optional(),
    key("business.*.language", Kind::Text(2, 16)),
    key("business.*.max_length", seconds(10, HOUR)),
    key("business.*.tools.*.enabled", Kind::Bool),
    key("business.*.tools.*.description", Kind::Text(1, 4_000)).required(),
    key("business.*.tools.*.kind", Kind::Choice(&["query", "command", "confirm"])).required(),
    key("business.*.tools.*.confirm", Kind::Choice(&["none", "quote"])),
    key("business.*.tools.*.quoter", Kind::Choice(&["catalogue", "slot"])).optional(),
    key("business.*.tools.*.catalogue", Kind::Text(1, 200)).optional(),
    key("business.*.tools.*.confirms", Kind::Text(1, 64)).optional(),
    key("business.*.tools.*.method", Kind::Text(1, 200)).optional(),
    key("business.*.tools.*.arguments", Kind::Texts).optional(),
    key("business.*.tools.*.parameters", Kind::Json),
    key("business.*.tools.*.timeout", seconds(1, 40)),
    key("business.*.tools.*.title", Kind::Text(0, 80)),
    key("business.*.tools.*.say", Kind::Text(1, 4_000)).required(),
    key("business.*.tools.*.say_queued", Kind::Text(0, 1_000)),
    key("business.*.tools.*.say_unavailable", Kind::Text(0, 1_000)),
    key("business.*.tools.*.keep", seconds(0, 30 * DAY)),
];

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A key.
    Key(&'static Key),
    /// The name of the file that holds a secret key's value.
    KeyFile(&'static Key),
    /// A table on the way to keys.
    Table,
    /// Nothing.
    Unknown,
}

/// Finds out what a path is.
pub fn place(path: &Path) -> Place {
    if let Some(key) = find(path) {
        return Place::Key(key);
    }
    if let Some(key) = without_file(path).and_then(|path| find(&path)).filter(|key| key.secret) {
        return Place::KeyFile(key);
    }
    if KEYS.iter().any(|key| begins(key.path, path)) { Place::Table } else { Place::Unknown }
}

/// The key at a path.
pub fn find(path: &Path) -> Option<&'static Key> {
    KEYS.iter().find(|key| begins(key.path, path) && key.path.split('.').count() == path.len())
}

/// `a.b_file` → `a.b`.
fn without_file(path: &Path) -> Option<Path> {
    let name = path.last()?.strip_suffix("_file")?;
    Some(path.parent().child(name))
}

/// Whether a pattern begins with a path.
fn begins(pattern: &str, path: &Path) -> bool {
    let mut pattern = pattern.split('.');
    path.parts().iter().all(|part| pattern.next().is_some_and(|it| it == "*" || it == part))
}

/// The names that may stand under a table; `*` if the operator chooses them.
pub fn names_under(path: &Path) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for key in KEYS.iter().filter(|key| begins(key.path, path)) {
        let name = key.path.split('.').nth(path.len());
        names.extend(name.filter(|name| !names.contains(name)));
    }
    names
}

/// What was probably meant by an unknown name under a table: the nearest name there, or else the same name elsewhere.
pub fn suggestion(path: &Path) -> Option<String> {
    let name = path.last()?;
    let parent = path.parent();
    let near = |known: &&&str| strsim::jaro_winkler(&name.to_lowercase(), known) > 0.8;
    let best =
        |one: &&&str, other: &&&str| strsim::jaro_winkler(name, one).total_cmp(&strsim::jaro_winkler(name, other));
    let names = names_under(&parent);
    if let Some(known) = names.iter().filter(near).max_by(best) {
        return Some((*known).to_owned());
    }
    let elsewhere = KEYS.iter().find(|key| key.name() == name && !key.path.contains('*'));
    elsewhere.map(|key| key.path.to_owned())
}

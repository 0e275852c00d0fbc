//! The command line, as clap reads it. What the commands do is in `commands`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, builder::styling};

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default().bold());

/// Visitors of a website talk to a voice agent; their orders, bookings and tickets land in ERPNext exactly once.
#[derive(Debug, Parser)]
#[command(
    name = "neoron",
    version,
    styles = STYLES,
    after_help = "Examples:
  neoron demo                                try it, with Ultravox and ERPNext simulated
  neoron config default > neoron.toml        begin a configuration
  neoron check --config neoron.toml          tell everything that is wrong with it
  neoron run --config neoron.toml            run it

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway: edge, workers and the embedded store in one process, or each as its own over Redis.
    #[command(after_help = "Examples:
  neoron run
  neoron run --config /etc/neoron/neoron.toml --set gateway.workers=2
  neoron run --role worker --set store.url=redis+cluster://10.0.0.1:6379,10.0.0.2:6379

SIGTERM or SIGINT drains: no new calls, running ones end; a second one stops at once.
Exit codes: 0 stopped, 1 failed, 78 wrong configuration.")]
    Run(RunArgs),
    /// Check the configuration and tell everything that is wrong with it at once.
    #[command(after_help = "Examples:
  neoron check --config neoron.toml
  neoron check --format json | jq -r '.errors[].message'

Exit codes: 0 sound, 78 wrong.")]
    Check {
        /// Where the configuration comes from.
        #[command(flatten)]
        config: ConfigArgs,
        /// How to tell it.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Look at the configuration: its defaults, what a key means, what is in force.
    #[command(
        subcommand,
        after_help = "Examples:
  neoron config default > neoron.toml
  neoron config explain erpnext.concurrency
  neoron config show --config neoron.toml worker"
    )]
    Config(ConfigCommand),
    /// Ask a running gateway whether it is ready.
    #[command(after_help = "Examples:
  neoron healthcheck
  neoron healthcheck --url http://127.0.0.1:9090/readyz

Exit codes: 0 ready, 1 not ready.")]
    Healthcheck {
        /// The admin listener's /readyz.
        #[arg(long, default_value = "http://127.0.0.1:9090/readyz")]
        url: String,
        /// How many seconds to wait for an answer, 1 to 60.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
        timeout: u64,
    },
    /// Make and list the sites' signing keys.
    #[command(
        subcommand,
        after_help = "Examples:
  neoron keys new --site pizzeria --out keys
  neoron keys list --config neoron.toml
  neoron keys staff --name dashboard"
    )]
    Keys(KeysCommand),
    /// Mint and inspect grants, as a site does.
    #[command(
        subcommand,
        after_help = "Examples:
  neoron grant mint --site pizzeria --key keys/pizzeria-2026.key --origin https://pizzeria.example
  neoron grant mint … | neoron grant inspect"
    )]
    Grant(GrantCommand),
    /// Sign and verify webhooks, as Ultravox and ERPNext do.
    #[command(
        subcommand,
        after_help = "Examples:
  neoron webhook sign --kind erpnext --secret-file secret.txt body.json
  neoron webhook verify --kind ultravox --secret-file secret.txt --signature 0a1b… --timestamp 2026-11-24T10:00:00Z body.json"
    )]
    Webhook(WebhookCommand),
    /// Look after the jobs that could not be delivered.
    #[command(
        subcommand,
        after_help = "Examples:
  neoron jobs list --dead
  neoron jobs retry j_0123456789abcdefghijklmnop
  neoron jobs retry --all"
    )]
    Jobs(JobsCommand),
    /// Try it: gateway, a demo site, and Ultravox and ERPNext simulated, in one process.
    #[command(after_help = "Examples:
  neoron demo
  neoron demo --port 8000
  neoron demo --check
  neoron demo --store redis+cluster://127.0.0.1:7001,127.0.0.1:7002 --workers 3

Exit codes: 0 all went well, 1 not.")]
    Demo(DemoArgs),
    /// Print a completion script for a shell.
    #[command(after_help = "Example:
  neoron completions bash > /etc/bash_completion.d/neoron")]
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    #[command(after_help = "Example:
  neoron man > /usr/share/man/man1/neoron.1")]
    Man,
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// The file. Else $NEORON_CONFIG, ./neoron.toml or /etc/neoron/neoron.toml.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Sets one key; wins over the file and the environment. May be repeated.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
}

/// How to tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Which parts a process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The edge and the workers.
    #[default]
    All,
    /// The edge only.
    Gateway,
    /// The workers only.
    Worker,
}

/// How to run.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Which parts this process runs; gateway or worker alone need a store that processes share.
    #[arg(long, value_enum, default_value_t)]
    pub role: Role,
    /// Also drain when standard input ends: for a parent that takes its children with it.
    #[arg(long)]
    pub until_eof: bool,
}

/// `neoron config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the documented defaults: a configuration to begin with.
    #[command(after_help = "Examples:
  neoron config default > neoron.toml
  neoron config default --business restaurant")]
    Default {
        /// A built-in business profile instead: restaurant, appointment, support or general.
        #[arg(long, value_name = "NAME")]
        business: Option<String>,
    },
    /// Tell what a key means, what it takes, its default and how to set it.
    #[command(after_help = "Examples:
  neoron config explain erpnext.concurrency
  neoron config explain business.restaurant.prompt
  neoron config explain worker")]
    Explain {
        /// The key, or a section.
        key: String,
    },
    /// Print what is in force and where each value comes from; secrets are not shown.
    #[command(after_help = "Examples:
  neoron config show --config neoron.toml
  neoron config show --format json erpnext")]
    Show {
        /// Only what is under this.
        under: Option<String>,
        /// Where the configuration comes from.
        #[command(flatten)]
        config: ConfigArgs,
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// `neoron keys …`.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a site's Ed25519 key: the private half as a file, the public half for the configuration.
    #[command(after_help = "Example:
  neoron keys new --site pizzeria --kid 2026 --out keys")]
    New {
        /// The site's id.
        #[arg(long)]
        site: String,
        /// The key's id; a new one at each rotation.
        #[arg(long, default_value = "1")]
        kid: String,
        /// The folder for the private key, made if missing.
        #[arg(long, default_value = ".", value_name = "DIR")]
        out: PathBuf,
    },
    /// Make a token for somebody who reads the analytics: the token once, its hash for the configuration.
    #[command(after_help = "Example:
  neoron keys staff --name dashboard")]
    Staff {
        /// Whose it is; 1 to 64 of a-z, A-Z, 0-9, `_` and `-`.
        #[arg(long)]
        name: String,
    },
    /// List the sites with their origins and public keys.
    #[command(after_help = "Example:
  neoron keys list --config neoron.toml")]
    List {
        /// Where the configuration comes from.
        #[command(flatten)]
        config: ConfigArgs,
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// `neoron grant …`.
#[derive(Debug, Subcommand)]
pub enum GrantCommand {
    /// Mint a grant that lives a minute and prints on standard output.
    #[command(after_help = "Example:
  neoron grant mint --site pizzeria --key keys/pizzeria-1.key --origin https://pizzeria.example")]
    Mint {
        /// The site's id.
        #[arg(long)]
        site: String,
        /// The private key's file, as `neoron keys new` writes it.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The key's id.
        #[arg(long, default_value = "1")]
        kid: String,
        /// The page's exact origin.
        #[arg(long)]
        origin: String,
        /// The business profile.
        #[arg(long, default_value = "restaurant")]
        business: String,
        /// The longest call in seconds.
        #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=3_600))]
        max_seconds: u32,
        /// The page's language, BCP 47.
        #[arg(long, default_value = "en")]
        language: String,
    },
    /// Tell what a grant says; with a configuration also whether it is good.
    #[command(after_help = "Examples:
  neoron grant mint … | neoron grant inspect
  neoron grant inspect --verify --config neoron.toml TOKEN

Exit codes: 0 well-formed (and good, with --verify), 1 not.")]
    Inspect {
        /// The grant; standard input without it.
        token: Option<String>,
        /// Check claims and signature against the configured sites.
        #[arg(long)]
        verify: bool,
        /// Where the configuration comes from.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// Whose webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sender {
    /// Hexadecimal HMAC-SHA256 over body and timestamp.
    Ultravox,
    /// Base64 HMAC-SHA256 over the body.
    Erpnext,
}

/// What a webhook is signed with.
#[derive(Args, Debug)]
pub struct WebhookArgs {
    /// Whose webhook.
    #[arg(long, value_enum)]
    pub kind: Sender,
    /// The file that holds the secret.
    #[arg(long, value_name = "FILE")]
    pub secret_file: PathBuf,
    /// The body's file; standard input without it.
    pub body: Option<PathBuf>,
}

/// `neoron webhook …`.
#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Print the headers that the sender would put on this body.
    #[command(after_help = "Example:
  neoron webhook sign --kind erpnext --secret-file secret.txt body.json")]
    Sign {
        /// What it is signed with.
        #[command(flatten)]
        with: WebhookArgs,
        /// The timestamp header's text (ultravox); now without it.
        #[arg(long)]
        timestamp: Option<String>,
    },
    /// Tell whether a signature fits a body.
    #[command(after_help = "Example:
  neoron webhook verify --kind erpnext --secret-file secret.txt --signature 'pWq…=' body.json

Exit codes: 0 it fits, 1 not.")]
    Verify {
        /// What it is signed with.
        #[command(flatten)]
        with: WebhookArgs,
        /// The signature header's text; several, with commas between, for ultravox.
        #[arg(long)]
        signature: String,
        /// The timestamp header's text (ultravox).
        #[arg(long)]
        timestamp: Option<String>,
    },
}

/// `neoron jobs …`.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Show how full the queue is, and the jobs that were given up.
    #[command(after_help = "Examples:
  neoron jobs list
  neoron jobs list --dead --json")]
    List {
        /// Only the jobs that were given up.
        #[arg(long)]
        dead: bool,
        /// One JSON object.
        #[arg(long)]
        json: bool,
        /// Show payloads as well: they hold personal data.
        #[arg(long)]
        payload: bool,
        /// Where the configuration comes from.
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Put a job that was given up back into the queue.
    #[command(after_help = "Examples:
  neoron jobs retry j_0123456789abcdefghijklmnop
  neoron jobs retry --all")]
    Retry {
        /// The job.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// All of them.
        #[arg(long)]
        all: bool,
        /// Where the configuration comes from.
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Forget a job that was given up.
    #[command(after_help = "Example:
  neoron jobs drop j_0123456789abcdefghijklmnop")]
    Drop {
        /// The job.
        id: String,
        /// Where the configuration comes from.
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Which store.
#[derive(Args, Debug)]
pub struct StoreArgs {
    /// The embedded store's file; without it the configured store, in a file or in Redis.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// How to run the demo.
#[derive(Args, Clone, Debug, Default)]
pub struct DemoArgs {
    /// The port of the demo site; the gateway and the simulators take the next ones. 0 takes free ones.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Play one scripted visitor against it, and exit.
    #[arg(long)]
    pub check: bool,
    /// Keep the store here; without it, nothing is kept.
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    pub data: Option<PathBuf>,
    /// Use this Redis, and run the gateway and each worker as a process of its own; one that dies is replaced.
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// How many workers, 1 to 16.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub workers: u8,
    /// The simulated agent answers without the pauses of speech.
    #[arg(long)]
    pub fast: bool,
    /// The folder with the popup's files; target/popup without it.
    #[arg(long, value_name = "DIR")]
    pub widget_dir: Option<PathBuf>,
    /// What is logged to stderr, such as warn or info,neoron_worker=debug.
    #[arg(long, default_value = "warn", value_name = "FILTER")]
    pub log: String,
}

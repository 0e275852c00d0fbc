//! Opens the database file: its permissions, its settings, its schema's version. It never reads or writes a row of
//! the store.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, TransactionBehavior};

use super::fault::store_error;
use crate::StoreError;

/// "Neor": SQLite's mark of what kind of file this is.
const APPLICATION_ID: i64 = 0x4e65_6f72;

/// The schema's steps; a file's `user_version` says how many of them it has.
pub(super) const STEPS: [&str; 2] = [include_str!("schema.sql"), include_str!("schema/lanes_seats_tallies.sql")];

/// Pages that go into the write-ahead log before they are copied into the file: 64 MB. Measured against SQLite's
/// 1,000 pages: p99 of a write 2.1 ms instead of 6.8, and 8 to 21 % more writes.
const CHECKPOINT_PAGES: i64 = 16_000;
/// A log that a long read has made larger is cut to this once it starts again: 16,000 pages of 4 KiB.
const LOG_BYTES: i64 = CHECKPOINT_PAGES * 4_096;
/// The writer's page cache, in KiB: the upper levels of its trees for some 100,000 sessions.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// There are some 50 different statements.
const STATEMENTS: usize = 96;

/// Why a file cannot be used as a store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or opened; mostly its folder is missing or belongs to somebody else.
    #[error("the store {path} cannot be opened")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A newer version of this program has written the file.
    #[error(
        "the store {path} has schema version {found}, this program knows versions up to {known}: run the newer program, \
         or move the file away to start with an empty store"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The file's version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The file is a database of something else.
    #[error("{path} is a database, but not a Neoron store")]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// The file system cannot hold a write-ahead log; network file systems often cannot.
    #[error("the store {path} cannot keep a write-ahead log here (SQLite offers \"{offered}\"): use a local disk")]
    NoLog {
        /// Which file.
        path: PathBuf,
        /// The journal mode that SQLite chose instead.
        offered: String,
    },
    /// The database does not answer.
    #[error("the store {path} cannot be used")]
    Database {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The machine has no thread left for the store.
    #[error("a thread of the store cannot be started")]
    Thread(#[source] io::Error),
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The only one that writes.
    Writer,
    /// Refuses to write: a read that turns into a write fails at once with BUSY_SNAPSHOT, whatever the timeout.
    Reader,
}

/// How to open one file.
#[derive(Clone, Debug)]
pub(super) struct Door {
    /// Which file.
    pub(super) path: PathBuf,
    /// How long to wait for another process that writes.
    pub(super) busy: Duration,
    /// Whether a write is on disk when it is answered. Only a store that nobody reopens does without.
    pub(super) durable: bool,
}

impl Door {
    /// Makes the file if it is not there, and brings its schema up to date.
    pub(super) fn prepare(&self) -> Result<(), OpenError> {
        create(&self.path).map_err(|source| OpenError::File { path: self.path.clone(), source })?;
        let failed = |error: rusqlite::Error| self.failed(&error);
        let mut db = Connection::open(&self.path).map_err(failed)?;
        db.busy_timeout(self.busy).map_err(failed)?;
        // Before anything is written: a file of something else must stay as it is.
        self.check_version(&db)?;
        let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
        if mode != "wal" {
            return Err(OpenError::NoLog { path: self.path.clone(), offered: mode });
        }
        // Another process may be doing the same: only one of them gets this transaction, the other finds it done.
        let step = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let version = self.check_version(&step)?;
        for sql in STEPS.iter().skip(usize::try_from(version).unwrap_or(0)) {
            step.execute_batch(sql).map_err(failed)?;
        }
        step.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        step.pragma_update(None, "user_version", known()).map_err(failed)?;
        step.commit().map_err(failed)
    }

    /// Opens a connection to a file that [`Door::prepare`] has seen.
    pub(super) fn open(&self, role: Role) -> rusqlite::Result<Connection> {
        let db = Connection::open(&self.path)?;
        db.busy_timeout(self.busy)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        db.pragma_update(None, "temp_store", "MEMORY")?;
        match role {
            Role::Writer => {
                db.pragma_update(None, "synchronous", if self.durable { "FULL" } else { "OFF" })?;
                db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
                db.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
                db.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
            }
            Role::Reader => db.pragma_update(None, "query_only", true)?,
        }
        Ok(db)
    }

    /// Size of the write-ahead log in bytes; 0 if there is none.
    pub(super) fn log_bytes(&self) -> u64 {
        let mut name = self.path.clone().into_os_string();
        name.push("-wal");
        std::fs::metadata(Path::new(&name)).map_or(0, |metadata| metadata.len())
    }

    fn check_version(&self, db: &Connection) -> Result<i64, OpenError> {
        let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| self.failed(&error));
        let application = number("PRAGMA application_id")?;
        let tables = number("SELECT count(*) FROM sqlite_schema")?;
        if application != APPLICATION_ID && (application != 0 || tables != 0) {
            return Err(OpenError::Foreign { path: self.path.clone() });
        }
        let found = number("PRAGMA user_version")?;
        if found > known() {
            return Err(OpenError::Newer { path: self.path.clone(), found, known: known() });
        }
        Ok(found)
    }

    fn failed(&self, error: &rusqlite::Error) -> OpenError {
        OpenError::Database { path: self.path.clone(), source: store_error(error) }
    }
}

/// The newest schema version.
fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Makes the file for its owner only: it holds what visitors said. SQLite gives the log the same permissions.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// A thread's connection. It is opened when it is needed and dropped after a failure: a file that was moved, or a
/// disk that was full, needs no restart of the process.
pub(super) struct Seat {
    door: Door,
    role: Role,
    db: Option<Connection>,
}

impl Seat {
    /// Opens the first connection, so that a file that cannot be used is noticed at the start.
    pub(super) fn take(door: &Door, role: Role) -> Result<Self, OpenError> {
        let db = door.open(role).map_err(|error| door.failed(&error))?;
        Ok(Self { door: door.clone(), role, db: Some(db) })
    }

    /// The connection.
    pub(super) fn db(&mut self) -> Result<&Connection, StoreError> {
        if self.db.is_none() {
            self.db = Some(self.door.open(self.role).map_err(|error| store_error(&error))?);
        }
        self.db.as_ref().ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))
    }

    /// Lets the connection go after a failure. An open transaction ends with it.
    pub(super) fn leave(&mut self) {
        self.db = None;
    }
}

//! The store in one file: SQLite with a write-ahead log, one writer thread that commits what waits together, a few
//! reader threads. For one machine; several processes may open the file, but only one should do the work, because
//! wake-ups do not leave the process.
//!
//! Callers are async and need no particular runtime ([`crate::Jobs::wait`] needs tokio's timer). `Ok` means on disk.
//! It never talks to the network, and never logs what it stores.

mod budgets;
mod door;
mod events;
mod fault;
mod hub;
mod jobs;
mod lanes;
mod limits;
mod once;
mod queue;
mod reader;
mod seats;
mod sessions;
mod sweep;
mod tallies;
mod waiting;
mod workers;
mod writer;

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::oneshot;

pub use self::door::OpenError;
use self::{
    door::{Door, Role, Seat},
    fault::Fault,
    hub::Hub,
    reader::Reads,
    sweep::Sweeper,
    writer::{Request, Step, Writer, Writes},
};
use crate::{Clock, StoreError};

/// What a request weighs beside its texts: its box, its channel, its place in the queue.
const REQUEST_BYTES: usize = 256;

/// How an [`EmbeddedStore`] works. The defaults suit a machine with two cores.
#[derive(Clone, Debug)]
pub struct Options {
    /// Writes that may wait; one more is answered with [`StoreError::Full`]. As many reads may wait.
    pub queue: usize,
    /// Bytes of all the waiting writes together.
    pub queue_bytes: usize,
    /// Writes that share a transaction at most.
    pub batch: usize,
    /// Threads that read, at least 1.
    pub readers: usize,
    /// Sessions whose events may be watched at a time; one more is answered with [`StoreError::Full`].
    pub watches: usize,
    /// How long a write waits for another process that is writing.
    pub busy_timeout: Duration,
    /// How often to look for what has expired.
    pub sweep_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue: 4_096,
            queue_bytes: 64 * 1024 * 1024,
            batch: 512,
            readers: 2,
            watches: 65_536,
            busy_timeout: Duration::from_secs(5),
            sweep_every: Duration::from_secs(2),
        }
    }
}

/// The store in one file.
pub struct EmbeddedStore {
    writes: Arc<Writes>,
    reads: Arc<Reads>,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
    door: Door,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Where the file of [`EmbeddedStore::in_memory`] is; removed with the store.
    _folder: Option<TempDir>,
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("path", &self.door.path).finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// Opens the store in the file at `path`, and makes it if there is none. Its folder must exist. This blocks for
    /// some milliseconds.
    ///
    /// # Errors
    /// [`OpenError`]; the file is unchanged then.
    pub fn open(path: &Path, options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let door = Door { path: path.to_owned(), busy: options.busy_timeout, durable: true };
        Self::start(door, &options, clock, None)
    }

    /// A store that lives as long as this value, for tests and trials. It is a temporary file that is never flushed,
    /// so that it behaves in everything else as a real one does.
    ///
    /// # Errors
    /// [`OpenError`] if there is no room for temporary files.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let failed = |source: io::Error| OpenError::File { path: std::env::temp_dir(), source };
        let folder = tempfile::Builder::new().prefix("neoron-store-").tempdir().map_err(failed)?;
        let options = Options::default();
        let door = Door { path: folder.path().join("store.db"), busy: options.busy_timeout, durable: false };
        Self::start(door, &options, clock, Some(folder))
    }

    fn start(door: Door, options: &Options, clock: Arc<dyn Clock>, folder: Option<TempDir>) -> Result<Self, OpenError> {
        door.prepare()?;
        let store = Self {
            writes: Arc::new(Writes::new(options.queue, options.queue_bytes)),
            reads: Arc::new(Reads::new(options.queue, options.queue_bytes)),
            hub: Arc::new(Hub::new(options.watches)),
            clock,
            door,
            threads: Mutex::new(Vec::new()),
            _folder: folder,
        };
        let writer = Writer {
            queue: Arc::clone(&store.writes),
            seat: Seat::take(&store.door, Role::Writer)?,
            hub: Arc::clone(&store.hub),
            clock: Arc::clone(&store.clock),
            batch: options.batch.max(1),
            sweeper: Sweeper::new(options.sweep_every),
        };
        store.spawn("store-writer", move || writer.run())?;
        for _ in 0..options.readers.max(1) {
            let (queue, seat) = (Arc::clone(&store.reads), Seat::take(&store.door, Role::Reader)?);
            store.spawn("store-reader", move || reader::run(&queue, seat))?;
        }
        Ok(store)
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run).map_err(OpenError::Thread)?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Ends the store: what waits is still done and answered, what comes later is refused as unavailable, and every
    /// watch ends. Blocks until the file is closed. Dropping the store does the same.
    pub fn close(&self) {
        self.writes.close();
        self.reads.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The threads catch their panics; there is nothing to learn from the result.
            let _ = thread.join();
        }
        self.hub.close();
    }

    /// Size of the write-ahead log in bytes, for a metric: beyond some 70 MB a read is kept open somewhere.
    pub fn wal_bytes(&self) -> u64 {
        self.door.log_bytes()
    }

    /// How many writes wait, for a metric.
    pub fn waiting_writes(&self) -> usize {
        self.writes.len()
    }

    /// Has the writer do something in its next transaction; `weight` is the size of what `act` carries, in bytes.
    async fn write<T, E>(
        &self,
        weight: usize,
        act: impl FnOnce(&mut Step<'_>) -> Result<T, Fault<E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.writes.push(Box::new(Request::new(act, reply)), weight.saturating_add(REQUEST_BYTES))?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer failed".to_owned()).into()))
    }

    /// Has a reader do something.
    async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let read = move |db: Result<&Connection, StoreError>| {
            if reply.is_closed() {
                return true;
            }
            let result = db.and_then(|db| act(db).map_err(|error| fault::store_error(&error)));
            let good = result.is_ok();
            let _ = reply.send(result);
            good
        };
        self.reads.push(Box::new(read), REQUEST_BYTES)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the reader failed".to_owned())))
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use neoron_protocol::UnixMillis;

    use super::*;
    use crate::ManualClock;

    #[tokio::test]
    async fn a_panic_in_a_thread_is_an_answer_and_the_thread_goes_on() {
        let store = EmbeddedStore::in_memory(Arc::new(ManualClock::at(UnixMillis(1)))).unwrap();
        for _ in 0..3 {
            let written: Result<(), StoreError> = store.write(0, |_| panic!("a write that goes wrong")).await;
            assert!(matches!(written, Err(StoreError::Unavailable(_))));
            let read: Result<(), StoreError> = store.read(|_| panic!("a read that goes wrong")).await;
            assert!(matches!(read, Err(StoreError::Unavailable(_))));
        }
        let written: Result<u32, StoreError> = store.write(0, |_| Ok(7)).await;
        assert_eq!(written.unwrap(), 7);
        assert_eq!(store.read(|_| Ok(8)).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let store = EmbeddedStore::in_memory(Arc::new(ManualClock::at(UnixMillis(1)))).unwrap();
        assert!(store.read(|db| db.execute("DELETE FROM job", [])).await.is_err());
    }
}

//! The threads that read. Each has its own connection and takes one read at a time; a read sees everything that was
//! answered before it was asked. A read must be short: while one is open, the write-ahead log cannot start again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use rusqlite::Connection;

use super::{door::Seat, queue::Queue};
use crate::StoreError;

/// How long a reader sleeps before it looks at its empty queue again; it is woken earlier by a read.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// A read that waits: it is given the connection, or why there is none, and tells whether the connection is good.
pub(super) type Read = Box<dyn FnOnce(Result<&Connection, StoreError>) -> bool + Send>;

/// Reads on their way to a reader.
pub(super) type Reads = Queue<Read>;

/// Reads until the queue is closed and empty.
pub(super) fn run(queue: &Arc<Reads>, mut seat: Seat) {
    while catch_unwind(AssertUnwindSafe(|| serve(queue, &mut seat))).is_err() {
        tracing::error!("a reader of the store panicked and goes on with a new connection");
        seat.leave();
    }
}

fn serve(queue: &Reads, seat: &mut Seat) {
    while let Some(reads) = queue.take(1, PATIENCE) {
        for read in reads {
            if !read(seat.db()) {
                seat.leave();
            }
        }
    }
}

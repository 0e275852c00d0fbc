//! The only thread that writes. It takes what waits into one transaction, gives each request its own savepoint, and
//! answers all of them after the commit: one flush of the disk serves up to a whole batch.
//!
//! It knows nothing of what the requests do.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use neoron_protocol::UnixMillis;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    door::Seat,
    fault::{Fault, store_error},
    hub::{Effects, Hub},
    queue::Queue,
    sweep::Sweeper,
};
use crate::{Clock, StoreError};

/// What a request works with.
pub(super) struct Step<'a> {
    /// The database, inside the batch's transaction.
    pub(super) db: &'a Connection,
    /// Now, the same for the whole batch.
    pub(super) now: UnixMillis,
    /// Whom to wake after the commit.
    pub(super) effects: &'a mut Effects,
}

/// A request that waits.
pub(super) trait Work: Send {
    /// Does it. `false` undoes what it wrote, and only that.
    fn run(&mut self, step: &mut Step<'_>) -> bool;
    /// Answers it, now that the fate of the whole batch is known.
    fn answer(self: Box<Self>, fate: &Result<(), StoreError>);
}

/// A closure and who waits for its result.
pub(super) struct Request<T, E, F> {
    act: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Request<T, E, F> {
    /// A request that has not run yet.
    pub(super) fn new(act: F, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self { act: Some(act), result: None, reply }
    }
}

impl<T, E, F> Work for Request<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnOnce(&mut Step<'_>) -> Result<T, Fault<E>> + Send,
{
    fn run(&mut self, step: &mut Step<'_>) -> bool {
        // Who gave up waiting has not been told anything: not doing it is one of the answers they expect, and under
        // overload it is the one that helps.
        let Some(act) = self.act.take().filter(|_| !self.reply.is_closed()) else { return true };
        let result = act(step).map_err(Fault::into_answer);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, fate: &Result<(), StoreError>) {
        let answer = match (fate, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => return,
            // Even a refusal: it may rest on what an earlier request of the same batch had written.
            (Err(error), _) => Err(error.clone().into()),
        };
        // Who gave up waiting hears nothing.
        let _ = self.reply.send(answer);
    }
}

/// Requests on their way to the writer.
pub(super) type Writes = Queue<Box<dyn Work>>;

/// The writer.
pub(super) struct Writer {
    /// What waits.
    pub(super) queue: Arc<Writes>,
    /// Its connection.
    pub(super) seat: Seat,
    /// Whom to tell.
    pub(super) hub: Arc<Hub>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// How many requests share a transaction at most.
    pub(super) batch: usize,
    /// What removes the expired.
    pub(super) sweeper: Sweeper,
}

impl Writer {
    /// Writes until the queue is closed and empty. A panic costs the requests of one batch, which are answered as
    /// unavailable because their senders are dropped.
    pub(super) fn run(mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.serve())).is_err() {
            tracing::error!("the store's writer panicked and goes on with a new connection");
            self.seat.leave();
        }
    }

    fn serve(&mut self) {
        loop {
            let patience = self.sweeper.next.saturating_duration_since(Instant::now());
            let Some(batch) = self.queue.take(self.batch, patience) else { return };
            if !batch.is_empty() {
                self.write(batch);
            }
            if self.sweeper.next <= Instant::now() {
                self.sweep();
            }
        }
    }

    fn write(&mut self, mut batch: Vec<Box<dyn Work>>) {
        let mut effects = Effects::default();
        let now = self.clock.now();
        let fate = self.seat.db().and_then(|db| transact(db, now, &mut batch, &mut effects));
        match &fate {
            Ok(()) => self.hub.publish(&effects),
            Err(error) => {
                tracing::error!(%error, requests = batch.len(), "the store could not write");
                self.seat.leave();
            }
        }
        batch.into_iter().for_each(|work| work.answer(&fate));
    }

    fn sweep(&mut self) {
        let now = self.clock.now();
        let swept = self.seat.db().and_then(|db| {
            let mut removed = 0;
            in_transaction(db, || {
                removed = self.sweeper.step(db, now)?;
                Ok(())
            })
            .map(|()| removed)
        });
        match swept {
            Ok(removed) => self.sweeper.rest(removed),
            Err(error) => {
                tracing::warn!(%error, "the store could not remove what has expired");
                self.seat.leave();
                self.sweeper.rest(0);
            }
        }
    }
}

/// Runs a batch in one transaction. An error means that nothing of it is written, as far as anybody can tell.
fn transact(
    db: &Connection,
    now: UnixMillis,
    batch: &mut [Box<dyn Work>],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    in_transaction(db, || {
        for work in batch {
            execute(db, "SAVEPOINT request")?;
            let mark = effects.mark();
            if !work.run(&mut Step { db, now, effects }) {
                effects.rewind(mark);
                // A full disk or an I/O error may end the whole transaction; then this fails, and so does the batch.
                execute(db, "ROLLBACK TO request")?;
            }
            execute(db, "RELEASE request")?;
        }
        Ok(())
    })
}

fn in_transaction(db: &Connection, act: impl FnOnce() -> rusqlite::Result<()>) -> Result<(), StoreError> {
    // IMMEDIATE, so that waiting for another process happens here and not in the middle.
    let done = execute(db, "BEGIN IMMEDIATE").and_then(|()| act()).and_then(|()| execute(db, "COMMIT"));
    done.map_err(|error| {
        if !db.is_autocommit() {
            // If this fails as well, the connection is dropped next, which rolls back too.
            let _ = execute(db, "ROLLBACK");
        }
        store_error(&error)
    })
}

fn execute(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}

/// The longest that the writer sleeps without looking for the expired.
pub(super) const LONGEST_REST: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    type Answer = oneshot::Receiver<Result<usize, StoreError>>;

    /// A request that writes a value of `bytes` and then succeeds or refuses.
    fn request(bytes: usize, refuse: bool) -> (Box<dyn Work>, Answer) {
        let (reply, answer) = oneshot::channel();
        let act = move |step: &mut Step<'_>| {
            step.effects.job();
            let written = step.db.execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes as i64])?;
            if refuse { Err(Fault::Refused(StoreError::Full)) } else { Ok(written) }
        };
        (Box::new(Request::new(act, reply)), answer)
    }

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (x)").unwrap();
        db
    }

    fn rows(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    /// Runs a batch and answers it.
    fn run(db: &Connection, mut batch: Vec<Box<dyn Work>>) -> Result<(), StoreError> {
        let mut effects = Effects::default();
        let fate = transact(db, UnixMillis(1), &mut batch, &mut effects);
        batch.into_iter().for_each(|work| work.answer(&fate));
        fate
    }

    #[test]
    fn a_refused_request_is_undone_and_the_others_of_its_batch_are_kept() {
        let db = database();
        let (works, answers): (Vec<_>, Vec<_>) =
            [false, true, false].map(|refuse| request(1, refuse)).into_iter().unzip();
        run(&db, works).unwrap();
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.blocking_recv().unwrap().is_ok()).collect();
        assert_eq!((answers, rows(&db)), (vec![true, false, true], 2));
    }

    #[test]
    fn a_full_disk_costs_the_request_that_does_not_fit_and_no_other() {
        let db = database();
        db.pragma_update(None, "max_page_count", 20).unwrap();
        let (works, answers): (Vec<_>, Vec<_>) =
            [10, 1_000_000, 10].map(|bytes| request(bytes, false)).into_iter().unzip();
        let kept = run(&db, works).is_ok();
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.blocking_recv().unwrap()).collect();
        assert!(matches!(answers[1], Err(StoreError::Unavailable(_))), "{answers:?}");
        // SQLite may give up the whole transaction; whatever it does, the answers are what the table holds.
        assert_eq!((answers[0].is_ok(), answers[2].is_ok()), (kept, kept));
        assert_eq!(rows(&db), if kept { 2 } else { 0 });
        assert!(db.is_autocommit());
    }

    #[test]
    fn a_batch_that_is_not_committed_answers_even_its_refusals_with_the_failure() {
        let db = database();
        db.execute_batch("BEGIN").unwrap();
        let (works, answers): (Vec<_>, Vec<_>) = [false, true].map(|refuse| request(1, refuse)).into_iter().unzip();
        // There is a transaction already, so that the batch cannot begin its own.
        assert!(run(&db, works).is_err());
        for answer in answers {
            assert!(matches!(answer.blocking_recv().unwrap(), Err(StoreError::Unavailable(_))));
        }
    }

    #[test]
    fn a_request_nobody_waits_for_is_not_done() {
        let db = database();
        let (work, answer) = request(1, false);
        drop(answer);
        run(&db, vec![work]).unwrap();
        assert_eq!(rows(&db), 0);
    }
}

//! Removes what has expired, slowly: one large DELETE holds writers up for 78 ms, 200 rows for 19 ms at most. Whoever
//! reads checks the expiry as well, so nothing depends on how soon this comes.
//!
//! Dead jobs are never removed: they wait for a person.

use std::time::{Duration, Instant};

use neoron_protocol::UnixMillis;
use rusqlite::{Connection, OptionalExtension};

use super::{fault::signed, writer::LONGEST_REST};
use crate::rules;

/// Rows removed in one transaction.
const ROWS: usize = 200;
/// Between two steps while there is more to remove: at most 8,000 rows a second, which is about what 10 busy sites
/// leave behind in a minute.
const SHORT_REST: Duration = Duration::from_millis(25);

type Broom = fn(&Connection, i64, usize) -> rusqlite::Result<usize>;

/// One for each kind of thing that expires.
const BROOMS: [Broom; 8] = [sessions, burnt, rates, budgets, seats, waiting, tallies, workers];

/// Removes what has expired, one step at a time.
pub(super) struct Sweeper {
    every: Duration,
    turn: usize,
    /// When to take the next step.
    pub(super) next: Instant,
}

impl Sweeper {
    /// A sweeper that looks every `every` while nothing has expired.
    pub(super) fn new(every: Duration) -> Self {
        let every = every.min(LONGEST_REST);
        Self { every, turn: 0, next: Instant::now() + every }
    }

    /// Removes at most [`ROWS`] rows or so and tells how many. Each kind comes first in turn, so that a heap of one
    /// does not keep the others.
    pub(super) fn step(&mut self, db: &Connection, now: UnixMillis) -> rusqlite::Result<usize> {
        self.turn = (self.turn + 1) % BROOMS.len();
        let mut removed = 0;
        for broom in BROOMS.iter().cycle().skip(self.turn).take(BROOMS.len()) {
            if removed < ROWS {
                removed += broom(db, signed(now.0), ROWS - removed)?;
            }
        }
        Ok(removed)
    }

    /// Rests after a step that removed so many.
    pub(super) fn rest(&mut self, removed: usize) {
        let rest = if removed >= ROWS { SHORT_REST.min(self.every) } else { self.every };
        self.next = Instant::now() + rest;
    }
}

/// Deletes rows by a statement with an instant or a number, and a row count.
fn delete(db: &Connection, sql: &str, which: i64, rows: usize) -> rusqlite::Result<usize> {
    db.prepare_cached(sql)?.execute((which, i64::try_from(rows).unwrap_or(i64::MAX)))
}

fn first(db: &Connection, sql: &str, now: i64) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached(sql)?.query_row([now], |row| row.get(0)).optional()
}

/// Everything that belongs to a session except its row and its body.
const BELONGINGS: [&str; 4] = [
    "DELETE FROM event WHERE session = ?1 AND seq IN (SELECT seq FROM event WHERE session = ?1 ORDER BY seq LIMIT ?2)",
    "DELETE FROM burnt WHERE scope = ?1 AND key IN (SELECT key FROM burnt WHERE scope = ?1 LIMIT ?2)",
    "DELETE FROM call WHERE call IN (SELECT call FROM call WHERE session = ?1 LIMIT ?2)",
    "DELETE FROM document WHERE (doctype, name) IN (SELECT doctype, name FROM document WHERE session = ?1 LIMIT ?2)",
];

/// Removes a session and all that belongs to it, as far as `rows` go; tells how many rows went.
pub(super) fn remove_session(db: &Connection, n: i64, rows: usize) -> rusqlite::Result<usize> {
    let mut removed = 0;
    for sql in BELONGINGS {
        removed += delete(db, sql, n, rows - removed)?;
        if removed >= rows {
            return Ok(removed);
        }
    }
    removed += db.prepare_cached("DELETE FROM body WHERE session = ?1")?.execute([n])?;
    // Last, or what is left would belong to nobody and stay for ever.
    removed += db.prepare_cached("DELETE FROM session WHERE n = ?1")?.execute([n])?;
    Ok(removed)
}

fn sessions(db: &Connection, now: i64, rows: usize) -> rusqlite::Result<usize> {
    let mut removed = 0;
    while removed < rows {
        let sql = "SELECT n FROM session WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 1";
        let Some(n) = first(db, sql, now)? else { break };
        removed += remove_session(db, n, rows - removed)?;
    }
    Ok(removed)
}

fn burnt(db: &Connection, now: i64, rows: usize) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM burnt WHERE scope = 0 AND key IN
        (SELECT key FROM burnt WHERE scope = 0 AND forget_at <= ?1 ORDER BY forget_at LIMIT ?2)";
    delete(db, sql, now, rows)
}

fn rates(db: &Connection, now: i64, rows: usize) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM rate WHERE key IN (SELECT key FROM rate WHERE tat <= ?1 ORDER BY tat LIMIT ?2)";
    delete(db, sql, now, rows)
}

fn budgets(db: &Connection, now: i64, rows: usize) -> rusqlite::Result<usize> {
    let mut removed = 0;
    while removed < rows {
        let sql = "SELECT n FROM budget WHERE forget_at <= ?1 ORDER BY forget_at LIMIT 1";
        let Some(n) = first(db, sql, now)? else { break };
        let sql = "DELETE FROM reservation WHERE budget = ?1 AND holder IN
            (SELECT holder FROM reservation WHERE budget = ?1 LIMIT ?2)";
        removed += delete(db, sql, n, rows - removed)?;
        if removed < rows {
            removed += db.prepare_cached("DELETE FROM budget WHERE n = ?1")?.execute([n])?;
        }
    }
    Ok(removed)
}

fn seats(db: &Connection, now: i64, rows: usize) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM seat WHERE (scope, holder) IN
        (SELECT scope, holder FROM seat WHERE free_at <= ?1 ORDER BY free_at LIMIT ?2)";
    delete(db, sql, now, rows)
}

fn waiting(db: &Connection, now: i64, rows: usize) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM waiting WHERE n IN (SELECT n FROM waiting WHERE gone_at <= ?1 ORDER BY gone_at LIMIT ?2)";
    delete(db, sql, now, rows)
}

fn tallies(db: &Connection, now: i64, rows: usize) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM tally WHERE (day, name) IN (SELECT day, name FROM tally WHERE day < ?1 LIMIT ?2)";
    let first_kept = rules::first_kept_day(UnixMillis(u64::try_from(now).unwrap_or(0)));
    delete(db, sql, i64::from(first_kept), rows)
}

fn workers(db: &Connection, now: i64, rows: usize) -> rusqlite::Result<usize> {
    delete(db, "DELETE FROM worker WHERE id IN (SELECT id FROM worker WHERE gone_at <= ?1 LIMIT ?2)", now, rows)
}

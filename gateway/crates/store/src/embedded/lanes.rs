//! Lanes in SQL. The jobs of a lane that are not dead are a queue by their `turn`; the first one waits or is leased,
//! the others are behind it (state 3), claimable by nobody.

use rusqlite::OptionalExtension;

use super::{
    fault::{signed, whole},
    writer::Step,
};

/// The states of a job that is not dead, as the schema has them.
pub(super) mod state {
    /// Claimable from its due time on.
    pub(in crate::embedded) const WAITING: i64 = 0;
    /// Claimable once its lease has run out.
    pub(in crate::embedded) const LEASED: i64 = 1;
    /// Behind another one of its lane.
    pub(in crate::embedded) const BEHIND: i64 = 3;
}

/// The last turn of a lane.
const LAST: &str = "SELECT turn FROM job WHERE session = ?1 AND lane = ?2 AND state <> 2 ORDER BY turn DESC LIMIT 1";

/// Who is first in a lane.
const FIRST: &str =
    "SELECT n, state, due FROM job WHERE session = ?1 AND lane = ?2 AND state <> 2 ORDER BY turn LIMIT 1";

/// A place at the end of a lane.
pub(super) struct Turn {
    /// The number by which the lane is in order.
    pub(super) number: i64,
    /// Whether somebody is before it.
    pub(super) behind: bool,
}

/// A place at the end of the lane.
pub(super) fn join(step: &Step<'_>, session: &str, lane: &str) -> rusqlite::Result<Turn> {
    let last = step.db.prepare_cached(LAST)?.query_row((session, lane), |row| row.get::<_, i64>(0)).optional()?;
    Ok(Turn { number: last.map_or(0, |last| last.saturating_add(1)), behind: last.is_some() })
}

/// Lets the first one of a lane have its turn, after the one before it has left. Its own time, if it has one, stays.
pub(super) fn pass_on(step: &mut Step<'_>, session: &str, lane: &str) -> rusqlite::Result<()> {
    let first = step
        .db
        .prepare_cached(FIRST)?
        .query_row((session, lane), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, whole(row, 2)?)))
        .optional()?;
    let Some((n, state::BEHIND, due)) = first else { return Ok(()) };
    let sql = "UPDATE job SET state = 0, due = ?2 WHERE n = ?1";
    step.db.prepare_cached(sql)?.execute((n, signed(due.max(step.now.0))))?;
    step.effects.job();
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rusqlite::Connection;

    use super::*;
    use crate::embedded::door::STEPS;

    #[test]
    fn both_ends_of_a_lane_are_found_through_its_index_without_sorting() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&STEPS.concat()).unwrap();
        for sql in [FIRST, LAST] {
            let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let plan: Vec<String> =
                statement.query_map(("", ""), |row| row.get(3)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
            assert_eq!(plan.len(), 1, "{plan:#?}");
            assert!(plan[0].contains("INDEX job_in_lane (session=? AND lane=?)"), "{plan:#?}");
        }
    }
}

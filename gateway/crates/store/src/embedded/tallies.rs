//! Tallies in SQL: a row for each name and day.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    EmbeddedStore,
    fault::{signed, whole},
    writer::Step,
};
use crate::{StoreError, Tallies, Tally, rules};

/// Adds to the tallies; a sum that would not fit stays at the largest.
pub(super) fn add(step: &Step<'_>, tallies: &[Tally]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO tally (day, name, n) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET n = n + min(excluded.n, ?4 - n)";
    for tally in tallies {
        step.db.prepare_cached(sql)?.execute((tally.day, &tally.name, signed(tally.by), i64::MAX))?;
    }
    Ok(())
}

fn sums(db: &Connection, days: &RangeInclusive<u32>) -> rusqlite::Result<Vec<Tally>> {
    let sql = "SELECT day, name, n FROM tally WHERE day BETWEEN ?1 AND ?2 ORDER BY day, name";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map((days.start(), days.end()), |row| {
        Ok(Tally { day: row.get(0)?, name: row.get(1)?, by: whole(row, 2)? })
    })?;
    rows.collect()
}

#[async_trait]
impl Tallies for EmbeddedStore {
    async fn tallies(&self, days: RangeInclusive<u32>) -> Result<Vec<Tally>, StoreError> {
        let days = *days.start().max(&rules::first_kept_day(self.clock.now()))..=*days.end();
        self.read(move |db| sums(db, &days)).await
    }
}

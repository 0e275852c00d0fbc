//! Rate limits in SQL. A refusal writes nothing, so a flood of them costs no flush of the disk.

use async_trait::async_trait;
use rusqlite::OptionalExtension;

use super::{
    EmbeddedStore,
    fault::{Fault, signed, whole},
    writer::Step,
};
use crate::{Decision, Limits, Rate, StoreError, rules};

fn take(step: &Step<'_>, key: &str, rate: Rate) -> Result<Decision, Fault<StoreError>> {
    let mut statement = step.db.prepare_cached("SELECT tat FROM rate WHERE key = ?1")?;
    let tat = statement.query_row([key], |row| whole(row, 0)).optional()?.unwrap_or(0);
    let (decision, next) = Decision::take(tat, step.now.0, rate);
    if next != tat {
        let sql = "INSERT INTO rate (key, tat) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET tat = excluded.tat";
        step.db.prepare_cached(sql)?.execute((key, signed(next)))?;
    }
    Ok(decision)
}

#[async_trait]
impl Limits for EmbeddedStore {
    async fn take(&self, key: &str, rate: Rate) -> Result<Decision, StoreError> {
        rules::fits(key, rules::MAX_KEY_BYTES)?;
        let key = key.to_owned();
        self.write(key.len(), move |step| take(step, &key, rate)).await
    }
}

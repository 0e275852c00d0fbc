//! Budgets in SQL: a row with the sum, and a row for each reservation so that a repeat changes nothing.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::OptionalExtension;

use super::{
    EmbeddedStore,
    fault::{Fault, signed, whole},
    writer::Step,
};
use crate::{Budgets, Reservation, StoreError, rules};

/// A budget that is not forgotten yet: its number and what is spent.
fn present(step: &Step<'_>, key: &str) -> rusqlite::Result<Option<(i64, u64)>> {
    step.db
        .prepare_cached("SELECT n, spent FROM budget WHERE key = ?1 AND forget_at > ?2")?
        .query_row((key, signed(step.now.0)), |row| Ok((row.get(0)?, whole(row, 1)?)))
        .optional()
}

fn held(step: &Step<'_>, budget: i64, holder: &str) -> rusqlite::Result<Option<(u64, bool)>> {
    step.db
        .prepare_cached("SELECT seconds, settled FROM reservation WHERE budget = ?1 AND holder = ?2")?
        .query_row((budget, holder), |row| Ok((whole(row, 0)?, row.get(1)?)))
        .optional()
}

fn set_spent(step: &Step<'_>, budget: i64, spent: u64) -> rusqlite::Result<()> {
    step.db.prepare_cached("UPDATE budget SET spent = ?2 WHERE n = ?1")?.execute((budget, signed(spent))).map(drop)
}

fn reserve(
    step: &Step<'_>,
    key: &str,
    holder: &str,
    seconds: u64,
    cap: u64,
    keep: Duration,
) -> Result<Reservation, Fault<StoreError>> {
    let budget = present(step, key)?;
    let spent = budget.map_or(0, |(_, spent)| spent);
    let left = cap.saturating_sub(spent);
    if let Some((n, _)) = budget
        && held(step, n, holder)?.is_some()
    {
        return Ok(Reservation::Reserved { left });
    }
    if seconds > left {
        return Ok(Reservation::Exhausted { left });
    }
    let n = match budget {
        Some((n, _)) => n,
        None => {
            let sql = "INSERT INTO budget (key, spent, forget_at) VALUES (?1, 0, ?2)";
            step.db.prepare_cached(sql)?.insert((key, signed(step.now.plus(keep).0)))?
        }
    };
    let sql = "INSERT INTO reservation (budget, holder, seconds, settled) VALUES (?1, ?2, ?3, 0)";
    step.db.prepare_cached(sql)?.execute((n, holder, signed(seconds)))?;
    set_spent(step, n, spent + seconds)?;
    Ok(Reservation::Reserved { left: left - seconds })
}

fn settle(step: &Step<'_>, key: &str, holder: &str, used: u64) -> Result<(), Fault<StoreError>> {
    let Some((budget, spent)) = present(step, key)? else { return Ok(()) };
    let Some((seconds, false)) = held(step, budget, holder)? else { return Ok(()) };
    let sql = "UPDATE reservation SET settled = 1 WHERE budget = ?1 AND holder = ?2";
    step.db.prepare_cached(sql)?.execute((budget, holder))?;
    Ok(set_spent(step, budget, spent.saturating_sub(seconds.saturating_sub(used)))?)
}

#[async_trait]
impl Budgets for EmbeddedStore {
    async fn reserve(
        &self,
        key: &str,
        holder: &str,
        seconds: u64,
        cap: u64,
        keep: Duration,
    ) -> Result<Reservation, StoreError> {
        rules::fits(key, rules::MAX_BUDGET_KEY_BYTES)?;
        rules::fits(holder, rules::MAX_KEY_BYTES)?;
        let (key, holder) = (key.to_owned(), holder.to_owned());
        self.write(key.len() + holder.len(), move |step| reserve(step, &key, &holder, seconds, cap, keep)).await
    }

    async fn settle(&self, key: &str, holder: &str, used: u64) -> Result<(), StoreError> {
        rules::fits(key, rules::MAX_BUDGET_KEY_BYTES)?;
        rules::fits(holder, rules::MAX_KEY_BYTES)?;
        let (key, holder) = (key.to_owned(), holder.to_owned());
        self.write(key.len() + holder.len(), move |step| settle(step, &key, &holder, used)).await
    }
}

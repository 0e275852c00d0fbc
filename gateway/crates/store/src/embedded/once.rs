//! Burnt keys in SQL.

use async_trait::async_trait;

use super::{EmbeddedStore, fault::signed, writer::Step};
use crate::{Burn, Once, StoreError, rules};

/// Everybody's keys, as opposed to a session's own.
pub(super) const GLOBAL: i64 = 0;

/// Burns a key in a scope; `false` if it is burnt already.
pub(super) fn burn(step: &Step<'_>, scope: i64, burn: &Burn) -> rusqlite::Result<bool> {
    let sql = "INSERT INTO burnt (scope, key, forget_at) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET forget_at = excluded.forget_at WHERE forget_at <= ?4";
    let row = (scope, &burn.key, signed(step.now.plus(burn.keep).0), signed(step.now.0));
    Ok(step.db.prepare_cached(sql)?.execute(row)? > 0)
}

#[async_trait]
impl Once for EmbeddedStore {
    async fn burn(&self, key: Burn) -> Result<bool, StoreError> {
        rules::check_burn(&key)?;
        self.write(key.key.len(), move |step| Ok(burn(step, GLOBAL, &key)?)).await
    }
}

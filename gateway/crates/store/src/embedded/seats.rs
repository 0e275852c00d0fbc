//! Seats in SQL: a row for each, which says until when it is taken.

use std::time::Duration;

use async_trait::async_trait;
use neoron_protocol::UnixMillis;
use rusqlite::Connection;

use super::{EmbeddedStore, fault::signed, writer::Step};
use crate::{Seated, Seats, StoreError, rules};

fn seated(db: &Connection, scope: &str, now: UnixMillis) -> rusqlite::Result<u32> {
    db.prepare_cached("SELECT count(*) FROM seat WHERE scope = ?1 AND free_at > ?2")?
        .query_row((scope, signed(now.0)), |row| row.get(0))
}

fn sit(step: &Step<'_>, scope: &str, holder: &str, cap: u32, lease: Duration) -> rusqlite::Result<Seated> {
    let now = signed(step.now.0);
    let used = seated(step.db, scope, step.now)?;
    let sql = "SELECT 1 FROM seat WHERE scope = ?1 AND holder = ?2 AND free_at > ?3";
    let sits = step.db.prepare_cached(sql)?.exists((scope, holder, now))?;
    if !sits && used >= cap {
        return Ok(Seated::Full { used });
    }
    let sql = "INSERT INTO seat (scope, holder, free_at) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET free_at = excluded.free_at";
    step.db.prepare_cached(sql)?.execute((scope, holder, signed(step.now.plus(lease).0)))?;
    Ok(Seated::Taken { used: used + u32::from(!sits) })
}

#[async_trait]
impl Seats for EmbeddedStore {
    async fn sit(&self, scope: &str, holder: &str, cap: u32, lease: Duration) -> Result<Seated, StoreError> {
        rules::check_seat(scope, holder)?;
        let (scope, holder) = (scope.to_owned(), holder.to_owned());
        self.write(scope.len() + holder.len(), move |step| Ok(sit(step, &scope, &holder, cap, lease)?)).await
    }

    async fn rise(&self, scope: &str, holder: &str) -> Result<(), StoreError> {
        rules::check_seat(scope, holder)?;
        let (scope, holder) = (scope.to_owned(), holder.to_owned());
        self.write(scope.len() + holder.len(), move |step| {
            step.db.prepare_cached("DELETE FROM seat WHERE scope = ?1 AND holder = ?2")?.execute((scope, holder))?;
            Ok(())
        })
        .await
    }

    async fn seated(&self, scope: &str) -> Result<u32, StoreError> {
        rules::check_seat(scope, "")?;
        let (scope, now) = (scope.to_owned(), self.clock.now());
        self.read(move |db| seated(db, &scope, now)).await
    }
}

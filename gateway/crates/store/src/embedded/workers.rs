//! The registry of workers in SQL.

use std::time::Duration;

use async_trait::async_trait;
use neoron_protocol::{UnixMillis, WorkerId};
use rusqlite::Connection;

use super::{
    EmbeddedStore,
    fault::{parsed, signed},
    writer::Step,
};
use crate::{Beat, StoreError, Workers};

fn beat(step: &Step<'_>, beat: &Beat, ttl: Duration) -> rusqlite::Result<()> {
    let sql = "INSERT INTO worker (id, address, load, capacity, draining, gone_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT DO UPDATE SET address = excluded.address, load = excluded.load, capacity = excluded.capacity,
            draining = excluded.draining, gone_at = excluded.gone_at";
    let gone_at = signed(step.now.plus(ttl).0);
    let row = (beat.worker.as_str(), beat.address.to_string(), beat.load, beat.capacity, beat.draining, gone_at);
    step.db.prepare_cached(sql)?.execute(row).map(drop)
}

fn alive(db: &Connection, now: UnixMillis) -> rusqlite::Result<Vec<Beat>> {
    let sql = "SELECT id, address, load, capacity, draining FROM worker WHERE gone_at > ?1 ORDER BY id";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([signed(now.0)], |row| {
        Ok(Beat {
            worker: parsed(row, 0)?,
            address: parsed(row, 1)?,
            load: row.get(2)?,
            capacity: row.get(3)?,
            draining: row.get(4)?,
        })
    })?;
    rows.collect()
}

#[async_trait]
impl Workers for EmbeddedStore {
    async fn beat(&self, of: Beat, ttl: Duration) -> Result<(), StoreError> {
        self.write(0, move |step| Ok(beat(step, &of, ttl)?)).await
    }

    async fn workers(&self) -> Result<Vec<Beat>, StoreError> {
        let now = self.clock.now();
        self.read(move |db| alive(db, now)).await
    }

    async fn leave(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.write(0, move |step| {
            step.db.prepare_cached("DELETE FROM worker WHERE id = ?1")?.execute([worker.as_str()])?;
            Ok(())
        })
        .await
    }
}

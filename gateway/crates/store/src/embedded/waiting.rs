//! Waiting rooms in SQL: a row for each who waits. Every step on a room first removes those whose patience is over, of
//! whom there are never more than the room has places.

use std::time::Duration;

use async_trait::async_trait;
use neoron_protocol::UnixMillis;
use rusqlite::OptionalExtension;

use super::{
    EmbeddedStore,
    fault::{signed, whole},
    writer::Step,
};
use crate::{Joined, StoreError, Waiting, WaitingRooms, rules};

/// Whose place in which room.
struct Place {
    room: String,
    holder: String,
}

impl Place {
    fn of(room: &str, holder: &str) -> Self {
        Self { room: room.to_owned(), holder: holder.to_owned() }
    }

    fn weight(&self) -> usize {
        self.room.len() + self.holder.len()
    }

    /// Takes those off whose patience is over, and counts the rest.
    fn tidy(&self, step: &Step<'_>) -> rusqlite::Result<u32> {
        let sql = "DELETE FROM waiting WHERE room = ?1 AND gone_at <= ?2";
        step.db.prepare_cached(sql)?.execute((&self.room, signed(step.now.0)))?;
        self.count(step, i64::MAX)
    }

    /// How many wait before the `turn`.
    fn count(&self, step: &Step<'_>, turn: i64) -> rusqlite::Result<u32> {
        step.db
            .prepare_cached("SELECT count(*) FROM waiting WHERE room = ?1 AND n < ?2")?
            .query_row((&self.room, turn), |row| row.get(0))
    }

    /// The place, prolonged; the room is tidy and has `of` in it.
    fn keep(&self, step: &Step<'_>, of: u32, patience: Duration) -> rusqlite::Result<Option<Waiting>> {
        let sql = "UPDATE waiting SET gone_at = ?3 WHERE room = ?1 AND holder = ?2 RETURNING n, since, body";
        let row = (&self.room, &self.holder, signed(step.now.plus(patience).0));
        let kept = step
            .db
            .prepare_cached(sql)?
            .query_row(row, |row| Ok((row.get::<_, i64>(0)?, UnixMillis(whole(row, 1)?), row.get::<_, String>(2)?)));
        let Some((turn, since, body)) = kept.optional()? else { return Ok(None) };
        Ok(Some(Waiting { ahead: self.count(step, turn)?, of, body, since }))
    }

    fn join(&self, step: &Step<'_>, body: String, cap: u32, patience: Duration) -> rusqlite::Result<Joined> {
        let waiting = self.tidy(step)?;
        if let Some(place) = self.keep(step, waiting, patience)? {
            return Ok(Joined::Waits(place));
        }
        if waiting >= cap {
            return Ok(Joined::Full { waiting });
        }
        let sql = "INSERT INTO waiting (room, holder, gone_at, since, body) VALUES (?1, ?2, ?3, ?4, ?5)";
        let gone_at = signed(step.now.plus(patience).0);
        step.db.prepare_cached(sql)?.execute((&self.room, &self.holder, gone_at, signed(step.now.0), &body))?;
        Ok(Joined::Waits(Waiting { ahead: waiting, of: waiting + 1, body, since: step.now }))
    }

    fn depart(&self, step: &Step<'_>) -> rusqlite::Result<bool> {
        let sql = "DELETE FROM waiting WHERE room = ?1 AND holder = ?2 AND gone_at > ?3";
        Ok(step.db.prepare_cached(sql)?.execute((&self.room, &self.holder, signed(step.now.0)))? > 0)
    }
}

#[async_trait]
impl WaitingRooms for EmbeddedStore {
    async fn join(
        &self,
        room: &str,
        holder: &str,
        body: String,
        cap: u32,
        patience: Duration,
    ) -> Result<Joined, StoreError> {
        rules::check_waiting(room, holder, &body)?;
        let place = Place::of(room, holder);
        self.write(place.weight() + body.len(), move |step| Ok(place.join(step, body, cap, patience)?)).await
    }

    async fn place(&self, room: &str, holder: &str, patience: Duration) -> Result<Option<Waiting>, StoreError> {
        rules::check_seat(room, holder)?;
        let place = Place::of(room, holder);
        self.write(place.weight(), move |step| {
            let waiting = place.tidy(step)?;
            Ok(place.keep(step, waiting, patience)?)
        })
        .await
    }

    async fn depart(&self, room: &str, holder: &str) -> Result<bool, StoreError> {
        rules::check_seat(room, holder)?;
        let place = Place::of(room, holder);
        self.write(place.weight(), move |step| Ok(place.depart(step)?)).await
    }

    async fn waiting(&self, room: &str) -> Result<u32, StoreError> {
        rules::check_seat(room, "")?;
        let (room, now) = (room.to_owned(), self.clock.now());
        self.read(move |db| {
            db.prepare_cached("SELECT count(*) FROM waiting WHERE room = ?1 AND gone_at > ?2")?
                .query_row((room, signed(now.0)), |row| row.get(0))
        })
        .await
    }
}

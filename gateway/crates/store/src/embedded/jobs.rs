//! The queue of jobs in SQL. A waiting job and a leased one look alike: each is claimable from its `due` on, and the
//! index by state and `due` finds them without a scan.

use std::time::Duration;

use async_trait::async_trait;
use neoron_protocol::{JobId, SessionId, UnixMillis, WorkerId};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::{
    EmbeddedStore,
    fault::{Fault, optional_id, parsed, signed, whole},
    lanes::{self, state},
    once,
    writer::Step,
};
use crate::{
    Accepted, Burn, Claimed, Dead, DeadPage, Depth, Jobs, Lease, LeaseError, NewJob, Start, StoreError, rules,
};

/// How long at most a job goes unnoticed that another process has put into the file, or whose time has come.
const LONGEST_BLINDNESS: Duration = Duration::from_secs(1);

/// Those that may be claimed, oldest first; the limit is on each half so that neither is sorted as a whole.
const CLAIMABLE: &str = "
    SELECT n, id, session, attempt, kind, payload, enqueued_at, lost + (state = 1) FROM (
        SELECT * FROM (SELECT * FROM job WHERE state = 0 AND due <= ?1 ORDER BY due, n LIMIT ?2)
        UNION ALL
        SELECT * FROM (SELECT * FROM job WHERE state = 1 AND due <= ?1 ORDER BY due, n LIMIT ?2)
    ) ORDER BY due, n LIMIT ?2";

/// When the next job may be claimed.
const NEXT: &str = "
    SELECT min(due) FROM (
        SELECT min(due) AS due FROM job WHERE state = 0
        UNION ALL
        SELECT min(due) AS due FROM job WHERE state = 1
    )";

/// Writes a job that is kept with the session `home`; returns its lease if it starts leased. A job whose id is there
/// already is the same job, written by a caller who did not hear the first answer.
pub(super) fn enqueue(step: &mut Step<'_>, job: &NewJob, home: Option<SessionId>) -> rusqlite::Result<Option<Lease>> {
    let fence = rules::first_fence(job.id);
    let lease = Lease { job: job.id, session: job.session, attempt: 1, fence, place: 0 };
    let born_leased = matches!(job.start, Start::LeasedTo { .. });
    if step.db.prepare_cached("SELECT 1 FROM job WHERE id = ?1")?.exists([job.id.as_str()])? {
        return Ok(born_leased.then_some(lease));
    }
    let lane = rules::lane(job, home);
    let session = job.session.as_ref().map(SessionId::as_str);
    let turn = session.zip(lane).map(|(session, lane)| lanes::join(step, session, lane)).transpose()?;
    let behind = turn.as_ref().is_some_and(|turn| turn.behind);
    let (state, due, attempt, worker) = match &job.start {
        Start::At(at) => (state::WAITING, *at, 0, None),
        Start::LeasedTo { worker, lease } if !behind => (state::LEASED, step.now.plus(*lease), 1, Some(worker)),
        Start::Now | Start::LeasedTo { .. } => (state::WAITING, step.now, 0, None),
    };
    let sql =
        "INSERT INTO job (id, session, state, due, attempt, fence, enqueued_at, worker, lane, turn, kind, payload)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    step.db.prepare_cached(sql)?.execute((
        job.id.as_str(),
        session,
        if behind { state::BEHIND } else { state },
        signed(due.0),
        attempt,
        signed(fence),
        signed(step.now.0),
        worker.map(WorkerId::as_str),
        lane,
        turn.map(|turn| turn.number),
        &job.kind,
        &job.payload,
    ))?;
    if state == state::LEASED {
        return Ok(Some(lease));
    }
    if !behind {
        step.effects.job();
    }
    Ok(None)
}

fn accept(step: &mut Step<'_>, job: &NewJob, burn: Option<&Burn>) -> Result<Accepted, Fault<StoreError>> {
    if let Some(key) = burn
        && !once::burn(step, once::GLOBAL, key)?
    {
        return Ok(Accepted::Duplicate);
    }
    enqueue(step, job, rules::home(job, burn))?;
    Ok(Accepted::New)
}

fn claim(
    step: &Step<'_>,
    worker: WorkerId,
    max: usize,
    lease: Duration,
    fence: u64,
) -> Result<Vec<Claimed>, Fault<StoreError>> {
    let mut statement = step.db.prepare_cached(CLAIMABLE)?;
    let found = statement
        .query_map((signed(step.now.0), max as i64), |row| {
            let attempt = row.get::<_, u32>(3)?.saturating_add(1);
            let lease = Lease { job: parsed(row, 1)?, session: optional_id(row, 2)?, attempt, fence, place: 0 };
            let (kind, payload, enqueued_at) = (row.get(4)?, row.get(5)?, UnixMillis(whole(row, 6)?));
            Ok((row.get::<_, i64>(0)?, Claimed { lease, kind, payload, enqueued_at, lost: row.get(7)? }))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let sql = "UPDATE job SET state = 1, due = ?2, attempt = ?3, worker = ?4, fence = ?5, lost = ?6 WHERE n = ?1";
    let mut update = step.db.prepare_cached(sql)?;
    let due = signed(step.now.plus(lease).0);
    for (n, claimed) in &found {
        update.execute((n, due, claimed.lease.attempt, worker.as_str(), signed(fence), claimed.lost))?;
    }
    Ok(found.into_iter().map(|(_, claimed)| claimed).collect())
}

/// Runs a statement that must change the one job it names.
fn change_one(step: &Step<'_>, sql: &str, row: impl Params) -> rusqlite::Result<bool> {
    Ok(step.db.prepare_cached(sql)?.execute(row)? > 0)
}

/// Runs a statement by which a job leaves its lane, and which returns its session and the lane; the next of the lane
/// then has its turn.
fn leave(step: &mut Step<'_>, sql: &str, row: impl Params) -> rusqlite::Result<bool> {
    let lane = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?));
    let left = step.db.prepare_cached(sql)?.query_row(row, lane).optional()?;
    if let Some((Some(session), Some(lane))) = &left {
        lanes::pass_on(step, session, lane)?;
    }
    Ok(left.is_some())
}

/// Makes a dead job claimable again, at the end of its lane.
fn redrive(step: &mut Step<'_>, job: JobId) -> rusqlite::Result<bool> {
    let sql = "SELECT session, lane FROM job WHERE id = ?1 AND state = 2";
    let lane = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?));
    let Some(found) = step.db.prepare_cached(sql)?.query_row([job.as_str()], lane).optional()? else {
        return Ok(false);
    };
    let turn = match found {
        (Some(session), Some(lane)) => Some(lanes::join(step, &session, &lane)?),
        _ => None,
    };
    let behind = turn.as_ref().is_some_and(|turn| turn.behind);
    let state = if behind { state::BEHIND } else { state::WAITING };
    let sql = "UPDATE job SET state = ?2, due = ?3, attempt = 0, lost = 0, turn = ?4 WHERE id = ?1";
    let row = (job.as_str(), state, signed(step.now.0), turn.map(|turn| turn.number));
    step.db.prepare_cached(sql)?.execute(row)?;
    step.effects.job();
    Ok(true)
}

/// The answer to somebody who says that they hold a lease. One that ran out is still good while nobody else took the
/// job: what the holder did is done.
fn held(changed: bool) -> Result<(), Fault<LeaseError>> {
    if changed { Ok(()) } else { Err(Fault::Refused(LeaseError::Lost)) }
}

fn dead_job(row: &Row<'_>) -> rusqlite::Result<Dead> {
    Ok(Dead {
        job: parsed(row, 0)?,
        session: optional_id(row, 1)?,
        kind: row.get(2)?,
        payload: row.get(3)?,
        attempts: row.get(4)?,
        reason: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
        enqueued_at: UnixMillis(whole(row, 6)?),
        died_at: UnixMillis(whole(row, 7)?),
    })
}

fn dead(db: &Connection, skip: usize, limit: usize) -> rusqlite::Result<DeadPage> {
    let snapshot = db.unchecked_transaction()?;
    let sql = "SELECT id, session, kind, payload, attempt, reason, enqueued_at, due FROM job WHERE state = 2
        ORDER BY due DESC, n DESC LIMIT ?1 OFFSET ?2";
    let mut statement = snapshot.prepare_cached(sql)?;
    let jobs = statement.query_map((limit as i64, signed(skip as u64)), dead_job)?.collect::<rusqlite::Result<_>>()?;
    let total =
        snapshot.prepare_cached("SELECT count(*) FROM job WHERE state = 2")?.query_row([], |row| whole(row, 0))?;
    Ok(DeadPage { jobs, total })
}

fn depth(db: &Connection, now: UnixMillis) -> rusqlite::Result<Depth> {
    let snapshot = db.unchecked_transaction()?;
    let sql = "SELECT kind, count(*) FROM job INDEXED BY job_by_kind WHERE state <> 2 GROUP BY kind";
    let mut statement = snapshot.prepare_cached(sql)?;
    let kinds = statement.query_map([], |row| Ok((row.get(0)?, whole(row, 1)?)))?.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT
        count(*) FILTER (WHERE state < 2 AND due <= ?1),
        count(*) FILTER (WHERE state = 3 OR (state = 0 AND due > ?1)),
        count(*) FILTER (WHERE state = 1 AND due > ?1),
        count(*) FILTER (WHERE state = 2),
        min(due) FILTER (WHERE state < 2)
        FROM job INDEXED BY job_by_due";
    snapshot.prepare_cached(sql)?.query_row([signed(now.0)], |row| {
        let oldest = row.get::<_, Option<i64>>(4)?.map(|_| whole(row, 4)).transpose()?;
        Ok(Depth {
            ready: whole(row, 0)?,
            delayed: whole(row, 1)?,
            running: whole(row, 2)?,
            dead: whole(row, 3)?,
            oldest_ready: oldest.map(|due| now.since(UnixMillis(due))).unwrap_or_default(),
            kinds,
        })
    })
}

impl EmbeddedStore {
    /// How long until a job may be claimed; at most [`LONGEST_BLINDNESS`].
    async fn until_due(&self) -> Duration {
        let next = self.read(|db| db.prepare_cached(NEXT)?.query_row([], |row| row.get::<_, Option<i64>>(0))).await;
        let Ok(Some(due)) = next else { return LONGEST_BLINDNESS };
        let due = UnixMillis(u64::try_from(due).unwrap_or(0));
        due.since(self.clock.now()).min(LONGEST_BLINDNESS)
    }
}

#[async_trait]
impl Jobs for EmbeddedStore {
    async fn accept(&self, job: NewJob, burn: Option<Burn>) -> Result<Accepted, StoreError> {
        rules::check_job(&job)?;
        burn.iter().try_for_each(rules::check_burn)?;
        self.write(job.payload.len(), move |step| accept(step, &job, burn.as_ref())).await
    }

    async fn claim(&self, worker: WorkerId, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        let fence = rules::new_fence()?;
        self.write(0, move |step| claim(step, worker, max.clamp(1, 100), lease, fence)).await
    }

    async fn wait(&self, longest: Duration) {
        let look = async {
            loop {
                let woken = self.hub.jobs().notified();
                tokio::pin!(woken);
                // Before looking: what is enqueued between the look and the sleep must end the sleep.
                woken.as_mut().enable();
                let rest = self.until_due().await;
                if rest.is_zero() {
                    return;
                }
                let _ = tokio::time::timeout(rest, woken).await;
            }
        };
        let _ = tokio::time::timeout(longest, look).await;
    }

    async fn extend(&self, of: &Lease, lease: Duration) -> Result<(), LeaseError> {
        let of = of.clone();
        self.write(0, move |step| {
            let sql = "UPDATE job SET due = ?3 WHERE id = ?1 AND state = 1 AND fence = ?2";
            let due = signed(step.now.plus(lease).0);
            held(change_one(step, sql, (of.job.as_str(), signed(of.fence), due))?)
        })
        .await
    }

    async fn done(&self, of: &Lease) -> Result<(), LeaseError> {
        let of = of.clone();
        self.write(0, move |step| {
            let sql = "DELETE FROM job WHERE id = ?1 AND state = 1 AND fence = ?2 RETURNING session, lane";
            held(leave(step, sql, (of.job.as_str(), signed(of.fence)))?)
        })
        .await
    }

    async fn retry(&self, of: &Lease, at: UnixMillis, reason: &str) -> Result<(), LeaseError> {
        let (of, reason) = (of.clone(), rules::cut_reason(reason).to_owned());
        self.write(reason.len(), move |step| {
            let sql = "UPDATE job SET state = 0, due = ?3, reason = ?4, worker = NULL
                WHERE id = ?1 AND state = 1 AND fence = ?2";
            step.effects.job();
            held(change_one(step, sql, (of.job.as_str(), signed(of.fence), signed(at.0), reason))?)
        })
        .await
    }

    async fn bury(&self, of: &Lease, reason: &str) -> Result<(), LeaseError> {
        let (of, reason) = (of.clone(), rules::cut_reason(reason).to_owned());
        self.write(reason.len(), move |step| {
            let sql = "UPDATE job SET state = 2, due = ?3, reason = ?4, worker = NULL
                WHERE id = ?1 AND state = 1 AND fence = ?2 RETURNING session, lane";
            held(leave(step, sql, (of.job.as_str(), signed(of.fence), signed(step.now.0), reason))?)
        })
        .await
    }

    async fn dead(&self, skip: usize, limit: usize) -> Result<DeadPage, StoreError> {
        self.read(move |db| dead(db, skip, limit.clamp(1, 1_000))).await
    }

    async fn redrive(&self, job: JobId) -> Result<bool, StoreError> {
        self.write(0, move |step| Ok(redrive(step, job)?)).await
    }

    async fn forget(&self, job: JobId) -> Result<bool, StoreError> {
        self.write(0, move |step| Ok(change_one(step, "DELETE FROM job WHERE id = ?1 AND state = 2", [job.as_str()])?))
            .await
    }

    async fn depth(&self) -> Result<Depth, StoreError> {
        let now = self.clock.now();
        self.read(move |db| depth(db, now)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::embedded::door::STEPS;

    fn plan(sql: &str, parameters: impl Params) -> Vec<String> {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&STEPS.concat()).unwrap();
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan = statement.query_map(parameters, |row| row.get(3)).unwrap();
        plan.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn jobs_are_claimed_through_the_index() {
        let plan = plan(CLAIMABLE, (0, 1));
        assert_eq!(plan.iter().filter(|line| line.contains("USING INDEX job_by_due (state=? AND due<?)")).count(), 2);
        assert!(!plan.iter().any(|line| line.contains("SCAN job")), "{plan:#?}");
    }

    #[test]
    fn the_next_due_job_is_found_through_the_index() {
        let plan = plan(NEXT, []);
        assert_eq!(plan.iter().filter(|line| line.contains("job_by_due (state=?)")).count(), 2, "{plan:#?}");
    }
}

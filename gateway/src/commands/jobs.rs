//! `neoron jobs …`: the jobs that were given up. Works on the store itself, whether the gateway runs or not. Payloads
//! hold personal data and are shown only when they are asked for.

use anyhow::{Context as _, anyhow};
use neoron_protocol::{JobId, UnixMillis};
use neoron_store::{Clock as _, Dead, SharedStore, SystemClock};
use serde_json::{Value, json};

use super::block_on;
use crate::{
    Failure,
    cli::{ConfigArgs, JobsCommand, StoreArgs},
    config::{self, Sources},
    out,
    store::Place,
};

/// Dead jobs read at a time.
const PAGE: usize = 500;

/// `neoron jobs …`.
pub(super) fn jobs(command: JobsCommand, sources: impl Fn(ConfigArgs) -> Sources) -> Result<(), Failure> {
    block_on(async {
        match command {
            JobsCommand::List { dead, json, payload, store } => {
                list(&open(store, sources).await?, dead, json, payload).await
            }
            JobsCommand::Retry { id: Some(id), store, .. } => retry(&open(store, sources).await?, &id).await,
            JobsCommand::Retry { id: None, store, .. } => retry_all(&open(store, sources).await?).await,
            JobsCommand::Drop { id, store } => forget(&open(store, sources).await?, &id).await,
        }
    })?
}

/// Opens the store; makes none.
async fn open(args: StoreArgs, sources: impl Fn(ConfigArgs) -> Sources) -> Result<SharedStore, Failure> {
    let place = match args.file {
        Some(path) => Place::File(path),
        None => config::store(&sources(args.config))?,
    };
    Ok(place.open_existing().await?.shared())
}

async fn dead_jobs(store: &SharedStore) -> anyhow::Result<Vec<Dead>> {
    let mut jobs = Vec::new();
    loop {
        let page = store.dead(jobs.len(), PAGE).await.context("cannot read the jobs")?;
        let end = page.jobs.len() < PAGE;
        jobs.extend(page.jobs);
        if end {
            return Ok(jobs);
        }
    }
}

async fn list(store: &SharedStore, only_dead: bool, as_json: bool, payload: bool) -> Result<(), Failure> {
    let depth = store.depth().await.context("cannot read the queue")?;
    let dead = dead_jobs(store).await?;
    let now = SystemClock.now();
    if as_json {
        let mut told = json!({"dead": dead.iter().map(|job| to_json(job, now, payload)).collect::<Vec<_>>()});
        if !only_dead {
            told["queue"] = json!({
                "ready": depth.ready, "delayed": depth.delayed, "running": depth.running, "dead": depth.dead,
                "oldest_ready_seconds": depth.oldest_ready.as_secs(),
            });
        }
        out::line(told.to_string());
        return Ok(());
    }
    if !only_dead {
        let (ready, delayed, running) = (depth.ready, depth.delayed, depth.running);
        out::line(format!("{ready} ready, {delayed} delayed, {running} running, {} given up", depth.dead));
    }
    if dead.is_empty() {
        out::line("No job was given up.");
        return Ok(());
    }
    out::line(format!("{:<28}  {:<24}  {:>5}  {:>8}  reason", "job", "kind", "tries", "age"));
    for job in &dead {
        let age = crate::config::value::span_text(round(now.since(job.enqueued_at)));
        out::line(format!(
            "{:<28}  {:<24}  {:>5}  {age:>8}  {}",
            job.job,
            job.kind,
            job.attempts,
            one_line(&job.reason)
        ));
        if payload {
            out::line(format!("  {}", job.payload));
        }
    }
    out::line("`neoron jobs retry ID` puts one back into the queue, `neoron jobs drop ID` forgets it.");
    Ok(())
}

/// To whole seconds, minutes or hours: nobody needs it finer.
fn round(age: std::time::Duration) -> std::time::Duration {
    let seconds = age.as_secs();
    let unit = match seconds {
        0..300 => 1,
        300..10_800 => 60,
        _ => 3_600,
    };
    std::time::Duration::from_secs(seconds / unit * unit)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn to_json(job: &Dead, now: UnixMillis, payload: bool) -> Value {
    let mut told = json!({
        "job": job.job.as_str(), "session": job.session.map(|session| session.to_string()), "kind": job.kind,
        "attempts": job.attempts, "age_seconds": now.since(job.enqueued_at).as_secs(), "died_at": job.died_at,
        "reason": job.reason,
    });
    if payload {
        // A payload is JSON; one of another version may not be.
        told["payload"] = serde_json::from_str(&job.payload).unwrap_or_else(|_| json!(job.payload));
    }
    told
}

fn id(text: &str) -> anyhow::Result<JobId> {
    JobId::parse(text).map_err(|error| anyhow!("{text:?} is no job: {error}"))
}

async fn retry(store: &SharedStore, text: &str) -> Result<(), Failure> {
    if !store.redrive(id(text)?).await.context("cannot write to the store")? {
        return Err(anyhow!("no job {text} was given up").into());
    }
    out::line(format!("{text} is in the queue again."));
    Ok(())
}

async fn retry_all(store: &SharedStore) -> Result<(), Failure> {
    let mut count = 0_u64;
    for job in dead_jobs(store).await? {
        count += u64::from(store.redrive(job.job).await.context("cannot write to the store")?);
    }
    out::line(format!("{count} job(s) are in the queue again."));
    Ok(())
}

async fn forget(store: &SharedStore, text: &str) -> Result<(), Failure> {
    if !store.forget(id(text)?).await.context("cannot write to the store")? {
        return Err(anyhow!("no job {text} was given up").into());
    }
    out::line(format!("{text} is forgotten."));
    Ok(())
}

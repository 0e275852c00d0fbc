//! The bench `worker`: one worker process of ours as the edge sees it, and the Node design's two, under the same load.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    Options, load,
    load::micros,
    report::{Report, Side, millis},
    sockets::Sockets,
    subject::{Form, Subject, Visitor},
};

pub(crate) const PEER: &str = "express 4 + socket.io 4 + ioredis 5 + axios 1, 2 processes, not durable";
/// Connections of the closed loop.
const SENDERS: usize = 32;
/// Connections of the open loops: enough that none waits for another one's answer.
const OPEN_SENDERS: usize = 64;
/// A moderate rate, at which waking up costs more than working.
const MODERATE: f64 = 150.0;
const CREATIONS: f64 = 50.0;
const TOOL_CALLS: f64 = 200.0;
/// How long what was accepted may take to be applied.
const DRAIN: Duration = Duration::from_secs(120);

/// How much of everything.
struct Scale {
    visitors: usize,
    saturated: Duration,
    paced: Duration,
    sockets: usize,
    many: usize,
    settle: Duration,
    idle: Duration,
}

impl Scale {
    fn of(options: &Options) -> Self {
        let seconds = Duration::from_secs;
        if options.quick {
            let (saturated, paced, settle, idle) = (seconds(1), seconds(2), seconds(1), seconds(2));
            Self { visitors: 64, saturated, paced, sockets: 100, many: 200, settle, idle }
        } else {
            let (saturated, paced, settle, idle) = (seconds(8), seconds(10), seconds(3), seconds(20));
            Self { visitors: 512, saturated, paced, sockets: 2_000, many: 10_000, settle, idle }
        }
    }
}

/// Measures all rounds, ours and the peer by turns.
///
/// # Errors
/// If one of them breaks.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let (mut report, scale) = (Report::new("worker", PEER), Scale::of(options));
    for round in 1..=options.rounds {
        for side in sides(options) {
            options.say(&format!("worker, round {round} of {}, {side:?}: requests", options.rounds));
            let subject = Rc::new(Subject::start(side, Form::Worker, options).await?);
            requests(&mut report, &subject, &scale).await?;
            drop(subject);
            options.say(&format!("worker, round {round} of {}, {side:?}: sockets", options.rounds));
            sockets(&mut report, side, &scale, options).await?;
        }
    }
    Ok(report)
}

/// Whom to measure, in this order.
pub(crate) fn sides(options: &Options) -> Vec<Side> {
    if options.only_ours { vec![Side::Ours] } else { vec![Side::Ours, Side::Peer] }
}

async fn requests(report: &mut Report, subject: &Rc<Subject>, scale: &Scale) -> Result<()> {
    let visitors = Rc::new(load::visitors(subject.clone(), scale.visitors).await?);
    let epoch = Instant::now();
    let mut sockets = Sockets::new(epoch)?;
    sockets.open(subject, &visitors).await?;
    tokio::time::sleep(scale.settle).await;
    saturated(report, subject, &visitors, &sockets, epoch, scale).await?;
    moderate(report, subject, &visitors, epoch, scale).await?;
    drop(sockets);
    creations(report, subject, scale).await?;
    tools(report, subject, &visitors, scale).await?;
    report.add(subject.side, "rss_bytes_after_load", "B", subject.usage()?.rss);
    Ok(())
}

/// Webhooks one after another on each connection; those of one visitor never overtake each other on the way.
fn updates(
    subject: &Rc<Subject>,
    visitors: &Rc<Vec<Visitor>>,
    epoch: Instant,
) -> impl Fn(usize, usize) -> Result<Vec<u8>> + 'static {
    let (subject, visitors) = (subject.clone(), visitors.clone());
    move |connection, sent| {
        let visitor = &visitors[(sent * SENDERS + connection) % visitors.len()];
        subject.update_request(visitor, micros(epoch.elapsed()).max(1))
    }
}

async fn saturated(
    report: &mut Report,
    subject: &Rc<Subject>,
    visitors: &Rc<Vec<Visitor>>,
    sockets: &Sockets,
    epoch: Instant,
    scale: &Scale,
) -> Result<()> {
    let side = subject.side;
    load::closed(subject.outer, SENDERS, scale.saturated / 8, updates(subject, visitors, epoch)).await?;
    let before = settled(subject, None).await?;
    sockets.take()?;
    let (used, redis, start) = (subject.usage()?, subject.redis_usage()?, Instant::now());
    let done = load::closed(subject.outer, SENDERS, scale.saturated, updates(subject, visitors, epoch)).await?;
    // Bounded by the run's seconds: exact.
    let count = done.latency.len() as f64;
    settled(subject, before.map(|before| before + done.latency.len())).await?;
    let (took, now) = (start.elapsed(), subject.usage()?);
    report.add(side, "webhooks_per_s", "1/s", count / took.as_secs_f64());
    report.add(side, "webhook_answers_per_s", "1/s", count / done.took.as_secs_f64());
    report.add_latency(side, "webhook_answer_p99_ms", &done.latency, 0.99)?;
    report.add(side, "cpu_us_per_webhook", "us", (now.cpu_us - used.cpu_us) / count);
    let redis = subject.redis_usage()?.cpu_us - redis.cpu_us;
    report.add(side, "redis_cpu_us_per_webhook", "us", redis / count);
    tokio::time::sleep(scale.settle).await;
    report.add(side, "events_seen_per_webhook", "1", sockets.take()?.events as f64 / count);
    Ok(())
}

async fn moderate(
    report: &mut Report,
    subject: &Rc<Subject>,
    visitors: &Rc<Vec<Visitor>>,
    epoch: Instant,
    scale: &Scale,
) -> Result<()> {
    let (next, used) = (updates(subject, visitors, epoch), subject.usage()?);
    let done = load::open(subject.outer, OPEN_SENDERS, MODERATE, scale.paced, move |index, _| next(0, index)).await?;
    let cpu = subject.usage()?.cpu_us - used.cpu_us;
    report.add(subject.side, "cpu_us_per_webhook_at_150_per_s", "us", cpu / done.latency.len() as f64);
    report.add_latency(subject.side, "webhook_answer_p99_ms_at_150_per_s", &done.latency, 0.99)
}

async fn creations(report: &mut Report, subject: &Rc<Subject>, scale: &Scale) -> Result<()> {
    subject.fakes.take_shares()?;
    let asking = subject.clone();
    let next = move |_, _| Ok(asking.create_request());
    let done = load::open(subject.inner, OPEN_SENDERS, CREATIONS, scale.paced, next).await?;
    let (share, _) = subject.fakes.take_shares()?;
    report.add_latency(subject.side, "session_create_own_p99_ms", &done.latency, 0.99)?;
    report.add(subject.side, "session_create_own_p50_ms", "ms", millis(&done.latency, 0.5));
    report.add(subject.side, "session_create_ultravox_share_p99_ms", "ms", millis(&share, 0.99));
    Ok(())
}

async fn tools(report: &mut Report, subject: &Rc<Subject>, visitors: &Rc<Vec<Visitor>>, scale: &Scale) -> Result<()> {
    subject.fakes.take_shares()?;
    let (asking, theirs) = (subject.clone(), visitors.clone());
    let next = move |index: usize, meant: Instant| {
        // Never the same words twice from one visitor: that would be one command.
        let number = u64::try_from(index)? + micros(meant.elapsed()) % 1_000 * 1_000_000 + 1;
        Ok(asking.command_request(&theirs[index % theirs.len()], number))
    };
    let done = load::open(subject.inner, OPEN_SENDERS, TOOL_CALLS, scale.paced, next).await?;
    let (_, share) = subject.fakes.take_shares()?;
    report.add_latency(subject.side, "tool_call_own_p99_ms", &done.latency, 0.99)?;
    report.add(subject.side, "tool_call_own_p50_ms", "ms", millis(&done.latency, 0.5));
    report.add(subject.side, "tool_call_erpnext_share_p99_ms", "ms", millis(&share, 0.99));
    tools_saturated(report, subject, visitors, scale).await?;
    if subject.side == Side::Ours {
        let (asking, theirs) = (subject.clone(), visitors.clone());
        let next = move |index: usize, _| Ok(asking.query_request(&theirs[index % theirs.len()]));
        let done = load::open(subject.inner, OPEN_SENDERS, TOOL_CALLS, scale.paced, next).await?;
        report.add_latency(subject.side, "tool_query_own_p99_ms", &done.latency, 0.99)?;
    }
    Ok(())
}

/// Tool calls as fast as they are answered: the one request that goes on to ERPNext before its answer on both sides.
async fn tools_saturated(
    report: &mut Report,
    subject: &Rc<Subject>,
    visitors: &Rc<Vec<Visitor>>,
    scale: &Scale,
) -> Result<()> {
    let (asking, theirs) = (subject.clone(), visitors.clone());
    let next = move |connection: usize, sent: usize| {
        let index = sent * SENDERS + connection;
        // Beyond the numbers of the open loop.
        Ok(asking.command_request(&theirs[index % theirs.len()], 10_000_000_000 + u64::try_from(index)?))
    };
    let used = subject.usage()?;
    let done = load::closed(subject.inner, SENDERS, scale.saturated / 2, next).await?;
    let (cpu, count) = (subject.usage()?.cpu_us - used.cpu_us, done.latency.len() as f64);
    report.add(subject.side, "tool_calls_per_s", "1/s", count / done.took.as_secs_f64());
    report.add(subject.side, "cpu_us_per_tool_call", "us", cpu / count);
    Ok(())
}

/// Waits until everything accepted is applied; `wanted` is how many that will be in all, or as many as there are now.
async fn settled(subject: &Subject, wanted: Option<u64>) -> Result<Option<u64>> {
    let until = Instant::now() + DRAIN;
    let mut last = None;
    loop {
        let applied = subject.applied().await?;
        let Some(count) = applied else { return Ok(None) };
        if wanted.map_or(last == applied, |wanted| count >= wanted) {
            return Ok(applied);
        }
        if Instant::now() > until {
            bail!("{count} webhooks are applied, {wanted:?} were accepted");
        }
        last = applied;
        // Long enough to tell a queue that is empty from one that is busy.
        let look_again = if wanted.is_some() { Duration::from_millis(20) } else { Duration::from_millis(500) };
        tokio::time::sleep(look_again).await;
    }
}

/// Idle sockets, at processes that have done nothing else: they are started again once the sessions are made.
async fn sockets(report: &mut Report, side: Side, scale: &Scale, options: &Options) -> Result<()> {
    let counts: &[(usize, &str)] = match side {
        Side::Ours => {
            &[(scale.sockets, "rss_bytes_per_idle_socket"), (scale.many, "rss_bytes_per_idle_socket_at_10000")]
        }
        Side::Peer => &[(scale.sockets, "rss_bytes_per_idle_socket")],
    };
    for (count, metric) in counts {
        let subject = Rc::new(Subject::start(side, Form::Worker, options).await?);
        let visitors = load::visitors(subject.clone(), *count).await?;
        let made = subject.usage()?.rss;
        let mut subject = Rc::into_inner(subject).context("the load still holds the subject")?;
        subject.start_again(options).await?;
        let subject = Rc::new(subject);
        tokio::time::sleep(scale.settle).await;
        let before = subject.usage()?.rss;
        let mut sockets = Sockets::new(Instant::now())?;
        sockets.open(&subject, &visitors).await?;
        tokio::time::sleep(scale.settle).await;
        let (after, count) = (subject.usage()?, *count as f64);
        report.add(side, metric, "B", (after.rss - before) / count);
        if *metric == "rss_bytes_per_idle_socket" {
            report.add(side, "rss_bytes_per_session_made", "B", (made - before) / count);
        } else {
            tokio::time::sleep(scale.idle).await;
            let each = (subject.usage()?.cpu_us - after.cpu_us) / count / scale.idle.as_secs_f64();
            report.add(side, "cpu_us_per_s_per_idle_socket_at_10000", "us/s", each);
        }
        sockets.take()?;
    }
    Ok(())
}

//! The bench `realtime`: from an event to the visitor's socket through the edge, and what a live session costs when
//! there are ten times as many.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{
    Options, load,
    load::micros,
    report::{Report, Side, millis},
    sockets::Sockets,
    subject::{Form, Subject, Visitor},
    worker::{PEER, sides},
};

/// Connections of the webhooks' sender.
const SENDERS: usize = 64;
/// Webhooks a second while latencies are measured.
const PUSHES: f64 = 200.0;
/// Between two events of one visitor while costs are measured.
const EVENT_EVERY: f64 = 20.0;

/// How much of everything.
struct Scale {
    few: usize,
    many: usize,
    pushing: Duration,
    living: Duration,
    settle: Duration,
}

/// What a live session costs.
struct Cost {
    cpu_us_per_s: f64,
    rss: f64,
}

impl Scale {
    fn of(options: &Options) -> Self {
        let seconds = Duration::from_secs;
        if options.quick {
            Self { few: 40, many: 400, pushing: seconds(2), living: seconds(3), settle: seconds(1) }
        } else {
            Self { few: 1_000, many: 10_000, pushing: seconds(10), living: seconds(20), settle: seconds(3) }
        }
    }
}

/// A system under test with the visitors that it has.
struct Crowd {
    subject: Rc<Subject>,
    visitors: Rc<Vec<Visitor>>,
    sockets: Sockets,
    epoch: Instant,
    /// Memory in use before there was a visitor.
    empty: f64,
}

/// Measures all rounds, ours and the peer by turns.
///
/// # Errors
/// If one of them breaks.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let (mut report, scale) = (Report::new("realtime", PEER), Scale::of(options));
    for round in 1..=options.rounds {
        for side in sides(options) {
            options.say(&format!("realtime, round {round} of {}, {side:?}", options.rounds));
            let subject = Rc::new(Subject::start(side, Form::Whole, options).await?);
            let epoch = Instant::now();
            let (empty, sockets) = (subject.usage()?.rss, Sockets::new(epoch)?);
            let mut crowd = Crowd { subject, visitors: Rc::default(), sockets, epoch, empty };
            crowd.grow(scale.few).await?;
            push(&mut report, &crowd, &scale).await?;
            let few = crowd.live(&scale).await?;
            crowd.grow(scale.many).await?;
            let many = crowd.live(&scale).await?;
            tell(&mut report, side, &few, &many);
        }
    }
    Ok(report)
}

impl Crowd {
    /// Has so many visitors with open sockets.
    async fn grow(&mut self, count: usize) -> Result<()> {
        let mut all = self.visitors.to_vec();
        let new = load::visitors(self.subject.clone(), count - all.len()).await?;
        self.sockets.open(&self.subject, &new).await?;
        all.extend(new);
        self.visitors = Rc::new(all);
        Ok(())
    }

    /// Webhooks at a rate, each visitor in its turn.
    async fn send(&self, rate: f64, time: Duration) -> Result<u64> {
        let (subject, visitors, epoch) = (self.subject.clone(), self.visitors.clone(), self.epoch);
        let next = move |index: usize, meant: Instant| {
            let number = micros(meant.duration_since(epoch)).max(1);
            subject.update_request(&visitors[index % visitors.len()], number)
        };
        Ok(load::open(self.subject.outer, SENDERS, rate, time, next).await?.latency.len())
    }

    /// What each session costs while every visitor gets an event now and then.
    async fn live(&self, scale: &Scale) -> Result<Cost> {
        tokio::time::sleep(scale.settle).await;
        // Bounded by 10,000: exact.
        let count = self.visitors.len() as f64;
        let before = self.subject.usage()?;
        self.send(count / EVENT_EVERY, scale.living).await?;
        let after = self.subject.usage()?;
        self.sockets.take()?;
        let cpu_us_per_s = (after.cpu_us - before.cpu_us) / scale.living.as_secs_f64() / count;
        Ok(Cost { cpu_us_per_s, rss: (after.rss - self.empty) / count })
    }
}

async fn push(report: &mut Report, crowd: &Crowd, scale: &Scale) -> Result<()> {
    tokio::time::sleep(scale.settle).await;
    crowd.sockets.take()?;
    let sent = crowd.send(PUSHES, scale.pushing).await?;
    tokio::time::sleep(scale.settle).await;
    let (came, side) = (crowd.sockets.take()?, crowd.subject.side);
    report.add_latency(side, "push_p99_ms", &came.pushed, 0.99)?;
    report.add(side, "push_p50_ms", "ms", millis(&came.pushed, 0.5));
    report.add_latency(side, "webhook_to_socket_p99_ms", &came.whole, 0.99)?;
    report.add(side, "webhook_to_socket_p50_ms", "ms", millis(&came.whole, 0.5));
    report.add(side, "events_missing", "1", sent as f64 - came.events as f64);
    Ok(())
}

fn tell(report: &mut Report, side: Side, few: &Cost, many: &Cost) {
    report.add(side, "cost_ratio_10k_over_1k_cpu", "1", many.cpu_us_per_s / few.cpu_us_per_s);
    report.add(side, "cost_ratio_10k_over_1k_memory", "1", many.rss / few.rss);
    report.add(side, "cpu_us_per_s_per_live_session_at_1000", "us/s", few.cpu_us_per_s);
    report.add(side, "cpu_us_per_s_per_live_session_at_10000", "us/s", many.cpu_us_per_s);
    report.add(side, "rss_bytes_per_live_session_at_1000", "B", few.rss);
    report.add(side, "rss_bytes_per_live_session_at_10000", "B", many.rss);
}

//! Load: as fast as answers come (closed loop), or at a rate (open loop), where a latency counts from the moment a
//! request was meant to be sent. Tokio's timers have a grain of a millisecond, so an open loop adds up to one.

use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tokio::task::LocalSet;

use crate::{
    http::Connection,
    report::{Latency, latency},
    subject::{Subject, Visitor},
};

/// Connections at once while sessions are made.
const MAKERS: usize = 32;

/// What a load did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) latency: Latency,
    pub(crate) took: Duration,
}

/// Sends requests that `next` makes, over so many connections, until the time is over. `next` is told which connection
/// asks and how many requests that one has sent.
///
/// # Errors
/// If a connection breaks or an answer is no success.
pub(crate) async fn closed(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    next: impl Fn(usize, usize) -> Result<Vec<u8>> + 'static,
) -> Result<Done> {
    let (next, start) = (Rc::new(next), Instant::now());
    let latency = in_parallel(connections, move |index| {
        let next = next.clone();
        async move {
            let (mut connection, mut latencies) = (Connection::open(address).await?, latency()?);
            let mut sent = 0;
            while start.elapsed() < time {
                let request = next(index, sent)?;
                let asked = Instant::now();
                connection.must(&request).await?;
                latencies.saturating_record(micros(asked.elapsed()));
                sent += 1;
            }
            Ok(latencies)
        }
    })
    .await?;
    Ok(Done { latency, took: start.elapsed() })
}

/// Sends `rate` requests a second that `next` makes, told which in the row it is and when it was meant to be sent.
///
/// # Errors
/// If a connection breaks or an answer is no success.
pub(crate) async fn open(
    address: SocketAddr,
    connections: usize,
    rate: f64,
    time: Duration,
    next: impl Fn(usize, Instant) -> Result<Vec<u8>> + 'static,
) -> Result<Done> {
    let (next, taken, start) = (Rc::new(next), Rc::new(Cell::new(0_u32)), Instant::now());
    let latency = in_parallel(connections, move |_| {
        let (next, taken) = (next.clone(), taken.clone());
        async move {
            let (mut connection, mut latencies) = (Connection::open(address).await?, latency()?);
            loop {
                let index = taken.get();
                let after = Duration::from_secs_f64(f64::from(index) / rate);
                if after >= time {
                    return Ok(latencies);
                }
                taken.set(index + 1);
                let meant = start + after;
                tokio::time::sleep_until(meant.into()).await;
                connection.must(&next(usize::try_from(index)?, meant)?).await?;
                latencies.saturating_record(micros(meant.elapsed()));
            }
        }
    })
    .await?;
    Ok(Done { latency, took: start.elapsed() })
}

/// Makes visitors with sessions; with a document each, where updates are told by their document.
///
/// # Errors
/// If one is refused.
pub(crate) async fn visitors(subject: Rc<Subject>, count: usize) -> Result<Vec<Visitor>> {
    let (made, left) = (Rc::new(std::cell::RefCell::new(Vec::with_capacity(count))), Rc::new(Cell::new(count)));
    let all = made.clone();
    in_parallel(MAKERS.min(count), move |_| {
        let (subject, made, left) = (subject.clone(), made.clone(), left.clone());
        async move {
            let mut connection = Connection::open(subject.inner).await?;
            while left.get() > 0 {
                left.set(left.get() - 1);
                let answer = connection.must(&subject.create_request()).await.context("a session was refused")?;
                let visitor = subject.visitor(&answer)?;
                connection.must(&subject.command_request(&visitor, 0)).await.context("a tool call was refused")?;
                made.borrow_mut().push(visitor);
            }
            latency()
        }
    })
    .await?;
    Ok(all.take())
}

/// Runs so many at once and adds up what they return.
async fn in_parallel<W>(count: usize, work: impl Fn(usize) -> W) -> Result<Latency>
where
    W: Future<Output = Result<Latency>> + 'static,
{
    let set = LocalSet::new();
    let all: Vec<_> = (0..count).map(|index| set.spawn_local(work(index))).collect();
    set.run_until(async {
        let mut sum = latency()?;
        for one in all {
            sum.add(one.await??)?;
        }
        Ok(sum)
    })
    .await
}

/// Whole microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

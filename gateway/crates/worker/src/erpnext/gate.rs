//! Who may send a request to ERPNext: first those that a visitor waits for, then jobs; within each, first come first
//! served. How many at once is [`Limit`]'s decision.
//!
//! A backlog of jobs never keeps a visitor waiting: a quarter of the places is kept for visitors, one at least, and a
//! place that gets free goes to them first. Nor do visitors keep jobs waiting for ever: every ninth place is a job's.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::oneshot, time::Instant};

use super::limit::{Limit, Sample};

/// The most that wait, of each kind: more than a worker has calls with a tool under way, or jobs.
const MAX_WAITING: usize = 1_024;
/// Visitors served in a row while a job waits.
const VISITORS_IN_A_ROW: u32 = 8;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// A visitor waits on the line.
    Visitor,
    /// Nobody waits.
    Job,
}

impl Priority {
    /// Both, in their order.
    pub(super) const ALL: [Self; 2] = [Self::Visitor, Self::Job];

    /// The word for metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Job => "job",
        }
    }
}

/// Too many wait already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The turns, without anybody who takes them. Pure.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    visitors: usize,
    jobs: usize,
    /// Visitors served since the last job.
    in_a_row: u32,
}

impl Turns {
    fn under_way(&self) -> usize {
        self.visitors + self.jobs
    }

    /// Whose turn it is, if any place is free.
    fn next(&self, limit: usize, ceiling: usize, visitor_waits: bool, job_waits: bool) -> Option<Priority> {
        // When one request at a time is all that ERPNext takes, the first visitor comes in beside a job.
        let for_visitors = if self.visitors == 0 { limit.max(ceiling.min(2)) } else { limit };
        let visitor = visitor_waits && self.under_way() < for_visitors;
        let job = job_waits && self.under_way() < limit && self.jobs < room_for_jobs(limit);
        match (visitor, job) {
            (true, true) if self.in_a_row >= VISITORS_IN_A_ROW => Some(Priority::Job),
            (true, _) => Some(Priority::Visitor),
            (false, true) => Some(Priority::Job),
            (false, false) => None,
        }
    }

    fn enter(&mut self, who: Priority) {
        match who {
            Priority::Visitor => {
                self.visitors += 1;
                self.in_a_row = self.in_a_row.saturating_add(1);
            }
            Priority::Job => {
                self.jobs += 1;
                self.in_a_row = 0;
            }
        }
    }

    fn leave(&mut self, who: Priority) {
        let count = match who {
            Priority::Visitor => &mut self.visitors,
            Priority::Job => &mut self.jobs,
        };
        *count = count.saturating_sub(1);
    }
}

/// All places but a quarter; the only one, if there is only one.
fn room_for_jobs(limit: usize) -> usize {
    (limit - limit.div_ceil(4)).max(1)
}

#[derive(Debug)]
struct State {
    limit: Limit,
    ceiling: usize,
    turns: Turns,
    visitors: VecDeque<oneshot::Sender<()>>,
    jobs: VecDeque<oneshot::Sender<()>>,
}

impl State {
    fn queue(&mut self, who: Priority) -> &mut VecDeque<oneshot::Sender<()>> {
        match who {
            Priority::Visitor => &mut self.visitors,
            Priority::Job => &mut self.jobs,
        }
    }

    /// Lets in whoever may come in.
    fn pump(&mut self) {
        let limit = self.limit.get();
        while let Some(who) = self.turns.next(limit, self.ceiling, !self.visitors.is_empty(), !self.jobs.is_empty()) {
            let Some(waiting) = self.queue(who).pop_front() else { return };
            // Whoever has gone away meanwhile takes no place.
            if waiting.send(()).is_ok() {
                self.turns.enter(who);
            }
        }
    }
}

/// The gate.
#[derive(Debug)]
pub(super) struct Gate(Mutex<State>);

impl Gate {
    /// A gate that lets at most `ceiling` requests through at once.
    pub(super) fn new(ceiling: usize) -> Self {
        let state = State {
            limit: Limit::new(ceiling),
            ceiling: ceiling.max(1),
            turns: Turns::default(),
            visitors: VecDeque::new(),
            jobs: VecDeque::new(),
        };
        Self(Mutex::new(state))
    }

    /// Waits for a place. Whoever drops this waits no longer.
    ///
    /// # Errors
    /// [`Full`], at once.
    pub(super) async fn enter(&self, who: Priority) -> Result<Place<'_>, Full> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.state();
            let queue = state.queue(who);
            if queue.len() >= MAX_WAITING {
                queue.retain(|waiting| !waiting.is_closed());
            }
            if queue.len() >= MAX_WAITING {
                return Err(Full);
            }
            queue.push_back(sender);
            state.pump();
        }
        let mut waiting = Waiting { gate: self, who, receiver };
        // The sender is dropped only with the gate, or by `pump` after it has sent.
        (&mut waiting.receiver).await.map_err(|_| Full)?;
        Ok(Place { gate: self, who, sent: Instant::now() })
    }

    /// Requests that may be under way at once, at present.
    pub(super) fn limit(&self) -> usize {
        self.state().limit.get()
    }

    fn leave(&self, who: Priority) {
        let mut state = self.state();
        state.turns.leave(who);
        state.pump();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counts and queues that are changed together in a few lines without a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits. One who goes away at the moment it is let in gives the place back.
struct Waiting<'a> {
    gate: &'a Gate,
    who: Priority,
    receiver: oneshot::Receiver<()>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.receiver.close();
        // A place that was taken was received: this finds only one that was not.
        if self.receiver.try_recv().is_ok() {
            self.gate.leave(self.who);
        }
    }
}

/// The right to have one request under way.
pub(super) struct Place<'a> {
    gate: &'a Gate,
    who: Priority,
    sent: Instant,
}

impl Place<'_> {
    /// Tells how the request went. Without it the limit learns nothing.
    pub(super) fn report(&self, now: Instant, sample: Sample) {
        let mut state = self.gate.state();
        let under_way = state.turns.under_way();
        state.limit.report(now, self.sent, under_way, sample);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.leave(self.who);
    }
}

#[cfg(test)]
mod tests;

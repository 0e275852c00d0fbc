//! How many requests ERPNext gets at once: as many as it answers without getting slower. A pure state machine.
//!
//! Additive increase, multiplicative decrease, as TCP does it for the same reason: nobody tells us how many workers
//! ERPNext has free, and other people use it as well. A Frappe of two sync workers answers in some 25 ms; the third
//! request at once waits for one of them, and from there on more of them only make all of them slower. So the answers'
//! mean time over a window is held against the best mean that was seen: up to twice of it is good, more means a queue
//! over there. The ceiling is the configured concurrency, the floor is one request. It never reads a clock.

use std::time::Duration;

use tokio::time::Instant;

/// Answers that make a window; with fewer, one of them decides alone.
const WINDOW_ANSWERS: u32 = 16;
/// A window with few answers is closed after this.
const WINDOW_TIME: Duration = Duration::from_secs(1);
/// Answers below this are fast whatever the best was: a whole insert takes 25 ms of CPU over there.
const NOISE: Duration = Duration::from_millis(50);
/// Slower than so many times the best is a queue.
const TOLERANCE: f64 = 2.0;
/// What is left of the limit when there is one.
const DECREASE: f64 = 0.7;
/// How far the best follows a slower window in which we had one request at a time over there: we do not queue behind
/// ourselves then, so the site is slower than it was. From any other window it would learn its own queue to be normal.
const FORGET: f64 = 0.5;

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// ERPNext answered, be it with a refusal.
    Answered,
    /// It is in trouble, or did not answer in time.
    Trouble,
}

/// The limit.
#[derive(Debug)]
pub(super) struct Limit {
    ceiling: f64,
    now: f64,
    /// The best mean of a window, seconds; `None` before the first one.
    best: Option<f64>,
    window: Window,
    /// Requests sent before this were sent under a larger limit: they say nothing about the present one.
    since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    start: Option<Instant>,
    answers: u32,
    seconds: f64,
    /// Whether as many requests as allowed were under way at some time: without that nothing speaks for more.
    full: bool,
}

impl Limit {
    /// A limit of at most `ceiling`, which it starts at.
    pub(super) fn new(ceiling: usize) -> Self {
        let ceiling = u32::try_from(ceiling.max(1)).map_or(f64::from(u32::MAX), f64::from);
        Self { ceiling, now: ceiling, best: None, window: Window::default(), since: None }
    }

    /// Requests that may be under way at once.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the ceiling, a usize")]
    pub(super) fn get(&self) -> usize {
        self.now as usize
    }

    /// Tells how a request went that was sent at `sent`, when `under_way` requests were, itself among them.
    pub(super) fn report(&mut self, now: Instant, sent: Instant, under_way: usize, sample: Sample) {
        if self.since.is_some_and(|since| sent < since) {
            return;
        }
        if sample == Sample::Trouble {
            return self.shrink(now);
        }
        let start = *self.window.start.get_or_insert(sent);
        self.window.answers += 1;
        self.window.seconds += now.saturating_duration_since(sent).as_secs_f64();
        self.window.full |= under_way >= self.get();
        if self.window.answers >= WINDOW_ANSWERS || now.saturating_duration_since(start) >= WINDOW_TIME {
            self.close(now);
        }
    }

    fn close(&mut self, now: Instant) {
        let window = std::mem::take(&mut self.window);
        let mean = window.seconds / f64::from(window.answers.max(1));
        let best = *self.best.get_or_insert(mean);
        let slower = if self.get() == 1 { best + (mean - best) * FORGET } else { best };
        self.best = Some(mean.min(slower));
        if mean > best.max(NOISE.as_secs_f64()) * TOLERANCE {
            self.shrink(now);
        } else if window.full {
            self.now = (self.now + 1.0).min(self.ceiling);
        }
    }

    /// Once for all requests that are under way: they met the same trouble.
    fn shrink(&mut self, now: Instant) {
        self.now = (self.now * DECREASE).max(1.0);
        self.window = Window::default();
        self.since = Some(now);
    }
}

#[cfg(test)]
mod tests;

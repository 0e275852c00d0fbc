//! Leaving without dropping anything: what phase the process is in, what is still going on, and waiting for its end.
//!
//! Pingora sleeps its whole grace period even when nothing is left, and tells WebSockets nothing. So its grace is zero
//! here, and it hears of the shutdown only when this module says that the process is empty, or out of time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, watch};

/// How long a kept connection may still ask once the process drains: whoever was answered a moment ago may be sending the
/// next request already, and would hear a reset.
pub(crate) const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// Where the process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Everything is served.
    Serving,
    /// No new sessions; WebSockets are told to leave.
    Draining,
    /// The listeners close.
    Stopped,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Requests and WebSockets that were still there at the deadline; zero is a clean leave.
    pub left: usize,
}

/// The phase, and the count of what is going on.
#[derive(Debug)]
pub(crate) struct Drain {
    phase: watch::Sender<Phase>,
    busy: AtomicUsize,
    emptied: Notify,
}

impl Drain {
    pub(crate) fn new() -> Self {
        Self { phase: watch::Sender::new(Phase::Serving), busy: AtomicUsize::new(0), emptied: Notify::new() }
    }

    /// A listener to the phases.
    pub(crate) fn phases(&self) -> Phases {
        Phases(self.phase.subscribe())
    }

    /// Whether new sessions are refused.
    pub(crate) fn is_draining(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining
    }

    /// Moves on; never back.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|current| {
            let later = phase > *current;
            if later {
                *current = phase;
            }
            later
        });
    }

    /// Counts a request or a WebSocket until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(self))
    }

    /// What is going on.
    pub(crate) fn busy(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }

    /// Waits until nothing is going on, `limit` at most.
    pub(crate) async fn emptied(&self, limit: Duration) -> Drained {
        let empty = async {
            loop {
                let notified = self.emptied.notified();
                tokio::pin!(notified);
                // Registered before the count is read, so the last one to leave cannot be missed.
                notified.as_mut().enable();
                if self.busy() == 0 {
                    return;
                }
                notified.await;
            }
        };
        let _ = tokio::time::timeout(limit, empty).await;
        Drained { left: self.busy() }
    }
}

/// Something that is going on.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Drain>);

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}

/// Hears of the phases.
#[derive(Clone, Debug)]
pub(crate) struct Phases(watch::Receiver<Phase>);

impl Phases {
    /// Returns when the process drains or has stopped.
    pub(crate) async fn draining(&mut self) {
        // The sender lives as long as the server; without it there is nothing left to wait for.
        let _ = self.0.wait_for(|phase| *phase >= Phase::Draining).await;
    }

    /// Returns when a connection that asks nothing should be closed: a moment after the drain began.
    pub(crate) async fn over_for_idle(&mut self) {
        self.draining().await;
        tokio::time::sleep(LAST_REQUESTS).await;
    }

    /// Returns when the listeners close.
    pub(crate) async fn stopped(&mut self) {
        let _ = self.0.wait_for(|phase| *phase >= Phase::Stopped).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drain_ends_as_soon_as_the_last_one_leaves() {
        let drain = Arc::new(Drain::new());
        let busy = drain.begin();
        let waiting = tokio::spawn({
            let drain = Arc::clone(&drain);
            async move { drain.emptied(Duration::from_secs(60)).await }
        });
        tokio::task::yield_now().await;
        drop(busy);
        assert_eq!(waiting.await.ok(), Some(Drained { left: 0 }));
    }

    #[tokio::test]
    async fn what_is_left_at_the_deadline_is_counted() {
        let drain = Arc::new(Drain::new());
        let _busy = drain.begin();
        assert_eq!(drain.emptied(Duration::from_millis(1)).await, Drained { left: 1 });
    }

    #[test]
    fn a_phase_never_goes_back() {
        let drain = Drain::new();
        drain.enter(Phase::Stopped);
        drain.enter(Phase::Draining);
        assert_eq!(*drain.phase.borrow(), Phase::Stopped);
    }
}

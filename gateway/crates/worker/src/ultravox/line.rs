//! Those of one worker who wait for a place in the account's rate: in the order they came, one of them asking at a time,
//! and never more than could get one before their deadline. Whoever comes beyond is told so at once.

use std::time::Duration;

use neoron_store::{Limits, StoreError};
use tokio::{
    sync::{Mutex, Semaphore},
    time::Instant,
};

use super::pace::Pace;

/// The line.
pub(super) struct Line {
    pace: Pace,
    places: Semaphore,
    /// Tokio's is fair: first come first served.
    turn: Mutex<()>,
    /// When to come again for whom there is no place.
    deadline: Duration,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// A call may be created now.
    Yes,
    /// Not before the deadline; to be tried again after this.
    Later(Duration),
}

impl Line {
    /// A line before calls of which at most `per_second` and `per_minute` are created, for those who wait `deadline` at
    /// most.
    pub(super) fn new(per_second: u32, per_minute: u32, deadline: Duration) -> Self {
        Self {
            pace: Pace::new(per_second, per_minute),
            places: Semaphore::new(served_within(per_second, per_minute, deadline)),
            turn: Mutex::new(()),
            deadline,
        }
    }

    /// Waits for a place in the rate, until then at most.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn pass(&self, limits: &dyn Limits, until: Instant) -> Result<Passed, StoreError> {
        let Ok(_place) = self.places.try_acquire() else { return Ok(Passed::Later(self.deadline)) };
        let turn = tokio::time::timeout_at(until, self.turn.lock());
        let Ok(_turn) = turn.await else { return Ok(Passed::Later(self.deadline)) };
        loop {
            let Some(wait) = self.pace.take(limits).await? else { return Ok(Passed::Yes) };
            if Instant::now() + wait >= until {
                return Ok(Passed::Later(wait));
            }
            tokio::time::sleep(wait).await;
        }
    }
}

/// How many the rate serves within a deadline, if it is all theirs.
fn served_within(per_second: u32, per_minute: u32, deadline: Duration) -> usize {
    let seconds = deadline.as_secs().max(1);
    let served = (u64::from(per_second) * seconds).min((u64::from(per_minute) * seconds).div_ceil(60)).max(1);
    usize::try_from(served).unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use async_trait::async_trait;
    use neoron_store::{Decision, Rate};

    use super::*;

    /// A rate that opens at a time, and counts who asks.
    struct Gate {
        opens: Instant,
        asked: AtomicU32,
    }

    #[async_trait]
    impl Limits for Gate {
        async fn take(&self, _: &str, _: Rate) -> Result<Decision, StoreError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let allowed = Instant::now() >= self.opens;
            let retry_after = Duration::from_millis(500);
            Ok(Decision { allowed, remaining: 0, reset_after: retry_after, retry_after })
        }
    }

    #[test]
    fn the_line_is_as_long_as_the_rate_serves_in_time() {
        let ten = Duration::from_secs(10);
        assert_eq!(served_within(25, 330, ten), 55);
        assert_eq!(served_within(5, 1_000, ten), 50);
        assert_eq!(served_within(1, 1, ten), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_ask_one_at_a_time_and_whoever_is_beyond_hears_it_at_once() {
        let gate = Arc::new(Gate { opens: Instant::now() + Duration::from_secs(5), asked: AtomicU32::new(0) });
        let line = Arc::new(Line::new(1, 60, Duration::from_secs(10)));
        let until = Instant::now() + Duration::from_secs(10);
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let (line, gate) = (line.clone(), gate.clone());
                tokio::spawn(async move { line.pass(&*gate, until).await.unwrap() })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(line.pass(&*gate, until).await.unwrap(), Passed::Later(Duration::from_secs(10)));
        for waiter in waiting {
            assert_eq!(waiter.await.unwrap(), Passed::Yes);
        }
        let asked = gate.asked.load(Ordering::Relaxed);
        assert!(asked <= 11 + 2 * 10, "one asked while ten waited: {asked}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_beyond_the_deadline() {
        let gate = Gate { opens: Instant::now() + Duration::from_secs(3_600), asked: AtomicU32::new(0) };
        let line = Line::new(1, 60, Duration::from_secs(10));
        let until = Instant::now() + Duration::from_secs(10);
        assert!(matches!(line.pass(&gate, until).await.unwrap(), Passed::Later(_)));
        assert!(Instant::now() <= until);
    }
}

//! A store, a clock that stands still, and names that nobody used before.

use std::{future::Future, sync::Arc, time::Duration};

use neoron_protocol::{JobId, SessionId, UnixMillis, WorkerId};
use neoron_store::{Burn, Change, Clock, Committed, Cursor, Event, ManualClock, NewEvent, NewJob, SharedStore, Start};

/// Long enough for any machine; whoever waits this long has lost a wake-up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
const START: UnixMillis = UnixMillis(1_800_000_000_000);

pub(crate) struct World {
    pub(crate) store: SharedStore,
    pub(crate) clock: Arc<ManualClock>,
}

fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// A clock for a new world.
pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(START))
}

pub(crate) fn session_id() -> SessionId {
    SessionId::new(START, random())
}

pub(crate) fn job_id() -> JobId {
    JobId::new(START, random())
}

pub(crate) fn worker_id() -> WorkerId {
    WorkerId::new(START, random())
}

/// A job to claim now.
pub(crate) fn job(session: Option<SessionId>) -> NewJob {
    NewJob {
        id: job_id(),
        session,
        kind: "run_command".into(),
        payload: "{\"n\":1}".into(),
        start: Start::Now,
        lane: None,
    }
}

pub(crate) fn event(number: u64) -> NewEvent {
    NewEvent { kind: "transcript".into(), data: format!("{{\"n\":{number}}}"), at: UnixMillis(START.0 + number) }
}

pub(crate) fn events(numbers: std::ops::RangeInclusive<u64>) -> Vec<NewEvent> {
    numbers.map(event).collect()
}

pub(crate) fn key(key: &str) -> Burn {
    Burn { key: key.into(), keep: HOUR }
}

pub(crate) fn cursor(epoch: &str, offset: u64) -> Cursor {
    Cursor { epoch: epoch.into(), offset }
}

pub(crate) fn offsets(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.offset).collect()
}

/// Waits for what must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// Runs the same thing twenty times at once.
pub(crate) async fn twenty_times<F, T>(make: impl Fn(usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let running: Vec<_> = (0..20).map(|number| tokio::spawn(make(number))).collect();
    let mut results = Vec::new();
    for task in running {
        results.push(soon("a parallel call", task).await.unwrap());
    }
    results
}

impl World {
    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    pub(crate) fn later(&self, by: Duration) -> UnixMillis {
        self.now().plus(by)
    }

    pub(crate) fn creation(&self, session: SessionId) -> Change {
        Change::create(session, "{\"step\":0}".into(), self.later(HOUR))
    }

    pub(crate) fn update(&self, session: SessionId, version: u64) -> Change {
        Change::update(session, version, format!("{{\"step\":{version}}}"), self.later(HOUR))
    }

    pub(crate) async fn commit(&self, change: Change) -> Committed {
        self.store.commit(change).await.unwrap()
    }

    /// A session that exists, at version 1.
    pub(crate) async fn session(&self) -> SessionId {
        let session = session_id();
        self.commit(self.creation(session)).await;
        session
    }

    pub(crate) async fn epoch(&self, session: SessionId) -> String {
        self.store.read(session, &Cursor::default(), 1).await.unwrap().unwrap().epoch
    }

    pub(crate) async fn ready_jobs(&self) -> u64 {
        self.store.depth().await.unwrap().ready
    }
}

//! The one way a session changes: read it, decide on a copy, write body, events and jobs together; decide again if
//! somebody else was faster.

use neoron_protocol::{JobId, SessionId, UnixMillis, frame::Body};
use neoron_store::{
    Burn, Change, CommitError, Committed, DocumentKey, NewEvent, NewJob, SharedStore, Start, StoreError, Tally,
};

use super::App;
use crate::{
    analytics::{self, Counted},
    jobs::{self, Job},
    record::Record,
};

/// How often a step is decided anew before it gives up: two parties touch one session at a time, rarely three.
const TRIES: usize = 16;

/// What a step writes besides the record.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) jobs: Vec<NewJob>,
    pub(crate) burn: Vec<Burn>,
    pub(crate) calls: Vec<String>,
    pub(crate) documents: Vec<DocumentKey>,
    pub(crate) tallies: Vec<Tally>,
}

impl Step {
    /// Tells the visitor.
    pub(crate) fn tell(&mut self, at: UnixMillis, body: &Body) {
        self.events.push(event(at, body));
    }

    /// Counts something that happened to the session at `at`.
    pub(crate) fn count(&mut self, record: &Record, at: UnixMillis, what: Counted<'_>) {
        self.tallies.push(analytics::tally(record, at, what));
    }

    /// Enqueues a job of this session.
    pub(crate) fn enqueue(&mut self, app: &App, session: SessionId, job: &Job, start: Start) {
        self.jobs.push(new_job(app, Some(session), job, start));
    }
}

/// A job for the queue.
pub(crate) fn new_job(app: &App, session: Option<SessionId>, job: &Job, start: Start) -> NewJob {
    let (kind, payload) = job.to_parts();
    let payload = jobs::origin::remembered(payload);
    NewJob {
        id: JobId::new(app.now(), app.random.bytes()),
        session,
        kind,
        payload,
        start,
        lane: job.lane().map(str::to_owned),
    }
}

/// A frame's body as an event of the stream.
pub(crate) fn event(at: UnixMillis, body: &Body) -> NewEvent {
    // Strings, numbers and lists only: serialisation cannot fail.
    let mut value = serde_json::to_value(body).unwrap_or_default();
    let kind = value["type"].as_str().unwrap_or_default().to_owned();
    NewEvent { kind, data: value["data"].take().to_string(), at }
}

/// What came of a step.
#[derive(Debug)]
pub(crate) struct StepOutcome<T> {
    /// What the decision returned.
    pub(crate) value: T,
    /// What was written; `None` if the decision left the session as it was.
    pub(crate) committed: Option<Committed>,
    /// The record as it is now.
    pub(crate) record: Record,
}

/// Why a step did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// No such session, or it has expired.
    #[error("there is no such session")]
    Gone,
    /// A key was burnt before: the same step has happened.
    #[error("the step has happened before")]
    Repeat,
    /// Others kept changing the session.
    #[error("the session is too busy")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Reads a session.
    pub(crate) async fn load(&self, session: SessionId) -> Result<Option<Record>, StoreError> {
        read(&self.store, session).await
    }

    /// Changes a session by `decide`, which may be called several times and must be pure but for the record and the
    /// step it is given. Nothing is written if it leaves the record and the step untouched.
    pub(crate) async fn step<T>(
        &self,
        session: SessionId,
        mut decide: impl FnMut(&mut Record, &mut Step) -> T,
    ) -> Result<StepOutcome<T>, StepError> {
        for _ in 0..TRIES {
            let stored = self.store.load(session).await?.ok_or(StepError::Gone)?;
            let before = parse(&stored.body)?;
            let (mut record, mut step) = (before.clone(), Step::default());
            let value = decide(&mut record, &mut step);
            if record == before && step.is_empty() {
                return Ok(StepOutcome { value, committed: None, record });
            }
            let expires_at = self.expires_at(&record);
            let mut change = Change::update(session, stored.version, encode(&record), expires_at);
            step.fill(&mut change, &record);
            match self.store.commit(change).await {
                Ok(committed) => return Ok(StepOutcome { value, committed: Some(committed), record }),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Burnt { .. }) => return Err(StepError::Repeat),
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(StepError::Busy)
    }

    /// Writes a new session.
    pub(crate) async fn create(&self, record: &Record, step: Step) -> Result<Committed, StepError> {
        let mut change = Change::create(record.session, encode(record), self.expires_at(record));
        step.fill(&mut change, record);
        self.store.commit(change).await.map_err(|error| match error {
            CommitError::Conflict => StepError::Busy,
            CommitError::Burnt { .. } => StepError::Repeat,
            CommitError::Store(error) => error.into(),
        })
    }

    fn expires_at(&self, record: &Record) -> UnixMillis {
        // While it goes on it must outlive its call; afterwards it is kept for those who come back.
        self.now().plus(self.config.keep_finished).plus(std::time::Duration::from_secs(u64::from(record.max_seconds)))
    }
}

impl Step {
    fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.jobs.is_empty()
            && self.burn.is_empty()
            && self.calls.is_empty()
            && self.documents.is_empty()
            && self.tallies.is_empty()
    }

    fn fill(self, change: &mut Change, record: &Record) {
        change.live = !record.state.is_final();
        change.events = self.events;
        change.jobs = self.jobs;
        change.burn = self.burn;
        change.calls = self.calls;
        change.documents = self.documents;
        change.tallies = self.tallies;
    }
}

/// Reads a session from a store.
pub(crate) async fn read(store: &SharedStore, session: SessionId) -> Result<Option<Record>, StoreError> {
    match store.load(session).await? {
        Some(stored) => parse(&stored.body).map(Some),
        None => Ok(None),
    }
}

fn parse(body: &str) -> Result<Record, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn encode(record: &Record) -> String {
    // Maps have string keys and numbers are finite: serialisation cannot fail.
    serde_json::to_string(record).unwrap_or_default()
}

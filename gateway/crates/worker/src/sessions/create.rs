//! A new session: room, minutes, the record, the call, in the order of cost, and everything given back if it fails.
//! Without room the visitor waits for some.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use neoron_protocol::{
    ErrorCode, SessionId, UnixMillis,
    grant::Claims,
    session::{EndReason, Event, State},
};
use neoron_store::{Reservation, Start};
use serde::{Deserialize, Serialize};

use super::{
    life::{Report, advance, finish, release, report},
    request::{Request, is_language},
    seats,
    view::{Answer, Created},
    waiting,
};
use crate::{
    analytics::Counted,
    app::{App, Step, StepError},
    config::{Business, SiteConfig},
    http::{auth, problem::Refusal},
    jobs::{self, Job, Outcome},
    record::{Media, Record},
    tools, trace,
    ultravox::{CallBody, Error, Wanted},
};

/// When a visitor may come again whose network has as many calls as it may.
const NETWORK_AFTER: Duration = Duration::from_secs(30);
/// The same when the voice service named no time.
const VOICE_AFTER: Duration = Duration::from_secs(5);
/// The same while this process is leaving: another one takes over.
const DRAINING_AFTER: Duration = Duration::from_secs(1);
/// A budget is for a day; it is remembered until the last call of that day is long over.
const BUDGET_KEEP: Duration = Duration::from_secs(48 * 3_600);
const DAY_MILLIS: u64 = 24 * 3_600 * 1_000;
/// How long after the deadline of its creation a session without a call is given up by the queue.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// Who asks for a session, and what for; kept for as long as there is no room.
#[derive(Serialize, Deserialize)]
pub(super) struct Visit {
    /// The grant's, verified by the edge.
    pub(super) claims: Claims,
    /// The browser's.
    pub(super) request: Request,
    /// The client's network, under the name that the edge gave it.
    pub(super) network: Option<String>,
}

/// A session that is being made.
struct New {
    record: Record,
    ticket: String,
    tool_token: String,
}

/// Whether this worker starts sessions.
///
/// # Errors
/// 503 `draining`.
pub(super) fn may_start(app: &App) -> Result<(), Refusal> {
    if app.draining.load(Ordering::Relaxed) {
        return Err(Refusal::of(ErrorCode::Draining).after(DRAINING_AFTER));
    }
    Ok(())
}

/// Makes a session, or lets the visitor wait for room: behind those who wait already, unless there is room for them all.
///
/// # Errors
/// [`Refusal`]; nothing is taken then.
pub(super) async fn create(app: &Arc<App>, visit: Visit) -> Result<Answer, Refusal> {
    may_start(app)?;
    configured(app, &visit.claims)?;
    let session = SessionId::new(app.now(), app.random.bytes());
    let ahead = app.store.waiting(&visit.claims.iss).await?;
    let turn = match ahead {
        // Whether the site has room is found out by taking it.
        0 => true,
        _ => {
            let free = seats::free_of_site(app, &visit.claims.iss).await?;
            waiting::is_turn(ahead, app.local.room(app.config.capacity), free)
        }
    };
    let room = if turn { take_room(app, session, &visit).await? } else { None };
    match room {
        Some(room) => begin(app, session, visit, room).await.map(Answer::Created),
        None => waiting::join(app, session, visit).await,
    }
}

/// What the grant names.
fn configured<'a>(app: &'a App, claims: &Claims) -> Result<(&'a SiteConfig, &'a Business), Refusal> {
    let site = app.config.sites.get(&claims.iss);
    let site =
        site.ok_or_else(|| Refusal::because(ErrorCode::GrantUnknownKey, "the grant's site is not configured"))?;
    let business = app.config.businesses.get(&claims.biz);
    let unknown = || Refusal::because(ErrorCode::InvalidField, "the grant's business profile is not configured");
    Ok((site, business.ok_or_else(unknown)?))
}

/// For a call less of one's own network nobody waits in a room.
pub(super) fn network_is_full() -> Refusal {
    Refusal::of(ErrorCode::TooManyCalls).after(NETWORK_AFTER)
}

/// Room for a session: a slot here, and a seat each of its site and its network. `None` if this worker or the site is
/// full; then nothing is taken.
///
/// # Errors
/// 429 `too_many_calls` if the network is full: for that nobody waits.
pub(super) async fn take_room(app: &Arc<App>, session: SessionId, visit: &Visit) -> Result<Option<Slot>, Refusal> {
    let (_, business) = configured(app, &visit.claims)?;
    let lease = seats::call_lease(longest(&visit.claims, business));
    let site = &visit.claims.iss;
    if !seats::sit_for_network(app, visit.network.as_deref(), session, lease).await? {
        return Err(network_is_full());
    }
    let Some(slot) = Slot::take(app, session, site) else { return Ok(None) };
    Ok(seats::sit_for_site(app, site, session, lease).await?.then_some(slot))
}

/// Starts a session that has room. It runs to its end even if the visitor goes away in the middle.
///
/// # Errors
/// [`Refusal`]; room and minutes are free again then.
pub(super) async fn begin(app: &Arc<App>, session: SessionId, visit: Visit, slot: Slot) -> Result<Created, Refusal> {
    let (site, business) = configured(app, &visit.claims)?;
    let new = New::of(app, session, visit, business);
    if let Err(refusal) = reserve(app, &new.record, site.minutes_per_day.saturating_mul(60)).await {
        seats::try_rise(app, &new.record).await;
        return Err(refusal);
    }
    let created = start(app.clone(), new, slot);
    // On its own: a connection that is dropped must not leave a session half made.
    match app.local.tasks.spawn(trace::carried(created)).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::of(ErrorCode::Internal)),
    }
}

/// The longest call of a grant, in seconds.
fn longest(claims: &Claims, business: &Business) -> u32 {
    claims.max_s.min(business.max_seconds)
}

impl New {
    fn of(app: &App, session: SessionId, visit: Visit, business: &Business) -> Self {
        let Visit { claims, request, network } = visit;
        let now = app.now();
        let longest = longest(&claims, business);
        let granted = Some(claims.loc).filter(|loc| is_language(loc));
        let (ticket, tool_token) = (auth::new_token(&*app.random), auth::new_token(&*app.random));
        let record = Record {
            session,
            max_seconds: longest,
            budget: budget_key(&claims.iss, now),
            site: claims.iss,
            business: claims.biz,
            network,
            language: request.language.or(granted).unwrap_or_else(|| business.language.clone()),
            media: request.media,
            state: State::Initializing,
            created_at: now,
            joined_at: None,
            ended_at: None,
            end_reason: None,
            worker: app.id,
            call: None,
            ticket_hash: auth::hash_token(&ticket),
            tool_token_hash: auth::hash_token(&tool_token),
            consent: request.consent,
            customer: request.customer,
            context: Default::default(),
            ledger: Default::default(),
            documents: Vec::new(),
            interactions: Vec::new(),
            counters: Default::default(),
            outcome: None,
        };
        Self { record, ticket, tool_token }
    }

    fn body(&self, app: &App) -> CallBody {
        let record = &self.record;
        // The profile was found before, and configuration does not change while a worker runs.
        let business = app.config.businesses.get(&record.business);
        CallBody::of(Wanted {
            prompt: business.map_or("", |it| &it.prompt),
            greeting: business.map_or("", |it| &it.greeting),
            voice: business.and_then(|it| it.voice.as_deref()),
            language: &record.language,
            max_seconds: record.max_seconds,
            tools: tools::selected(app, &record.business, record.session, &self.tool_token),
            session: record.session.as_str(),
            site: &record.site,
            by_text: record.media == Media::Text,
            public_url: &app.config.public_url,
            webhook_secrets: &app.config.ultravox.webhook_secrets,
            shared_secrets: &app.config.ultravox.shared_secrets,
        })
    }
}

/// A slot that is given back unless the session comes to life.
pub(super) struct Slot {
    app: Arc<App>,
    session: SessionId,
    kept: bool,
}

impl Slot {
    fn take(app: &Arc<App>, session: SessionId, site: &str) -> Option<Self> {
        let taken = app.local.take(session, site, app.config.capacity);
        taken.then(|| Self { app: app.clone(), session, kept: false })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.kept {
            self.app.local.free(self.session);
        }
    }
}

/// The day's budget of a site. Days are UTC's, so that every worker means the same one.
fn budget_key(site: &str, now: UnixMillis) -> String {
    format!("{site}:{}", now.0 / DAY_MILLIS)
}

async fn reserve(app: &App, record: &Record, cap: u64) -> Result<(), Refusal> {
    let (holder, seconds) = (record.session.as_str(), u64::from(record.max_seconds));
    let reservation = app.store.reserve(&record.budget, holder, seconds, cap, BUDGET_KEEP).await?;
    let (Reservation::Reserved { left } | Reservation::Exhausted { left }) = reservation;
    app.metrics.budget(&record.site, left, cap);
    match reservation {
        Reservation::Reserved { .. } => Ok(()),
        Reservation::Exhausted { .. } => {
            let next_day = (record.created_at.0 / DAY_MILLIS + 1) * DAY_MILLIS;
            let wait = UnixMillis(next_day).since(record.created_at);
            Err(Refusal::of(ErrorCode::BudgetExhausted).after(wait))
        }
    }
}

async fn start(app: Arc<App>, new: New, mut slot: Slot) -> Result<Created, Refusal> {
    if let Err(error) = write(&app, &new.record).await {
        settle_unused(&app, &new.record).await;
        seats::try_rise(&app, &new.record).await;
        return Err(error.into());
    }
    let session = new.record.session;
    let call = app.ultravox.create_call(&*app.store, &*app.clock, &new.body(&app)).await;
    let call = match call {
        Ok(call) => call,
        Err(error) => {
            tracing::warn!(%session, %error, "a call could not be created");
            refuse(&app, session).await;
            seats::try_rise(&app, &new.record).await;
            return Err(unavailable(&app, &error));
        }
    };
    // From here on the session is alive for all others: its slot is freed by its end.
    slot.kept = true;
    ready(&app, session, &call.call_id).await?;
    if new.record.media == Media::Text {
        join(&app, session, &call.call_id, &call.join_url).await?;
    }
    let kept = Duration::from_secs(u64::from(new.record.max_seconds)) + app.config.keep_finished;
    Ok(Created {
        session: session.to_string(),
        state: State::Ready.as_str(),
        media: new.record.media.as_str(),
        join_url: (new.record.media == Media::Voice).then_some(call.join_url),
        events_url: format!("/v1/sessions/{session}/events"),
        ticket: new.ticket,
        max_seconds: new.record.max_seconds,
        expires_at: new.record.created_at.plus(kept).0,
    })
}

/// Writes the record, with the job that gives it up should this worker die before there is a call.
async fn write(app: &App, record: &Record) -> Result<(), StepError> {
    let mut step = Step::default();
    step.count(record, record.created_at, Counted::Started);
    step.enqueue(app, record.session, &Job::UpsertSession, Start::Now);
    let late = record.created_at.plus(app.config.ultravox.create_deadline).plus(GIVE_UP_AFTER);
    step.enqueue(app, record.session, &Job::CheckCreation, Start::At(late));
    app.create(record, step).await.map(drop)
}

/// The minutes of a session that never was. If this fails as well they are back tomorrow.
async fn settle_unused(app: &App, record: &Record) {
    if let Err(error) = app.store.settle(&record.budget, record.session.as_str(), 0).await {
        tracing::warn!(%error, "reserved minutes could not be given back");
    }
}

/// The call exists: from now on reports of it, and the poller, find the session.
async fn ready(app: &Arc<App>, session: SessionId, call: &str) -> Result<(), Refusal> {
    let done = app.step(session, |record, step| {
        advance(record, step, Event::CallCreated, app.now())?;
        if record.call.is_none() {
            record.call = Some(call.to_owned());
            step.calls.push(call.to_owned());
            let first = app.now().plus(app.config.poll_calls_every);
            step.enqueue(app, session, &Job::PollCall { call: call.to_owned() }, Start::At(first));
        }
        Ok::<(), neoron_protocol::session::Refused>(())
    });
    match done.await?.value {
        Ok(()) => Ok(()),
        // It was given up meanwhile; nobody will join the call, and it ends by itself.
        Err(_) => {
            release(app, session);
            Err(Refusal::of(ErrorCode::VoiceUnavailable).after(VOICE_AFTER))
        }
    }
}

/// Joins a text call. Its end is looked at at once, webhook or not.
async fn join(app: &Arc<App>, session: SessionId, call: &str, join_url: &str) -> Result<(), Refusal> {
    let (again, id) = (app.clone(), call.to_owned());
    let ended = move || async move { jobs::look_after(&again, session, &id).await };
    let Err(error) = app.legs.join(&app.local, session, join_url, ended).await else { return Ok(()) };
    tracing::warn!(%session, %error, "a text call could not be joined");
    let failed = Report { call: call.to_owned(), joined: None, end: Some((app.now(), EndReason::ConnectionError)) };
    report(app, session, &failed).await?;
    Err(Refusal::of(ErrorCode::VoiceUnavailable).after(VOICE_AFTER))
}

fn unavailable(app: &App, error: &Error) -> Refusal {
    let wait = error.retry_after(app.now()).unwrap_or(VOICE_AFTER);
    Refusal::of(ErrorCode::VoiceUnavailable).after(wait)
}

/// The call was refused for good, or for too long. If the step cannot be written, the queue does it later.
async fn refuse(app: &App, session: SessionId) {
    let now = app.now();
    let done = app.step(session, |record, step| finish(app, record, step, Event::CallRefused, now).is_ok()).await;
    if let Err(error) = done {
        tracing::warn!(%session, %error, "a refused session could not be ended at once");
    }
}

/// Gives up a session that still has no call, long after it should have one: the job of a worker that died.
pub(crate) async fn give_up(app: &Arc<App>, session: SessionId) -> Outcome {
    let now = app.now();
    let done = app.step(session, |record, step| {
        if record.call.is_none() {
            // A session that is over already stays as it is.
            let _ = finish(app, record, step, Event::CallRefused, now);
        }
        record.state.is_final()
    });
    match done.await {
        Ok(done) => {
            if done.value {
                release(app, session);
                seats::try_rise(app, &done.record).await;
            }
            Outcome::Done
        }
        Err(StepError::Gone) => Outcome::Done,
        Err(error) => Outcome::Retry { after: None, reason: error.to_string() },
    }
}

//! Which code runs which job, and how old a job may become.

use std::{sync::Arc, time::Duration};

use neoron_protocol::SessionId;
use neoron_store::Claimed;

use super::{Job, Outcome, calls};
use crate::{
    app::App,
    sessions,
    tools::{commands, documents},
    ultravox::Urgency,
    webhooks,
};

/// What must reach ERPNext is tried for a week: longer than a long weekend without anybody.
const ERPNEXT_AGE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Words that come minutes late answer another question.
const WORDS_AGE: Duration = Duration::from_secs(60);
/// News about an order is worth telling a while later.
const NEWS_AGE: Duration = Duration::from_secs(300);

/// Runs a job.
pub(super) async fn run(app: Arc<App>, claimed: Arc<Claimed>, job: Job) -> Outcome {
    let app = &app;
    match (job, claimed.lease.session) {
        (Job::ApplyCallWebhook { event, call, accepted_at }, _) => {
            webhooks::call(app, &event, &call, accepted_at).await
        }
        (Job::ApplyDocumentWebhook { update, accepted_at }, _) => documents::apply(app, &update, accepted_at).await,
        (Job::Quarantined { .. }, _) => Outcome::Bury { reason: "the webhook's body is not understood".to_owned() },
        (job, Some(session)) => of_session(app, &claimed, session, job).await,
        (_, None) => Outcome::Bury { reason: "the job names no session".to_owned() },
    }
}

async fn of_session(app: &Arc<App>, claimed: &Claimed, session: SessionId, job: Job) -> Outcome {
    match job {
        Job::UpsertSession => calls::upsert(app, session).await,
        Job::RunCommand { key } => commands::run(app, &claimed.lease, session, &key).await,
        Job::CompleteSession => calls::complete(app, session).await,
        Job::NotifyCall { text } => calls::notify(app, session, &text).await,
        Job::SendText { text } => calls::outcome(sessions::deliver(app, session, &text, Urgency::Immediate).await),
        Job::HangUp => calls::outcome(sessions::hang_up(app, session).await),
        Job::CheckCreation => sessions::give_up(app, session).await,
        Job::PollCall { call } => calls::poll(app, session, &call).await,
        Job::ApplyCallWebhook { .. } | Job::ApplyDocumentWebhook { .. } | Job::Quarantined { .. } => {
            Outcome::Bury { reason: "the job belongs to no session".to_owned() }
        }
    }
}

/// How old a job may become before it is given up; `None` for one that knows its own end.
pub(super) fn longest_age(job: &Job) -> Option<Duration> {
    match job {
        Job::UpsertSession | Job::RunCommand { .. } | Job::CompleteSession => Some(ERPNEXT_AGE),
        Job::SendText { .. } | Job::HangUp => Some(WORDS_AGE),
        Job::NotifyCall { .. } => Some(NEWS_AGE),
        Job::CheckCreation
        | Job::PollCall { .. }
        | Job::ApplyCallWebhook { .. }
        | Job::ApplyDocumentWebhook { .. }
        | Job::Quarantined { .. } => None,
    }
}

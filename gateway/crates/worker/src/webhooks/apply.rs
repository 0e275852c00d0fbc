//! Applying a webhook of Ultravox: to the session that its call was made for, or to the one that knows the call.

use std::{sync::Arc, time::Duration};

use neoron_protocol::UnixMillis;
use neoron_store::StoreError;
use serde_json::Value;

use crate::{
    app::{App, StepError},
    jobs::Outcome,
    sessions::{self, Applied, Report},
    ultravox::Call,
};

/// How long a webhook that came too early is kept.
const PARKED_FOR: Duration = Duration::from_secs(600);
/// How often it is looked at meanwhile.
const PARKED_EVERY: Duration = Duration::from_secs(2);

/// Applies a call object that came with an event.
pub(crate) async fn call(app: &Arc<App>, event: &str, object: &Value, accepted_at: UnixMillis) -> Outcome {
    let Some(call) = Call::read(object) else {
        return Outcome::Bury { reason: "the call object cannot be read".to_owned() };
    };
    let session = match session_of(app, &call).await {
        Ok(Some(session)) => session,
        Ok(None) => return park(app, accepted_at, "no session knows the call"),
        Err(error) => return Outcome::Retry { after: None, reason: error.to_string() },
    };
    let mut report = Report::from(&call);
    if event == "call.joined" {
        // The object may be of a later moment than the event; each is told by its own.
        report.end = None;
        report.joined = report.joined.or(Some(accepted_at));
    }
    match sessions::report(app, session, &report).await {
        Ok(Applied::Known | Applied::Foreign) => Outcome::Done,
        Ok(Applied::Early) => park(app, accepted_at, "the session does not know its call yet"),
        // It was kept for as long as anybody might ask for it.
        Err(StepError::Gone) => Outcome::Done,
        Err(error) => Outcome::Retry { after: None, reason: error.to_string() },
    }
}

async fn session_of(app: &App, call: &Call) -> Result<Option<neoron_protocol::SessionId>, StoreError> {
    match call.session() {
        Some(session) => Ok(Some(session)),
        None => app.store.by_call(&call.call_id).await,
    }
}

fn park(app: &App, accepted_at: UnixMillis, reason: &str) -> Outcome {
    if app.now().since(accepted_at) >= PARKED_FOR {
        return Outcome::Bury { reason: reason.to_owned() };
    }
    Outcome::Retry { after: Some(PARKED_EVERY), reason: reason.to_owned() }
}

//! `POST /v1/tools/{tool}`: Ultravox calls a tool.
//!
//! A caller without the session's token learns nothing. Behind it every request that is JSON gets a sentence with
//! status 200, because what a model is told of an error status is not documented.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use neoron_protocol::{
    QuoteId, RequestId, SessionId, UnixMillis,
    error::ErrorCode,
    frame::{Body, Tool as ToolFrame},
};
use neoron_store::StoreError;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    Profile, Sentence, Tool,
    answer::Answer,
    arguments, catalogue, checked, commands,
    desk::{self, Heard},
    queries,
    quoting::{self, Priced, Unpriced},
    validate,
};
use crate::{
    analytics::Counted,
    app::{App, Step, StepError},
    config::{Confirm, Quoter, ToolKind},
    http::{auth, problem::Refusal},
    ledger::Offer,
    record::Record,
    sessions,
};

/// The largest request body.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// The largest arguments of a command, in bytes: they are kept in the session until ERPNext has them.
const MAX_ARGUMENTS_BYTES: usize = 8 * 1024;
/// What is left of Ultravox's time-out for the way back: a result that comes late is thrown away there.
const WAY_BACK: Duration = Duration::from_millis(1_500);
/// Even the shortest time-out leaves time to write down what was asked.
const SHORTEST: Duration = Duration::from_millis(100);
/// How long an order may wait for its yes.
const QUOTE_LIFE: Duration = Duration::from_secs(600);

/// One call of a tool.
struct Call<'a> {
    app: &'a Arc<App>,
    profile: &'a Profile,
    tool: &'a Tool,
    record: Record,
    call_id: String,
    parameters: Map<String, Value>,
    arguments: Map<String, Value>,
    event_id: String,
    now: UnixMillis,
    until: Instant,
}

/// Answers a tool call.
pub(crate) async fn call(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let started = Instant::now();
    match answer(&app, &name, &headers, &body, started).await {
        Ok(answer) => {
            app.metrics.tool_answered(answer.status());
            Json(answer.to_json()).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(
    app: &Arc<App>,
    name: &str,
    headers: &HeaderMap,
    body: &[u8],
    started: Instant,
) -> Result<Answer, Refusal> {
    if body.len() > MAX_BODY_BYTES {
        return Err(refuse(ErrorCode::BodyTooLarge));
    }
    let record = authenticate(app, headers).await?;
    let found = app.tools.profile(&record.business).and_then(|profile| Some((profile, profile.tool(name)?)));
    let (profile, tool) = found.ok_or_else(|| refuse(ErrorCode::NotFound))?;
    let parsed = serde_json::from_slice(body).map_err(|_| refuse(ErrorCode::MalformedJson))?;
    let Value::Object(mut parameters) = parsed else { return Err(refuse(ErrorCode::MalformedJson)) };
    let call_id = parameters.remove("call_id");
    let call_id = call_id.as_ref().and_then(Value::as_str).unwrap_or_default();
    // A token may outlive its call, in a log of somebody else's: it opens nothing from another one.
    if record.call.as_deref() != Some(call_id) {
        return Err(refuse(ErrorCode::ToolTokenInvalid));
    }
    if record.state.is_final() {
        return Err(refuse(ErrorCode::SessionOver));
    }
    sessions::touch(app, &record);
    let (session, now) = (record.session, app.now());
    let call = Call {
        app,
        profile,
        tool,
        call_id: call_id.to_owned(),
        arguments: arguments::of(&tool.spec, &parameters),
        parameters,
        record,
        event_id: RequestId::new(now, app.random.bytes()).to_string(),
        now,
        until: started + deadline(tool.spec.timeout),
    };
    let answer = call.handle().await?;
    done(app, session, &tool.name, &answer).await;
    Ok(answer)
}

/// How long an answer may take.
fn deadline(timeout: Duration) -> Duration {
    timeout.saturating_sub(WAY_BACK).max(SHORTEST)
}

fn refuse(code: ErrorCode) -> Refusal {
    Refusal { code, detail: None, retry_after: None }
}

/// The session of the headers, if the token is its own. Whatever is wrong, the answer is the same.
async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Record, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let invalid = || refuse(ErrorCode::ToolTokenInvalid);
    let session = header("x-session-id").and_then(|id| SessionId::parse(id).ok()).ok_or_else(invalid)?;
    let token = header("x-tool-token").ok_or_else(invalid)?;
    let record = app.load(session).await?.ok_or_else(invalid)?;
    if !auth::same(&auth::hash_token(token), &record.tool_token_hash) {
        return Err(invalid());
    }
    Ok(record)
}

/// Tells the visitor that the call is answered, and counts it. An error costs a spinner and a statistic, nothing else.
async fn done(app: &App, session: SessionId, tool: &str, answer: &Answer) {
    let step = app.step(session, |record, step| {
        let now = app.now();
        step.tell(now, &Body::Tool(ToolFrame { tool: tool.to_owned(), phase: answer.phase() }));
        step.count(record, now, Counted::Tool { tool, status: answer.status() });
    });
    if let Err(error) = step.await {
        tracing::debug!(%session, %error, "the end of a tool call could not be shown");
    }
}

/// A session that is too large is something to say; everything else is a problem of ours.
fn spoken(result: Result<Answer, StepError>) -> Result<Answer, Refusal> {
    match result {
        Err(StepError::Store(StoreError::TooLarge { .. })) => {
            Ok(Answer::refused("That is more than I can take in one conversation. Please talk to a person."))
        }
        other => Ok(other?),
    }
}

impl Call<'_> {
    async fn handle(mut self) -> Result<Answer, Refusal> {
        if let Some(question) = self.question() {
            return self.noted(Answer::ask(question)).await;
        }
        match (self.tool.spec.kind, self.tool.spec.confirm) {
            (ToolKind::Query, _) => {
                self.note().await?;
                let arguments = std::mem::take(&mut self.arguments);
                Ok(queries::answer(self.app, self.profile, self.tool, &self.record, arguments, self.until).await)
            }
            (ToolKind::Command, Confirm::Quote) => self.quote().await,
            (ToolKind::Command, Confirm::None) => self.command().await,
            (ToolKind::Confirm, _) => self.confirm().await,
        }
    }

    /// What is wrong with the parameters, as a question.
    fn question(&self) -> Option<String> {
        let parameters = Value::Object(self.parameters.clone());
        if let Some(problem) = validate::problem(&self.tool.validator, &self.tool.spec.parameters, &parameters) {
            return Some(problem);
        }
        if self.tool.spec.kind != ToolKind::Query && parameters.to_string().len() > MAX_ARGUMENTS_BYTES {
            return Some("That is too much at once. Could you say it shorter?".to_owned());
        }
        let phone = arguments::text(&self.arguments, "customer_phone")?;
        arguments::phone(phone).is_none().then(|| "I did not get the phone number. Could you repeat it?".to_owned())
    }

    fn heard(&self) -> Heard<'_> {
        Heard {
            tool: &self.tool.name,
            parameters: &self.parameters,
            arguments: &self.arguments,
            event_id: &self.event_id,
            at: self.now,
        }
    }

    /// Writes the call down.
    async fn note(&self) -> Result<(), Refusal> {
        let heard = self.heard();
        self.app.step(self.record.session, |record, step| desk::note(record, step, &heard)).await?;
        Ok(())
    }

    /// Writes the call down and answers as given.
    async fn noted(&self, answer: Answer) -> Result<Answer, Refusal> {
        self.note().await?;
        Ok(answer)
    }

    async fn quote(&self) -> Result<Answer, Refusal> {
        let again = arguments::again(&self.parameters);
        let priced = match self.price(again).await {
            Ok(Ok(priced)) => priced,
            Ok(Err(key)) => {
                let answer = desk::already(&self.record, &key);
                return self.noted(answer).await;
            }
            Err(Unpriced::Ask(question)) => return self.noted(Answer::ask(question)).await,
            Err(Unpriced::Unavailable) => {
                return self.noted(queries::unavailable(self.profile, self.tool)).await;
            }
        };
        let said = self.profile.say(self.tool, Sentence::Say, &Value::Object(priced.context));
        let offer = Offer {
            tool: self.tool.name.clone(),
            title: self.tool.spec.title.clone(),
            content: priced.content,
            arguments: Value::Object(priced.arguments),
            lines: priced.lines,
            total: priced.total,
            say: said,
            held_until: priced.held_until,
        };
        let id = QuoteId::new(self.now, self.app.random.bytes());
        let heard = self.heard();
        let done = self.app.step(self.record.session, |record, step| {
            desk::note(record, step, &heard);
            desk::offer(record, step, offer.clone(), again, self.now, id, QUOTE_LIFE)
        });
        spoken(done.await.map(|done| done.value))
    }

    /// The priced offer, or the key of the command that the same was confirmed as.
    async fn price(&self, again: bool) -> Result<Result<Priced, String>, Unpriced> {
        let mut arguments = self.arguments.clone();
        arguments::complete(&mut arguments, &self.record.customer);
        let name = self.tool.spec.catalogue.as_deref().unwrap_or_default();
        let source = quoting::source(self.profile, self.tool, name);
        let answer = catalogue::current(self.app, &source, self.left()).await?;
        let placed = |content: &str| self.record.ledger.placed(&self.tool.name, content, again, self.now);
        if self.tool.spec.quoter == Some(Quoter::Catalogue) {
            let priced = quoting::order(&catalogue::Menu::read(&answer), arguments).map_err(Unpriced::Ask)?;
            if let Some(key) = placed(&priced.content) {
                return Ok(Err(key));
            }
            let session = self.record.session.as_str();
            return checked::order(self.app, self.tool, &source, session, priced, self.left()).await.map(Ok);
        }
        let zone = &self.app.config.erpnext.time_zone;
        let wanted = quoting::wanted(&catalogue::services(&answer), zone, arguments).map_err(Unpriced::Ask)?;
        // Asked before ERPNext is: what this session has booked is no longer free there.
        if let Some(key) = placed(&wanted.content) {
            return Ok(Err(key));
        }
        let session = self.record.session.as_str();
        quoting::slot(self.app, self.tool, session, wanted, self.left()).await.map(Ok)
    }

    async fn command(&self) -> Result<Answer, Refusal> {
        let mut arguments = self.arguments.clone();
        arguments::complete(&mut arguments, &self.record.customer);
        if let Err(answer) = queries::fill_own(self.tool, &self.record, &mut arguments) {
            return self.noted(answer).await;
        }
        let arguments = Value::Object(arguments);
        let heard = self.heard();
        self.take(|record, step| {
            desk::note(record, step, &heard);
            let face = commands::face(self.tool);
            desk::start(record, step, &self.call_id, &self.tool.name, arguments.clone(), face, self.now)
        })
        .await
    }

    async fn confirm(&self) -> Result<Answer, Refusal> {
        let reference = arguments::text(&self.parameters, "quote_id").unwrap_or_default();
        let offered_by = self.tool.spec.confirms.as_deref().unwrap_or_default();
        let heard = self.heard();
        self.take(|record, step| {
            desk::note(record, step, &heard);
            desk::confirm(record, step, offered_by, reference, self.now)
        })
        .await
    }

    async fn take(&self, decide: impl FnMut(&mut Record, &mut Step) -> desk::Taken) -> Result<Answer, Refusal> {
        let order =
            commands::Order { profile: self.profile, tool: self.tool, session: self.record.session, until: self.until };
        spoken(commands::take(self.app, &order, decide).await)
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_leaves_time_for_the_way_back() {
        assert_eq!(deadline(Duration::from_secs(10)), Duration::from_millis(8_500));
        assert_eq!(deadline(Duration::from_secs(1)), SHORTEST);
    }
}

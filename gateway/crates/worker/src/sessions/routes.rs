//! The browser's routes of a session.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use neoron_protocol::{ErrorCode, frame};
use tokio::time::Instant;

use super::{
    create::{self, Visit},
    request::{self, Request},
    talk,
    view::{Accepted, Answer, Created, Ending, SessionView, Waiting},
    waiting,
};
use crate::{
    app::App,
    http::{auth, body, fields::Fields, problem::Refusal},
    realtime,
};

/// Largest bodies, in bytes.
const MAX_CREATE_BYTES: usize = 8 * 1024;
const MAX_MESSAGE_BYTES: usize = 8 * 1024;
const MAX_END_BYTES: usize = 1024;
/// The longest id a client gives its message, in bytes.
const MAX_MESSAGE_ID: usize = 64;

/// Starts a session.
#[utoipa::path(
    post,
    path = "/v1/sessions",
    tag = "sessions",
    security(("grant" = [])),
    request_body(content = crate::openapi::NewSession, content_type = "application/json"),
    params(
        ("X-Neoron-Proof" = Option<String>, Header, description = "The solution of a challenge that a refusal came with: base64 of ALTCHA's payload."),
    ),
    responses(
        (status = 201, description = "The session and its call exist.", body = Created),
        (status = 202, description = "There is no room yet: the visitor waits, and asks for the place at `/v1/waiting/{id}`.", body = Waiting),
    )
)]
pub(crate) async fn create_session(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let result = create_from(&app, &headers, body).await;
    answer(&app, result, started)
}

async fn create_from(app: &Arc<App>, headers: &HeaderMap, body: Body) -> Result<Answer, Refusal> {
    let object = body::object(headers, body, MAX_CREATE_BYTES).await?;
    let claims = request::claims(headers)?;
    let request = Request::read(&object, app.now())?;
    create::create(app, Visit { claims, request, network: request::network(headers) }).await
}

fn answer(app: &App, result: Result<Answer, Refusal>, started: Instant) -> Result<Response, Refusal> {
    let outcome = match &result {
        Ok(Answer::Created(_)) => "created",
        Ok(Answer::Waits(_)) => "waits",
        Err(refusal) => refusal.code.as_str(),
    };
    app.metrics.session_started(outcome, started.elapsed());
    let fresh = [(header::CACHE_CONTROL, "no-store")];
    Ok(match result? {
        Answer::Created(created) => (StatusCode::CREATED, fresh, Json(created)).into_response(),
        Answer::Waits(place) => (StatusCode::ACCEPTED, fresh, Json(Waiting { waiting: place })).into_response(),
    })
}

/// Asks for a place in the waiting room, which keeps it; at its turn the session is made.
#[utoipa::path(
    post,
    path = "/v1/waiting/{id}",
    tag = "sessions",
    security(("waiting_ticket" = [])),
    params(("id" = String, Path, description = "The place's id.")),
    responses(
        (status = 201, description = "It was the visitor's turn: the session and its call exist.", body = Created),
        (status = 202, description = "The place, as it is now.", body = Waiting),
    )
)]
pub(crate) async fn ask_for_place(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let result = waiting::ask(&app, &id, auth::bearer(&headers)).await;
    answer(&app, result, started)
}

/// Leaves the waiting room.
#[utoipa::path(
    delete,
    path = "/v1/waiting/{id}",
    tag = "sessions",
    security(("waiting_ticket" = [])),
    params(("id" = String, Path, description = "The place's id.")),
    responses((status = 204, description = "There is no such place any more."))
)]
pub(crate) async fn leave_place(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    waiting::leave(&app, &id, auth::bearer(&headers)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Reads a session.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}",
    tag = "sessions",
    security(("ticket" = [])),
    params(("id" = String, Path, description = "The session's id.")),
    responses(
        (status = 200, description = "The session as it is now.", body = SessionView),
    )
)]
pub(crate) async fn read_session(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let session = auth::session_id(&id)?;
    let record = auth::open(&app, session, auth::bearer(&headers)).await?;
    let taken = realtime::snapshot(&app.store, session, app.now()).await?;
    let taken = taken.ok_or_else(|| Refusal::of(ErrorCode::SessionOver))?;
    let view = SessionView {
        session: session.to_string(),
        state: taken.snapshot.state.as_str(),
        media: record.media.as_str(),
        last_offset: taken.snapshot.upto,
        // Strings, numbers and lists: serialisation cannot fail.
        snapshot: serde_json::to_value(&taken.snapshot).unwrap_or_default(),
        epoch: taken.epoch,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(view)).into_response())
}

/// Types a message.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/messages",
    tag = "sessions",
    security(("ticket" = [])),
    params(("id" = String, Path, description = "The session's id.")),
    request_body(content = crate::openapi::NewMessage, content_type = "application/json"),
    responses(
        (status = 202, description = "It is kept and reaches the agent; a repeat of the same id changes nothing.", body = Accepted),
    )
)]
pub(crate) async fn send_message(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let session = auth::session_id(&id)?;
    auth::open(&app, session, auth::bearer(&headers)).await?;
    let object = body::object(&headers, body, MAX_MESSAGE_BYTES).await?;
    let fields = Fields::root(&object, &["id", "text"])?;
    let id = fields.required("id", fields.text("id", MAX_MESSAGE_ID)?)?;
    let text = fields.required("text", fields.text("text", frame::MAX_TEXT_BYTES)?)?;
    if id.len() > MAX_MESSAGE_ID || text.len() > frame::MAX_TEXT_BYTES {
        return Err(fields.wrong("text", &format!("and its id must be {} bytes at most", frame::MAX_TEXT_BYTES)));
    }
    talk::say(&app, session, id, text).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted: true })).into_response())
}

/// Hangs up.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/end",
    tag = "sessions",
    security(("ticket" = [])),
    params(("id" = String, Path, description = "The session's id.")),
    responses(
        (status = 202, description = "The end was asked for; its event follows. Of a session that is over, its state.", body = Ending),
    )
)]
pub(crate) async fn end_session(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let session = auth::session_id(&id)?;
    auth::open(&app, session, auth::bearer(&headers)).await?;
    let object = body::optional(&headers, body, MAX_END_BYTES).await?;
    Fields::root(&object, &[])?;
    let state = talk::end(&app, session).await?;
    Ok((StatusCode::ACCEPTED, Json(Ending { state: state.as_str() })).into_response())
}

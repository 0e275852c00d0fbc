//! `GET /v1/ultravox/data/{id}`: Ultravox dials us and tells a call as it happens.
//!
//! What is said becomes `transcript` events; the start of the call joins the session. Tools report themselves at their
//! own route, and what the visitor typed was written when it came, so both are passed over here. Nothing is ever sent
//! back.

mod lines;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    extract::{
        Path, State,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use http::HeaderMap;
use neoron_protocol::{ErrorCode, SessionId};
use neoron_store::NewEvent;
use serde_json::Value;
use tokio::time::Instant;

use self::lines::Lines;
use crate::{
    app::{App, Step},
    http::{auth, problem::Refusal},
    metrics::Open,
    sessions::{self, Report},
    ultravox::signature::{self, Rule, Verdict},
};

/// The largest message taken, in bytes: a line with all its words.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Events that wait for a store that does not answer; of more, the oldest are lost to the popup, not to the transcript.
const MAX_WAITING: usize = 256;
/// How soon a write that failed is tried again.
const WRITE_AGAIN: Duration = Duration::from_millis(500);
/// How long nothing may be heard. A call has silences, but not as long as the longest call.
const SILENCE: Duration = Duration::from_secs(3_600);

/// Takes a data connection.
#[utoipa::path(
    get,
    path = "/v1/ultravox/data/{id}",
    tag = "ultravox",
    security(("ultravox_data" = [])),
    params(("id" = String, Path, description = "The session's id.")),
    responses((status = 101, description = "The WebSocket is open; Ultravox sends its data messages."))
)]
pub(crate) async fn data_connection(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let session = auth::session_id(&id)?;
    let call = check(&app, &headers)?;
    let record = app.load(session).await?;
    let record = record.filter(|record| record.call.as_deref() == Some(&call));
    sessions::touch(&app, &record.ok_or_else(|| Refusal::of(ErrorCode::SignatureInvalid))?);
    let upgrade = upgrade.map_err(|_| Refusal::of(ErrorCode::UpgradeRequired))?;
    let upgrade = upgrade
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let tasks = app.local.tasks.token();
        Listener::new(&app, session, call).run(socket).await;
        drop(tasks);
    }))
}

/// The call that the handshake proves to be of.
fn check(app: &App, headers: &HeaderMap) -> Result<String, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let call = header(signature::DATA_CALL_ID).unwrap_or_default();
    let rule = Rule { secrets: &app.config.ultravox.shared_secrets, now: app.now(), window: app.config.webhook_window };
    let verdict = rule.data_connection(call, header(signature::DATA_TIMESTAMP), header(signature::DATA_SIGNATURE));
    match verdict {
        Verdict::Valid if !call.is_empty() => Ok(call.to_owned()),
        Verdict::Stale => Err(Refusal::of(ErrorCode::SignatureStale)),
        _ => Err(Refusal::of(ErrorCode::SignatureInvalid)),
    }
}

/// One connection.
struct Listener<'a> {
    app: &'a Arc<App>,
    session: SessionId,
    call: String,
    lines: Lines,
    /// What is not written yet.
    waiting: VecDeque<NewEvent>,
    _open: Open,
}

impl<'a> Listener<'a> {
    fn new(app: &'a Arc<App>, session: SessionId, call: String) -> Self {
        let open = Open::in_gauge(&app.metrics.connections);
        Self { app, session, call, lines: Lines::default(), waiting: VecDeque::new(), _open: open }
    }

    async fn run(mut self, mut socket: WebSocket) {
        loop {
            let due = self.due();
            tokio::select! {
                () = self.app.local.stop.cancelled() => break,
                message = tokio::time::timeout(SILENCE, socket.recv()) => match message {
                    Ok(Some(Ok(Message::Text(text)))) => self.hear(&text).await,
                    Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) | Err(_) => break,
                    Ok(Some(Ok(_))) => {}
                },
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            self.flush(false).await;
        }
        // Ultravox dials again; what was heard so far must not wait for that.
        self.flush(true).await;
    }

    /// When something must be written.
    fn due(&self) -> Option<Instant> {
        let retry = (!self.waiting.is_empty()).then(|| Instant::now() + WRITE_AGAIN);
        [retry, self.lines.due()].into_iter().flatten().min()
    }

    async fn hear(&mut self, text: &str) {
        let Ok(message) = serde_json::from_str::<Value>(text) else { return };
        match message["type"].as_str() {
            Some("transcript") => self.lines.hear(&message),
            Some("call_started") => self.joined().await,
            // State, tools, and whatever a newer service tells.
            _ => {}
        }
    }

    /// The call goes on: whoever reports it first moves the session.
    async fn joined(&self) {
        let report = Report { call: self.call.clone(), joined: Some(self.app.now()), end: None };
        if let Err(error) = sessions::report(self.app, self.session, &report).await {
            tracing::debug!(session = %self.session, %error, "a join could not be written; its webhook follows");
        }
    }

    /// Writes what is due, all at once.
    async fn flush(&mut self, everything: bool) {
        let mut step = Step::default();
        for line in self.lines.take(Instant::now(), everything) {
            step.tell(self.app.now(), &neoron_protocol::frame::Body::Transcript(line));
        }
        self.waiting.extend(step.events);
        while self.waiting.len() > MAX_WAITING {
            self.waiting.pop_front();
        }
        if self.waiting.is_empty() {
            return;
        }
        match self.app.store.append(self.session, self.waiting.iter().cloned().collect()).await {
            // `None`: the session is forgotten, and nobody reads.
            Ok(_) => self.waiting.clear(),
            Err(error) if error.is_transient() => {
                tracing::debug!(session = %self.session, %error, "lines wait for the store");
            }
            Err(error) => {
                tracing::warn!(session = %self.session, %error, "lines could not be written");
                self.waiting.clear();
            }
        }
    }
}

//! Refusals: one type, one place where it becomes a problem document (RFC 9457).
//!
//! A detail says what was wrong in our own words and never repeats what the caller sent.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use neoron_protocol::{ErrorCode, error::Problem};
use neoron_store::StoreError;

use crate::app::StepError;

/// What a client is told to wait when nobody knows better.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// A request that is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// Why; it decides the status.
    pub(crate) code: ErrorCode,
    /// What was wrong with this request.
    pub(crate) detail: Option<String>,
    /// When to come again; a refusal with 429 or 503 has one in any case.
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal that its code explains.
    pub(crate) fn of(code: ErrorCode) -> Self {
        Self { code, detail: None, retry_after: None }
    }

    /// A refusal that needs a word of explanation.
    pub(crate) fn because(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::of(code) }
    }

    /// Says when to come again.
    #[must_use]
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// The document.
    fn problem(&self) -> Problem {
        let problem = Problem::new(self.code);
        match &self.detail {
            Some(detail) => problem.with_detail(detail),
            None => problem,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        // Its message names no stored value.
        tracing::warn!(%error, "the store refused");
        match error {
            StoreError::TooLarge { .. } | StoreError::Corrupt(_) => Self::of(ErrorCode::Internal),
            StoreError::Unavailable(_) | StoreError::Full => Self::of(ErrorCode::StoreUnavailable),
        }
    }
}

impl From<StepError> for Refusal {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Gone => Self::of(ErrorCode::SessionOver),
            StepError::Repeat => Self::of(ErrorCode::Conflict),
            StepError::Busy => Self::of(ErrorCode::StoreUnavailable),
            StepError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let mut response = document(&problem);
        let wait = self.retry_after.or_else(|| matches!(problem.status, 429 | 503).then_some(COME_AGAIN));
        if let Some(wait) = wait {
            // Whole seconds, rounded up: who comes a little late is let in, who comes early is not.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        // The router writes the request's id into it.
        response.extensions_mut().insert(Pending(problem));
        response
    }
}

/// A problem that has no request id yet.
#[derive(Clone)]
struct Pending(Problem);

fn document(problem: &Problem) -> Response {
    // Strings and a number: serialisation cannot fail.
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, Problem::MEDIA_TYPE)], body).into_response()
}

/// Names the request in a response that is a refusal, and turns an error of the HTTP library into one.
pub(super) fn finish(mut response: Response, request: &str) -> Response {
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Pending>() {
        Some(Pending(problem)) => problem,
        None if status.is_client_error() || status.is_server_error() => Problem::new(code_of(status)),
        None => return response,
    };
    let finished = document(&problem.with_request_id(request));
    let (mut parts, body) = finished.into_parts();
    for name in [header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = response.headers_mut().remove(&name) {
            parts.headers.insert(name, value);
        }
    }
    Response::from_parts(parts, body)
}

/// The code of a status that the HTTP library answered with by itself.
fn code_of(status: StatusCode) -> ErrorCode {
    match status {
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
        StatusCode::UPGRADE_REQUIRED => ErrorCode::UpgradeRequired,
        StatusCode::REQUEST_TIMEOUT => ErrorCode::RequestTimeout,
        status if status.is_client_error() => ErrorCode::MalformedRequest,
        _ => ErrorCode::Internal,
    }
}

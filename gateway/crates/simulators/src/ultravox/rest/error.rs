//! Refusals and their answers. The shape of the real bodies is not documented; `{"detail": …}` and `{"field": […]}`
//! are a guess, which is one more reason for a client to treat them as opaque text.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::ultravox::create::fields::Complaints;

/// Why a request is not executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::ultravox) enum Refusal {
    #[error("fields of the body are not valid")]
    Invalid(Complaints),
    #[error("the body is no JSON object: {0}")]
    NotJson(String),
    #[error("Authentication credentials were not provided.")]
    Unauthenticated,
    #[error("Invalid API key.")]
    Forbidden,
    #[error("Not found.")]
    NotFound,
    #[error("The request body is too large.")]
    TooLarge,
    #[error("The call is not live.")]
    NotLive,
    #[error("The call has not ended.")]
    StillLive,
    #[error("Request was throttled.")]
    TooMany(Duration),
    #[error("The service is not available.")]
    Fault { status: u16, retry_after: u64 },
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::NotJson(_) | Self::StillLive => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotLive => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Fault { status, .. } => StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn body(&self) -> Value {
        match self {
            Self::Invalid(complaints) => json!(complaints.0),
            other => json!({"detail": other.to_string()}),
        }
    }

    /// Whole seconds, at least one.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(wait) => Some(wait.as_millis().div_ceil(1_000).try_into().map_or(1, |s: u64| s.max(1))),
            Self::Fault { retry_after, .. } => Some(*retry_after).filter(|seconds| *seconds > 0),
            _ => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

//! An answer of the edge's own, and its bytes. Its size is known, so it is always sent with one write.

use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use neoron_protocol::{ErrorCode, RequestId, UnixMillis, error::Problem};

/// A complete answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Headers beside `Content-Length`, `Date`, `Connection` and `X-Request-Id`. The values hold no line ends: they are
    /// our own texts, or were parsed as header values before.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Bytes,
    /// Set if this is a problem document.
    pub(crate) code: Option<ErrorCode>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), code: None }
    }

    /// A JSON answer; for operators, not for browsers.
    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        let body = Bytes::from(value.to_string());
        Self { status, headers: vec![("content-type", "application/json".into())], body, code: None }
    }

    /// A problem document.
    pub(crate) fn problem(code: ErrorCode, detail: &str, request: RequestId) -> Self {
        Self::document(code, Problem::new(code).with_detail(detail).with_request_id(request.as_str()))
    }

    /// A problem document with members of its own.
    pub(crate) fn document(code: ErrorCode, document: Problem) -> Self {
        // Strings and one integer: serialisation cannot fail.
        let body = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
        let headers = vec![
            ("content-type", Problem::MEDIA_TYPE.to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        Self { status: code.status(), headers, body, code: Some(code) }
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says when to come back; whole seconds, at least one, because 0 invites a tight loop.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1_000).max(1);
        self.with("retry-after", seconds.to_string())
    }

    /// The bytes on the wire. `HEAD` gets the headers of the `GET`, without the body.
    pub(crate) fn encode(&self, request: RequestId, now: UnixMillis, head_only: bool, close: bool) -> Vec<u8> {
        let reason = http::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(now.0));
        let mut text = String::with_capacity(512);
        // Writing to a String cannot fail.
        let _ = write!(text, "HTTP/1.1 {} {}\r\ndate: {date}\r\n", self.status, reason.unwrap_or("Status"));
        let _ = write!(text, "x-request-id: {request}\r\n");
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        // RFC 9110, 8.6: no Content-Length with 204 and 304.
        if !matches!(self.status, 204 | 304) {
            let _ = write!(text, "content-length: {}\r\n", self.body.len());
        }
        text.push_str(if close { "connection: close\r\n\r\n" } else { "\r\n" });
        let mut bytes = text.into_bytes();
        if !head_only && !matches!(self.status, 204 | 304) {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

//! What can go wrong with Ultravox, seen by its caller.
//!
//! Its error bodies have no documented shape and may repeat what we sent, so they stay inside: only the names of the
//! fields it complains about, which are its own words, are ever shown.

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode, header};
use neoron_protocol::UnixMillis;
use neoron_store::StoreError;

use crate::jobs::Outcome;

/// How much of an error's body is kept, in bytes.
pub(super) const KEPT_BYTES: usize = 1_024;
/// Field names shown at most, and their longest.
const SHOWN_FIELDS: usize = 8;
const FIELD_CHARS: usize = 40;
/// The longest wait that is taken from `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// No connection, or no answer in time. `sent` says whether the request may have arrived.
    Transport { sent: bool },
    /// An answer that says no.
    Refused(StatusCode),
    /// The call is not joined yet, or over.
    NotLive,
    /// A success that cannot be read.
    Unreadable,
    /// The account's creation rate leaves no room before the deadline.
    Crowded,
    /// The store, which keeps the account's rate, failed.
    Store(String),
}

/// When to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    For(Duration),
    Until(UnixMillis),
}

/// A request that did not do what was asked.
pub(crate) struct Error {
    kind: Kind,
    wait: Option<Wait>,
    /// The first [`KEPT_BYTES`] of the answer's body.
    said: Vec<u8>,
}

impl Error {
    fn new(kind: Kind) -> Self {
        Self { kind, wait: None, said: Vec::new() }
    }

    /// No connection, or no answer.
    pub(super) fn transport(error: &reqwest::Error) -> Self {
        Self::new(Kind::Transport { sent: !error.is_connect() })
    }

    /// The answer stopped in the middle, or did not come in time.
    pub(super) fn broken() -> Self {
        Self::new(Kind::Transport { sent: true })
    }

    /// An answer that says no.
    pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let said = body[..body.len().min(KEPT_BYTES)].to_vec();
        Self { kind: Kind::Refused(status), wait: retry_after(headers), said }
    }

    /// The call is not live.
    pub(super) fn not_live() -> Self {
        Self::new(Kind::NotLive)
    }

    /// A success that cannot be read.
    pub(super) fn unreadable() -> Self {
        Self::new(Kind::Unreadable)
    }

    /// No room within the account's rate before the deadline.
    pub(super) fn crowded(wait: Duration) -> Self {
        Self { wait: Some(Wait::For(wait)), ..Self::new(Kind::Crowded) }
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match &self.kind {
            Kind::Transport { .. } | Kind::Crowded | Kind::Store(_) => true,
            Kind::Refused(status) => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Kind::NotLive | Kind::Unreadable => false,
        }
    }

    /// Whether the call is not joined yet, or over.
    pub(crate) fn is_not_live(&self) -> bool {
        self.kind == Kind::NotLive
    }

    /// Whether there is no such call (any more).
    pub(crate) fn is_missing(&self) -> bool {
        matches!(&self.kind, Kind::Refused(status) if matches!(*status, StatusCode::NOT_FOUND | StatusCode::GONE))
    }

    /// The status of an answer that said no.
    pub(super) fn status(&self) -> Option<StatusCode> {
        if let Kind::Refused(status) = &self.kind { Some(*status) } else { None }
    }

    /// What the service asked to wait, at most ten minutes.
    pub(crate) fn retry_after(&self, now: UnixMillis) -> Option<Duration> {
        let wait = match self.wait? {
            Wait::For(wait) => wait,
            Wait::Until(at) => at.since(now),
        };
        Some(wait.min(MAX_RETRY_AFTER))
    }

    /// What a job does about it.
    pub(crate) fn to_outcome(&self, now: UnixMillis) -> Outcome {
        let reason = self.to_string();
        if self.is_transient() {
            Outcome::Retry { after: self.retry_after(now), reason }
        } else {
            Outcome::Bury { reason }
        }
    }

    /// The names of the fields that the answer complains about.
    fn fields(&self) -> Vec<String> {
        let Ok(serde_json::Value::Object(body)) = serde_json::from_slice(&self.said) else { return Vec::new() };
        let plain = |name: &&String| {
            name.len() <= FIELD_CHARS && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
        };
        body.keys().filter(plain).take(SHOWN_FIELDS).cloned().collect()
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(Kind::Store(error.to_string()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Transport { sent: false } => f.write_str("Ultravox cannot be reached"),
            Kind::Transport { sent: true } => f.write_str("Ultravox did not answer in time"),
            Kind::Refused(status) => {
                write!(f, "Ultravox answered {}", status.as_u16())?;
                match self.fields() {
                    fields if fields.is_empty() => Ok(()),
                    fields => write!(f, " about {}", fields.join(", ")),
                }
            }
            Kind::NotLive => f.write_str("the call is not live"),
            Kind::Unreadable => f.write_str("Ultravox's answer cannot be read"),
            Kind::Crowded => f.write_str("too many calls are being created"),
            Kind::Store(error) => f.write_str(error),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// `Retry-After` as whole seconds or as an HTTP date: the service's own sample reads both.
fn retry_after(headers: &HeaderMap) -> Option<Wait> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Wait::For(Duration::from_secs(seconds)));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Wait::Until(UnixMillis(u64::try_from(since.as_millis()).ok()?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_767_323_045_000); // 2026-01-02T03:04:05Z

    fn limited(after: &str) -> Error {
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, after.parse().unwrap())]);
        Error::refused(StatusCode::TOO_MANY_REQUESTS, &headers, b"")
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        assert_eq!(limited("7").retry_after(NOW), Some(Duration::from_secs(7)));
        assert_eq!(limited("Fri, 02 Jan 2026 03:04:12 GMT").retry_after(NOW), Some(Duration::from_secs(7)));
        assert_eq!(limited("Fri, 02 Jan 2026 03:04:00 GMT").retry_after(NOW), Some(Duration::ZERO), "it is over");
        assert_eq!(limited("soon").retry_after(NOW), None);
        assert_eq!(limited("99999999").retry_after(NOW), Some(MAX_RETRY_AFTER));
    }

    #[test]
    fn what_the_answer_repeats_is_never_shown() {
        let said = br#"{"systemPrompt": ["canary"], "a b": "canary", "detail": "canary"}"#;
        let error = Error::refused(StatusCode::BAD_REQUEST, &HeaderMap::new(), said);
        assert_eq!(error.to_string(), "Ultravox answered 400 about detail, systemPrompt");
        assert_eq!(format!("{error:?}"), error.to_string());
    }

    #[test]
    fn only_what_may_pass_is_transient() {
        let status =
            |status: u16| Error::refused(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), b"").is_transient();
        assert!([408, 429, 500, 502, 503, 504].into_iter().all(status));
        assert!(![400, 401, 402, 403, 404, 422].into_iter().any(status));
        assert!(!Error::not_live().is_transient());
    }
}

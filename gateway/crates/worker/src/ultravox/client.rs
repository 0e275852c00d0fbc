//! The REST client: one request, one answer, everything bounded. Only the creation of a call waits and tries again,
//! because a visitor waits for it; all else is repeated by jobs.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use neoron_store::{Clock, Limits};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Call, CallBody, Error, Message,
    line::{Line, Passed},
};
use crate::{config::UltravoxConfig, http_client, trace};

/// The largest answer read: a page of messages with tool results.
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;
/// Messages a page, and pages of one call at most: an hour of talk has some 1,000 messages.
const PAGE_SIZE: usize = 200;
const MAX_PAGES: usize = 20;
/// The first wait after a creation that failed without naming one; it doubles.
const CREATE_AGAIN: Duration = Duration::from_millis(250);
/// Path segments: everything but what RFC 3986 calls unreserved.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The URL or the key cannot be sent.
    #[error("ultravox.{0} cannot be used in a request")]
    Setting(&'static str),
    /// The HTTP client could not be built.
    #[error("the HTTP client for Ultravox cannot be built: {0}")]
    Http(#[from] reqwest::Error),
}

/// How urgently the agent reacts to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It interrupts itself: the visitor speaks.
    Immediate,
    /// At the next opportunity.
    Soon,
}

impl Urgency {
    fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::Soon => "soon",
        }
    }
}

/// A call that was created.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    /// Its id.
    pub(crate) call_id: String,
    /// Whoever holds it is the visitor: it goes to one browser or leg, and nowhere else.
    pub(crate) join_url: String,
}

/// Talks to the service.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: HeaderValue,
    line: Line,
    create_deadline: Duration,
    request_deadline: Duration,
}

impl Client {
    /// A client of the configured account.
    ///
    /// # Errors
    /// If a setting cannot be used in a request.
    pub(crate) fn new(config: &UltravoxConfig) -> Result<Self, ClientError> {
        let url = url::Url::parse(&config.url).map_err(|_| ClientError::Setting("url"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ClientError::Setting("url"));
        }
        let mut key = HeaderValue::from_str(config.api_key.expose()).map_err(|_| ClientError::Setting("api_key"))?;
        key.set_sensitive(true);
        Ok(Self {
            http: http_client::builder().build()?,
            base: format!("{}/api", config.url.trim_end_matches('/')),
            key,
            line: Line::new(config.creations_per_second, config.creations_per_minute, config.create_deadline),
            create_deadline: config.create_deadline,
            request_deadline: config.request_deadline,
        })
    }

    /// Creates a call, within the account's rate: in line with the others of this worker, and as long as the service
    /// asks for, if that ends before the deadline. A creation whose answer was lost leaves a call that nobody joins, which costs nothing and ends by
    /// itself.
    ///
    /// # Errors
    /// [`Error`], at the latest after the configured deadline; a transient one tells when to come again.
    pub(crate) async fn create_call(
        &self,
        limits: &dyn Limits,
        clock: &dyn Clock,
        body: &CallBody,
    ) -> Result<Created, Error> {
        let until = Instant::now() + self.create_deadline;
        let mut pause = CREATE_AGAIN;
        loop {
            if let Passed::Later(wait) = self.line.pass(limits, until).await? {
                return Err(Error::crowded(wait));
            }
            let (wait, error) = match self.create_once(body, until).await {
                Ok(created) => return Ok(created),
                Err(error) if !error.is_transient() => return Err(error),
                Err(error) => {
                    let wait = error.retry_after(clock.now()).unwrap_or(pause);
                    pause *= 2;
                    (wait, error)
                }
            };
            if Instant::now() + wait >= until {
                return Err(error);
            }
            tracing::debug!(%error, wait_ms = wait.as_millis(), "the creation of a call waits");
            tokio::time::sleep(wait).await;
        }
    }

    async fn create_once(&self, body: &CallBody, until: Instant) -> Result<Created, Error> {
        let left = until.saturating_duration_since(Instant::now());
        let request = self.request(Method::POST, "/calls".to_owned()).json(body);
        let answer = self.exchange("create_call", request, left).await?;
        serde_json::from_value(answer).map_err(|_| Error::unreadable())
    }

    /// Reads a call.
    ///
    /// # Errors
    /// [`Error`]; `is_missing` if there is none.
    pub(crate) async fn get_call(&self, call: &str) -> Result<Call, Error> {
        let request = self.request(Method::GET, path(call, ""));
        let answer = self.exchange("get_call", request, self.request_deadline).await?;
        Call::read(&answer).ok_or_else(Error::unreadable)
    }

    /// Reads a call's messages, oldest first; of an endless one the first 4,000.
    ///
    /// # Errors
    /// [`Error`]; `is_missing` if there is no such call.
    pub(crate) async fn messages(&self, call: &str) -> Result<Vec<Message>, Error> {
        let (mut messages, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let mut request = self.request(Method::GET, path(call, "/messages")).query(&[("pageSize", PAGE_SIZE)]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let mut page = self.exchange("list_messages", request, self.request_deadline).await?;
            let results = page["results"].take();
            messages.extend(serde_json::from_value::<Vec<Message>>(results).map_err(|_| Error::unreadable())?);
            cursor = page["next"].as_str().and_then(next_cursor);
            if cursor.is_none() {
                break;
            }
        }
        Ok(messages)
    }

    /// Says something to the agent as the visitor.
    ///
    /// # Errors
    /// [`Error`]; `is_not_live` if the call is not joined or over.
    pub(crate) async fn send_user_text(&self, call: &str, text: &str, urgency: Urgency) -> Result<(), Error> {
        let message = json!({"type": "user_text_message", "text": text, "urgency": urgency.as_str()});
        self.send_data_message(call, &message).await
    }

    /// Ends a call.
    ///
    /// # Errors
    /// As [`Client::send_user_text`].
    pub(crate) async fn hang_up(&self, call: &str) -> Result<(), Error> {
        self.send_data_message(call, &json!({"type": "hang_up"})).await
    }

    async fn send_data_message(&self, call: &str, message: &Value) -> Result<(), Error> {
        let request = self.request(Method::POST, path(call, "/send_data_message")).json(message);
        match self.exchange("send_data_message", request, self.request_deadline).await {
            Ok(_) => Ok(()),
            Err(error) if error.status() == Some(StatusCode::UNPROCESSABLE_ENTITY) => Err(Error::not_live()),
            Err(error) => Err(error),
        }
    }

    fn request(&self, method: Method, path: String) -> reqwest::RequestBuilder {
        self.http.request(method, self.base.clone() + &path).header("x-api-key", self.key.clone())
    }

    /// Sends a request and reads the answer's JSON; null for an empty one. The service is another company's: it gets
    /// neither a trace nor an id of a request of ours, which would let its records be joined with others.
    async fn exchange(
        &self,
        operation: &'static str,
        request: reqwest::RequestBuilder,
        deadline: Duration,
    ) -> Result<Value, Error> {
        let span = trace::outgoing(&format_args!("ultravox {operation}"), None, None);
        let exchange = async {
            let answer = request.send().await.map_err(|error| Error::transport(&error))?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = http_client::read_capped(answer, MAX_ANSWER_BYTES).await;
            if !status.is_success() {
                return Err(Error::refused(status, &headers, &body.unwrap_or_default()));
            }
            let body = body.map_err(|error| match error {
                http_client::ReadError::Broken => Error::broken(),
                http_client::ReadError::TooLong => Error::unreadable(),
            })?;
            if body.is_empty() {
                return Ok(Value::Null);
            }
            serde_json::from_slice(&body).map_err(|_| Error::unreadable())
        };
        let result = tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err(Error::broken()));
        match &result {
            Ok(_) => trace::succeeded(&span),
            Err(error) => trace::failed(&span, error.status().map(|status| status.as_u16()), "refused"),
        }
        result
    }
}

fn path(call: &str, rest: &str) -> String {
    format!("/calls/{}{rest}", utf8_percent_encode(call, SEGMENT))
}

/// The cursor of a link to the next page. The link itself is not followed: it may lead anywhere.
fn next_cursor(next: &str) -> Option<String> {
    let url = url::Url::parse(next).ok()?;
    let cursor = url.query_pairs().find(|(name, _)| name == "cursor")?.1;
    (!cursor.is_empty()).then(|| cursor.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_link_to_the_next_page_only_the_cursor_is_taken() {
        let link = "https://elsewhere.example/api/calls/c/messages?cursor=a%2Bb%3D&pageSize=2";
        assert_eq!(next_cursor(link).as_deref(), Some("a+b="));
        for other in ["", "cursor=1", "https://x/?pageSize=2", "https://x/?cursor="] {
            assert_eq!(next_cursor(other), None, "{other}");
        }
    }

    #[test]
    fn a_call_id_cannot_leave_its_segment() {
        assert_eq!(path("../accounts/me?x", "/messages"), "/calls/..%2Faccounts%2Fme%3Fx/messages");
    }
}

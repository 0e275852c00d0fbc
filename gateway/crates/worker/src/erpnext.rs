//! The client of ERPNext: one request at a time through a cap on concurrency and a circuit breaker, every answer read
//! into a value or a classified [`Error`].
//!
//! It never retries by itself (jobs do), never keeps cookies, and never logs a body.

mod breaker;
mod error;
pub(crate) mod site_time;
pub(crate) mod voice_session;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::BytesMut;
pub(crate) use error::{Class, Error};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::{sync::Semaphore, time::Instant};

use self::breaker::{Admission, Breaker, Report};
use crate::{app::Random, app::SystemRandom, config::ErpnextConfig, http_client};

/// The largest answer read; a menu of 1,000 dishes has some 200 kB.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// The longest wait that a `Retry-After` may ask for: the runner's own backoff goes further than that.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);
/// Path segments: everything but what RFC 3986 calls unreserved.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The URL, the site or the token cannot be sent, or the time zone is unknown.
    #[error("erpnext.{0} cannot be used in a request")]
    Setting(&'static str),
    /// The HTTP client could not be built.
    #[error("the HTTP client for ERPNext cannot be built: {0}")]
    Http(#[from] reqwest::Error),
}

/// Talks to one site.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    headers: HeaderMap,
    permits: Semaphore,
    breaker: Mutex<Breaker>,
}

impl Client {
    /// A client of the configured site.
    ///
    /// # Errors
    /// If a setting cannot be used in a request.
    pub(crate) fn new(config: &ErpnextConfig) -> Result<Self, ClientError> {
        let url = url::Url::parse(&config.url).map_err(|_| ClientError::Setting("url"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ClientError::Setting("url"));
        }
        if !site_time::is_zone(&config.time_zone) {
            return Err(ClientError::Setting("time_zone"));
        }
        let site = HeaderValue::from_str(&config.site).map_err(|_| ClientError::Setting("site"))?;
        let mut token = HeaderValue::from_str(&format!("token {}", config.token.reveal()))
            .map_err(|_| ClientError::Setting("token"))?;
        token.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, token),
            // The first decides at Frappe itself, the second behind its stock nginx.
            (HeaderName::from_static("x-frappe-site-name"), site.clone()),
            (header::HOST, site),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        // gunicorn's sync workers close after every answer, and a threaded one closes after two idle seconds: a pooled
        // connection would be dead more often than not.
        let http = http_client::builder().pool_max_idle_per_host(0).http1_only().build()?;
        Ok(Self {
            http,
            base: config.url.trim_end_matches('/').to_owned(),
            headers,
            permits: Semaphore::new(config.concurrency.max(1)),
            breaker: Mutex::new(Breaker::new(config.breaker_failures, config.breaker_pause)),
        })
    }

    /// Calls a whitelisted function and returns its `message`; null if it returned nothing.
    ///
    /// # Errors
    /// [`Error`], at the latest after `deadline`.
    pub(crate) async fn call(&self, method: &str, arguments: &Value, deadline: Duration) -> Result<Value, Error> {
        let path = format!("/api/method/{}", utf8_percent_encode(method, SEGMENT));
        let mut answer = self.request(Method::POST, &path, Some(arguments), deadline).await?;
        Ok(answer["message"].take())
    }

    /// Creates (`name` is `None`) or updates a document and returns it.
    pub(crate) async fn write(
        &self,
        doctype: &str,
        name: Option<&str>,
        fields: &Value,
        deadline: Duration,
    ) -> Result<Value, Error> {
        let method = if name.is_some() { Method::PUT } else { Method::POST };
        let mut answer = self.request(method, &resource(doctype, name), Some(fields), deadline).await?;
        Ok(answer["data"].take())
    }

    /// Reads a document.
    pub(crate) async fn read(&self, doctype: &str, name: &str, deadline: Duration) -> Result<Value, Error> {
        let mut answer = self.request(Method::GET, &resource(doctype, Some(name)), None, deadline).await?;
        Ok(answer["data"].take())
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Duration,
    ) -> Result<Value, Error> {
        let until = Instant::now() + deadline;
        // Half of the time may pass in the queue: what gets no place by then would not be answered in time either.
        let permit = tokio::time::timeout(deadline / 2, self.permits.acquire());
        let Ok(Ok(_permit)) = permit.await else { return Err(Error::unasked("queue_full", None)) };
        let mut pass = self.admit()?;
        let mut request = self.http.request(method, format!("{}{path}", self.base)).headers(self.headers.clone());
        request = request.header("x-frappe-request-id", request_id());
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = tokio::time::timeout_at(until, exchange(request)).await;
        let result = answer.unwrap_or_else(|_| Err(Error::transport(true)));
        let outage = result.as_ref().is_err_and(Error::is_outage);
        pass.report = if outage { Report::Failed } else { Report::Answered };
        if let Err(error) = &result {
            tracing::debug!(%error, "ERPNext did not do it");
        }
        result
    }

    fn admit(&self) -> Result<Pass<'_>, Error> {
        match self.breaker().admit(Instant::now()) {
            Admission::Wait(pause) => Err(Error::unasked("breaker_open", Some(pause))),
            // Until it is known otherwise: whoever drops the request midway tells nothing about ERPNext.
            admission => Ok(Pass { client: self, admission, report: Report::Abandoned }),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // Plain numbers: a panic elsewhere cannot leave it half changed.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An admitted request; tells the breaker how it went, also when it is dropped.
struct Pass<'a> {
    client: &'a Client,
    admission: Admission,
    report: Report,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.client.breaker().report(Instant::now(), self.admission, self.report);
    }
}

fn resource(doctype: &str, name: Option<&str>) -> String {
    let mut path = format!("/api/resource/{}", utf8_percent_encode(doctype, SEGMENT));
    if let Some(name) = name {
        path.push('/');
        path.extend(utf8_percent_encode(name, SEGMENT));
    }
    path
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Value, Error> {
    let mut answer = request.send().await.map_err(|error| Error::transport(!error.is_connect()))?;
    let status = answer.status();
    let retry_after = retry_after(answer.headers());
    let body = read(&mut answer, status).await?;
    if !status.is_success() {
        return Err(Error::from_answer(status, retry_after, &body));
    }
    serde_json::from_slice::<Value>(&body).ok().filter(Value::is_object).ok_or(Error::unreadable(status))
}

async fn read(answer: &mut reqwest::Response, status: StatusCode) -> Result<BytesMut, Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| Error::transport(true))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(Error::unreadable(status));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// Our own id of the request, hexadecimal: Frappe pastes it into an SQL comment, so nothing of a visitor may be in it.
fn request_id() -> String {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::{Router, extract::Path, http::Uri, routing::any};
    use serde_json::json;

    use super::*;
    use crate::config::Secret;

    async fn site(router: Router) -> ErpnextConfig {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        ErpnextConfig {
            url,
            site: "voice.localhost".into(),
            token: Secret::new("key:secret"),
            webhook_secrets: Vec::new(),
            time_zone: "Europe/London".into(),
            concurrency: 2,
            request_deadline: Duration::from_secs(20),
            breaker_failures: 2,
            breaker_pause: Duration::from_secs(60),
        }
    }

    const PATIENT: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_call_carries_the_sites_headers_and_returns_the_message() {
        let echo = |Path(method): Path<String>, headers: HeaderMap, body: String| async move {
            let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
            let request_id = text("x-frappe-request-id").len();
            json!({"message": [method, text("authorization"), text("x-frappe-site-name"), text("host"), text("cookie"), request_id, body]}).to_string()
        };
        let client = Client::new(&site(Router::new().route("/api/method/{method}", any(echo))).await).unwrap();
        let answer = client.call("app.do", &json!({"a": 1}), PATIENT).await.unwrap();
        let site = "voice.localhost";
        assert_eq!(answer, json!(["app.do", "token key:secret", site, site, "", 32, "{\"a\":1}"]));
    }

    #[tokio::test]
    async fn names_are_encoded_and_a_body_that_is_not_json_is_survived() {
        let paths = any(|uri: Uri| async move {
            if uri.path().ends_with("/s_1%2F2") {
                json!({"data": {"name": "s_1/2"}}).to_string()
            } else {
                "<html>".into()
            }
        });
        let client = Client::new(&site(Router::new().fallback(paths)).await).unwrap();
        assert_eq!(client.read("Voice Session", "s_1/2", PATIENT).await.unwrap()["name"], "s_1/2");
        assert_eq!(client.read("Voice Session", "x", PATIENT).await.unwrap_err().class(), Class::Unclear);
    }

    #[tokio::test]
    async fn an_answer_over_the_cap_is_refused() {
        let client =
            Client::new(&site(Router::new().fallback(any(|| async { "x".repeat(MAX_ANSWER_BYTES + 1) }))).await);
        assert_eq!(client.unwrap().call("big", &json!({}), PATIENT).await.unwrap_err().class(), Class::Unclear);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_site_that_is_down() {
        let mut config = site(Router::new()).await;
        config.url = "http://127.0.0.1:1".into();
        let client = Client::new(&config).unwrap();
        for _ in 0..2 {
            assert_eq!(client.call("ping", &json!({}), PATIENT).await.unwrap_err().class(), Class::Passing);
        }
        assert_eq!(client.call("ping", &json!({}), PATIENT).await.unwrap_err().class(), Class::Unasked);
    }

    #[tokio::test]
    async fn refusals_do_not_open_the_breaker() {
        let refuse =
            any(|| async { (StatusCode::EXPECTATION_FAILED, json!({"exc_type": "ValidationError"}).to_string()) });
        let client = Client::new(&site(Router::new().fallback(refuse)).await).unwrap();
        for _ in 0..5 {
            assert_eq!(client.call("book", &json!({}), PATIENT).await.unwrap_err().class(), Class::Refused);
        }
    }

    #[test]
    fn a_token_with_a_line_break_is_no_setting() {
        let mut config = ErpnextConfig {
            url: "https://erp.example.com".into(),
            site: "erp.example.com".into(),
            token: Secret::new("key:sec\nret"),
            webhook_secrets: Vec::new(),
            time_zone: "UTC".into(),
            concurrency: 1,
            request_deadline: PATIENT,
            breaker_failures: 1,
            breaker_pause: PATIENT,
        };
        assert!(matches!(Client::new(&config), Err(ClientError::Setting("token"))));
        config.token = Secret::new("key:secret");
        config.url = "erp".into();
        assert!(matches!(Client::new(&config), Err(ClientError::Setting("url"))));
    }
}

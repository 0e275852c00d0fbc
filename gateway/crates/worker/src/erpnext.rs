//! The client of ERPNext: each request goes through a circuit breaker and a gate that lets as many through at once as
//! ERPNext answers in good time, visitors' first; every answer is read into a value or a classified [`Error`].
//!
//! It never retries by itself (jobs do), never keeps cookies, and never logs a body.

mod breaker;
mod error;
mod gate;
mod limit;
mod meter;
pub(crate) mod site_time;
pub(crate) mod voice_session;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::BytesMut;
pub(crate) use error::{Class, Error};
pub(crate) use gate::Priority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub(crate) use meter::Meter;
use neoron_telemetry::Traceparent;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use self::{
    breaker::{Admission, Breaker, Pass, Report},
    gate::{Gate, Place},
    limit::Sample,
};
use crate::{app::Random, app::SystemRandom, config::ErpnextConfig, http_client, trace};

/// The largest answer read; a menu of 1,000 dishes has some 200 kB.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// The longest wait that a `Retry-After` may ask for: the runner's own backoff goes further than that.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);
/// A request that had less time than this and got no answer says more about us than about ERPNext.
const FAIR_TIME: Duration = Duration::from_secs(1);
/// Where Frappe has its functions and its documents.
const METHODS: &str = "/api/method/";
const RESOURCES: &str = "/api/resource/";
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
    gate: Gate,
    breaker: Mutex<Breaker>,
    meter: Meter,
}

impl Client {
    /// A client of the configured site.
    ///
    /// # Errors
    /// If a setting cannot be used in a request.
    pub(crate) fn new(config: &ErpnextConfig, meter: Meter) -> Result<Self, ClientError> {
        let url = url::Url::parse(&config.url).map_err(|_| ClientError::Setting("url"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ClientError::Setting("url"));
        }
        if !site_time::is_zone(&config.time_zone) {
            return Err(ClientError::Setting("time_zone"));
        }
        let site = HeaderValue::from_str(&config.site).map_err(|_| ClientError::Setting("site"))?;
        let mut token = HeaderValue::from_str(&format!("token {}", config.token.expose()))
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
        let gate = Gate::new(config.concurrency);
        meter.limit(gate.limit());
        Ok(Self {
            http,
            base: config.url.trim_end_matches('/').to_owned(),
            headers,
            gate,
            breaker: Mutex::new(Breaker::new(config.breaker_failures, config.breaker_pause)),
            meter,
        })
    }

    /// Calls a whitelisted function and returns its `message`; null if it returned nothing.
    ///
    /// # Errors
    /// [`Error`], at the latest after `deadline`.
    pub(crate) async fn call(
        &self,
        who: Priority,
        method: &str,
        arguments: &Value,
        deadline: Duration,
    ) -> Result<Value, Error> {
        let path = format!("{METHODS}{}", utf8_percent_encode(method, SEGMENT));
        let mut answer = self.request(who, Method::POST, &path, Some(arguments), deadline).await?;
        Ok(answer["message"].take())
    }

    /// Creates (`name` is `None`) or updates a document, for a job, and returns it.
    pub(crate) async fn write(
        &self,
        doctype: &str,
        name: Option<&str>,
        fields: &Value,
        deadline: Duration,
    ) -> Result<Value, Error> {
        let method = if name.is_some() { Method::PUT } else { Method::POST };
        let path = resource(doctype, name);
        let mut answer = self.request(Priority::Job, method, &path, Some(fields), deadline).await?;
        Ok(answer["data"].take())
    }

    /// Reads a document, for a job.
    pub(crate) async fn read(&self, doctype: &str, name: &str, deadline: Duration) -> Result<Value, Error> {
        let path = resource(doctype, Some(name));
        let mut answer = self.request(Priority::Job, Method::GET, &path, None, deadline).await?;
        Ok(answer["data"].take())
    }

    async fn request(
        &self,
        who: Priority,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Duration,
    ) -> Result<Value, Error> {
        let until = Instant::now() + deadline;
        let mut trip = self.admit(who, deadline).await?;
        let span = span_of(&method, path);
        let mut request = self.http.request(method, format!("{}{path}", self.base)).headers(self.headers.clone());
        request = request.header("x-frappe-request-id", request_id());
        if let Some(here) = trace::header(&span) {
            request = request.header(Traceparent::HEADER, here);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = tokio::time::timeout_at(until, exchange(request).instrument(span.clone())).await;
        let result = answer.unwrap_or_else(|_| Err(Error::transport(true)));
        trip.end(until, result.as_ref().err());
        match &result {
            Ok(_) => trace::succeeded(&span),
            Err(error) => {
                trace::failed(&span, error.status(), error.class().as_str());
                tracing::debug!(%error, "ERPNext did not do it");
            }
        }
        result
    }

    /// Waits for a place; half of the time may pass there: what gets none by then would not be answered in time either.
    async fn admit(&self, who: Priority, deadline: Duration) -> Result<Trip<'_>, Error> {
        // Asked before the queue as well: it does not move while the places are taken by those that get no answer.
        if let Some(pause) = self.breaker().wait(Instant::now()) {
            return Err(self.unasked("breaker_open", Some(pause)));
        }
        let waits = self.meter.waits(who);
        let entered = tokio::time::timeout(deadline / 2, self.gate.enter(who)).await;
        drop(waits);
        let place = match entered {
            Ok(Ok(place)) => place,
            Ok(Err(gate::Full)) => return Err(self.unasked("queue_full", None)),
            Err(_) => return Err(self.unasked("no_place", None)),
        };
        let sent = Instant::now();
        let admission = self.with_breaker(|breaker| breaker.admit(sent));
        match admission {
            Admission::Wait(pause) => Err(self.unasked("breaker_open", Some(pause))),
            // Until it is known otherwise: whoever drops the request midway tells nothing about ERPNext.
            Admission::Go(pass) => Ok(Trip { client: self, place, sent, pass, report: Report::Abandoned }),
        }
    }

    fn unasked(&self, why: &'static str, retry_after: Option<Duration>) -> Error {
        self.meter.unasked(why);
        Error::unasked(why, retry_after)
    }

    fn with_breaker<T>(&self, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = self.breaker();
        let (before, value) = (breaker.phase(), change(&mut breaker));
        let phase = breaker.phase();
        if phase != before {
            self.meter.phase(phase);
        }
        value
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // Plain numbers: a panic elsewhere cannot leave it half changed.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is under way; tells the breaker how it went, also when it is dropped.
struct Trip<'a> {
    client: &'a Client,
    place: Place<'a>,
    sent: Instant,
    pass: Pass,
    report: Report,
}

impl Trip<'_> {
    /// It came to its end; it had time until `until`.
    fn end(&mut self, until: Instant, error: Option<&Error>) {
        let now = Instant::now();
        self.client.meter.sent(now.saturating_duration_since(self.sent), error);
        let in_trouble = error.is_some_and(Error::is_outage);
        if in_trouble && now >= until && until.saturating_duration_since(self.sent) < FAIR_TIME {
            return;
        }
        let (report, sample) =
            if in_trouble { (Report::Failed, Sample::Trouble) } else { (Report::Answered, Sample::Answered) };
        self.report = report;
        self.place.report(now, sample);
        self.client.meter.limit(self.client.gate.limit());
    }
}

impl Drop for Trip<'_> {
    fn drop(&mut self) {
        let mut chance = [0; 4];
        SystemRandom.fill(&mut chance);
        let chance = u32::from_be_bytes(chance);
        self.client.with_breaker(|breaker| breaker.report(Instant::now(), self.pass, self.report, chance));
    }
}

fn resource(doctype: &str, name: Option<&str>) -> String {
    let mut path = format!("{RESOURCES}{}", utf8_percent_encode(doctype, SEGMENT));
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

/// What the request is done for: the id of a request or a job of ours, by which Frappe's monitor and log find it. Frappe
/// pastes it into an SQL comment, so nothing of a visitor may be in it.
fn request_id() -> String {
    trace::cause().map_or_else(random_id, |cause| cause.to_string())
}

/// For what a worker asks by itself: hexadecimal.
fn random_id() -> String {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
}

/// The span of a request: named by the function, or by the doctype and what is done to it. The document's name, which
/// may be a session's id, is left out.
fn span_of(method: &Method, path: &str) -> Span {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    if let Some(function) = decoded.strip_prefix(METHODS) {
        let name = function.rsplit('.').next().unwrap_or(function);
        return trace::outgoing(&format_args!("erpnext {name}"), Some(method), Some(&decoded));
    }
    let (doctype, one) = match decoded.strip_prefix(RESOURCES).and_then(|rest| rest.split_once('/')) {
        Some((doctype, _)) => (doctype, "/{name}"),
        None => (decoded.strip_prefix(RESOURCES).unwrap_or_default(), ""),
    };
    let deed = match *method {
        Method::POST => "create",
        Method::PUT => "update",
        _ => "read",
    };
    let template = format!("{RESOURCES}{doctype}{one}");
    trace::outgoing(&format_args!("erpnext {deed} {doctype}"), Some(method), Some(&template))
}

#[cfg(test)]
mod tests;

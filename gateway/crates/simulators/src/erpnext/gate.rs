//! The way of a request through the simulated site: faults, the queue before
//! the workers, the body, the work, and the answer's headers.
//!
//! A request whose client has gone is worked on all the same, as a real
//! site's worker does: a client's timeout says nothing about the effect.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::timeout;

use super::{
    api::Answer, cut::Scissors, failure::Failure, fault::Verdict, json::dumps_compact, request::Call, route,
    server::Inner,
};

/// The largest body, as on a site that sets nothing else.
const MAX_BODY: usize = 25 * 1024 * 1024;
/// After so long a worker of a real site is killed.
const WORKER_TIMEOUT: Duration = Duration::from_secs(120);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-frappe-request-id");

/// Serves one request of the site.
pub(super) async fn serve(
    State(inner): State<Arc<Inner>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response {
    inner.count(request.method().as_str(), request.uri().path());
    let (delay, failure, lose_answer) = match inner.judge() {
        Verdict::Serve { delay, lose_answer } => (delay, None, lose_answer),
        Verdict::Fail { delay, failure } => (delay, Some(failure), false),
        Verdict::Page503 => return unavailable(),
        Verdict::Cut => return cut(&scissors),
        Verdict::Hang => {
            let _ = timeout(WORKER_TIMEOUT, inner.stop.cancelled()).await;
            return cut(&scissors);
        }
    };
    let Ok(place) = Arc::clone(&inner.places).try_acquire_owned() else { return unavailable() };
    let echoed = request.headers().get(&REQUEST_ID).filter(|_| inner.options.monitor).cloned();
    let kib = body_kib(request.headers());
    let Ok(buffer) = Arc::clone(&inner.buffers).acquire_many_owned(kib).await else { return unavailable() };
    let call = match timeout(WORKER_TIMEOUT, read(request)).await {
        Ok(Some(call)) => call,
        Ok(None) => return html(StatusCode::PAYLOAD_TOO_LARGE, "<h1>Request Entity Too Large</h1>", None),
        Err(_) => return cut(&scissors),
    };
    let work = tokio::spawn(async move {
        let answer = work(&inner, &call, delay, failure).await;
        drop((place, buffer));
        answer
    });
    match work.await {
        Ok(Some(answer)) if !lose_answer => respond(answer, echoed),
        _ => cut(&scissors),
    }
}

/// Occupies a worker with a request. `None` when the simulator stops.
async fn work(inner: &Inner, call: &Call, delay: Duration, failure: Option<Failure>) -> Option<Answer> {
    let worker = inner.workers.acquire().await.ok()?;
    let spent = inner.options.latency + delay;
    if !spent.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(spent) => {}
            () = inner.stop.cancelled() => return None,
        }
    }
    let answer = match failure {
        Some(failure) => {
            let (version, _) = route::route(&call.method, call.uri.path());
            Answer::refused(&failure, version, inner.options.tracebacks)
        }
        None => inner.answer(call, spent),
    };
    drop(worker);
    Some(answer)
}

/// How much of the buffer a body gets: what it announces, else the most.
fn body_kib(headers: &HeaderMap) -> u32 {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let chunked = headers.contains_key(header::TRANSFER_ENCODING);
    let bytes: usize = length.unwrap_or(if chunked { MAX_BODY } else { 0 });
    u32::try_from(bytes.min(MAX_BODY).div_ceil(1_024)).unwrap_or(u32::MAX).max(1)
}

/// The request with its body; `None` when that is too large or broke off.
async fn read(request: Request) -> Option<Call> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.ok()?;
    Some(Call { method: parts.method, uri: parts.uri, headers: parts.headers, body })
}

fn cut(scissors: &Scissors) -> Response {
    scissors.cut();
    Response::new(Body::empty())
}

fn unavailable() -> Response {
    html(StatusCode::SERVICE_UNAVAILABLE, "<h1>503 Service Unavailable</h1>", None)
}

fn html(status: StatusCode, text: &str, allow: Option<&'static str>) -> Response {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Some(allow) = allow {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}

fn respond(answer: Answer, echoed: Option<HeaderValue>) -> Response {
    let (status, body, extra, user) = match answer {
        Answer::Html { status, text, allow } => return html(status, &text, allow),
        Answer::Json { status, body, headers, user } => (status, body, headers, user),
    };
    let mut response = Response::new(Body::from(dumps_compact(&body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("gunicorn"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store,no-cache,must-revalidate,max-age=0"));
    for (name, value) in extra {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(echoed) = echoed {
        headers.insert(REQUEST_ID, echoed);
    }
    set_cookies(headers, user.as_deref().unwrap_or("Guest"));
    response
}

/// The five cookies of every answer, also to a request with a token.
fn set_cookies(headers: &mut HeaderMap, user: &str) {
    let encoded = utf8_percent_encode(user, NON_ALPHANUMERIC).to_string();
    let name = encoded.split("%40").next().unwrap_or_default();
    for cookie in [
        "sid=Guest; Max-Age=259200; HttpOnly; Path=/; SameSite=Lax".to_owned(),
        "system_user=no; Path=/; SameSite=Lax".to_owned(),
        format!("full_name={name}; Path=/; SameSite=Lax"),
        format!("user_id={encoded}; Path=/; SameSite=Lax"),
        "user_image=; Path=/; SameSite=Lax".to_owned(),
    ] {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

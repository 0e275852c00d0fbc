//! One line of log and one count for each request, whichever driver answered it. The line never holds a path, a query
//! or a header: ids of sessions and credentials stand in them.

use std::time::{Duration, Instant};

use neoron_protocol::{ErrorCode, RequestId, WorkerId};

use crate::metrics::Metrics;

/// A request that is over.
pub(crate) struct Finished<'a> {
    pub(crate) request: RequestId,
    /// The route's name; a request that fits no route is `none`.
    pub(crate) route: &'static str,
    /// Unknown if the head could not be read.
    pub(crate) method: Option<&'a http::Method>,
    pub(crate) status: u16,
    pub(crate) began: Instant,
    /// Set if the edge answered with a problem of its own.
    pub(crate) code: Option<ErrorCode>,
    /// Who answered.
    pub(crate) worker: Option<WorkerId>,
}

/// Counts and logs it.
pub(crate) fn finished(metrics: &Metrics, over: &Finished<'_>) {
    let took = over.began.elapsed();
    metrics.answered(over.route, over.status, took);
    if let Some(code) = over.code {
        metrics.refused(code);
    }
    tracing::info!(
        target: "neoron_edge::access",
        request_id = %over.request,
        route = over.route,
        method = over.method.map(method),
        status = over.status,
        code = over.code.map(ErrorCode::as_str),
        worker = over.worker.map(tracing::field::display),
        ms = milliseconds(took),
        "request"
    );
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// A client may invent methods; the log does not repeat them.
fn method(method: &http::Method) -> &'static str {
    match *method {
        http::Method::GET => "GET",
        http::Method::HEAD => "HEAD",
        http::Method::POST => "POST",
        http::Method::OPTIONS => "OPTIONS",
        http::Method::PUT => "PUT",
        http::Method::DELETE => "DELETE",
        http::Method::PATCH => "PATCH",
        _ => "other",
    }
}

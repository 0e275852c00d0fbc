//! What a piece of work is done for, and where it is in a trace: the request's or the job's id, the spans of both, and
//! of what is asked of others meanwhile.
//!
//! A span holds kinds, names from the configuration, ids of requests and jobs, and outcomes. Never a session's id, an
//! argument, a text or a token.

use std::{fmt, future::Future};

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use neoron_protocol::{JobId, RequestId};
use neoron_store::Lease;
use neoron_telemetry::{TARGET, Traceparent};
use tracing::{Instrument as _, Span, field::Empty};

tokio::task_local! {
    static CAUSE: Cause;
}

/// Why something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody asked.
    Request(RequestId),
    /// It was promised.
    Job(JobId),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(id) => id.fmt(f),
            Self::Job(id) => id.fmt(f),
        }
    }
}

/// Does some work for this reason.
pub(crate) async fn because<F: Future>(cause: Cause, work: F) -> F::Output {
    CAUSE.scope(cause, work).await
}

/// Why the present work is done; `None` for what a worker does by itself.
pub(crate) fn cause() -> Option<Cause> {
    CAUSE.try_with(|cause| *cause).ok()
}

/// Work for a task of its own that goes on for the same reason, in the same span.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let (cause, span) = (cause(), Span::current());
    async move {
        match cause {
            Some(cause) => because(cause, work).await,
            None => work.await,
        }
    }
    .instrument(span)
}

/// The span of a request; goes on where the edge's span is. `route` is the route's pattern.
pub(crate) fn request(id: RequestId, method: &Method, route: &str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
        neoron.request_id = %id,
    );
    if !span.is_disabled() {
        let given = headers.get(Traceparent::HEADER).and_then(|value| value.to_str().ok());
        given.and_then(Traceparent::parse).inspect(|given| given.continue_in(&span));
    }
    span
}

/// Notes how a request was answered.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of a job's run; part of the trace that the job came from.
pub(crate) fn job(kind: &'static str, lease: &Lease, from: Option<Traceparent>) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "job",
        otel.name = %format_args!("job {kind}"),
        otel.kind = "consumer",
        otel.status_code = Empty,
        messaging.system = "neoron",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = kind,
        messaging.message.id = %lease.job,
        neoron.job.attempt = lease.attempt,
        neoron.job.outcome = Empty,
    );
    from.inspect(|from| from.continue_in(&span));
    span
}

/// Notes how a job's run went.
pub(crate) fn ran(span: &Span, outcome: &'static str) {
    span.record("neoron.job.outcome", outcome);
    if outcome != "done" {
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of a request to another system: `name` says what is asked for, `template` is the path without ids.
pub(crate) fn outgoing(name: &dyn fmt::Display, method: Option<&Method>, template: Option<&str>) -> Span {
    tracing::info_span!(
        target: TARGET,
        "outgoing",
        otel.name = %name,
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method.map(Method::as_str),
        url.template = template,
        http.response.status_code = Empty,
        error.type = Empty,
    )
}

/// Notes how a request to another system failed.
pub(crate) fn failed(span: &Span, status: Option<u16>, kind: &str) {
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    span.record("error.type", kind);
    span.record("otel.status_code", "ERROR");
}

/// Notes that a request to another system succeeded.
pub(crate) fn succeeded(span: &Span) {
    span.record("http.response.status_code", 200);
}

/// What the other side is told of the trace, if there is one.
pub(crate) fn header(span: &Span) -> Option<HeaderValue> {
    HeaderValue::try_from(Traceparent::of(span)?.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use neoron_protocol::UnixMillis;

    use super::*;

    #[tokio::test]
    async fn a_task_of_its_own_goes_on_for_the_same_reason() {
        let job = Cause::Job(JobId::new(UnixMillis(1), [7; 10]));
        assert_eq!(cause(), None);
        let told = because(job, async { tokio::spawn(carried(async { cause() })).await });
        assert_eq!(told.await.ok().flatten(), Some(job));
        let alone = because(job, async { tokio::spawn(async { cause() }).await });
        assert_eq!(alone.await.ok().flatten(), None);
    }
}

//! One line of log, one count and one span for each request, whichever driver answered it. None of them ever holds a
//! path, a query or a header: ids of sessions and credentials stand in them. Of the client there is its network only.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{Duration, Instant},
};

use http::{HeaderName, HeaderValue};
use neoron_protocol::{ErrorCode, RequestId, WorkerId};
use neoron_telemetry::{TARGET, Traceparent};
use tracing::{Level, Span, field::Empty};

use crate::{head::Head, metrics::Metrics, policy};

/// What a request leaves behind: where it came from and where it belongs. Without an exporter the span is none, and
/// nothing is allocated for it.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    network: Network,
    span: Span,
}

impl Trail {
    /// Begins the span of a request that just came from `client`. Only a trusted proxy may say which trace it is part
    /// of: from anybody else it begins one of its own, so that a stranger can neither join traces nor have them kept.
    pub(crate) fn begin(head: &Head, client: IpAddr, trusted: bool, request: RequestId) -> Self {
        let network = Network::of(client);
        // A span's name is fixed when it begins; making it is for those who have it kept.
        if !tracing::span_enabled!(target: TARGET, Level::INFO) {
            return Self { network, span: Span::none() };
        }
        let (method, route) = (method(&head.method), policy::pattern(head.path()));
        let name = [Some(method), route.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let span = tracing::info_span!(
            target: TARGET,
            "request",
            otel.name = name,
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
            error.type = Empty,
            neoron.request_id = %request,
            neoron.worker = Empty,
        );
        if trusted {
            let given = head.only(HeaderName::from_static(Traceparent::HEADER)).and_then(Traceparent::parse);
            given.inspect(|given| given.continue_in(&span));
        }
        Self { network, span }
    }

    /// The trail of a connection that never had a request.
    pub(crate) fn none(client: IpAddr) -> Self {
        Self { network: Network::of(client), span: Span::none() }
    }

    /// What the worker is told, so that its span is a part of this one.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let here = Traceparent::of(&self.span)?;
        let value = HeaderValue::try_from(here.to_string()).ok()?;
        Some((HeaderName::from_static(Traceparent::HEADER), value))
    }

    fn end(&self, over: &Finished<'_>) {
        if self.span.is_disabled() {
            return;
        }
        self.span.record("http.response.status_code", over.status);
        if let Some(code) = over.code {
            self.span.record("error.type", code.as_str());
        }
        if over.status >= 500 {
            self.span.record("otel.status_code", "ERROR");
        }
        if let Some(worker) = over.worker {
            self.span.record("neoron.worker", worker.as_str());
        }
    }
}

/// The network of a client: what tells where abuse comes from and does not tell who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network(IpAddr);

impl Network {
    /// An IPv4 address without its last 8 bits, an IPv6 address without its last 80: a site has 65,536 networks of its
    /// own behind that.
    fn of(client: IpAddr) -> Self {
        Self(match client.to_canonical() {
            IpAddr::V4(four) => {
                let [a, b, c, _] = four.octets();
                IpAddr::V4(Ipv4Addr::new(a, b, c, 0))
            }
            IpAddr::V6(six) => {
                let [a, b, c, ..] = six.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
            }
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, if self.0.is_ipv4() { 24 } else { 48 })
    }
}

/// A request that is over.
pub(crate) struct Finished<'a> {
    pub(crate) request: RequestId,
    pub(crate) trail: &'a Trail,
    /// The route's name; a request that fits no route is `none`.
    pub(crate) route: &'static str,
    /// Unknown if the head could not be read.
    pub(crate) method: Option<&'a http::Method>,
    pub(crate) status: u16,
    /// Bytes of the answer's body that were sent; none for what follows a switch of protocols.
    pub(crate) bytes: u64,
    pub(crate) began: Instant,
    /// How long a worker took to begin its answer.
    pub(crate) waited: Option<Duration>,
    /// Set if the edge answered with a problem of its own.
    pub(crate) code: Option<ErrorCode>,
    /// Who answered.
    pub(crate) worker: Option<WorkerId>,
}

/// Counts and logs it, and completes its span.
pub(crate) fn finished(metrics: &Metrics, over: &Finished<'_>) {
    let took = over.began.elapsed();
    metrics.answered(over.route, over.status, took);
    if let Some(code) = over.code {
        metrics.refused(code);
    }
    over.trail.end(over);
    tracing::info!(
        target: "neoron_edge::access",
        request_id = %over.request,
        trace_id = Traceparent::of(&over.trail.span).map(|here| tracing::field::display(here.trace_id())),
        route = over.route,
        method = over.method.map(method),
        status = over.status,
        bytes = over.bytes,
        ms = milliseconds(took),
        worker_ms = over.waited.map(milliseconds),
        code = over.code.map(ErrorCode::as_str),
        worker = over.worker.map(tracing::field::display),
        network = %over.trail.network,
        "request"
    );
}

/// To a thousandth: most answers take less than one.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0
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
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn of_a_client_its_network_is_told_and_no_more() {
        let of = |text: &str| Network::of(text.parse().unwrap()).to_string();
        assert_eq!(of("203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("::ffff:203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
    }
}

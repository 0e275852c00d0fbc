//! Requests that go to a worker by Pingora's `HttpProxy`.
//!
//! Only plumbing: the request was decided on before Pingora sees it, and arrives here as the connection's context. This
//! is the one module that instantiates Pingora's generic code, because compiling that takes half a minute.

mod faults;
mod gate;

use std::{
    any::Any,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use neoron_protocol::ErrorCode;
use pingora_core::{
    Error, ErrorType, Result,
    modules::http::HttpModules,
    upstreams::peer::{H1UpgradePolicy, HttpPeer},
};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, Session};

pub(crate) use self::gate::{Framing, Gate};
use crate::{
    answer::Answer,
    metrics::Failure,
    observe::{Finished, finished},
    policy::{self, Forward, NO_ROUTE, Refused, Shape},
    world::World,
};

/// The proxy.
pub(crate) struct Proxy {
    world: Arc<World>,
}

impl Proxy {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }
}

/// One request on its way.
#[derive(Default)]
pub(crate) struct Passage {
    forward: Option<Box<Forward>>,
    body_bytes: u64,
    /// When a worker was asked, the last one if there were several.
    asked: Option<Instant>,
    waited: Option<Duration>,
    refused: Option<Refused>,
    code: Option<ErrorCode>,
}

impl Passage {
    /// The decision; without one nothing may pass.
    fn forward(&mut self) -> Result<&mut Forward> {
        let missing = || Error::explain(ErrorType::InternalError, "a request reached the proxy undecided");
        self.forward.as_deref_mut().ok_or_else(missing)
    }
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Passage;

    fn new_ctx(&self) -> Passage {
        Passage::default()
    }

    /// None: the default would be compression, which neither problem documents nor event streams need.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    fn on_connection_reuse(&self, _session: &mut Session, passage: &mut Passage, decided: Box<dyn Any + Send + Sync>) {
        passage.forward = decided.downcast::<Forward>().ok();
    }

    async fn early_request_filter(&self, session: &mut Session, passage: &mut Passage) -> Result<()> {
        passage.forward()?;
        // Reading the head has set this to "for ever" for HTTP/1.1.
        let draining = self.world.drain.is_draining();
        let kept = session.get_keepalive().filter(|_| !draining).map(|_| self.world.config.idle_timeout.as_secs());
        session.set_keepalive(kept);
        session.set_read_timeout(Some(self.world.config.body_deadline));
        session.set_write_timeout(Some(self.world.config.body_deadline));
        Ok(())
    }

    async fn upstream_peer(&self, _session: &mut Session, passage: &mut Passage) -> Result<Box<HttpPeer>> {
        let config = &self.world.config;
        let forward = passage.forward()?;
        let mut peer = HttpPeer::new(forward.worker.address, false, String::new());
        let options = &mut peer.options;
        options.connection_timeout = Some(config.workers.connect_timeout);
        options.total_connection_timeout = Some(config.workers.connect_timeout);
        options.read_timeout = Some(forward.patience(config));
        options.write_timeout = Some(config.body_deadline);
        options.idle_timeout = Some(config.workers.keep_idle);
        // WebSockets never come this way; a request that asks for one here gets a plain answer.
        options.http_upstream_request_policy.h1_upgrade = H1UpgradePolicy::Deny;
        Ok(Box::new(peer))
    }

    async fn upstream_request_filter(
        &self,
        _session: &mut Session,
        request: &mut RequestHeader,
        passage: &mut Passage,
    ) -> Result<()> {
        let forward = passage.forward()?;
        let stripped: Vec<HeaderName> =
            request.headers.keys().filter(|name| policy::is_stripped(forward.route, name)).cloned().collect();
        for name in &stripped {
            request.remove_header(name);
        }
        for (name, value) in &forward.headers {
            request.insert_header(name.clone(), value.clone())?;
        }
        passage.asked = Some(Instant::now());
        Ok(())
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        _end_of_stream: bool,
        passage: &mut Passage,
    ) -> Result<()> {
        passage.body_bytes += body.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let bytes = passage.body_bytes;
        let Err(refused) = passage.forward()?.body_so_far(bytes, &self.world.config) else { return Ok(()) };
        let status = refused.code.status();
        passage.refused = Some(refused);
        Err(Error::explain(ErrorType::HTTPStatus(status), "the body was refused").into_down())
    }

    async fn response_filter(
        &self,
        _session: &mut Session,
        response: &mut ResponseHeader,
        passage: &mut Passage,
    ) -> Result<()> {
        passage.waited = passage.asked.map(|asked| asked.elapsed());
        let forward = passage.forward()?;
        let hidden: Vec<HeaderName> = response.headers.keys().filter(|name| policy::is_hidden(name)).cloned().collect();
        for name in &hidden {
            response.remove_header(name);
        }
        for (name, value) in forward.response_headers() {
            // `Vary` is a list: the worker may have its own.
            response.append_header(name, value)?;
        }
        if !response.headers.contains_key(header::CACHE_CONTROL) {
            response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))?;
        }
        Ok(())
    }

    /// An event stream has no word for "come back": while draining it ends before its next event, and the client asks
    /// another process for what follows the last event it got.
    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        _end_of_stream: bool,
        passage: &mut Passage,
    ) -> Result<Option<Duration>> {
        let stream = passage.forward()?.route.shape == Shape::Events;
        if stream && body.is_some() && self.world.drain.is_draining() {
            return Err(Error::explain(ErrorType::ConnectionClosed, "the process drains").into_down());
        }
        Ok(None)
    }

    /// Nothing was sent: another worker may have it.
    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        passage: &mut Passage,
        mut error: Box<Error>,
    ) -> Box<Error> {
        self.world.metrics.worker_failed(Failure::Connect);
        let turned = passage.forward.as_deref_mut().is_some_and(|forward| forward.turn(&self.world));
        error.set_retry(turned);
        error
    }

    /// A kept connection that the worker closed just then says nothing about the worker; the request may go again, if
    /// taking effect twice is impossible for it.
    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        passage: &mut Passage,
        reused: bool,
    ) -> Box<Error> {
        let repeatable = passage.forward.as_ref().is_some_and(|forward| forward.route.repeatable);
        if repeatable && !session.as_ref().retry_buffer_truncated() {
            error.retry.decide_reuse(reused);
        } else {
            error.set_retry(false);
        }
        error
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, passage: &mut Passage) -> FailToProxy {
        let over = FailToProxy { error_code: 0, can_reuse_downstream: false };
        let refused = match passage.refused.take() {
            Some(refused) => refused,
            None => {
                let Some(fault) = faults::judge(error) else { return over };
                if let Some(kind) = fault.failure {
                    self.world.metrics.worker_failed(kind);
                }
                Refused::new(fault.code, fault.detail)
            }
        };
        passage.code = Some(refused.code);
        let Some(forward) = passage.forward.as_deref() else { return over };
        let answer = Answer::problem(refused.code, refused.detail, forward.request);
        if session.response_written().is_none() && write(session, &answer, forward).await.is_err() {
            return over;
        }
        FailToProxy { error_code: answer.status, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _error: Option<&Error>, passage: &mut Passage) {
        let Some(forward) = passage.forward.as_deref() else {
            tracing::error!(route = NO_ROUTE, "a request reached the proxy undecided");
            return;
        };
        finished(
            &self.world.metrics,
            &Finished {
                request: forward.request,
                trail: &forward.trail,
                route: forward.route.name,
                method: Some(&session.req_header().method),
                // 499 is nginx's number for a client that left before its answer.
                status: session.response_written().map_or(499, |response| response.status.as_u16()),
                bytes: session.as_downstream().body_bytes_sent() as u64,
                began: forward.began,
                waited: passage.waited,
                code: passage.code,
                worker: Some(forward.worker.id),
            },
        );
    }

    /// Pingora's own line holds the path; ours does not.
    fn suppress_error_log(&self, _session: &Session, _passage: &Passage, _error: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _passage: &Passage,
        _error: &Error,
        _context: pingora_proxy::ProxyWarnLogContext,
    ) -> bool {
        true
    }
}

async fn write(session: &mut Session, answer: &Answer, forward: &Forward) -> Result<()> {
    let mut response = ResponseHeader::build(answer.status, Some(12))?;
    for (name, value) in answer.headers.iter().cloned().chain(forward.response_headers()) {
        response.insert_header(name, value)?;
    }
    response.insert_header(header::CONTENT_LENGTH, answer.body.len().to_string())?;
    session.set_keepalive(None);
    session.write_response_header(Box::new(response), false).await?;
    session.write_response_body(Some(answer.body.clone()), true).await
}

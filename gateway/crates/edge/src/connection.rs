//! One connection of a client: head after head, each decided on and handed to its driver.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::BytesMut;
use http::header;
use neoron_protocol::RequestId;
use pingora_core::{
    apps::{HttpServerApp, ServerApp},
    protocols::{Stream, http::ServerSession},
    server::ShutdownWatch,
};
use pingora_proxy::HttpProxy;
use tokio::{io::AsyncWriteExt, time::timeout};

use crate::{
    answer::Answer,
    clients,
    connections::Admitted,
    head::{Body, Head, Incoming, Refusal, Timing, read},
    observe::{Finished, Trail, finished},
    policy::{self, Action, Forward, NO_ROUTE, Shape},
    proxy::{Framing, Gate, Proxy},
    relay::{self, Held},
    scratch,
    world::World,
};

/// How long an answer may take to be taken, and a refused client to stop sending.
const FAREWELL: Duration = Duration::from_secs(2);
/// What is read of a refused body before the connection is cut: closing with unread bytes resets the connection, and a
/// reset can overtake the answer.
const DISCARDED_BYTES: usize = 512 * 1024;

/// The public port.
pub(crate) struct Front {
    world: Arc<World>,
    proxy: Arc<HttpProxy<Proxy>>,
}

/// A request whose head is read.
struct Request {
    head: Box<Head>,
    raw: BytesMut,
    /// What was read behind the head.
    behind: BytesMut,
    peer: IpAddr,
    /// Whether whoever connected is a proxy of ours.
    trusted: bool,
}

/// An answer of the edge's own, and whose it is.
struct Reply<'a> {
    name: RequestId,
    route: &'static str,
    began: Instant,
    trail: &'a Trail,
    answer: Answer,
}

impl Front {
    pub(crate) fn new(world: Arc<World>, proxy: HttpProxy<Proxy>) -> Self {
        Self { world, proxy: Arc::new(proxy) }
    }

    async fn serve(&self, mut stream: Stream, peer: IpAddr, shutdown: &ShutdownWatch) {
        let trusted = self.world.config.trusted_proxies.contains(&peer);
        let mut admitted = match self.world.connections.admit(clients::counted_as(peer), trusted) {
            Ok(admitted) => admitted,
            Err(refusal) => return self.refuse(stream, peer, refusal).await,
        };
        let config = &self.world.config;
        let timing = Timing { idle: config.idle_timeout, head: config.head_deadline };
        let mut phases = self.world.drain.phases();
        let mut kept = BytesMut::new();
        let mut served_before = false;
        loop {
            let phases = served_before.then_some(&mut phases);
            match read(&mut stream, &mut kept, self.world.head_limits(), timing, phases).await {
                Incoming::Closed => return,
                Incoming::Refused(refusal) => return self.refuse(stream, peer, refusal).await,
                Incoming::Head(head, raw) => {
                    let request = Request { head, raw, behind: std::mem::take(&mut kept), peer, trusted };
                    // Boxed: what a request needs is large, and an idle connection should not carry room for it.
                    let served = Box::pin(self.answer(stream, request, admitted, shutdown)).await;
                    let Some((back, behind, still_admitted)) = served else { return };
                    stream = back;
                    admitted = still_admitted;
                    served_before = true;
                    if !behind.is_empty() {
                        kept = behind;
                    }
                }
            }
        }
    }

    /// Answers a connection that is out of step, or one too many, and closes it.
    async fn refuse(&self, stream: Stream, peer: IpAddr, refusal: Refusal) {
        let request = self.world.new_request();
        let mut answer = Answer::problem(refusal.code, refusal.detail, request);
        if matches!(refusal.code.status(), 429 | 503) {
            answer = answer.retry_after(Duration::from_secs(5));
        }
        let over = Finished {
            request,
            trail: &Trail::none(peer),
            route: NO_ROUTE,
            method: None,
            status: answer.status,
            bytes: answer.body.len() as u64,
            began: Instant::now(),
            waited: None,
            code: Some(refusal.code),
            worker: None,
        };
        finished(&self.world.metrics, &over);
        let bytes = answer.encode(request, self.world.clock.now(), false, true);
        write_and_close(stream, &bytes).await;
    }

    /// One request; gives the connection back if it may have another.
    async fn answer(
        &self,
        stream: Stream,
        request: Request,
        admitted: Admitted,
        shutdown: &ShutdownWatch,
    ) -> Option<(Stream, BytesMut, Admitted)> {
        let busy = self.world.drain.begin();
        let (name, began) = (self.world.new_request(), Instant::now());
        let client = clients::address(request.peer, &request.head, &self.world.config.trusted_proxies);
        let trail = Trail::begin(&request.head, client, request.trusted, name);
        let incoming = policy::Incoming { head: &request.head, client, request: name, trail: &trail, began };
        let verdict = policy::decide(&self.world, &incoming).await;
        match verdict.action {
            Action::Answer(answer) => {
                let (stream, behind) = self
                    .reply(stream, request, Reply { name, route: verdict.route, began, trail: &trail, answer })
                    .await?;
                Some((stream, behind, admitted))
            }
            Action::Forward(mut forward) if forward.upgrade.is_some() => {
                let held = Held { _admitted: admitted, _busy: busy };
                let behind = !request.behind.is_empty();
                let (stream, answer, _held) =
                    relay::open(&self.world, stream, &request.head, &mut forward, behind, held).await?;
                // The client expected to speak another protocol: nothing that follows can be trusted to be HTTP.
                let closed = Request { head: Box::new(Head { keep_alive: false, ..*request.head }), ..request };
                let reply = Reply { name, route: verdict.route, began, trail: &trail, answer };
                self.reply(stream, closed, reply).await;
                None
            }
            Action::Forward(forward) => {
                let (stream, behind) = self.forward(stream, request, forward, shutdown).await?;
                Some((stream, behind, admitted))
            }
        }
    }

    /// Sends an answer of the edge's own.
    async fn reply(&self, mut stream: Stream, mut request: Request, reply: Reply<'_>) -> Option<(Stream, BytesMut)> {
        let Reply { name, route, began, trail, answer } = reply;
        let head = &request.head;
        // A body that has not come yet is not waited for; one that is here is skipped.
        let skipped = match head.body {
            Body::None => Some(0),
            Body::Fixed(length) => usize::try_from(length).ok().filter(|length| *length <= request.behind.len()),
            Body::Chunked => None,
        };
        let kept = skipped.filter(|_| head.keep_alive && !self.world.drain.is_draining());
        let head_only = head.method == http::Method::HEAD;
        let bytes = answer.encode(name, self.world.clock.now(), head_only, kept.is_none());
        let over = Finished {
            request: name,
            trail,
            route,
            method: Some(&head.method),
            status: answer.status,
            bytes: if head_only { 0 } else { answer.body.len() as u64 },
            began,
            waited: None,
            code: answer.code,
            worker: None,
        };
        finished(&self.world.metrics, &over);
        let Some(skipped) = kept else {
            write_and_close(stream, &bytes).await;
            return None;
        };
        let written = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        timeout(self.world.config.body_deadline, written).await.ok()?.ok()?;
        let _ = request.behind.split_to(skipped);
        Some((stream, request.behind))
    }

    /// Hands a request to Pingora, and takes the connection back.
    async fn forward(
        &self,
        stream: Stream,
        request: Request,
        forward: Box<Forward>,
        shutdown: &ShutdownWatch,
    ) -> Option<(Stream, BytesMut)> {
        let head = &request.head;
        let framing = match head.body {
            Body::None => Framing::Fixed(0),
            Body::Fixed(length) => Framing::Fixed(length),
            Body::Chunked => Framing::Open,
        };
        let config = &self.world.config;
        let keep = head.keep_alive && !head.has(header::UPGRADE) && !self.world.drain.is_draining();
        // A page that is left should end its event stream; half a close after a whole request is no reason to drop it.
        let abort_on_close = forward.route.shape == Shape::Events;
        let gate = Gate::new(stream, request.raw, request.behind, framing, config.body_deadline);
        let mut session = ServerSession::new_http1(Box::new(gate));
        session.set_keepalive(keep.then(|| config.idle_timeout.as_secs().max(1)));
        session.set_abort_on_close(abort_on_close);
        session.set_connection_user_context(Some(forward));
        let (stream, _) = self.proxy.process_new_http(session, shutdown).await?.consume();
        if !keep {
            return None;
        }
        stream.into_any().downcast::<Gate>().ok()?.into_parts()
    }
}

/// Writes, then waits a little for the client to have taken it.
async fn write_and_close(mut stream: Stream, bytes: &[u8]) {
    let farewell = async {
        if stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        let _ = AsyncWriteExt::shutdown(&mut stream).await;
        let (mut dropped, mut bin) = (0, BytesMut::new());
        while let Ok(count @ 1..) = scratch::read_into(&mut stream, &mut bin, usize::MAX).await {
            bin.clear();
            dropped += count;
            if dropped > DISCARDED_BYTES {
                return;
            }
        }
    };
    let _ = timeout(FAREWELL, farewell).await;
}

#[async_trait]
impl ServerApp for Front {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let digest = stream.get_socket_digest()?;
        let peer = digest.peer_addr()?.as_inet()?.ip().to_canonical();
        self.serve(stream, peer, shutdown).await;
        None
    }

    async fn cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}

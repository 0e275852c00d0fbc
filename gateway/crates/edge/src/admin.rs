//! The operators' port: is it alive, is it ready, what does it count, which workers does it see. Read only; it answers
//! nobody's visitors and has to be kept private.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::BytesMut;
use http::{Method, header};
use neoron_protocol::{ErrorCode, RequestId};
use neoron_telemetry::exposition;
use pingora_core::{apps::ServerApp, protocols::Stream, server::ShutdownWatch};
use serde_json::json;
use tokio::{io::AsyncWriteExt, time::timeout};

use crate::{
    answer::Answer,
    head::{Body, Head, Incoming, Timing, read},
    world::World,
};

/// Operators' tools are near and quick.
const TIMING: Timing = Timing { idle: Duration::from_secs(30), head: Duration::from_secs(5) };
const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// The admin port.
pub(crate) struct Admin {
    world: Arc<World>,
}

impl Admin {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    fn answer(&self, head: &Head, request: RequestId) -> Answer {
        if !matches!(head.method, Method::GET | Method::HEAD) {
            let detail = "the admin port only shows";
            return Answer::problem(ErrorCode::MethodNotAllowed, detail, request).with("allow", "GET, HEAD");
        }
        match head.path() {
            "/livez" => Answer::json(200, &json!({"status": "alive"})),
            "/readyz" => self.readiness(),
            "/metrics" => self.metrics(head),
            "/workers" => self.workers(),
            _ => Answer::problem(ErrorCode::NotFound, "the admin port has no such page", request),
        }
    }

    /// Ready while it can start sessions. ERPNext and the voice service are not asked: their failures degrade answers,
    /// and taking the edge away would make that an outage.
    fn readiness(&self) -> Answer {
        let store = self.world.roster.store_answers();
        let workers = self.world.roster.workers().iter().filter(|worker| worker.is_healthy()).count();
        let status = match (self.world.drain.is_draining(), store && workers > 0) {
            (true, _) => "draining",
            (false, true) => "ready",
            (false, false) => "degraded",
        };
        let code = if status == "ready" { 200 } else { 503 };
        Answer::json(code, &json!({"status": status, "store": store, "workers": workers}))
    }

    fn metrics(&self, head: &Head) -> Answer {
        self.world.metrics.connections(self.world.connections.count());
        let mut text = self.world.metrics.render();
        if let Some(more) = &self.world.more_metrics {
            // One exposition has one end.
            text.truncate(text.trim_end().trim_end_matches("# EOF").len());
            text.push_str(&more());
            text.push_str("# EOF\n");
        }
        let (kind, text) = exposition::negotiated(head.only(header::ACCEPT), text);
        let mut answer = Answer::empty(200).with("content-type", kind);
        answer.body = text.into();
        answer
    }

    fn workers(&self) -> Answer {
        let workers = self.world.roster.workers();
        let list: Vec<_> = workers
            .iter()
            .map(|worker| {
                json!({
                    "worker": worker.id,
                    "address": worker.address,
                    "load": worker.load,
                    "capacity": worker.capacity,
                    "draining": worker.draining,
                    "healthy": worker.is_healthy(),
                })
            })
            .collect();
        let (connections, busy) = (self.world.connections.count(), self.world.drain.busy());
        Answer::json(200, &json!({"workers": list, "connections": connections, "busy": busy}))
    }
}

#[async_trait]
impl ServerApp for Admin {
    async fn process_new(self: &Arc<Self>, mut stream: Stream, _shutdown: &ShutdownWatch) -> Option<Stream> {
        let mut kept = BytesMut::new();
        loop {
            let limits = self.world.head_limits();
            let request = self.world.new_request();
            // Not closed by a drain: operators watch it through this port.
            let (answer, close, head_only) = match read(&mut stream, &mut kept, limits, TIMING, None).await {
                Incoming::Closed => return None,
                Incoming::Refused(refusal) => (Answer::problem(refusal.code, refusal.detail, request), true, false),
                Incoming::Head(head, _) => {
                    let close = !head.keep_alive || head.body != Body::None;
                    (self.answer(&head, request), close, head.method == Method::HEAD)
                }
            };
            let bytes = answer.encode(request, self.world.clock.now(), head_only, close);
            let written = async {
                stream.write_all(&bytes).await?;
                stream.flush().await
            };
            timeout(WRITE_PATIENCE, written).await.ok()?.ok()?;
            if close {
                let _ = AsyncWriteExt::shutdown(&mut stream).await;
                return None;
            }
        }
    }
}

//! Workers: one that says what it was asked and echoes WebSockets, and one that answers whatever bytes a test wants.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use neoron_protocol::{UnixMillis, WorkerId};
use neoron_store::Beat;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A worker.
pub(crate) struct TestWorker {
    pub(crate) id: WorkerId,
    pub(crate) address: SocketAddr,
    pub(crate) load: u32,
    pub(crate) draining: bool,
    running: JoinHandle<()>,
}

fn new_id() -> WorkerId {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&NEXT.fetch_add(1, Ordering::SeqCst).to_be_bytes());
    WorkerId::new(UnixMillis(1), random)
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

impl TestWorker {
    /// A worker that tells what it was asked.
    pub(crate) async fn echo() -> Self {
        let (listener, address) = listen().await;
        let id = new_id();
        let app = Router::new()
            .route("/internal/health", get(health))
            .route("/v1/sessions/{id}/events", get(events))
            .fallback(any(tell))
            .with_state(id);
        let running = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { id, address, load: 0, draining: false, running }
    }

    /// A worker that is well, and answers every other connection with these bytes, then closes.
    pub(crate) async fn scripted(bytes: &'static [u8]) -> Self {
        Self::scripted_by(move |_| Some(bytes.to_vec())).await
    }

    /// The same, with the answer made from the head it got; without one it waits until the edge gives up.
    pub(crate) async fn scripted_by(answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let (listener, address) = listen().await;
        let answer = Arc::new(answer);
        let running = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                        let mut buffer = [0; 1_024];
                        match stream.read(&mut buffer).await {
                            Ok(count @ 1..) => head.extend_from_slice(&buffer[..count]),
                            _ => return,
                        }
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    let bytes = if head.starts_with("GET /internal/health ") {
                        Some(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec())
                    } else {
                        answer(&head)
                    };
                    if let Some(bytes) = bytes {
                        let _ = stream.write_all(&bytes).await;
                        let _ = stream.shutdown().await;
                    }
                    let mut bin = [0; 1_024];
                    while matches!(stream.read(&mut bin).await, Ok(1..)) {}
                });
            }
        });
        Self { id: new_id(), address, load: 0, draining: false, running }
    }

    pub(crate) fn beat(&self) -> Beat {
        let (worker, address, load, draining) = (self.id, self.address, self.load, self.draining);
        Beat { worker, address, load, capacity: 100, draining }
    }

    /// Dies as a killed process does: the port closes.
    pub(crate) async fn die(&mut self) {
        self.running.abort();
        let _ = (&mut self.running).await;
    }
}

impl Drop for TestWorker {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn health(State(id): State<WorkerId>, headers: HeaderMap) -> Response {
    if headers.get("x-neoron-edge").is_none_or(|key| key != super::KEY) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(json!({"worker": id, "load": 0, "capacity": 100, "draining": false})).into_response()
}

async fn tell(State(id): State<WorkerId>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let list: Vec<Value> =
        headers.iter().map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()])).collect();
    let told = json!({
        "worker": id,
        "method": method.as_str(),
        "path": uri.path(),
        "headers": list,
        "body": String::from_utf8_lossy(&body),
    });
    ([("server", "tell-nobody"), ("x-neoron-load", "3"), ("x-request-id", "r_mine")], Json(told)).into_response()
}

async fn events(
    State(id): State<WorkerId>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let body = format!("id: e:1\ndata: {{\"worker\":\"{id}\"}}\n\n");
        return ([("content-type", "text/event-stream")], body).into_response();
    };
    if headers.get("x-test-refuse").is_some() {
        return (
            StatusCode::UNAUTHORIZED,
            [("content-type", "application/problem+json")],
            "{\"code\":\"ticket_invalid\"}",
        )
            .into_response();
    }
    upgrade.protocols(["neoron.v1"]).on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let back = match message {
            Message::Text(_) | Message::Binary(_) => message,
            _ => continue,
        };
        if socket.send(back).await.is_err() {
            return;
        }
    }
}

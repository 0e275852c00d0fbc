//! A tap on the line to an outside system: passes every request on and keeps its head.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use crate::{outside::listener, stack::client};

/// The largest body that is passed on.
const BODY_BYTES: usize = 4 * 1024 * 1024;

/// The head of a request.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
}

impl Passed {
    /// A header; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The tap.
pub struct Tap {
    address: SocketAddr,
    line: Arc<Line>,
}

struct Line {
    to: SocketAddr,
    client: reqwest::Client,
    passed: Mutex<Vec<Passed>>,
}

impl Tap {
    /// Starts a tap before the server at `to`.
    ///
    /// # Errors
    /// If there is no port or no client.
    pub async fn start(to: SocketAddr) -> Result<Self> {
        let listener = listener().await?;
        let address = listener.local_addr()?;
        let line = Arc::new(Line { to, client: client()?, passed: Mutex::default() });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&line));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, line })
    }

    /// Its base.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came by, in its order.
    pub fn passed(&self) -> Vec<Passed> {
        self.line.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass(State(line): State<Arc<Line>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let head = Passed { path: parts.uri.path().to_owned(), headers: parts.headers.clone() };
    line.passed.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    let Ok(body) = to_bytes(body, BODY_BYTES).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let url = format!("http://{}{}", line.to, parts.uri);
    let sent = line.client.request(parts.method, url).headers(parts.headers).body(body).send().await;
    let Ok(answer) = sent else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
        headers.remove("transfer-encoding");
    }
    let body = answer.bytes().await.unwrap_or_default();
    response.body(Body::from(body)).unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
}

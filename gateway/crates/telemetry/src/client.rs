//! The HTTP client of the exporter: the process's own kind, instead of a second HTTP library.
//!
//! The exporter's thread waits for it outside of the async runtime, so each request is a task there. It tells once that
//! the collector does not answer, and once that it does again.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// A collector's answer counts what it refused; 64 KiB are a hundred times that.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Sends batches of spans.
pub(crate) struct Client {
    http: reqwest::Client,
    runtime: Handle,
    failing: AtomicBool,
}

impl Client {
    /// A client whose requests, from the connection to the end of the answer, take at most `patience`.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub(crate) fn new(patience: Duration, runtime: Handle) -> Result<Self, reqwest::Error> {
        // Fails only when a provider is installed already, which serves as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Ok(Self { http: builder.timeout(patience).build()?, runtime, failing: AtomicBool::new(false) })
    }

    fn tell(&self, arrived: bool) {
        match (self.failing.swap(!arrived, Ordering::Relaxed), arrived) {
            (false, false) => tracing::warn!("the collector takes no spans; they are dropped until it does"),
            (true, true) => tracing::info!("the collector takes spans again"),
            _ => {}
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let exchange = exchange(self.http.clone(), request);
        let answer = self.runtime.spawn(exchange).await.map_err(HttpError::from).and_then(|answer| answer);
        self.tell(answer.as_ref().is_ok_and(|answer| answer.status().is_success()));
        answer
    }
}

async fn exchange(http: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut answer = http.execute(request.try_into()?).await?;
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err("the collector's answer is too long".into());
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

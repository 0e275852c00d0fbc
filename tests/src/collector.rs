//! A collector of spans: takes OTLP over HTTP on a free port, keeps all of it, and shows it decoded and as it came.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use axum::{Router, extract::State, http::StatusCode, routing::post};
use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value},
};
use prost::Message as _;

use crate::outside::listener;

/// A span as it arrived; ids in hexadecimal.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its name.
    pub name: String,
    /// Its trace.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// Whose part it is; empty if nobody's.
    pub parent: String,
    /// Its attributes as texts.
    pub attributes: BTreeMap<String, String>,
    /// Whether its status is an error.
    pub failed: bool,
    /// Which service it is of.
    pub service: String,
}

/// The collector.
pub struct Collector {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    bodies: Vec<Bytes>,
}

impl Collector {
    /// Starts it.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start() -> Result<Self> {
        let (listener, kept) = (listener().await?, Arc::default());
        let address = listener.local_addr()?;
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, kept })
    }

    /// The configuration's table that sends everything here.
    pub fn table(&self) -> String {
        format!("[telemetry]\notlp_url = \"http://{}\"\n", self.address)
    }

    /// What has arrived.
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.kept).spans.clone()
    }

    /// All bytes that have arrived, as far as they are text.
    pub fn text(&self) -> String {
        lock(&self.kept).bodies.iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect()
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take(State(kept): State<Arc<Mutex<Kept>>>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body.clone()) else { return StatusCode::BAD_REQUEST };
    let mut spans = Vec::new();
    for resource in request.resource_spans {
        let of = resource.resource.map(|resource| texts(resource.attributes)).unwrap_or_default();
        let service = of.get("service.name").cloned().unwrap_or_default();
        spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans).map(|span| Span {
            name: span.name,
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            attributes: texts(span.attributes),
            failed: span.status.is_some_and(|status| status.code == 2),
            service: service.clone(),
        }));
    }
    let mut kept = lock(&kept);
    kept.spans.extend(spans);
    kept.bodies.push(body);
    StatusCode::OK
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    attributes.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(flag)) => flag.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

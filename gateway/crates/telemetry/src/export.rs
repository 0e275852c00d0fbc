//! The export of spans: OTLP over HTTP with protobuf bodies, in batches, from a thread of its own.
//!
//! Whoever ends a span never waits: the queue is bounded and a span that finds it full is dropped.

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use crate::{TARGET, client::Client};

/// Spans that wait at most; one has some 500 bytes, so this is 2 MB.
const QUEUE: usize = 4_096;
/// Spans in one request to the collector.
const BATCH: usize = 512;
/// How long a span waits for company.
const EVERY: Duration = Duration::from_secs(1);
/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last spans of a process may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where spans go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The collector's base, such as `http://127.0.0.1:4318`; the path `/v1/traces` is added.
    pub url: String,
    /// `service.name`.
    pub service: String,
    /// `service.version`.
    pub version: &'static str,
    /// Of 1,000 traces that begin here so many are kept; a trace that began elsewhere is kept if it was there.
    pub sample_per_mille: u16,
}

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No HTTP client.
    #[error("the HTTP client for the collector cannot be built")]
    Http(#[from] reqwest::Error),
    /// The URL is none.
    #[error("telemetry.otlp_url cannot be used: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// A running export.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Starts the export; requests to the collector are tasks of `runtime`. Nothing is sent before a span has ended.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(options: &Options, runtime: Handle) -> Result<Self, StartError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(PATIENCE, runtime)?)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(PATIENCE)
            .with_endpoint(format!("{}/v1/traces", options.url.trim_end_matches('/')))
            .build()?;
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(EVERY)
            .build();
        let resource = Resource::builder_empty().with_attributes([
            KeyValue::new("service.name", options.service.clone()),
            KeyValue::new("service.version", options.version),
        ]);
        let share = f64::from(options.sample_per_mille.min(1_000)) / 1_000.0;
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
            .with_resource(resource.build())
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(config).build())
            .build();
        Ok(Self { provider })
    }

    /// What the process's subscriber needs: the spans of [`TARGET`], and nothing that is logged.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let ours = filter_fn(|what| what.is_span() && what.target() == TARGET);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("neoron-voice"))
            // None of these is worth its bytes: the span's name says where it comes from.
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
    }

    /// Sends what is left, for a few seconds at most. Blocks: call it where a thread may wait, while the runtime runs.
    pub fn finish(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FAREWELL) {
            tracing::debug!(%error, "the last spans were not delivered");
        }
    }
}

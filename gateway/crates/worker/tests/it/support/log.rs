//! Everything the worker logs, of all tests of this binary, in one place.

use std::{
    io::{self, Write},
    sync::{Mutex, Once, PoisonError},
};

use tracing_subscriber::fmt::MakeWriter;

static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ONCE: Once = Once::new();

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Sinks;

impl MakeWriter<'_> for Sinks {
    type Writer = Sink;

    fn make_writer(&self) -> Sink {
        Sink
    }
}

/// Keeps all that our own code logs, at every level, and what libraries say at `info`, which is what anybody runs.
pub(crate) fn capture() {
    ONCE.call_once(|| {
        let filter = "info,neoron_worker=trace,neoron_store=trace,neoron_simulators=off";
        let events = tracing_subscriber::fmt::format::FmtSpan::FULL;
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_span_events(events)
            .with_ansi(false)
            .with_writer(Sinks)
            .init();
    });
}

/// What was logged so far.
pub(crate) fn text() -> String {
    String::from_utf8_lossy(&LOGGED.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

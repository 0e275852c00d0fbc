//! What the log says, and what it never says.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use crate::support::{ORIGIN, TOKEN, World, config, session, snapshot, start_session, webhook, worker::TestWorker};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The one test that may set the process's subscriber.
#[tokio::test(flavor = "multi_thread")]
async fn one_line_a_request_and_no_id_token_query_or_header_in_it() {
    let lines = Lines::default();
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(lines.clone()).init();
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let canary = "C4N4RYC4N4RYC4N4RYC4N4RYC4N4RYC4N4RYC4N4RYC";
    let text = snapshot(session(77)).replace(TOKEN, canary).replace(" HTTP", "?phone=0049123 HTTP");
    let first = world.ask(&text).await;
    assert_eq!(first.status, 200);
    let grant = world.grant("canary");
    assert_eq!(world.ask(&start_session(&grant, ORIGIN)).await.status, 200);
    let last = world.ask(&webhook("{\"name\":\"C4N4RY\"}").replace("c2ln", "C4N4RY")).await;
    assert_eq!(last.status, 200);
    let id = last.header("x-request-id").unwrap().to_owned();
    crate::support::until("the line", || async { lines.text().contains(&id) }).await;
    let text = lines.text();
    let line = text.lines().find(|line| line.contains(first.header("x-request-id").unwrap())).unwrap();
    for part in ["route=\"session\"", "method=\"GET\"", "status=200", worker.id.as_str(), "network=127.0.0.0/24"] {
        assert!(line.contains(part), "{line}");
    }
    let bytes = format!("bytes={} ms=", first.body.len());
    assert!(line.contains(&bytes) && line.contains("worker_ms="), "{line}");
    assert!(!line.contains("127.0.0.1") && !line.contains("trace_id"), "{line}");
    for secret in ["C4N4RY", session(77).as_str(), "0049123", grant.as_str(), "pizza", crate::support::KEY] {
        assert!(!text.contains(secret), "{secret}");
    }
}

//! What operators see.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use neoron_tests::{Stack, eventually, within};

use crate::talk;

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_a_bad_signature_is_refused_and_counted() {
    let stack = Stack::start("").await.unwrap();
    let forged = stack
        .client
        .post(format!("{}/webhook/ultravox", stack.url()))
        .header("content-type", "application/json")
        .header("x-ultravox-webhook-timestamp", "2026-11-24T10:00:00Z")
        .header("x-ultravox-webhook-signature", "00")
        .body("{}");
    let answer = within(forged.send()).await.unwrap().unwrap();
    assert_eq!(answer.status(), 401);
    // The edge counts a request when its answer is gone.
    let counted = || async {
        let metrics = stack.metrics().await.ok()?;
        metrics.contains("voice_edge_requests_total{route=\"webhook_ultravox\"").then_some(metrics)
    };
    let metrics = eventually("the count", counted).await.unwrap();
    let counted = metrics.lines().find(|line| line.starts_with("voice_webhook_total{") && line.contains("ultravox"));
    assert!(counted.is_some_and(|line| line.contains("worker=\"w_") && line.ends_with(" 1")), "{metrics}");
    assert!(!metrics.contains("# EOF"), "{metrics}");
    let open = stack.metrics_as("application/openmetrics-text; version=1.0.0").await.unwrap();
    assert!(open.contains("# TYPE voice_edge_requests counter") && open.ends_with("# EOF\n"), "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_is_named_as_prometheus_wants_it() {
    let stack = Stack::start("").await.unwrap();
    let session = stack.session().await.unwrap();
    let mut socket = stack.socket(&session).await.unwrap();
    within(talk::order(&mut socket)).await.unwrap().unwrap();
    let metrics = stack.metrics().await.unwrap();
    for name in [
        "voice_build_info{version=",
        "voice_budget_seconds{worker=",
        "voice_tool_call_total{",
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
        "process_open_fds ",
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    let ours = |line: &&str| ["voice_", "process_", "#"].iter().any(|prefix| line.starts_with(prefix));
    assert_eq!(metrics.lines().find(|line| !ours(line)), None, "one prefix for all that is ours");
    let (said, fine) = promtool(&metrics);
    assert!(fine && said.is_empty(), "{said}\n{metrics}");
}

/// What Prometheus's own tool finds in a text, and whether it is content.
fn promtool(metrics: &str) -> (String, bool) {
    let command =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = command.expect("promtool is missing: `cargo xtask setup` installs it");
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.success())
}

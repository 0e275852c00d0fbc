//! What operators see.

use neoron_tests::{Stack, within};

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
    let metrics = stack.metrics().await.unwrap();
    let counted = metrics.lines().find(|line| line.starts_with("voice_webhook_total{") && line.contains("ultravox"));
    assert!(counted.is_some_and(|line| line.contains("worker=\"w_") && line.ends_with(" 1")), "{metrics}");
    assert!(metrics.contains("neoron_edge_requests_total") && metrics.ends_with("# EOF\n"), "{metrics}");
}

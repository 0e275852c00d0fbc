//! Paths, methods, bodies, credentials, and pages of other origins.

use std::time::Duration;

use neoron_edge::{EdgeConfig, LimitConfig};
use neoron_store::Rate;

use crate::support::{ORIGIN, TOKEN, World, config, session, snapshot, webhook, worker::TestWorker};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_served_is_a_problem_document() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    world.ask("GET /internal/health HTTP/1.1\r\nHost: a\r\n\r\n").await.is_problem(404, "not_found");
    let reply = world.ask("PUT /v1/sessions HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(reply.header("allow"), Some("POST, OPTIONS"));
    reply.is_problem(405, "method_not_allowed");
    let large = webhook("{}").replace("Content-Length: 2", "Content-Length: 65537");
    world.ask(&large).await.is_problem(413, "body_too_large");
    let with_body = snapshot(session(1)).replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n{}");
    world.ask(&with_body).await.is_problem(413, "body_too_large");
    let form = webhook("{}").replace("application/json", "application/x-www-form-urlencoded");
    world.ask(&form).await.is_problem(415, "unsupported_media_type");
    let typed = webhook("{}").replace("application/json", "application/json; charset=utf-8");
    assert_eq!(world.ask(&typed).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_its_credential_never_reaches_a_worker() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let session = session(1);
    let get = |path: &str, lines: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let post = |path: &str, lines: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n{lines}\r\n{{}}"
        )
    };
    let snapshot = format!("/v1/sessions/{session}");
    let cases = [
        (get(&snapshot, ""), 401, "ticket_invalid"),
        (get(&snapshot, "Authorization: Bearer short\r\n"), 401, "ticket_invalid"),
        (get(&snapshot, &format!("Authorization: Bearer {TOKEN}\r\n").repeat(2)), 401, "ticket_invalid"),
        (post(&format!("{snapshot}/messages"), ""), 401, "ticket_invalid"),
        (get("/v1/analytics?from=2026-11-01&to=2026-11-02", ""), 401, "staff_token_invalid"),
        (post("/v1/tools/placeOrder", ""), 401, "tool_token_invalid"),
        (post("/v1/tools/placeOrder", &format!("X-Tool-Token: {TOKEN}\r\n")), 422, "invalid_field"),
        (post("/webhook/ultravox", ""), 401, "signature_invalid"),
        (post("/webhook/order-update", "X-Frappe-Webhook-Signature: \r\n"), 401, "signature_invalid"),
        (get(&format!("/v1/ultravox/data/{session}"), ""), 426, "upgrade_required"),
    ];
    for (text, status, code) in cases {
        world.ask(&text).await.is_problem(status, code);
    }
    let tool = format!("X-Tool-Token: {TOKEN}\r\nX-Session-Id: {session}\r\n");
    let told = world.ask(&post("/v1/tools/placeOrder", &tool)).await;
    assert_eq!((told.status, told.json()["path"].as_str()), (200, Some("/v1/tools/placeOrder")));
    let end = format!("POST {snapshot}/end HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    assert_eq!(world.ask(&end).await.status, 200, "an empty body has no type");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_sites_get_their_exact_origin_and_nobody_else_does() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /v1/sessions HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\r\n"
        )
    };
    let reply = world.ask(&preflight(ORIGIN)).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(reply.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(reply.header("access-control-allow-headers"), Some("Authorization, Content-Type, X-Neoron-Proof"));
    assert_eq!(reply.header("vary"), Some("Origin"));
    let stranger = world.ask(&preflight("https://evil.example")).await;
    assert_eq!(stranger.header("access-control-allow-origin"), None);
    stranger.is_problem(403, "origin_refused");
    let from = |origin: &str| snapshot(session(1)).replace("\r\n\r\n", &format!("\r\nOrigin: {origin}\r\n\r\n"));
    assert_eq!(world.ask(&from(ORIGIN)).await.header("access-control-allow-origin"), Some(ORIGIN));
    world.ask(&from("https://evil.example")).await.is_problem(403, "origin_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let limits = LimitConfig { address: Rate::per(3, Duration::from_secs(60)), ..LimitConfig::default() };
    let worker = TestWorker::echo().await;
    let world = World::with(EdgeConfig { limits, ..config() }, &[&worker]).await;
    let mut client = world.connect().await;
    for _ in 0..3 {
        assert_eq!(client.ask(&snapshot(session(1))).await.status, 200);
    }
    let limited = client.ask(&snapshot(session(1))).await;
    assert_eq!(limited.header("retry-after"), Some("20"));
    limited.is_problem(429, "too_many_requests");
    world.clock.advance(Duration::from_secs(20));
    assert_eq!(client.ask(&snapshot(session(1))).await.status, 200, "and the connection was kept");
}

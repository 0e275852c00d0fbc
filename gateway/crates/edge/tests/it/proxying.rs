//! What goes to a worker, to which one, and what comes back.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;

use crate::support::{
    KEY, ORIGIN, World, config, session, snapshot, start_session, until, webhook, worker::TestWorker,
};

fn header<'a>(told: &'a Value, name: &str) -> Vec<&'a str> {
    let list = told["headers"].as_array().unwrap();
    list.iter().filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_edge_says_nobody_else_may_say() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let forged = "X-Neoron-Edge: guess\r\nX-Neoron-Grant: e30\r\nX-Forwarded-For: 203.0.113.1\r\n\
                  X-Forwarded-Proto: gopher\r\nForwarded: for=203.0.113.1\r\nX-Real-IP: 203.0.113.1\r\n\
                  X-Request-Id: r_forged\r\nX-Harmless: yes\r\nTracestate: a=b\r\nBaggage: a=b\r\n\
                  Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let reply = world.ask(&snapshot(session(1)).replace("Host: gw\r\n", &format!("Host: gw\r\n{forged}"))).await;
    let told = reply.json();
    assert_eq!(header(&told, "x-neoron-edge"), [KEY]);
    assert_eq!(header(&told, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(header(&told, "x-request-id"), [reply.header("x-request-id").unwrap()]);
    assert_eq!(header(&told, "x-harmless"), ["yes"]);
    for gone in
        ["x-neoron-grant", "x-forwarded-proto", "forwarded", "x-real-ip", "traceparent", "tracestate", "baggage"]
    {
        assert!(header(&told, gone).is_empty(), "{gone}");
    }
    assert_eq!(reply.header("server"), None);
    assert_eq!(reply.header("x-neoron-load"), None);
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert!(reply.header("x-request-id").unwrap().starts_with("r_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_off_the_websocket_routes_is_a_plain_request() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let wish = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let told = world.ask(&snapshot(session(1)).replace("Host: gw\r\n", &format!("Host: gw\r\n{wish}"))).await.json();
    assert!(header(&told, "upgrade").is_empty());
    let bare = snapshot(session(1)).replace(&format!("Authorization: Bearer {}\r\n", crate::support::TOKEN), wish);
    world.ask(&bare).await.is_problem(401, "ticket_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_passes_and_is_counted() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let head = webhook("").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let mut client = world.connect().await;
    let reply = client.ask(&format!("{head}3\r\n{{\"a\r\n4\r\n\":1}}\r\n0\r\n\r\n")).await;
    assert_eq!((reply.status, reply.json()["body"].as_str()), (200, Some("{\"a\":1}")));
    assert_eq!(client.ask(&snapshot(session(1))).await.status, 200, "the connection lives on");

    let mut client = world.connect().await;
    client.send(&head).await;
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    for _ in 0..20 {
        client.send(&chunk).await;
    }
    client.reply().await.is_problem(413, "body_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_and_an_expectation_pass() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let body = format!("\"{}\"", "x".repeat(60_000));
    let reply = world.ask(&webhook(&body)).await;
    assert_eq!(reply.json()["body"].as_str().map(str::len), Some(body.len()));
    let mut client = world.connect().await;
    let text = webhook("{}").replace("Host: gw\r\n", "Host: gw\r\nExpect: 100-continue\r\n");
    client.send(text.strip_suffix("{}").unwrap()).await;
    assert_eq!(client.reply().await.status, 100);
    client.send("{}").await;
    let mut reply = client.reply().await;
    while reply.status == 100 {
        reply = client.reply().await;
    }
    assert_eq!((reply.status, reply.json()["body"].as_str()), (200, Some("{}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_stays_with_its_worker_and_sessions_spread() {
    let (one, two) = (TestWorker::echo().await, TestWorker::echo().await);
    let world = World::with(config(), &[&one, &two]).await;
    let mut seen = HashSet::new();
    for number in 1..=16 {
        let first = world.ask(&snapshot(session(number))).await.json()["worker"].clone();
        let again = world.ask(&snapshot(session(number))).await.json()["worker"].clone();
        assert_eq!(first, again);
        seen.insert(first.to_string());
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_sessions_go_where_there_is_room_and_not_to_those_who_leave() {
    let (mut busy, free, mut leaving) = (TestWorker::echo().await, TestWorker::echo().await, TestWorker::echo().await);
    busy.load = 100;
    leaving.draining = true;
    let world = World::with(config(), &[&busy, &free, &leaving]).await;
    for number in 0..8 {
        let told = world.ask(&start_session(&world.grant(&format!("n{number}")), ORIGIN)).await.json();
        assert_eq!(told["worker"], free.id.as_str());
    }
    let owners: HashSet<_> = futures_util::future::join_all((1..=30).map(|number| {
        let world = &world;
        async move { world.ask(&snapshot(session(number))).await.json()["worker"].to_string() }
    }))
    .await
    .into_iter()
    .collect();
    assert_eq!(owners.len(), 3, "everybody keeps the sessions that are theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_worker_dies_its_sessions_go_elsewhere_at_once() {
    let (mut one, two) = (TestWorker::echo().await, TestWorker::echo().await);
    let world = World::with(config(), &[&one, &two]).await;
    one.die().await;
    for number in 1..=12 {
        let reply = world.ask(&snapshot(session(number))).await;
        assert_eq!((reply.status, reply.json()["worker"].as_str()), (200, Some(two.id.as_str())));
    }
    for jti in ["a", "b", "c"] {
        assert_eq!(world.ask(&start_session(&world.grant(jti), ORIGIN)).await.status, 200);
    }
    world.sees(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_worker_everything_is_a_503_that_says_when_to_come_back() {
    let world = World::empty(config());
    until("the registry to be read", || async { world.ask(&snapshot(session(1))).await.status == 503 }).await;
    let reply = world.ask(&snapshot(session(1))).await;
    assert!(reply.header("retry-after").is_some());
    reply.is_problem(503, "no_room");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_is_a_502() {
    let worker = TestWorker::scripted(b"what?\r\n\r\n").await;
    let world = World::with(config(), &[&worker]).await;
    world.ask(&snapshot(session(1))).await.is_problem(502, "bad_gateway");
}

/// A worker whose kept connection is closed under the second request on it, as one does that restarts.
async fn forgetful(asked: &Arc<AtomicUsize>) -> TestWorker {
    let asked = Arc::clone(asked);
    TestWorker::scripted_by(move |_| {
        asked.fetch_add(1, Ordering::SeqCst);
        Some(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n{}".to_vec())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_survives_a_kept_connection_that_was_closed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let worker = forgetful(&asked).await;
    let world = World::with(config(), &[&worker]).await;
    let mut client = world.connect().await;
    for _ in 0..10 {
        assert_eq!(client.ask(&webhook("{}")).await.status, 200);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 10);
}

//! Clients that take their time.

use std::time::Duration;

use neoron_edge::EdgeConfig;

use crate::support::{World, config, session, snapshot, worker::TestWorker};

fn impatient() -> EdgeConfig {
    let short = Duration::from_millis(300);
    EdgeConfig { head_deadline: short, idle_timeout: Duration::from_secs(2), body_deadline: short, ..config() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_end_is_answered_with_408() {
    let world = World::empty(impatient());
    let mut client = world.connect().await;
    let reply = client.ask("GET / HTTP/1.1\r\nHost:").await;
    reply.is_problem(408, "request_timeout");
    assert!(client.rest().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_is_answered_with_408_all_the_same() {
    let world = World::empty(impatient());
    let mut client = world.connect().await;
    let dripping = async {
        let (mut reader, mut writer) = client.stream.split();
        let drip = async {
            loop {
                use tokio::io::AsyncWriteExt;
                if writer.write_all(b"x").await.is_err() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let mut answer = Vec::new();
        tokio::select! {
            () = drip => {}
            _ = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer) => {}
        }
        answer
    };
    let answer = crate::support::soon("the 408", dripping).await;
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_request_is_closed_without_a_word() {
    let worker = TestWorker::echo().await;
    let world = World::with(impatient(), &[&worker]).await;
    let mut fresh = world.connect().await;
    assert!(fresh.rest().await.is_empty());
    let mut used = world.connect().await;
    assert_eq!(used.ask(&snapshot(session(1))).await.status, 200);
    assert!(used.rest().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_answered_with_408() {
    let worker = TestWorker::echo().await;
    let world = World::with(impatient(), &[&worker]).await;
    let head = "POST /webhook/erpnext HTTP/1.1\r\nHost: gw\r\nX-Frappe-Webhook-Signature: c2ln\r\n\
                Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{";
    world.ask(head).await.is_problem(408, "request_timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_does_not_answer_is_a_504() {
    let worker = TestWorker::scripted_by(|_| None).await;
    let world = World::with(impatient(), &[&worker]).await;
    world.ask(&snapshot(session(1))).await.is_problem(504, "gateway_timeout");
}

//! The operators' port.

use crate::support::{World, client, config, session, snapshot, until, worker::TestWorker};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_with_a_worker_and_a_store_and_says_what_is_missing() {
    let worker = TestWorker::echo().await;
    let world = World::empty(config());
    let admin = world.edge.admin_address();
    assert_eq!(client::get(admin, "/livez").await.status, 200);
    until("the registry", || async move { client::get(admin, "/readyz").await.json()["store"] == true }).await;
    let lonely = client::get(admin, "/readyz").await;
    assert_eq!((lonely.status, lonely.json()["status"].as_str()), (503, Some("degraded")));
    world.register(&worker).await;
    until("readiness", || async move { client::get(admin, "/readyz").await.status == 200 }).await;
    let listed = client::get(admin, "/workers").await.json();
    assert_eq!(listed["workers"][0]["worker"], worker.id.as_str());
    assert_eq!(listed["workers"][0]["healthy"], true);
    world.store.close();
    until("the store's end", || async move { client::get(admin, "/readyz").await.json()["store"] == false }).await;
    let reply = world.ask(&snapshot(session(1))).await;
    assert_eq!(reply.status, 200, "the last known workers go on serving their sessions");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_counts_by_route_and_never_by_path() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let admin = world.edge.admin_address();
    assert_eq!(world.ask(&snapshot(session(1))).await.status, 200);
    world.ask("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").await.is_problem(404, "not_found");
    until("the counts", || async move {
        let text = String::from_utf8(client::get(admin, "/metrics").await.body).unwrap();
        !text.contains(session(1).as_str())
            && text.contains("voice_edge_requests_total{route=\"session\",class=\"2xx\"} 1\n")
            && text.contains("voice_edge_requests_total{route=\"none\",class=\"4xx\"} 1\n")
            && text.contains("voice_edge_refusals_total{code=\"not_found\"} 1\n")
            && text.contains("voice_edge_request_duration_seconds_count{route=\"session\"} 1\n")
            && text.contains("voice_edge_workers{kind=\"healthy\"} 1\n")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_only_shows() {
    let world = World::empty(config());
    let admin = world.edge.admin_address();
    let mut client = client::Client::connect(admin).await;
    let reply = client.ask("POST /livez HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(reply.header("allow"), Some("GET, HEAD"));
    reply.is_problem(405, "method_not_allowed");
    client.ask("GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n").await.is_problem(404, "not_found");
    client::get(world.edge.public_address(), "/metrics").await.is_problem(404, "not_found");
}

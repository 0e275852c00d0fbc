//! Sessions of a worker that died are counted by another one, once, and it takes no new ones beyond its capacity.

use std::time::Duration;

use neoron_simulators::ultravox::EndReason;
use neoron_worker::Worker;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Visitor, World, answer, until, wanted};

/// A world whose worker is gone, with a session of it, and the worker that is there now.
async fn orphaned(change: impl FnOnce(&mut neoron_worker::config::WorkerConfig)) -> (World, Visitor) {
    let mut world = World::with(|settings| change(&mut settings.worker)).await;
    let visitor = world.session("voice").await;
    world.ultravox.join(&visitor.call).await.unwrap();
    world.in_state(&visitor, "active").await;
    let second = world.another_worker(|_| {}).await;
    world.edge.lead_to(second.address());
    std::mem::replace(&mut world.worker, second).stop().await;
    (world, visitor)
}

/// Waits until the worker counts so many sessions.
async fn counts(worker: &Worker, sessions: u32) {
    let line = format!("voice_sessions_active{{site=\"shop\"}} {sessions}\n");
    until(&line, async || worker.counters().text().contains(&line).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_poller_finds_the_session_of_a_worker_that_died_and_counts_it_once() {
    let (world, visitor) = orphaned(|worker| worker.poll_calls_every = Duration::from_millis(200)).await;
    counts(&world.worker, 1).await;
    world.socket(&visitor).await;
    counts(&world.worker, 1).await;
    world.ultravox.end(&visitor.call, EndReason::AgentHangup).await.unwrap();
    world.in_state(&visitor, "completed").await;
    counts(&world.worker, 0).await;
    assert_eq!(world.store.seated("site:shop").await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_enough_to_be_taken_over_even_by_a_full_worker() {
    let (world, visitor) = orphaned(|worker| worker.capacity = 1).await;
    let own = world.session("voice").await;
    world.socket(&visitor).await;
    counts(&world.worker, 2).await;
    let health = answer(world.request(Method::GET, "/internal/health")).await;
    assert_eq!((&health.body["load"], &health.body["capacity"]), (&json!(2), &json!(1)));
    assert_eq!(world.ask(&wanted("voice")).await.status, StatusCode::ACCEPTED, "no new one while it is beyond");
    world.ultravox.end(&own.call, EndReason::Unjoined).await.unwrap();
    counts(&world.worker, 1).await;
    assert_eq!(world.ask(&wanted("voice")).await.status, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_worker_lives_stays_where_it_is() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    let second = world.another_worker(|_| {}).await;
    world.edge.lead_to(second.address());
    let mut socket = world.socket(&visitor).await;
    world.ultravox.join(&visitor.call).await.unwrap();
    socket
        .until(
            |body| matches!(body, neoron_protocol::frame::Body::Session(session) if session.state.as_str() == "active"),
        )
        .await;
    assert!(second.counters().text().contains("voice_sessions_active{site=\"shop\"} 0\n"));
    counts(&world.worker, 1).await;
}

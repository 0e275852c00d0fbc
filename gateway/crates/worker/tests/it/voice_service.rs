//! What happens when Ultravox has no room, or breaks.

use std::time::{Duration, Instant};

use neoron_simulators::ultravox::Faults;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{World, answer, until, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_waits_as_long_as_it_is_asked_to() {
    let world = World::new().await;
    let faults = Faults { create_status: 429, create_failures: 1, create_retry_after: 2, ..Faults::default() };
    world.ultravox.set_faults(faults);
    let started = Instant::now();
    let created = world.ask(&wanted("voice")).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    // Only a lower bound: the wait was honoured.
    assert!(started.elapsed() >= Duration::from_secs(2));
    assert_eq!(world.ultravox.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_room_is_told_to_the_visitor_and_everything_is_given_back() {
    let world = World::with(|settings| settings.worker.ultravox.create_deadline = Duration::from_secs(3)).await;
    world.ultravox.set_faults(Faults { create_status: 503, create_retry_after: 30, ..Faults::default() });
    let refused = world.ask(&wanted("voice")).await;
    refused.is_problem("voice_unavailable");
    assert_eq!(refused.header("retry-after"), "30");
    let health = answer(world.request(reqwest::Method::GET, "/internal/health")).await;
    assert_eq!(health.body["load"], 0);
    let failed = until("a failed Voice Session", async || {
        world.erpnext.sessions().into_iter().find(|session| session["status"] == "Failed")
    })
    .await;
    assert!(failed["ultravox_call_id"].is_null() || failed["ultravox_call_id"] == "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_good_is_not_tried_again() {
    let world = World::new().await;
    world.ultravox.set_faults(Faults { create_status: 402, ..Faults::default() });
    let refused = world.ask(&wanted("voice")).await;
    refused.is_problem("voice_unavailable");
    assert!(world.worker.counters().text().contains("voice_session_start_total{outcome=\"voice_unavailable\"} 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_call_that_cannot_be_joined_is_a_failed_session() {
    let world = World::new().await;
    world.ultravox.set_faults(Faults { refuse_joins: true, ..Faults::default() });
    world.ask(&wanted("text")).await.is_problem("voice_unavailable");
    let health = answer(world.request(reqwest::Method::GET, "/internal/health")).await;
    assert_eq!(health.body["load"], json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_rate_is_kept_by_waiting() {
    let world = World::with(|settings| {
        settings.worker.ultravox.creations_per_second = 2;
        settings.ultravox.plan = neoron_simulators::ultravox::Plan {
            creations_per_second: 2,
            ..neoron_simulators::ultravox::Plan::unlimited()
        };
    })
    .await;
    let asked = [wanted("voice"), wanted("voice"), wanted("voice"), wanted("voice")];
    let all = futures_util::future::join_all(asked.iter().map(|body| world.ask(body))).await;
    assert!(all.iter().all(|answer| answer.status == StatusCode::CREATED), "{all:?}");
}

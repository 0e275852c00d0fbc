//! Webhooks: who is believed, what is kept, what is done once.

use neoron_simulators::{erpnext, ultravox::signature};
use neoron_store::{Cursor, Event};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, FRAPPE_SECRET, SHARED_SECRET, Visitor, WEBHOOK_SECRET, World, answer, now, until};

fn rfc3339(back: u64) -> String {
    jiff::Timestamp::from_millisecond(i64::try_from(now().0 - back).unwrap()).unwrap().to_string()
}

async fn deliver(world: &World, body: &str, timestamp: &str, secret: &str) -> Answer {
    let signed = signature::webhook(&[secret.to_owned()], body.as_bytes(), timestamp);
    let request = world.request(Method::POST, "/webhook/ultravox").header(signature::WEBHOOK_TIMESTAMP, timestamp);
    answer(request.header(signature::WEBHOOK_SIGNATURE, signed).body(body.to_owned())).await
}

fn ended(call: &str, session: Option<&str>, reason: &str) -> String {
    let mut object = json!({"callId": call, "ended": rfc3339(0), "endReason": reason, "systemPrompt": "canary-prompt"});
    if let Some(session) = session {
        object["metadata"] = json!({"sid": session});
    }
    json!({"event": "call.ended", "call": object}).to_string()
}

async fn states(world: &World, visitor: &Visitor) -> Vec<Event> {
    let session = visitor.id.parse().unwrap();
    let page = world.store.read(session, &Cursor::default(), 1_000).await.unwrap().unwrap();
    page.events.into_iter().filter(|event| event.kind == "session").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_a_bad_or_old_signature_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    let body = ended(&visitor.call, Some(&visitor.id), "unjoined");
    deliver(&world, &body, &rfc3339(0), "another-secret").await.is_problem("signature_invalid");
    deliver(&world, &body, &rfc3339(120_000), WEBHOOK_SECRET).await.is_problem("signature_stale");
    let unsigned = world.request(Method::POST, "/webhook/ultravox").body(body.clone());
    answer(unsigned).await.is_problem("signature_invalid");
    let large = "x".repeat(257 * 1024);
    deliver(&world, &large, &rfc3339(0), WEBHOOK_SECRET).await.is_problem("body_too_large");
    assert_eq!(world.view(&visitor).await["state"], "ready");
    let metrics = world.worker.counters().text();
    assert!(metrics.contains("voice_webhook_total{sender=\"ultravox\",outcome=\"stale\"} 1"), "{metrics}");
    assert!(metrics.contains("voice_webhook_total{sender=\"ultravox\",outcome=\"invalid\"} 2"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_comes_twice_is_applied_once() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    for _ in 0..3 {
        let body = ended(&visitor.call, Some(&visitor.id), "unjoined");
        let taken = deliver(&world, &body, &rfc3339(0), WEBHOOK_SECRET).await;
        assert_eq!(taken.status, StatusCode::NO_CONTENT);
    }
    world.in_state(&visitor, "abandoned").await;
    world.voice_session(&visitor, "Failed").await;
    let finals = states(&world, &visitor).await.into_iter().filter(|event| event.data.contains("abandoned"));
    assert_eq!(finals.count(), 1);
    assert!(world.worker.counters().text().contains("outcome=\"duplicate\"} 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_without_our_metadata_finds_its_session_by_the_call() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    let body = ended(&visitor.call, None, "system_error");
    deliver(&world, &body, &rfc3339(0), WEBHOOK_SECRET).await;
    world.in_state(&visitor, "failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_call_whose_creation_was_lost_does_not_end_the_session() {
    let world = World::new().await;
    let visitor = world.session("voice").await;
    let body = ended("another-call", Some(&visitor.id), "unjoined");
    assert_eq!(deliver(&world, &body, &rfc3339(0), WEBHOOK_SECRET).await.status, StatusCode::NO_CONTENT);
    until("the job is done", async || {
        let depth = world.store.depth().await.unwrap();
        (depth.ready + depth.running == 0).then_some(())
    })
    .await;
    assert_eq!(world.view(&visitor).await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_a_call_nobody_knows_is_parked() {
    let world = World::new().await;
    let body = ended("a-call-of-the-future", None, "hangup");
    assert_eq!(deliver(&world, &body, &rfc3339(0), WEBHOOK_SECRET).await.status, StatusCode::NO_CONTENT);
    until("a parked job", async || (world.store.depth().await.unwrap().delayed > 0).then_some(())).await;
    assert!(world.dead().await.jobs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_body_that_nobody_understands_is_kept_and_not_refused() {
    let world = World::new().await;
    for body in ["not json", "{\"event\":\"call.dreamt\",\"call\":{\"callId\":\"c\"}}", "not json"] {
        let taken = deliver(&world, body, &rfc3339(0), WEBHOOK_SECRET).await;
        assert_eq!(taken.status, StatusCode::NO_CONTENT);
    }
    let dead = world.dead().await.jobs;
    assert_eq!(dead.len(), 2, "the same body is kept once");
    assert!(dead.iter().all(|job| job.kind == "quarantined"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_keeps_nothing_of_the_call_but_what_is_needed() {
    let world = World::new().await;
    // Nobody knows the call, so the job stays; given up, it could be read.
    deliver(&world, &ended("c-1", None, "hangup"), &rfc3339(0), WEBHOOK_SECRET).await;
    let claimed = until("the parked job", async || {
        let claimed = world.store.claim(world.worker.id(), 10, std::time::Duration::from_secs(60)).await.unwrap();
        claimed.into_iter().find(|job| job.kind == "apply_call_webhook")
    })
    .await;
    assert!(!claimed.payload.contains("canary-prompt"), "{}", claimed.payload);
}

/// An ERPNext webhook as Frappe sends it.
async fn status(world: &World, body: &Value, secret: &str) -> Answer {
    let text = body.to_string();
    let request = world.request(Method::POST, "/webhook/erpnext");
    let request = request.header("x-frappe-webhook-signature", erpnext::sign(secret, text.as_bytes()));
    answer(request.header("content-type", "application/json").body(text)).await
}

fn london(back: u64) -> String {
    // The tests run in winter or summer: the site's clock is ahead by nothing or an hour.
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let at = jiff::Timestamp::from_millisecond(i64::try_from(now().0 - back).unwrap()).unwrap();
    zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_webhook_is_believed_by_its_signature_and_its_time() {
    let world = World::new().await;
    let body = |back| {
        json!({
            "event": "voice_document.updated", "event_id": "Voice Restaurant Order:q:1", "sent_at": london(back),
            "doctype": "Voice Restaurant Order", "name": "q", "status": "Ready", "modified": "2026-11-24 10:00:00",
        })
    };
    status(&world, &body(0), "another-secret").await.is_problem("signature_invalid");
    status(&world, &body(600_000), FRAPPE_SECRET).await.is_problem("signature_stale");
    for _ in 0..2 {
        assert_eq!(status(&world, &body(0), FRAPPE_SECRET).await.status, StatusCode::NO_CONTENT);
    }
    assert!(world.worker.counters().text().contains("sender=\"erpnext\",outcome=\"duplicate\"} 1"));
    assert_eq!(status(&world, &json!({"event": "moon"}), FRAPPE_SECRET).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.dead().await.jobs[0].kind, "quarantined");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_connection_is_believed_by_its_signature() {
    let world = World::new().await;
    let (visitor, other) = (world.session("voice").await, world.session("voice").await);
    let dial = async |call: &str, secret: &str, back: u64| {
        let timestamp = rfc3339(back);
        let signed = signature::data_connection(&[secret.to_owned()], call, &timestamp);
        let request = world.request(Method::GET, &format!("/v1/ultravox/data/{}", visitor.id));
        let request = request.header(signature::DATA_CALL_ID, call).header(signature::DATA_TIMESTAMP, timestamp);
        answer(request.header(signature::DATA_SIGNATURE, signed)).await
    };
    dial(&visitor.call, "another-secret-123", 0).await.is_problem("signature_invalid");
    dial(&visitor.call, SHARED_SECRET, 120_000).await.is_problem("signature_stale");
    dial(&other.call, SHARED_SECRET, 0).await.is_problem("signature_invalid");
    dial(&visitor.call, SHARED_SECRET, 0).await.is_problem("upgrade_required");
}

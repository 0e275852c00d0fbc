//! Webhooks as a receiver sees them.

use neoron_simulators::ultravox::{Faults, Options, Registration, signature};
use serde_json::json;

use super::gateway::{Gateway, Received, Ultravox, quick, until};

/// Checks the signature the way the documentation tells receivers to.
fn is_signed(hook: &Received, secrets: &[&str]) -> bool {
    let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    let expected = signature::webhook(&secrets, &hook.body, &hook.header("x-ultravox-webhook-timestamp"));
    !expected.is_empty() && hook.header("x-ultravox-webhook-signature") == expected
}

async fn with_account_webhook() -> (Ultravox, Gateway) {
    let gateway = Gateway::start().await;
    let webhook = Registration::new(&format!("{}/hooks", gateway.url), &["new-secret", "old-secret"]);
    (Ultravox::start(Options { webhooks: vec![webhook], ..quick() }).await, gateway)
}

#[tokio::test]
async fn an_account_webhook_gets_every_event_with_the_full_call() {
    let (ultravox, gateway) = with_account_webhook().await;
    let call = ultravox.create(json!({"metadata": {"sid": "s_1"}})).await;
    let id = call["callId"].as_str().unwrap();
    ultravox.simulator.join(id).await.unwrap();
    gateway.until_event("call.joined").await;
    ultravox.simulator.end(id, neoron_simulators::ultravox::EndReason::Hangup).await.unwrap();
    gateway.until_event("call.billed").await;
    for event in ["call.started", "call.joined", "call.ended", "call.billed"] {
        let hook = gateway.until_event(event).await;
        assert!(is_signed(&hook, &["new-secret", "old-secret"]), "{event}");
        assert_eq!(hook.json()["call"]["metadata"]["sid"], "s_1");
        assert!(hook.json()["call"]["joinUrl"].is_string());
    }
    let ended = gateway.until_event("call.ended").await.json();
    assert_eq!(ended["call"]["endReason"], "hangup");
}

#[tokio::test]
async fn an_unjoined_call_is_reported_as_ended_to_its_own_callback() {
    let (ultravox, gateway) = (Ultravox::start(quick()).await, Gateway::start().await);
    let callback = json!({"url": format!("{}/hooks", gateway.url), "secrets": ["own"]});
    ultravox.create(json!({"joinTimeout": "0.1s", "callbacks": {"ended": callback}})).await;
    let hook = gateway.until_event("call.ended").await;
    assert!(is_signed(&hook, &["own"]));
    assert_eq!(hook.json()["call"]["endReason"], "unjoined");
    assert_eq!(gateway.events(), ["call.ended"]);
}

#[tokio::test]
async fn a_refused_webhook_is_sent_again_until_it_is_taken() {
    let (ultravox, gateway) = with_account_webhook().await;
    gateway.with(|seen| seen.hook_statuses.extend([500, 404]));
    ultravox.create(json!({})).await;
    gateway.until("three attempts", |seen| (seen.hooks.len() == 3).then_some(())).await;
    let attempts = until("records", || Some(ultravox.simulator.deliveries()).filter(|list| list.len() == 3)).await;
    let statuses: Vec<Option<u16>> = attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(500), Some(404), Some(204)]);
    // Every attempt is signed anew, each with another spelling of the time.
    let hooks = gateway.with(|seen| seen.hooks.clone());
    assert!(hooks.iter().all(|hook| is_signed(hook, &["new-secret", "old-secret"])));
    let times: Vec<String> = hooks.iter().map(|hook| hook.header("x-ultravox-webhook-timestamp")).collect();
    assert!(times[0].ends_with("+00:00") && times[1].ends_with('Z') && !times[2].ends_with('Z'), "{times:?}");
    assert_eq!(ultravox.get("/webhooks").await["results"][0]["status"], "normal");
}

#[tokio::test]
async fn a_failing_registration_is_seen_as_unhealthy() {
    let (ultravox, gateway) = with_account_webhook().await;
    gateway.with(|seen| seen.hook_statuses.extend([500; 11]));
    ultravox.create(json!({})).await;
    until("a recorded attempt", || ultravox.simulator.deliveries().first().cloned()).await;
    let webhook = ultravox.get("/webhooks").await["results"][0].clone();
    assert_eq!((&webhook["status"], webhook["recentFailures"].is_array()), (&json!("unhealthy"), true));
}

#[tokio::test]
async fn a_webhook_can_be_lost_or_doubled() {
    let (ultravox, gateway) = with_account_webhook().await;
    ultravox.simulator.set_faults(Faults { drop_webhooks: 1, ..Faults::default() });
    ultravox.create(json!({})).await;
    until("the loss", || ultravox.simulator.deliveries().first().filter(|delivery| delivery.dropped).cloned()).await;
    assert_eq!(gateway.events(), Vec::<String>::new());
    ultravox.simulator.set_faults(Faults { duplicate_webhooks: 1, ..Faults::default() });
    ultravox.create(json!({})).await;
    gateway.until("both copies", |seen| (seen.hooks.len() == 2).then_some(())).await;
    gateway.with(|seen| assert_eq!(seen.hooks[0].body, seen.hooks[1].body));
}

#[tokio::test]
async fn a_webhook_can_be_overtaken() {
    let (ultravox, gateway) = with_account_webhook().await;
    ultravox.simulator.set_faults(Faults { reorder_webhooks: 1, ..Faults::default() });
    let call = ultravox.create(json!({})).await;
    until("the hold", || (ultravox.simulator.faults().reorder_webhooks == 0).then_some(())).await;
    ultravox.simulator.join(call["callId"].as_str().unwrap()).await.unwrap();
    gateway.until("both events", |seen| (seen.hooks.len() == 2).then_some(())).await;
    assert_eq!(gateway.events(), ["call.joined", "call.started"]);
}

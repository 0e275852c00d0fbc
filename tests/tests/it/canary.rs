//! Nothing of a visitor and no secret is in a log, a span or a metric: a whole call at the finest level, in both forms
//! of the log, searched for what it held.

use neoron_simulators::{erpnext, ultravox};
use neoron_tests::{ORIGIN, Outside, Stack, collector::Collector, eventually, tap::Tap, within};
use serde_json::{Value, json};

use crate::talk;

/// A visitor's whole visit; returns what must be nowhere.
async fn visit(stack: &Stack) -> Vec<String> {
    let grant = stack.outside.grant();
    let body = json!({
        "media": "text", "consent": {"kind": "ai_call", "at": now(), "version": "1"},
        "page": "https://pizzeria.example/?canary-page",
        "customer": {"name": "Canary Zebrowski", "phone": "+44 7700 900123"},
    });
    let asked = stack.client.post(format!("{}/v1/sessions?canary-query", stack.url()));
    let asked = asked.header("origin", ORIGIN).bearer_auth(&grant).json(&body).send();
    let created: Value = within(asked).await.unwrap().unwrap().json().await.unwrap();
    let session = stack.session().await.unwrap();
    let mut socket = stack.socket(&session).await.unwrap();
    let words = "two margherita pizzas and a cola for pickup, name Quetzalcoatl";
    let from = socket.say(words).await.unwrap();
    within(socket.wait(from, "quote", |quote| quote["state"] == "open")).await.unwrap().unwrap();
    let from = socket.say("canary-words").await.unwrap();
    within(socket.wait(from, "transcript", |line| talk::spoken(line, ""))).await.unwrap().unwrap();
    let from = socket.say("yes").await.unwrap();
    let placed = |card: &Value| card["number"].is_string();
    let card = within(socket.wait(from, "document", placed)).await.unwrap().unwrap();
    let from = socket.end().await.unwrap();
    within(socket.wait(from, "session", |it| it["state"] == "completed")).await.unwrap().unwrap();
    let tokens = stack.outside.ultravox.tool_requests().into_iter().flat_map(|request| request.headers);
    let tokens = tokens.filter(|(name, _)| name.eq_ignore_ascii_case("x-tool-token")).map(|(_, token)| token);
    let calls = stack.outside.ultravox.calls();
    let links = calls.iter().filter_map(|call| call.call["joinUrl"].as_str().map(str::to_owned));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let given = [grant, text(&created["ticket"]), session.ticket().to_owned(), text(&card["number"])];
    let mut secrets: Vec<String> = tokens.chain(links).chain(given).collect();
    assert!(secrets.len() >= 7, "tokens and links are known");
    let said = ["Zebrowski", "900123", "Quetzalcoatl", "canary-words", "canary-page", "canary-query", "canary-prompt"];
    let known = ["ultravox-webhook-secret", "erpnext-webhook-secret", "ultravox-data-connection-secret"];
    secrets.extend(said.into_iter().chain(known).chain(["margherita pizzas", "what may I get you"]).map(str::to_owned));
    secrets.extend([ultravox::Options::default().api_key, erpnext::User::gateway().secret]);
    secrets
}

fn now() -> u64 {
    use neoron_store::Clock as _;
    neoron_store::SystemClock.now().0
}

async fn searched(format: &str) {
    let (outside, collector) = (Outside::start().await.unwrap(), Collector::start().await.unwrap());
    // Both taps only stand in the way: what is sent to others is theirs.
    let erpnext = Tap::start(outside.erpnext.address()).await.unwrap();
    let prompt = "[business.restaurant]\nprompt = \"canary-prompt: you take orders\"\n";
    let more = format!("[log]\nlevel = \"trace\"\nformat = \"{format}\"\n{}{prompt}", collector.table());
    let set = [format!("erpnext.url={}", erpnext.url())];
    let stack = Stack::around(outside, &more, &set).await.unwrap();
    let secrets = visit(&stack).await;
    let arrived = || async { collector.spans().iter().any(|it| it.name == "job complete_session").then_some(()) };
    eventually("the last span", arrived).await.unwrap();
    let metrics = stack.metrics().await.unwrap() + &stack.metrics_as("application/openmetrics-text").await.unwrap();
    let (log, spans) = (stack.whole_log(), collector.text());
    assert!(
        log.contains("neoron_edge::access") && spans.contains("neoron.request_id") && metrics.contains("voice_"),
        "all is captured"
    );
    for secret in &secrets {
        for (place, text) in [("log", &log), ("spans", &spans), ("metrics", &metrics)] {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert!(line.is_none(), "{secret} is in the {place}: {line:?}");
        }
    }
    if format == "json" {
        access_lines_are_structured(&log);
    }
}

/// Each line of the log is JSON, and those of the access log say all that they should and no more.
fn access_lines_are_structured(log: &str) {
    let lines: Vec<Value> =
        log.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    let access: Vec<&Value> = lines.iter().filter(|line| line["target"] == "neoron_edge::access").collect();
    let tool = access.iter().find(|line| line["route"] == "tool").unwrap();
    let known = [
        "timestamp",
        "level",
        "target",
        "message",
        "request_id",
        "trace_id",
        "route",
        "method",
        "status",
        "bytes",
        "ms",
        "worker_ms",
        "worker",
        "network",
    ];
    for name in known {
        assert!(!tool[name].is_null(), "{name} is missing in {tool}");
    }
    assert_eq!(tool["network"], "127.0.0.0/24");
    let named =
        |line: &&&Value| line.as_object().unwrap().keys().all(|key| known.contains(&key.as_str()) || key == "code");
    assert_eq!(access.iter().filter(named).count(), access.len(), "{access:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_number_word_token_prompt_or_key_is_in_a_log_of_lines_a_span_or_a_metric() {
    searched("text").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_number_word_token_prompt_or_key_is_in_a_log_of_json_a_span_or_a_metric() {
    searched("json").await;
}

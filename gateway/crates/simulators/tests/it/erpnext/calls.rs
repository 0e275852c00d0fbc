//! What holds for every request: sites, routes, headers, limits, workers.

use std::time::Duration;

use neoron_simulators::erpnext::{Options, Simulator, SiteLimit, StartError};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use super::{DEADLINE, Site};

#[tokio::test]
async fn an_unknown_site_is_a_404_in_html() {
    let site = Site::start().await;
    let response = site.client.get(site.url("/api/method/ping")).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let by_host = site.client.get(site.url("/api/method/ping")).header("Host", "voice.localhost:8000");
    assert_eq!(Site::send(by_host).await.message(), "pong");
}

#[tokio::test]
async fn an_unknown_verb_is_a_405_in_html() {
    let site = Site::start().await;
    let response = site.bare(Method::PATCH, "/api/resource/ToDo/x").send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(response.headers().contains_key("allow"));
}

#[tokio::test]
async fn every_answer_closes_its_connection() {
    let site = Site::start().await;
    for path in ["/api/method/ping", "/api/method/nope", "/nowhere"] {
        let response = site.bare(Method::GET, path).send().await.unwrap();
        assert_eq!(response.headers()["connection"], "close", "{path}");
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_only_when_the_monitor_is_on() {
    for monitor in [false, true] {
        let site = Site::with(|options| options.monitor = monitor).await;
        let request = site.bare(Method::GET, "/api/method/ping").header("X-Frappe-Request-Id", "0a-1b");
        let response = request.send().await.unwrap();
        assert_eq!(response.headers().contains_key("x-frappe-request-id"), monitor);
    }
}

#[tokio::test]
async fn a_site_without_tracebacks_tells_only_the_type() {
    let site = Site::with(|options| options.tracebacks = false).await;
    let refused = site.manager(Method::POST, "/api/resource/ToDo", &json!({"description": "x", "date": "x"})).await;
    refused.refused(500, "OperationalError");
    assert!(refused.body.get("exception").is_none() && refused.body.get("exc").is_none());
}

#[tokio::test]
async fn the_sites_own_limit_tells_when_to_come_back() {
    let limit = SiteLimit { limit: Duration::from_nanos(1), window: Duration::from_secs(60) };
    let site = Site::with(|options| options.site_limit = Some(limit)).await;
    assert_eq!(site.get("/api/method/ping").await.status, 200);
    let refused = site.bare(Method::GET, "/api/method/ping").send().await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "60");
    assert!(refused.headers().contains_key("x-ratelimit-reset"));
    Site::read(refused).await.refused(429, "TooManyRequestsError");
    site.time.forward(60);
    assert_eq!(site.get("/api/method/ping").await.status, 200);
}

#[tokio::test]
async fn a_methods_limit_says_nothing_about_when() {
    let site = Site::start().await;
    let path = "/api/method/voice_agent.api.session_api.limited";
    for _ in 0..3 {
        assert_eq!(site.get(path).await.message(), "ok");
    }
    let refused = site.bare(Method::GET, path).send().await.unwrap();
    assert!(!refused.headers().contains_key("retry-after"));
    Site::read(refused).await.refused(429, "RateLimitExceededError");
    let elsewhere = site.bare(Method::GET, path).header("X-Forwarded-For", "192.0.2.1, 10.0.0.1");
    assert_eq!(Site::send(elsewhere).await.message(), "ok");
    site.time.forward(60);
    assert_eq!(site.get(path).await.message(), "ok");
}

#[tokio::test]
async fn a_body_over_25_megabytes_is_refused() {
    let site = Site::start().await;
    let body = vec![b' '; 25 * 1024 * 1024 + 1];
    let request = site.request("gateway:gateway-secret", Method::POST, "/api/resource/ToDo").body(body);
    // The server may close before it has read all: both ends are a refusal.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 413);
    }
}

#[tokio::test]
async fn a_request_beyond_the_queue_is_answered_503() {
    let site = Site::with(|options| {
        (options.workers, options.queue) = (1, 1);
        options.latency = DEADLINE;
    })
    .await;
    let mut waiting = Vec::new();
    for number in 1..=2 {
        waiting.push(tokio::spawn(site.bare(Method::GET, "/api/method/ping").send()));
        super::until("the request arrived", || site.simulator.requests().values().sum::<u64>() == number).await;
    }
    let refused = site.bare(Method::GET, "/api/method/ping").send().await.unwrap();
    assert_eq!(refused.status(), 503);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_client_that_leaves_does_not_undo_its_request() {
    let site = Site::with(|options| options.latency = Duration::from_millis(200)).await;
    let request = site.request("gateway:gateway-secret", Method::POST, "/api/resource/Voice%20Session");
    let request = request.json(&json!({"session_id": "s-1"})).timeout(Duration::from_millis(50));
    let left = request.send().await;
    super::until("the document is there", || !site.simulator.sessions().is_empty()).await;
    assert!(left.is_ok() || left.is_err_and(|error| error.is_timeout()));
}

#[tokio::test]
async fn an_unknown_time_zone_does_not_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options { time_zone: "Mars/Olympus".into(), ..Options::default() };
    let refused = Simulator::start(listener, options).await;
    assert!(matches!(refused, Err(StartError::TimeZone { .. })));
}

#[tokio::test]
async fn a_stopped_simulator_accepts_no_connection() {
    let site = Site::start().await;
    let url = site.url("/api/method/ping");
    site.simulator.stop().await;
    assert!(site.client.get(url).send().await.is_err());
}

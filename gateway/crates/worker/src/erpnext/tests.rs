#![allow(clippy::unwrap_used)]
use axum::{Router, extract::Path, http::Uri, routing::any};
use serde_json::json;

use super::*;
use crate::config::Secret;

async fn site(router: Router) -> ErpnextConfig {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    ErpnextConfig {
        url,
        site: "voice.localhost".into(),
        token: Secret::new("key:secret"),
        webhook_secrets: Vec::new(),
        time_zone: "Europe/London".into(),
        concurrency: 2,
        request_deadline: Duration::from_secs(20),
        breaker_failures: 2,
        breaker_pause: Duration::from_secs(60),
    }
}

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_call_carries_the_sites_headers_and_returns_the_message() {
    let echo = |Path(method): Path<String>, headers: HeaderMap, body: String| async move {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        let request_id = text("x-frappe-request-id").len();
        json!({"message": [method, text("authorization"), text("x-frappe-site-name"), text("host"), text("cookie"), request_id, body]}).to_string()
    };
    let client =
        Client::new(&site(Router::new().route("/api/method/{method}", any(echo))).await, Meter::default()).unwrap();
    let answer = client.call(Priority::Visitor, "app.do", &json!({"a": 1}), PATIENT).await.unwrap();
    let site = "voice.localhost";
    assert_eq!(answer, json!(["app.do", "token key:secret", site, site, "", 32, "{\"a\":1}"]));
}

#[tokio::test]
async fn names_are_encoded_and_a_body_that_is_not_json_is_survived() {
    let paths = any(|uri: Uri| async move {
        if uri.path().ends_with("/s_1%2F2") { json!({"data": {"name": "s_1/2"}}).to_string() } else { "<html>".into() }
    });
    let client = Client::new(&site(Router::new().fallback(paths)).await, Meter::default()).unwrap();
    assert_eq!(client.read("Voice Session", "s_1/2", PATIENT).await.unwrap()["name"], "s_1/2");
    assert_eq!(client.read("Voice Session", "x", PATIENT).await.unwrap_err().class(), Class::Unclear);
}

#[tokio::test]
async fn an_answer_over_the_cap_is_refused() {
    let client = Client::new(
        &site(Router::new().fallback(any(|| async { "x".repeat(MAX_ANSWER_BYTES + 1) }))).await,
        Meter::default(),
    );
    assert_eq!(
        client.unwrap().call(Priority::Visitor, "big", &json!({}), PATIENT).await.unwrap_err().class(),
        Class::Unclear
    );
}

#[tokio::test]
async fn nobody_waits_for_a_site_that_is_down() {
    let mut config = site(Router::new()).await;
    config.url = "http://127.0.0.1:1".into();
    let client = Client::new(&config, Meter::default()).unwrap();
    for _ in 0..2 {
        assert_eq!(
            client.call(Priority::Visitor, "ping", &json!({}), PATIENT).await.unwrap_err().class(),
            Class::Passing
        );
    }
    assert_eq!(client.call(Priority::Visitor, "ping", &json!({}), PATIENT).await.unwrap_err().class(), Class::Unasked);
}

#[tokio::test]
async fn refusals_do_not_open_the_breaker() {
    let refuse = any(|| async { (StatusCode::EXPECTATION_FAILED, json!({"exc_type": "ValidationError"}).to_string()) });
    let client = Client::new(&site(Router::new().fallback(refuse)).await, Meter::default()).unwrap();
    for _ in 0..5 {
        assert_eq!(
            client.call(Priority::Visitor, "book", &json!({}), PATIENT).await.unwrap_err().class(),
            Class::Refused
        );
    }
}

#[test]
fn a_token_with_a_line_break_is_no_setting() {
    let mut config = ErpnextConfig {
        url: "https://erp.example.com".into(),
        site: "erp.example.com".into(),
        token: Secret::new("key:sec\nret"),
        webhook_secrets: Vec::new(),
        time_zone: "UTC".into(),
        concurrency: 1,
        request_deadline: PATIENT,
        breaker_failures: 1,
        breaker_pause: PATIENT,
    };
    assert!(matches!(Client::new(&config, Meter::default()), Err(ClientError::Setting("token"))));
    config.token = Secret::new("key:secret");
    config.url = "erp".into();
    assert!(matches!(Client::new(&config, Meter::default()), Err(ClientError::Setting("url"))));
}

#[tokio::test]
async fn a_visitors_request_passes_those_of_jobs_that_wait() {
    // Jobs' requests are never answered.
    let paths = any(|uri: Uri| async move {
        if uri.path().ends_with("/job") {
            std::future::pending::<()>().await;
        }
        json!({"message": "pong"}).to_string()
    });
    let client =
        std::sync::Arc::new(Client::new(&site(Router::new().fallback(paths)).await, Meter::default()).unwrap());
    let job = || {
        let client = client.clone();
        tokio::spawn(async move { client.call(Priority::Job, "job", &json!({}), PATIENT * 10).await })
    };
    let jobs: Vec<_> = (0..20).map(|_| job()).collect();
    for _ in 0..3 {
        assert_eq!(client.call(Priority::Visitor, "ping", &json!({}), PATIENT).await.unwrap(), "pong");
    }
    assert!(jobs.iter().all(|job| !job.is_finished()));
    jobs.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_request_that_had_hardly_any_time_says_nothing_about_the_site() {
    let router = Router::new().fallback(any(std::future::pending::<String>));
    let client = Client::new(&site(router).await, Meter::default()).unwrap();
    for _ in 0..5 {
        let short = client.call(Priority::Visitor, "ping", &json!({}), Duration::from_millis(20)).await;
        assert_eq!(short.unwrap_err().class(), Class::Unclear);
    }
    assert_eq!((client.breaker().phase(), client.gate.limit()), (breaker::Phase::Closed, 2));
}

#[tokio::test]
async fn every_request_is_metered_by_its_outcome() {
    let paths = any(|uri: Uri| async move {
        match uri.path().rsplit('/').next() {
            Some("down") => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
            _ => (StatusCode::OK, json!({"message": "pong"}).to_string()),
        }
    });
    let meter = Meter::default();
    let client = Client::new(&site(Router::new().fallback(paths)).await, meter.clone()).unwrap();
    for method in ["ping", "down", "down", "ping"] {
        let _ = client.call(Priority::Job, method, &json!({}), PATIENT).await;
    }
    let mut registry = prometheus_client::registry::Registry::default();
    meter.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for expected in [
        "erpnext_seconds_count{outcome=\"ok\"} 1",
        "erpnext_seconds_count{outcome=\"passing\"} 2",
        "erpnext_unasked_total{why=\"breaker_open\"} 1",
        "erpnext_breaker{state=\"open\"} 1",
        "erpnext_breaker{state=\"closed\"} 0",
        "erpnext_limit 1",
        "erpnext_waiting{for=\"job\"} 0",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

//! The control API and the faults.

use neoron_simulators::erpnext::{FailNext, Faults};
use reqwest::{Client, Method, redirect::Policy};
use serde_json::json;

use super::{ORDERS, Site, order};

const ORDER: &str = "Voice Restaurant Order";

#[tokio::test]
async fn staff_move_an_order_on_until_it_is_done() {
    let site = Site::start().await;
    site.call(ORDERS, "place_order", &order("q-1")).await.message();
    let change = json!({"doctype": ORDER, "name": "VO-0001", "status": "Ready", "estimated_time": 5});
    let changed = site.control("documents/status", &change).await;
    assert_eq!(
        (&changed.body["document"]["status"], &changed.body["document"]["estimated_time"]),
        (&json!("Ready"), &json!(5))
    );
    let status = site.call(ORDERS, "order_status", &json!({"order": "q-1"})).await.message();
    assert_eq!(status["status"], "Ready");
    site.simulator.set_status(ORDER, "q-1", "Completed", None).unwrap();
    let refused = site.simulator.set_status(ORDER, "q-1", "Pending", None).unwrap_err();
    assert_eq!((refused.status, refused.exc_type.as_str()), (417, "ValidationError"));
    let unknown = json!({"doctype": ORDER, "name": "q-2", "status": "Ready"});
    assert_eq!(site.control("documents/status", &unknown).await.status, 404);
}

#[tokio::test]
async fn documents_and_requests_can_be_looked_at() {
    let site = Site::start().await;
    site.call(ORDERS, "place_order", &order("q-1")).await.message();
    let url = site.url("/_control/documents?doctype=Voice%20Restaurant%20Order");
    let listed = Site::send(site.client.get(url)).await;
    assert_eq!(listed.body["documents"][0]["name"], "q-1");
    let counted = Site::send(site.client.get(site.url("/_control/requests"))).await;
    assert_eq!(counted.body["requests"][format!("POST /api/method/{ORDERS}.place_order")], 1);
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let site = Site::start().await;
    site.call(ORDERS, "place_order", &order("q-1")).await.message();
    site.control("faults", &json!({"down": true})).await;
    assert_eq!(site.control("reset", &json!({})).await.status, 204);
    assert!(site.simulator.orders().is_empty() && site.simulator.requests().is_empty());
    let placed = site.call(ORDERS, "place_order", &order("q-1")).await.message();
    assert_eq!((&placed["created"], &placed["order_number"]), (&json!(true), &json!("VO-0001")));
}

#[tokio::test]
async fn a_site_that_is_down_answers_html_or_nothing() {
    let site = Site::start().await;
    site.control("faults", &json!({"down": true})).await;
    let page = site.get("/api/method/ping").await;
    assert!(page.status == 503 && page.body.is_string());
    site.control("faults", &json!({"refuse": true})).await;
    assert!(site.bare(Method::GET, "/api/method/ping").send().await.is_err());
    site.control("faults", &json!({})).await;
    assert_eq!(site.get("/api/method/ping").await.message(), "pong");
}

#[tokio::test]
async fn the_next_requests_fail_as_asked_and_change_nothing() {
    let site = Site::start().await;
    let next = FailNext { count: 2, status: 503, exc_type: "SessionStopped".into() };
    site.simulator.set_faults(Faults { fail_next: Some(next), ..Faults::default() });
    for _ in 0..2 {
        site.call(ORDERS, "place_order", &order("q-1")).await.refused(503, "SessionStopped");
    }
    assert_eq!(site.call(ORDERS, "place_order", &order("q-1")).await.message()["created"], json!(true));
}

#[tokio::test]
async fn a_lost_answer_is_lost_after_its_effect() {
    let site = Site::start().await;
    site.simulator.set_faults(Faults { lose_answers: 1, ..Faults::default() });
    let path = format!("/api/method/{ORDERS}.place_order");
    let lost = site.request("gateway:gateway-secret", Method::POST, &path).json(&order("q-1")).send().await;
    assert!(lost.is_err());
    assert_eq!(site.simulator.orders().len(), 1);
    assert_eq!(site.call(ORDERS, "place_order", &order("q-1")).await.message()["created"], json!(false));
}

#[tokio::test]
async fn an_error_rate_fails_about_its_share() {
    let site = Site::start().await;
    site.simulator.set_faults(Faults { error_rate: 0.5, ..Faults::default() });
    let mut failed = 0;
    for _ in 0..100 {
        let answer = site.get("/api/method/ping").await;
        failed += u32::from(answer.status == 500 && answer.exc_type() == "QueryDeadlockError");
    }
    assert!((20..=80).contains(&failed), "{failed} of 100 failed");
}

#[tokio::test]
async fn an_unknown_fault_is_refused() {
    let site = Site::start().await;
    assert_eq!(site.control("faults", &json!({"dwon": true})).await.status, 422);
}

#[tokio::test]
async fn the_staff_page_moves_an_order_with_a_plain_form() {
    let site = Site::start().await;
    site.call(ORDERS, "place_order", &order("q-1")).await.message();
    let page = site.client.get(site.url("/_control/")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'"));
    let text = page.text().await.unwrap();
    assert!(text.contains("VO-0001") && text.contains("value=\"Confirmed\"") && !text.contains("<script"));
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let press = |origin: &str| {
        let form = "doctype=Voice+Restaurant+Order&name=q-1&status=Confirmed";
        let request = client.post(site.url("/_control/advance")).header("Origin", origin);
        request.header("Content-Type", "application/x-www-form-urlencoded").body(form).send()
    };
    let foreign = press("http://evil.example").await.unwrap();
    assert_eq!(foreign.status(), 403);
    let own = format!("http://{}", site.simulator.address());
    let moved = press(&own).await.unwrap();
    assert_eq!((moved.status().as_u16(), &moved.headers()["location"]), (303, &"/_control/".parse().unwrap()));
    assert_eq!(site.simulator.orders()[0]["status"], "Confirmed");
    let style = site.client.get(site.url("/_control/style.css")).send().await.unwrap();
    assert!(style.headers()["content-type"].to_str().unwrap().starts_with("text/css"));
}

#[tokio::test]
async fn a_hanging_site_never_answers_and_still_stops() {
    let site = Site::start().await;
    site.simulator.set_faults(Faults { hang: true, ..Faults::default() });
    let request = site.bare(Method::GET, "/api/method/ping").timeout(std::time::Duration::from_millis(200));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(Site::send(site.client.get(site.url("/_control/requests"))).await.status, 200);
    let open = tokio::spawn(site.bare(Method::GET, "/api/method/ping").send());
    super::until("the request arrived", || site.simulator.requests().values().sum::<u64>() == 2).await;
    site.simulator.stop().await;
    assert!(open.await.unwrap().is_err());
}

//! Status webhooks, received by a small server.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use neoron_simulators::erpnext::{Faults, WebhookTarget, sign};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{APPOINTMENTS, ORDERS, Site, order, until};

const SECRET: &str = "whsecret";
const ORDER: &str = "Voice Restaurant Order";

/// What arrived, and with which status the next ones are answered.
#[derive(Clone, Default)]
struct Receiver {
    arrived: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<Vec<StatusCode>>>,
}

impl Receiver {
    async fn start(answers: &[u16]) -> (Self, WebhookTarget) {
        let receiver = Self::default();
        *receiver.answers.lock().unwrap() = answers.iter().map(|code| StatusCode::from_u16(*code).unwrap()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook/order-update", listener.local_addr().unwrap()).parse().unwrap();
        let app = Router::new().route("/webhook/order-update", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (receiver, WebhookTarget { url, secret: SECRET.into() })
    }

    fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }

    fn body(&self, at: usize) -> Value {
        serde_json::from_slice(&self.arrived.lock().unwrap()[at].1).unwrap()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.arrived.lock().unwrap().push((headers, body));
    let mut answers = receiver.answers.lock().unwrap();
    if answers.is_empty() { StatusCode::NO_CONTENT } else { answers.remove(0) }
}

async fn site_with_order(target: WebhookTarget) -> Site {
    let site = Site::with(|options| options.webhook = Some(target)).await;
    site.call(ORDERS, "place_order", &order("q-1")).await.message();
    site
}

#[tokio::test]
async fn a_status_change_is_announced_signed_over_its_bytes() {
    let (receiver, target) = Receiver::start(&[]).await;
    let site = site_with_order(target).await;
    site.simulator.set_status(ORDER, "q-1", "Ready", Some(5)).unwrap();
    until("the webhook came", || receiver.count() == 1).await;
    let (headers, bytes) = receiver.arrived.lock().unwrap()[0].clone();
    assert_eq!(headers["x-frappe-webhook-signature"], sign(SECRET, &bytes));
    assert!(bytes.starts_with(b"{\"event\": \"voice_document.updated\", \"event_id\": \"Voice Restaurant Order:q-1:"));
    let body = receiver.body(0);
    let modified = site.simulator.orders()[0]["modified"].clone();
    assert_eq!(body["modified"], modified);
    assert_eq!(body["event_id"], format!("{ORDER}:q-1:{}", modified.as_str().unwrap()));
    let expected = json!(["VO-0001", "Ready", "s_1", 5, "2026-11-23 12:00:00"]);
    let got = ["order_number", "status", "session_id", "estimated_time", "sent_at"].map(|key| body[key].clone());
    assert_eq!(json!(got), expected);
}

#[tokio::test]
async fn neither_a_new_document_nor_an_unchanged_status_is_announced() {
    let (receiver, target) = Receiver::start(&[]).await;
    let site = site_with_order(target).await;
    site.simulator.set_status(ORDER, "q-1", "Pending", Some(9)).unwrap();
    site.simulator.set_status(ORDER, "q-1", "Confirmed", None).unwrap();
    until("the webhook came", || receiver.count() == 1).await;
    assert_eq!(receiver.body(0)["status"], "Confirmed");
}

#[tokio::test]
async fn a_refused_webhook_is_sent_again() {
    let (receiver, target) = Receiver::start(&[500]).await;
    let site = site_with_order(target).await;
    site.simulator.set_status(ORDER, "q-1", "Ready", None).unwrap();
    until("it was delivered", || site.simulator.deliveries().iter().any(|delivery| delivery.delivered)).await;
    assert_eq!(site.simulator.deliveries()[0].tries, 2);
    assert_eq!(receiver.body(0), receiver.body(1));
}

#[tokio::test]
async fn a_webhook_refused_three_times_is_lost() {
    let (receiver, target) = Receiver::start(&[500, 503, 404]).await;
    let site = site_with_order(target).await;
    site.simulator.set_status(ORDER, "q-1", "Ready", None).unwrap();
    until("it was given up", || !site.simulator.deliveries().is_empty()).await;
    let delivery = site.simulator.deliveries().remove(0);
    assert_eq!((delivery.tries, delivery.delivered, receiver.count()), (3, false, 3));
}

#[tokio::test]
async fn webhooks_are_lost_and_doubled_on_request() {
    let (receiver, target) = Receiver::start(&[]).await;
    let site = site_with_order(target).await;
    site.simulator.set_faults(Faults { lose_webhooks: 1, duplicate_webhooks: true, ..Faults::default() });
    site.simulator.set_status(ORDER, "q-1", "Confirmed", None).unwrap();
    assert_eq!(site.simulator.deliveries()[0].tries, 0);
    site.simulator.set_status(ORDER, "q-1", "Preparing", None).unwrap();
    until("both copies came", || receiver.count() == 2).await;
    assert_eq!(receiver.body(0)["event_id"], receiver.body(1)["event_id"]);
    assert_eq!(receiver.body(0)["status"], "Preparing");
}

#[tokio::test]
async fn a_cancelled_appointment_is_announced_to_a_target_set_at_run_time() {
    let (receiver, target) = Receiver::start(&[]).await;
    let site = Site::start().await;
    let settings = json!({"url": target.url.as_str(), "secret": SECRET});
    assert_eq!(site.control("webhook", &settings).await.status, 204);
    let booking = json!({"idempotency_key": "a-1", "session_id": "s_1", "customer_name": "Zoë",
        "service_type": "haircut", "start": "2026-11-24 09:00:00"});
    site.call(APPOINTMENTS, "book_appointment", &booking).await.message();
    let cancel = json!({"idempotency_key": "x-1", "session_id": "s_1", "appointment": "a-1"});
    site.call(APPOINTMENTS, "cancel_appointment", &cancel).await.message();
    until("the webhook came", || receiver.count() == 1).await;
    let body = receiver.body(0);
    assert_eq!((&body["doctype"], &body["status"]), (&json!("Voice Appointment"), &json!("Cancelled")));
    assert!(body["order_number"].is_null());
    assert_eq!(site.control("webhook", &json!({"url": "not a url"})).await.status, 422);
}

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, http::Method, http::StatusCode, response::IntoResponse, routing::any};
use neoron_protocol::UnixMillis;
use serde_json::{Value, json};

use super::*;
use crate::{
    config::{ErpnextConfig, Secret},
    ledger::samples,
};

const PATIENT: Duration = Duration::from_secs(20);

/// A site that answers by a script, and what was sent to it.
async fn scripted(answers: Vec<(u16, Value)>) -> (Client, Arc<Mutex<Vec<(Method, Value)>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let (log, answers) = (sent.clone(), Arc::new(Mutex::new(answers)));
    let router = Router::new().fallback(any(move |method: Method, body: Bytes| {
        log.lock().unwrap().push((method, serde_json::from_slice(&body).unwrap_or_default()));
        let (status, body) = answers.lock().unwrap().remove(0);
        async move { (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response() }
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = Client::new(
        &ErpnextConfig {
            url,
            site: "voice.localhost".into(),
            token: Secret::new("key:secret"),
            webhook_secrets: Vec::new(),
            time_zone: "UTC".into(),
            concurrency: 1,
            request_deadline: PATIENT,
            breaker_failures: 9,
            breaker_pause: PATIENT,
        },
        super::super::Meter::default(),
    );
    (client.unwrap(), sent)
}

fn sample(state: State) -> Fields {
    let mut record = samples::record();
    record.state = state;
    record.customer.phone = Some("+441234567890".to_owned().into());
    fields(&record, Some("hello"), "Restaurant", "Europe/London")
}

fn refusal(status: u16, exc_type: &str) -> (u16, Value) {
    (status, json!({"exc_type": exc_type}))
}

fn done() -> (u16, Value) {
    (200, json!({"data": {}}))
}

#[tokio::test]
async fn a_session_that_is_there_already_is_updated() {
    let (client, sent) = scripted(vec![refusal(409, "DuplicateEntryError"), done()]).await;
    save(&client, sample(State::Active), false, PATIENT).await.unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!(sent.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>(), ["POST", "PUT"]);
    assert_eq!(sent[1].1["status"], "Active");
}

#[tokio::test]
async fn an_ended_session_that_never_arrived_is_created() {
    let (client, sent) = scripted(vec![refusal(404, "DoesNotExistError"), done()]).await;
    save(&client, sample(State::Completed), true, PATIENT).await.unwrap();
    let methods: Vec<String> = sent.lock().unwrap().iter().map(|(method, _)| method.to_string()).collect();
    assert_eq!(methods, ["PUT", "POST"]);
}

#[tokio::test]
async fn a_late_update_of_an_ended_session_is_passed_over() {
    let over = (200, json!({"data": {"status": "Completed"}}));
    let (client, _) = scripted(vec![refusal(409, "DuplicateEntryError"), refusal(417, "ValidationError"), over]).await;
    save(&client, sample(State::Active), false, PATIENT).await.unwrap();
}

#[tokio::test]
async fn a_refusal_of_a_session_that_goes_on_is_an_error() {
    let active = (200, json!({"data": {"status": "Active"}}));
    let (client, _) = scripted(vec![refusal(417, "ValidationError"), active]).await;
    let error = save(&client, sample(State::Completed), true, PATIENT).await.unwrap_err();
    assert_eq!(error.class(), Class::Refused);
}

#[tokio::test]
async fn a_write_at_the_same_instant_is_made_again() {
    let (client, _) = scripted(vec![refusal(417, "TimestampMismatchError"), done()]).await;
    save(&client, sample(State::Completed), true, PATIENT).await.unwrap();
}

#[tokio::test]
async fn a_phone_number_that_frappe_refuses_does_not_cost_the_record() {
    let (client, sent) = scripted(vec![refusal(417, "InvalidPhoneNumberError"), done()]).await;
    save(&client, sample(State::Active), false, PATIENT).await.unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!(sent[0].1["customer_phone"], "+441234567890");
    assert!(sent[1].1.get("customer_phone").is_none());
}

#[tokio::test]
async fn an_outage_is_told_as_it_is() {
    let (client, _) = scripted(vec![(502, Value::Null)]).await;
    assert!(save(&client, sample(State::Active), false, PATIENT).await.unwrap_err().is_transient());
}

#[test]
fn states_become_the_selects_options() {
    let words = State::ALL.map(status);
    assert_eq!(words, ["Active", "Active", "Active", "Active", "Completed", "Failed", "Failed"]);
}

#[test]
fn parameters_are_json_in_a_text_and_times_are_naive() {
    let mut record = samples::record();
    record.interactions.push(Interaction {
        event_id: "r_1".into(),
        tool: "placeOrder".into(),
        parameters: json!({"items": []}).into(),
        at: record.created_at,
    });
    let value = serde_json::to_value(fields(&record, None, "Restaurant", "UTC")).unwrap();
    assert_eq!(value["interactions"][0]["parameters"], "{\"items\":[]}");
    assert_eq!(value["start_time"].as_str().unwrap().len(), 19);
    assert!(value.get("transcript").is_none() && value.get("end_time").is_none());
}

#[test]
fn a_long_transcript_is_cut_between_characters() {
    assert_eq!(cut("aé", 2), "a");
    assert_eq!(cut("aé", 3), "aé");
}

#[test]
fn a_call_that_ended_before_it_began_by_another_clock_has_no_length() {
    let mut record = samples::record();
    (record.joined_at, record.ended_at) = (Some(UnixMillis(31_000)), Some(UnixMillis(8_000)));
    let fields = fields(&record, None, "Restaurant", "UTC");
    assert_eq!(fields.end_time.as_deref(), Some(fields.start_time.as_str()));
}

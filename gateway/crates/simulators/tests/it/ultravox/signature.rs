//! The recorded signature vectors.

use neoron_simulators::ultravox::signature;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../contract/ultravox-webhook.json")).unwrap()
}

fn vector(list: &str, name: &str) -> Value {
    let vectors = vectors();
    vectors[list].as_array().unwrap().iter().find(|vector| vector["name"] == name).unwrap().clone()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn the_webhook_is_signed_as_recorded(name: &str) {
    let vector = vector("webhook_vectors", name);
    let body = data_encoding::HEXLOWER.decode(vector["body_hex"].as_str().unwrap().as_bytes()).unwrap();
    let signed = signature::webhook(&strings(&vector["secrets"]), &body, vector["timestamp"].as_str().unwrap());
    assert_eq!(signed, strings(&vector["expected_signatures_hex"]).join(","));
    assert_eq!(signed, vector["headers"]["X-Ultravox-Webhook-Signature"]);
}

#[test]
fn report_webhook() {
    the_webhook_is_signed_as_recorded("report-webhook");
}

#[test]
fn empty_body() {
    the_webhook_is_signed_as_recorded("empty-body");
}

#[test]
fn utf8_body_with_escapes() {
    the_webhook_is_signed_as_recorded("utf8-body-with-escapes");
}

#[test]
fn two_secrets_rotation() {
    the_webhook_is_signed_as_recorded("two-secrets-rotation");
}

#[test]
fn report_data_connection() {
    let vector = vector("data_connection_vectors", "report-data-connection");
    let text = |key: &str| vector[key].as_str().unwrap().to_owned();
    let signed = signature::data_connection(&strings(&vector["secrets"]), &text("call_id"), &text("timestamp"));
    assert_eq!(signed, vector["headers"]["X-Ultravox-Signature"]);
}

#[test]
fn every_recorded_vector_has_a_test() {
    let vectors = vectors();
    let count = |list: &str| vectors[list].as_array().unwrap().len();
    assert_eq!((count("webhook_vectors"), count("data_connection_vectors")), (4, 1));
}

/// The wrong constructions of the negative cases, where they differ from the right one by how the message is built.
#[test]
fn a_rejected_signature_is_never_the_one_we_make() {
    let vectors = vectors();
    for case in vectors["negative_cases"].as_array().unwrap().iter().filter(|case| case["expect"] == "reject") {
        let headers = &case["headers"];
        let (Some(timestamp), Some(listed)) =
            (headers["X-Ultravox-Webhook-Timestamp"].as_str(), headers["X-Ultravox-Webhook-Signature"].as_str())
        else {
            continue;
        };
        // That one is signed rightly; what is wrong is its timestamp.
        if case["name"] == "timestamp-unparsable" {
            continue;
        }
        let signed =
            signature::webhook(&strings(&case["secrets"]), case["body"].as_str().unwrap().as_bytes(), timestamp);
        assert_ne!(signed, listed, "{}", case["name"]);
    }
}

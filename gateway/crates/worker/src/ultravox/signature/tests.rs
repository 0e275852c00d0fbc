//! Every case of the shared vectors, each named when it fails.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const VECTORS: &str = include_str!("../../../contract/ultravox-webhook.json");

fn vectors() -> Value {
    serde_json::from_str(VECTORS).unwrap()
}

fn secrets(case: &Value) -> Vec<Secret> {
    case["secrets"].as_array().unwrap().iter().map(|it| Secret::new(it.as_str().unwrap())).collect()
}

/// A header's value, by its name without case, as an HTTP library finds it.
fn header(case: &Value, name: &str) -> Option<String> {
    let headers = case["headers"].as_object().unwrap();
    headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str().unwrap().to_owned())
}

fn body(case: &Value) -> Vec<u8> {
    match case["body_hex"].as_str() {
        Some(hex) => HEXLOWER.decode(hex.as_bytes()).unwrap(),
        None => case["body"].as_str().unwrap().as_bytes().to_vec(),
    }
}

fn rule<'a>(secrets: &'a [Secret], case: &Value, all: &Value) -> Rule<'a> {
    Rule {
        secrets,
        now: read_time(case["verify_at"].as_str().unwrap()).unwrap(),
        window: Duration::from_secs(all["tolerance_seconds"].as_u64().unwrap()),
    }
}

fn expected(case: &Value) -> Verdict {
    match case["expect"].as_str().unwrap() {
        "accept" => Verdict::Valid,
        "stale" => Verdict::Stale,
        "reject" => Verdict::Invalid,
        other => panic!("{other}"),
    }
}

/// Runs a list of webhook cases; returns how many there were.
fn run(list: &str) -> usize {
    let all = vectors();
    let cases = all[list].as_array().unwrap();
    for case in cases {
        let secrets = secrets(case);
        let verdict = rule(&secrets, case, &all).webhook(
            &body(case),
            header(case, WEBHOOK_TIMESTAMP).as_deref(),
            header(case, WEBHOOK_SIGNATURE).as_deref(),
        );
        assert_eq!(verdict, expected(case), "{list}: {}", case["name"]);
    }
    cases.len()
}

#[test]
fn the_webhook_vectors_are_accepted() {
    assert_eq!(run("webhook_vectors"), 4);
}

#[test]
fn the_header_parsing_cases_are_accepted() {
    assert_eq!(run("header_parsing_cases"), 3);
}

#[test]
fn the_negative_cases_are_refused_or_told_stale() {
    assert_eq!(run("negative_cases"), 22);
}

#[test]
fn any_one_of_a_webhooks_secrets_is_enough() {
    let all = vectors();
    for case in all["webhook_vectors"].as_array().unwrap() {
        for secret in secrets(case) {
            let known = [Secret::new("another-secret-0000"), secret];
            let verdict = rule(&known, case, &all).webhook(
                &body(case),
                header(case, WEBHOOK_TIMESTAMP).as_deref(),
                header(case, WEBHOOK_SIGNATURE).as_deref(),
            );
            assert_eq!(verdict, Verdict::Valid, "{}", case["name"]);
        }
    }
}

#[test]
fn the_data_connection_vector_is_accepted_and_no_other_call() {
    let all = vectors();
    let cases = all["data_connection_vectors"].as_array().unwrap();
    for case in cases {
        let secrets = secrets(case);
        let rule = rule(&secrets, case, &all);
        let (timestamp, signature) = (header(case, DATA_TIMESTAMP), header(case, DATA_SIGNATURE));
        let check = |call: &str| rule.data_connection(call, timestamp.as_deref(), signature.as_deref());
        let call = header(case, DATA_CALL_ID).unwrap();
        assert_eq!(check(&call), expected(case), "{}", case["name"]);
        assert_eq!(check("11111111-2222-4333-8444-555555555556"), Verdict::Invalid);
    }
    assert_eq!(cases.len(), 1);
}

#[test]
fn the_recorded_frappe_signature_is_accepted_over_its_raw_bytes_only() {
    // Recorded on a Frappe v15 site; the body is in the recorded answers of the simulator's contract.
    let body = concat!(
        "{\"event\": \"voice_session.updated\", \"name\": \"s-3\", \"status\": \"Completed\", ",
        "\"modified\": \"2026-11-22 06:07:36.789584\", \"note\": \"caf\\u00e9\"}"
    );
    let signature = Some("K9y8pckFitt1UlVMOfYBrPqtuCo7F4kDBARDa7zUgq8=");
    let secrets = [Secret::new("other"), Secret::new("whsecret")];
    assert!(frappe(&secrets, body.as_bytes(), signature));
    assert!(!frappe(&secrets[..1], body.as_bytes(), signature));
    assert!(!frappe(&secrets, body.replace("\\u00e9", "é").as_bytes(), signature));
    assert!(!frappe(&secrets, body.as_bytes(), Some("K9y8pckFitt1UlVMOfYBrPqtuCo7F4k=")));
    assert!(!frappe(&secrets, body.as_bytes(), None));
    assert!(!frappe(&[], body.as_bytes(), signature), "without a secret nothing is proved");
}

#[test]
fn a_header_with_too_many_digests_is_refused() {
    let all = vectors();
    let case = &all["webhook_vectors"][0];
    let secrets = secrets(case);
    let right = header(case, WEBHOOK_SIGNATURE).unwrap();
    let many = [right.as_str(); MAX_DIGESTS + 1].join(",");
    let timestamp = header(case, WEBHOOK_TIMESTAMP);
    assert_eq!(rule(&secrets, case, &all).webhook(&body(case), timestamp.as_deref(), Some(&many)), Verdict::Invalid);
}

proptest! {
    #[test]
    fn no_header_makes_it_panic_or_passes(signature in "\\PC{0,200}", timestamp in "\\PC{0,40}") {
        let secrets = [Secret::new("neoron-test-secret-0001")];
        let rule = Rule { secrets: &secrets, now: UnixMillis(0), window: Duration::from_secs(60) };
        prop_assert_eq!(rule.webhook(b"x", Some(&timestamp), Some(&signature)), Verdict::Invalid);
        prop_assert!(!frappe(&secrets, b"x", Some(&signature)));
    }
}

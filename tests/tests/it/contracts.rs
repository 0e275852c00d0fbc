//! The published documents describe what the code really sends.

use std::{fs, path::Path};

use serde_json::{Value, json};

fn read(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap()
}

/// A validator for the payload of one message of the AsyncAPI document.
fn payload(document: &Value, message: &str) -> jsonschema::Validator {
    assert!(!document["components"]["messages"][message].is_null(), "docs/asyncapi.json has no message {message}");
    let reference = format!("#/components/messages/{message}/payload");
    jsonschema::validator_for(&json!({"components": document["components"], "$ref": reference})).unwrap()
}

fn assert_described(vectors: &str) {
    let document = read("docs/asyncapi.json");
    for frame in read(vectors).as_array().unwrap() {
        let message = frame["type"].as_str().unwrap();
        let problems: Vec<_> = payload(&document, message).iter_errors(frame).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{message}: {problems:?}\n{frame}");
    }
}

#[test]
fn every_server_frame_is_as_the_asyncapi_document_says() {
    assert_described("gateway/crates/protocol/vectors/server-frames.json");
}

#[test]
fn every_client_frame_is_as_the_asyncapi_document_says() {
    assert_described("gateway/crates/protocol/vectors/client-frames.json");
}

#[test]
fn a_frame_that_lacks_a_member_is_noticed() {
    let document = read("docs/asyncapi.json");
    let mut frame = read("gateway/crates/protocol/vectors/server-frames.json")[0].clone();
    assert!(payload(&document, "session").is_valid(&frame));
    frame["data"] = json!({"state": "asleep"});
    assert!(!payload(&document, "session").is_valid(&frame));
}

#[test]
fn every_message_of_the_document_belongs_to_an_operation() {
    let document = read("docs/asyncapi.json");
    let listed: Vec<_> = document["operations"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|operation| operation["messages"].as_array().unwrap())
        .map(|reference| reference["$ref"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    for message in document["components"]["messages"].as_object().unwrap().keys() {
        assert!(listed.contains(&message.as_str()), "{message} is in no operation");
    }
}

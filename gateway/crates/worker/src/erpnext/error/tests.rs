//! The recorded answers of a real site, and the cases that were only read in its source.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

const RECORDED: &str = include_str!("../../../contract/frappe-answers.json");

/// The class each recorded failure must have; `None` for a success.
const EXPECTED: &[(&str, Option<Class>)] = &[
    ("logged_user_with_token", None),
    ("create_hash_named_doc", None),
    ("create_hash_named_doc_ignores_client_name", None),
    ("create_wrong_select_option", Some(Class::Refused)),
    ("create_mandatory_field_missing", Some(Class::Permanent)),
    ("create_link_target_missing", Some(Class::Permanent)),
    ("read_unknown_document", Some(Class::Missing)),
    ("list_unknown_doctype", Some(Class::Missing)),
    ("list_with_bad_key_and_secret", Some(Class::Denied)),
    ("create_by_user_without_role", Some(Class::Denied)),
    ("create_by_guest_no_authorization_header", Some(Class::Denied)),
    ("list_by_guest_no_authorization_header", Some(Class::Denied)),
    ("create_role_first_time", None),
    ("create_role_name_already_there", Some(Class::AlreadyThere)),
    ("v2_create_document", None),
    ("v2_create_wrong_select_option", Some(Class::Refused)),
    ("v2_create_name_already_there", Some(Class::AlreadyThere)),
    ("create_malformed_json_body", Some(Class::Permanent)),
    ("call_unknown_method_path", Some(Class::Permanent)),
    ("call_function_not_whitelisted", Some(Class::Denied)),
    ("list_one_row_with_response_headers", None),
    ("voice_session_create_with_child_row", None),
    ("voice_session_create_same_session_id", Some(Class::AlreadyThere)),
    ("voice_session_create_same_ultravox_call_id", Some(Class::Permanent)),
    ("voice_session_complete_computes_duration", None),
    ("voice_session_leave_terminal_status", Some(Class::Refused)),
    ("voice_session_change_autoname_field_is_put_back", None),
    ("voice_session_dynamic_link_target_missing", Some(Class::Permanent)),
    ("voice_session_dynamic_link_unknown_doctype", Some(Class::Refused)),
    ("voice_session_iso8601_datetime", Some(Class::Refused)),
    ("voice_session_bad_phone", Some(Class::Permanent)),
    ("voice_session_stale_modified", Some(Class::Stale)),
    ("voice_session_delete_without_permission", Some(Class::Denied)),
    ("start_session_first_call", None),
    ("start_session_repeated_call", None),
    ("start_session_with_get_on_post_only_method", Some(Class::Denied)),
    ("start_session_argument_of_wrong_type", Some(Class::Permanent)),
    ("start_session_required_argument_missing", Some(Class::Permanent)),
    ("start_session_by_guest", Some(Class::Denied)),
    ("rate_limited_guest_call_1_of_3", None),
    ("rate_limited_guest_call_2_of_3", None),
    ("rate_limited_guest_call_3_of_3", None),
    ("rate_limited_guest_call_over_the_limit", Some(Class::Passing)),
    ("voice_session_list_with_filters_and_fields", None),
    ("report_run_without_report_role", Some(Class::Denied)),
];

fn read(status: u16, body: &Value) -> Error {
    Error::from_answer(StatusCode::from_u16(status).unwrap(), None, body.to_string().as_bytes())
}

#[test]
fn every_recorded_answer_has_its_expected_class() {
    let recorded: Vec<Value> = serde_json::from_str(RECORDED).unwrap();
    let names: Vec<&str> = recorded.iter().map(|case| case["case"].as_str().unwrap()).collect();
    assert_eq!(names, EXPECTED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (case, (name, expected)) in recorded.iter().zip(EXPECTED) {
        let status = u16::try_from(case["response"]["status"].as_u64().unwrap()).unwrap();
        let success = StatusCode::from_u16(status).unwrap().is_success();
        assert_eq!(success, expected.is_none(), "{name}");
        if let Some(class) = expected {
            assert_eq!(read(status, &case["response"]["body"]).class(), *class, "{name}");
        }
    }
}

#[test]
fn a_recorded_message_is_decoded_twice_and_loses_its_tags() {
    let recorded: Vec<Value> = serde_json::from_str(RECORDED).unwrap();
    let case = recorded.iter().find(|case| case["case"] == "voice_session_stale_modified").unwrap();
    let told = messages(&case["response"]["body"]);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("Error: Document has been modified after you have opened it"));
    let body = json!({"_server_messages": json!([json!({"message": "<b>No</b> such <a href='x'>thing</a>"}).to_string()]).to_string()});
    assert_eq!(messages(&body), ["No such thing"]);
}

#[test]
fn passing_faults_are_retried_whatever_their_status() {
    for (status, exc_type) in [
        (503, "SessionStopped"),
        (503, "InReadOnlyMode"),
        (429, "TooManyRequestsError"),
        (500, "QueryDeadlockError"),
        (500, "QueryTimeoutError"),
        (417, "DocumentLockedError"),
    ] {
        assert!(read(status, &json!({"exc_type": exc_type})).is_transient(), "{exc_type}");
    }
}

#[test]
fn a_database_error_passes_only_with_a_passing_code() {
    let error = |code: u32| {
        let exception = format!("pymysql.err.OperationalError: ({code}, \"…\")");
        read(500, &json!({"exc_type": "OperationalError", "exception": exception})).class()
    };
    assert_eq!((error(1020), error(2006), error(2013)), (Class::Passing, Class::Passing, Class::Passing));
    assert_eq!(error(1292), Class::Permanent, "a datetime it cannot read");
    let hidden = read(500, &json!({"exc_type": "OperationalError"}));
    assert_eq!(hidden.class(), Class::Hidden, "tracebacks are off");
    assert!(matches!(hidden.to_outcome(), Outcome::Limited { retries: 2, .. }));
}

#[test]
fn an_answer_that_is_not_frappes_leaves_it_open() {
    let html =
        |status: u16| Error::from_answer(StatusCode::from_u16(status).unwrap(), None, b"<html>oops</html>").class();
    assert_eq!((html(502), html(504), html(500)), (Class::Unclear, Class::Unclear, Class::Unclear));
    assert_eq!((html(404), html(405)), (Class::Permanent, Class::Permanent));
    assert_eq!(html(503), Class::Passing);
}

#[test]
fn a_conflict_is_not_always_a_name_that_is_taken() {
    assert_eq!(read(409, &json!({"exc_type": "NameError"})).class(), Class::Permanent);
    assert_eq!(read(409, &json!({"exc_type": "SlotTaken"})).class(), Class::Refused);
}

#[test]
fn an_error_shows_neither_messages_nor_extra_keys() {
    let error = read(417, &json!({"exc_type": "UnknownMenuItem", "unknown": ["canary"], "exception": "canary"}));
    assert_eq!(
        format!("{error} {error:?}"),
        "ERPNext: refused, status 417, UnknownMenuItem ERPNext: refused, status 417, UnknownMenuItem"
    );
    assert_eq!(error.detail("unknown"), &json!(["canary"]));
}

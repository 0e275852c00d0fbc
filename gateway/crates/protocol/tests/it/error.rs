use std::collections::BTreeSet;

use neoron_protocol::{ErrorCode, error::Problem};

#[test]
fn every_code_has_its_own_word_and_a_client_or_server_error_status() {
    let words: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), ErrorCode::ALL.len());
    for code in ErrorCode::ALL {
        assert!((400..600).contains(&code.status()), "{code}");
        assert!(code.title().ends_with('.'), "{code}");
        assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}");
    }
}

#[test]
fn a_problem_document_names_code_status_and_request() {
    let problem = Problem::new(ErrorCode::NoRoom).with_detail("try later").with_request_id("r_1");
    let json = serde_json::to_value(&problem).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "type": "urn:neoron:problem:no_room", "title": "All lines are busy.", "status": 503, "code": "no_room",
            "detail": "try later", "request_id": "r_1",
        })
    );
}

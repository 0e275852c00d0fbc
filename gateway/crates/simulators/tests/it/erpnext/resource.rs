//! Documents over `/api/resource`, beyond the recordings.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::Site;

const SESSIONS: &str = "/api/resource/Voice%20Session";

#[tokio::test]
async fn a_name_that_differs_only_in_case_is_taken() {
    let site = Site::start().await;
    site.create_session(&json!({"session_id": "S-3"})).await.data();
    site.create_session(&json!({"session_id": "s-3"})).await.refused(409, "DuplicateEntryError");
    let read = site.get(&format!("{SESSIONS}/s-3")).await.data();
    assert_eq!(read["name"], "S-3");
}

#[tokio::test]
async fn an_illegal_name_is_a_409_of_another_kind() {
    let site = Site::start().await;
    site.create_session(&json!({"session_id": "a<b"})).await.refused(409, "NameError");
}

#[tokio::test]
async fn unknown_fields_are_dropped_and_owner_is_overwritten() {
    let site = Site::start().await;
    let sent = json!({"session_id": "s-1", "join_url": "wss://x", "owner": "me", "creation": "2020-01-01 00:00:00"});
    let stored = site.create_session(&sent).await.data();
    assert!(stored.get("join_url").is_none());
    assert_eq!(stored["owner"], "voice-gateway@example.com");
    assert!(stored["creation"].as_str().unwrap().starts_with("2026-11-23 12:00:00"));
}

#[tokio::test]
async fn fields_without_a_value_are_left_out_but_numbers_are_zero() {
    let site = Site::start().await;
    let stored = site.create_session(&json!({"session_id": "s-1", "customer_name": null})).await.data();
    assert!(stored.as_object().unwrap().values().all(|value| !value.is_null()));
    assert!(stored.get("customer_name").is_none() && stored["duration"] == 0);
}

#[tokio::test]
async fn a_datetime_that_is_not_naive_is_refused_before_the_database_would() {
    let site = Site::start().await;
    for (at, text) in ["2026-11-22T05:00:00Z", "2026-11-22 05:00:00+02:00", "tomorrow"].iter().enumerate() {
        let refused = site.create_session(&json!({"session_id": format!("s-{at}"), "start_time": text})).await;
        refused.refused(417, "ValidationError");
        assert!(refused.body["say"].is_string(), "{text}");
    }
    assert!(site.simulator.sessions().is_empty());
    // A document without such a rule shows the database's own error.
    let todo = json!({"description": "x", "date": "2026-11-22T05:00:00Z"});
    let refused = site.manager(Method::POST, "/api/resource/ToDo", &todo).await;
    refused.refused(500, "OperationalError");
    assert!(refused.body["exception"].as_str().unwrap().contains("(1292,"));
}

#[tokio::test]
async fn the_site_time_zone_decides_what_creation_says() {
    let site = Site::with(|options| options.time_zone = "Asia/Kolkata".into()).await;
    let stored = site.create_session(&json!({"session_id": "s-1"})).await.data();
    assert!(stored["creation"].as_str().unwrap().starts_with("2026-11-23 17:30:00"));
}

#[tokio::test]
async fn a_put_changes_only_what_it_names_and_replaces_a_table_it_names() {
    let site = Site::start().await;
    let rows = json!([{"event_id": "e1"}, {"event_id": "e2"}]);
    let made = site.create_session(&json!({"session_id": "s-1", "customer_name": "Ada", "interactions": rows})).await;
    let kept = made.data()["interactions"][1]["name"].clone();
    let path = format!("{SESSIONS}/s-1");
    let changed = site.gateway(Method::PUT, &path, &json!({"business_outcome": "order"})).await.data();
    assert_eq!((&changed["customer_name"], changed["interactions"].as_array().unwrap().len()), (&json!("Ada"), 2));
    let rows = json!([{"name": kept, "event_id": "e2"}, {"event_id": "e3"}]);
    let changed = site.gateway(Method::PUT, &path, &json!({"interactions": rows})).await.data();
    let rows = changed["interactions"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["name"], &rows[0]["idx"]), (&kept, &json!(1)));
    assert!(rows[0].get("__unsaved").is_none() && rows[1]["__unsaved"] == 1);
}

#[tokio::test]
async fn the_modified_of_a_read_is_an_optimistic_lock() {
    let site = Site::start().await;
    let modified = site.create_session(&json!({"session_id": "s-1"})).await.data()["modified"].clone();
    let path = format!("{SESSIONS}/s-1");
    let change = json!({"modified": modified, "customer_name": "Ada"});
    site.gateway(Method::PUT, &path, &change).await.data();
    site.gateway(Method::PUT, &path, &change).await.refused(417, "TimestampMismatchError");
}

#[tokio::test]
async fn texts_and_numbers_have_their_bounds() {
    let site = Site::start().await;
    let long = "x".repeat(141);
    site.create_session(&json!({"session_id": "s-1", "customer_name": long}))
        .await
        .refused(417, "CharacterLengthExceededError");
    let backwards =
        json!({"session_id": "s-1", "start_time": "2026-11-22 05:00:00", "end_time": "2026-11-22 04:00:00"});
    site.create_session(&backwards).await.refused(417, "ValidationError");
    let negative = json!({"session_id": "s-1", "seconds_billed": -1});
    site.create_session(&negative).await.refused(417, "NonNegativeError");
    site.create_session(&json!({"session_id": "s-1", "customer_name": ["Ada"]})).await.refused(417, "ValidationError");
    site.create_session(&json!({"customer_name": "Ada"})).await.refused(417, "ValidationError");
}

#[tokio::test]
async fn a_transcript_is_hidden_from_a_role_without_its_level() {
    let site = Site::start().await;
    site.create_session(&json!({"session_id": "s-1", "transcript": "secret"})).await.data();
    let path = format!("{SESSIONS}/s-1");
    assert_eq!(site.get(&path).await.data()["transcript"], "secret");
    let seen = Site::send(site.request("supervisor:secret", Method::GET, &path)).await.data();
    assert!(seen.get("transcript").is_none() && seen["name"] == "s-1");
    let write = site.request("supervisor:secret", Method::PUT, &path).json(&json!({"customer_name": "x"}));
    Site::send(write).await.refused(403, "PermissionError");
    Site::send(site.bare(Method::GET, &path)).await.refused(403, "PermissionError");
}

#[tokio::test]
async fn a_manager_deletes_and_the_name_is_free_again() {
    let site = Site::start().await;
    site.create_session(&json!({"session_id": "s-1", "ultravox_call_id": "c-1"})).await.data();
    let gone = site.manager(Method::DELETE, &format!("{SESSIONS}/S-1"), &json!({})).await;
    assert_eq!((gone.status, &gone.body["data"]), (202, &json!("ok")));
    site.get(&format!("{SESSIONS}/s-1")).await.refused(404, "DoesNotExistError");
    site.create_session(&json!({"session_id": "s-1", "ultravox_call_id": "c-1"})).await.data();
}

#[tokio::test]
async fn twenty_parallel_creates_of_one_name_make_one_document() {
    let site = Site::with(|options| options.workers = 8).await;
    let mut creates = Vec::new();
    for _ in 0..20 {
        let request = site.request("gateway:gateway-secret", Method::POST, SESSIONS);
        creates.push(tokio::spawn(Site::send(request.json(&json!({"session_id": "s-1"})))));
    }
    let mut statuses = Vec::new();
    for create in creates {
        statuses.push(create.await.unwrap().status);
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[409; 19][..]));
}

async fn names(site: &Site, query: &[(&str, &str)]) -> Vec<String> {
    let request = site.request("gateway:gateway-secret", Method::GET, SESSIONS).query(query);
    let rows = Site::send(request).await.data();
    rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_filter_order_and_page() {
    let site = Site::start().await;
    for number in 1..=25 {
        let status = if number % 2 == 0 { "Completed" } else { "Active" };
        let session = json!({"session_id": format!("s-{number:02}"), "status": status, "customer_name": "Ada"});
        site.create_session(&session).await.data();
    }
    let all = names(&site, &[]).await;
    assert_eq!((all.len(), all[0].as_str()), (20, "s-25"));
    assert_eq!(names(&site, &[("limit_page_length", "0")]).await.len(), 25);
    assert_eq!(names(&site, &[("limit", "2"), ("limit_start", "1")]).await, ["s-24", "s-23"]);
    assert_eq!(names(&site, &[("order_by", "name asc"), ("limit", "1")]).await, ["s-01"]);
    let filters = json!({"status": "Completed", "name": ["like", "%0_"]}).to_string();
    assert_eq!(names(&site, &[("filters", &filters)]).await, ["s-08", "s-06", "s-04", "s-02"]);
    let filters = json!([["name", "in", ["s-01", "s-03"]]]).to_string();
    assert_eq!(names(&site, &[("filters", &filters)]).await, ["s-03", "s-01"]);
    let any = json!([["name", "=", "s-09"], ["name", "=", "s-07"]]).to_string();
    assert_eq!(names(&site, &[("or_filters", &any)]).await, ["s-09", "s-07"]);
    let modified = site.get(&format!("{SESSIONS}/s-23")).await.data()["modified"].clone();
    let since = json!([["modified", ">", modified]]).to_string();
    assert_eq!(names(&site, &[("filters", &since)]).await, ["s-25", "s-24"]);
}

#[tokio::test]
async fn a_row_of_a_list_has_a_null_where_a_document_has_nothing() {
    let site = Site::start().await;
    site.create_session(&json!({"session_id": "s-1"})).await.data();
    let rows = site.get(&format!("{SESSIONS}?fields=[\"name\",\"customer_name\"]")).await.data();
    assert_eq!(rows, json!([{"name": "s-1", "customer_name": null}]));
    site.get(&format!("{SESSIONS}?fields=[\"nope\"]")).await.refused(500, "OperationalError");
}

#[tokio::test]
async fn v2_answers_data_and_knows_patch_and_count() {
    let site = Site::start().await;
    let path = "/api/v2/document/Voice%20Session";
    site.gateway(Method::POST, path, &json!({"session_id": "s-1"})).await.data();
    let changed = site.gateway(Method::PATCH, &format!("{path}/s-1"), &json!({"customer_name": "Ada"})).await.data();
    assert_eq!(changed["customer_name"], "Ada");
    assert_eq!(site.get("/api/v2/doctype/Voice%20Session/count").await.data(), 1);
    let missing = site.get(&format!("{path}/none")).await;
    assert_eq!((missing.status, &missing.body["errors"][0]["type"]), (404, &json!("DoesNotExistError")));
}

#[tokio::test]
async fn a_key_data_is_taken_as_the_whole_document() {
    let site = Site::start().await;
    let wrapped = json!({"data": {"session_id": "s-1"}, "customer_name": "Ada"});
    let stored = site.create_session(&wrapped).await.data();
    let fields: BTreeSet<_> = stored.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(!fields.contains("customer_name") && stored["name"] == "s-1");
    site.create_session(&json!({"data": [1]})).await.refused(500, "TypeError");
}

#[tokio::test]
async fn nothing_that_a_client_sends_is_answered_out_of_shape() {
    let site = Site::start().await;
    let bodies = [
        json!(null),
        json!([]),
        json!({"session_id": {}}),
        json!({"interactions": 5}),
        json!("x"),
        json!({"session_id": "s", "interactions": [5]}),
        json!({"session_id": "t", "interactions": {"a": 1}}),
        json!({"session_id": "u", "status": 5}),
        json!({"session_id": "v", "start_time": 5}),
    ];
    for body in bodies {
        let answer = site.create_session(&body).await;
        assert!(answer.status >= 400 && answer.body["exc_type"].is_string(), "{body}: {}", answer.body);
    }
    assert_eq!(site.simulator.sessions(), Vec::<Value>::new());
}

//! The OpenAPI document that is served is the one that is committed.

use std::{fs, path::Path};

use reqwest::Method;

use crate::support::{World, answer};

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn the_committed_document_is_the_one_that_is_made() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/openapi.json");
    let made = neoron_worker::openapi_json();
    if std::env::var("NEORON_BLESS").is_ok_and(|bless| bless == "1") {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "docs/openapi.json is not what the code says; run this test with NEORON_BLESS=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served() {
    let world = World::new().await;
    let served = answer(world.request(Method::GET, "/v1/openapi.json")).await;
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.body, serde_json::from_str::<serde_json::Value>(&neoron_worker::openapi_json()).unwrap());
}

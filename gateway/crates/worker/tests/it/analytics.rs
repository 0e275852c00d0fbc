//! Statistics for staff.

use neoron_simulators::ultravox::EndReason;
use neoron_worker::config::StaffConfig;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{Answer, World, answer, until};

const TOKEN: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
/// `printf %s BBBB… | sha256sum`.
const HASH: &str = "412dc46cc9e3cb26f29f7c1415c556349af62904c5d15b0a2d8cfdc5cfa22b34";

async fn world() -> World {
    World::with(|settings| {
        let staff = StaffConfig { token_sha256: HASH.into() };
        settings.worker.staff.insert("dashboard".into(), staff);
    })
    .await
}

/// A range that has today in it, whenever that is.
fn around_today() -> String {
    let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
    format!("from={}&to={}", today.yesterday().unwrap(), today.tomorrow().unwrap())
}

async fn read(world: &World, query: &str) -> Answer {
    answer(world.request(Method::GET, &format!("/v1/analytics?{query}")).bearer_auth(TOKEN)).await
}

/// The one row there is, once `ready` says so.
async fn row(world: &World, ready: impl Fn(&Value) -> bool) -> Value {
    until("the row", async || {
        let got = read(world, &around_today()).await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.body);
        let rows = got.body["rows"].as_array().unwrap();
        assert!(rows.len() <= 1, "{rows:?}");
        rows.first().filter(|row| ready(row)).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_counted_once_although_its_end_is_told_three_times() {
    let world = world().await;
    let visitor = world.session("text").await;
    let mut socket = world.socket(&visitor).await;
    socket.heard("what may I get you").await;
    socket.say("m1", "what is on the menu?").await;
    socket.heard("We have pizza").await;
    // By the leg, by the webhook, and by the poller.
    world.ultravox.end(&visitor.call, EndReason::Hangup).await.unwrap();
    world.in_state(&visitor, "completed").await;
    world.voice_session(&visitor, "Completed").await;
    until("all jobs are done", async || {
        let depth = world.store.depth().await.unwrap();
        (depth.ready + depth.running == 0).then_some(())
    })
    .await;
    let row = row(&world, |row| row["tools"]["getMenu"]["ok"] == 1).await;
    assert_eq!((&row["site"], &row["business"]), (&json!("shop"), &json!("restaurant")));
    let calls = &row["calls"];
    assert_eq!((&calls["started"], &calls["completed"], &calls["failed"]), (&json!(1), &json!(1), &json!(0)), "{row}");
    assert!(calls["seconds"].as_u64().unwrap() >= 1, "{row}");
    assert_eq!(row["documents"], json!({}));
    assert!(
        read(&world, &format!("{}&site=another", around_today())).await.body["rows"].as_array().unwrap().is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_joins_is_counted_as_abandoned() {
    let world = world().await;
    let visitor = world.session("voice").await;
    world.ultravox.end(&visitor.call, EndReason::Unjoined).await.unwrap();
    let row = row(&world, |row| row["calls"]["abandoned"] == 1).await;
    assert_eq!(row["calls"], json!({"started": 1, "completed": 0, "failed": 0, "abandoned": 1, "seconds": 0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_comes_as_csv_for_whoever_asks_for_it() {
    let world = world().await;
    world.session("voice").await;
    let path = format!("{}/v1/analytics?{}", world.edge.url(), around_today());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (accept, suffix) in [("text/csv", ""), ("*/*", "&format=csv")] {
        let request = http.get(format!("{path}{suffix}")).bearer_auth(TOKEN).header(header::ACCEPT, accept);
        let got = request.send().await.unwrap();
        let kind = got.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert!(kind.starts_with("text/csv"), "{kind}");
        assert_eq!(got.headers()[header::CACHE_CONTROL], "no-store");
        let text = got.text().await.unwrap();
        let mut lines = text.lines();
        assert!(lines.next().unwrap().starts_with("day,site,business,calls_started,"));
        assert!(lines.next().unwrap().contains(",shop,restaurant,1,0,"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_staff_reads_it_and_without_staff_there_is_nothing() {
    let world = world().await;
    let path = format!("/v1/analytics?{}", around_today());
    let refused = answer(world.request(Method::GET, &path)).await;
    refused.is_problem("staff_token_invalid");
    for token in ["", "another", HASH] {
        answer(world.request(Method::GET, &path).bearer_auth(token)).await.is_problem("staff_token_invalid");
    }
    let without = World::new().await;
    read(&without, &around_today()).await.is_problem("not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_is_none_is_refused() {
    let world = world().await;
    for query in
        ["", "from=2026-11-01", "from=2026-11-02&to=2026-11-01", "from=2025-01-01&to=2026-12-31", "from=x&to=y"]
    {
        let refused = read(&world, query).await;
        refused.is_problem("invalid_field");
        assert!(refused.body["detail"].is_string());
    }
}

//! Every reason not to start a session, in the order of what it costs to find out.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use neoron_edge::{EdgeConfig, LimitConfig};
use neoron_protocol::grant::{Claims, MintingKey, mint};
use neoron_store::Rate;

use crate::support::{
    ORIGIN, TOKEN, World, client::Reply, config, minting_key, session, start_session, worker::TestWorker,
};

async fn world() -> (World, TestWorker) {
    let worker = TestWorker::echo().await;
    (World::with(config(), &[&worker]).await, worker)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_grant_reaches_the_worker_as_claims_and_not_as_a_token() {
    let (world, worker) = world().await;
    let reply = world.ask(&start_session(&world.grant("a"), ORIGIN)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(ORIGIN));
    let told = reply.json();
    assert_eq!(told["worker"], worker.id.as_str());
    assert_eq!(header(&reply, "authorization"), None);
    let network = header(&reply, "x-neoron-network").unwrap();
    assert!(network.len() == 32 && network.bytes().all(|byte| byte.is_ascii_hexdigit()), "{network}");
    let claims = BASE64URL_NOPAD.decode(header(&reply, "x-neoron-grant").unwrap().as_bytes()).unwrap();
    assert_eq!(serde_json::from_slice::<Claims>(&claims).unwrap(), world.claims("a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_grant_has_its_own_answer() {
    let (world, _worker) = world().await;
    let good = world.grant("a");
    let change = |change: &dyn Fn(&mut Claims)| {
        let mut claims = world.claims("b");
        change(&mut claims);
        mint(&claims, &minting_key())
    };
    let stranger = MintingKey::from_seed("k1", &[9; 32]).unwrap();
    let unknown = MintingKey::from_seed("k2", &[7; 32]).unwrap();
    let expired = |claims: &mut Claims| (claims.iat, claims.nbf, claims.exp) = (1, 1, 60);
    let future = |claims: &mut Claims| (claims.nbf, claims.exp) = (claims.nbf + 600, claims.exp + 600);
    let cases = [
        ("x".repeat(2_000), ORIGIN, 401, "grant_malformed"),
        ("a.b.c".to_owned(), ORIGIN, 401, "grant_malformed"),
        (change(&|claims| claims.aud = "else".into()), ORIGIN, 401, "grant_wrong_audience"),
        (change(&|claims| claims.iss = "nobody".into()), ORIGIN, 401, "grant_unknown_key"),
        (change(&expired), ORIGIN, 401, "grant_expired"),
        (change(&future), ORIGIN, 401, "grant_not_yet_valid"),
        (good.clone(), "https://hair.example", 403, "origin_refused"),
        (good.clone(), "https://evil.example", 403, "origin_refused"),
        (mint(&world.claims("c"), &stranger), ORIGIN, 401, "grant_signature"),
        (mint(&world.claims("c"), &unknown), ORIGIN, 401, "grant_unknown_key"),
    ];
    for (grant, origin, status, code) in cases {
        world.ask(&start_session(&grant, origin)).await.is_problem(status, code);
    }
    let bare =
        "POST /v1/sessions HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    world.ask(bare).await.is_problem(401, "grant_missing");
    let without_origin = start_session(&good, ORIGIN).replace(&format!("Origin: {ORIGIN}\r\n"), "");
    world.ask(&without_origin).await.is_problem(403, "origin_refused");
    assert_eq!(world.ask(&start_session(&good, ORIGIN)).await.status, 200, "none of that used the good one up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_starts_one_session() {
    let (world, _worker) = world().await;
    let request = start_session(&world.grant("a"), ORIGIN);
    assert_eq!(world.ask(&request).await.status, 200);
    let again = world.ask(&request).await;
    assert_eq!(again.header("access-control-allow-origin"), Some(ORIGIN), "the page may read why");
    again.is_problem(409, "grant_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_worker_the_grant_is_kept_for_later() {
    let world = World::with(config(), &[]).await;
    let request = start_session(&world.grant("a"), ORIGIN);
    let nobody = world.ask(&request).await;
    assert!(nobody.header("retry-after").is_some());
    nobody.is_problem(503, "no_room");
    let worker = TestWorker::echo().await;
    world.register(&worker).await;
    crate::support::until("room", || async { world.ask(&request).await.status == 200 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_worker_is_full_one_of_them_lets_the_visitor_wait() {
    let mut worker = TestWorker::echo().await;
    worker.load = 100;
    let world = World::with(config(), &[&worker]).await;
    let told = world.ask(&start_session(&world.grant("a"), ORIGIN)).await;
    assert_eq!(told.status, 200, "the worker decides: {told:?}");
    let place = format!("/v1/waiting/{}.pizza", session(1));
    let ask = |method: &str, lines: &str| {
        format!("{method} {place} HTTP/1.1\r\nHost: gw\r\nOrigin: {ORIGIN}\r\n{lines}Content-Length: 0\r\n\r\n")
    };
    let bearer = format!("Authorization: Bearer {TOKEN}\r\nX-Neoron-Network: made-up\r\n");
    for method in ["POST", "DELETE"] {
        world.ask(&ask(method, "")).await.is_problem(401, "ticket_invalid");
        let told = world.ask(&ask(method, &bearer)).await;
        assert_eq!((told.status, told.json()["path"].as_str()), (200, Some(place.as_str())));
        assert_eq!(header(&told, "x-neoron-network"), None, "nobody names his own network");
        assert!(header(&told, "authorization").is_some(), "the worker checks the ticket");
    }
}

/// A header as the worker got it.
fn header(told: &Reply, name: &str) -> Option<String> {
    let told = told.json();
    let list = told["headers"].as_array().unwrap();
    list.iter().find(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_and_a_site_have_limits_and_hear_when_to_come_back() {
    let worker = TestWorker::echo().await;
    let minute = Duration::from_secs(60);
    let limits = LimitConfig { sessions_by_address: Rate::per(2, minute), ..LimitConfig::default() };
    let world = World::with(EdgeConfig { limits, ..config() }, &[&worker]).await;
    for jti in ["a", "b"] {
        assert_eq!(world.ask(&start_session(&world.grant(jti), ORIGIN)).await.status, 200);
    }
    let limited = world.ask(&start_session(&world.grant("c"), ORIGIN)).await;
    assert_eq!(limited.header("retry-after"), Some("30"));
    assert_eq!(limited.header("ratelimit-policy"), Some("\"address\";q=2;w=60"));
    limited.is_problem(429, "too_many_requests");
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(world.ask(&start_session(&world.grant("d"), ORIGIN)).await.status, 200);

    let limits = LimitConfig { sessions_by_site: Rate::per(1, minute), ..LimitConfig::default() };
    let world = World::with(EdgeConfig { limits, ..config() }, &[&worker]).await;
    let forger = MintingKey::from_seed("k1", &[9; 32]).unwrap();
    for jti in ["x", "y", "z"] {
        let forged = mint(&world.claims(jti), &forger);
        world.ask(&start_session(&forged, ORIGIN)).await.is_problem(401, "grant_signature");
    }
    let first = world.ask(&start_session(&world.grant("a"), ORIGIN)).await;
    assert_eq!(first.status, 200, "forged grants take nothing from a site");
    let limited = world.ask(&start_session(&world.grant("b"), ORIGIN)).await;
    assert_eq!(limited.header("ratelimit-policy"), Some("\"site\";q=1;w=60"));
    limited.is_problem(429, "too_many_requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_no_session_starts() {
    let (world, _worker) = world().await;
    let request = start_session(&world.grant("a"), ORIGIN);
    world.store.close();
    let reply = world.ask(&request).await;
    assert!(reply.header("retry-after").is_some());
    reply.is_problem(503, "store_unavailable");
}

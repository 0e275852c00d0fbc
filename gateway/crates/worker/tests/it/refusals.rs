//! Everything that is refused, and how.

use std::time::Duration;

use neoron_worker::config::SiteConfig;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{World, answer, grant, soon, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_without_the_edges_key() {
    let world = World::new().await;
    for (method, path) in [
        (Method::POST, "/v1/sessions"),
        (Method::GET, "/internal/health"),
        (Method::GET, "/v1/openapi.json"),
        (Method::POST, "/webhook/ultravox"),
        (Method::GET, "/nothing"),
    ] {
        let refused = answer(world.direct(method.clone(), path)).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
        refused.is_problem("edge_key_invalid");
        answer(world.direct(method, path).header("x-neoron-edge", "guessed")).await.is_problem("edge_key_invalid");
    }
    let health = answer(world.request(Method::GET, "/internal/health")).await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(health.body["worker"], world.worker.id().to_string());
    assert_eq!((&health.body["capacity"], &health.body["draining"]), (&json!(100), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_json_or_too_large_or_of_another_type_is_refused() {
    let world = World::new().await;
    let post = || world.request(Method::POST, "/v1/sessions").header("x-neoron-grant", grant("shop", "restaurant"));
    let json = |bytes: Vec<u8>| post().header("content-type", "application/json; charset=utf-8").body(bytes);
    answer(json(b"{".to_vec())).await.is_problem("malformed_json");
    answer(json(vec![b'"', 0xff, b'"'])).await.is_problem("malformed_json");
    answer(json(Vec::new())).await.is_problem("malformed_json");
    answer(json(b"[]".to_vec())).await.is_problem("invalid_field");
    answer(json(vec![b' '; 9 * 1024])).await.is_problem("body_too_large");
    answer(post().body("{}")).await.is_problem("unsupported_media_type");
    answer(post().header("content-type", "text/plain").body("{}")).await.is_problem("unsupported_media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_unknown_missing_or_wrong_is_refused() {
    let world = World::new().await;
    for (field, value) in [
        ("media", json!("video")),
        ("media", Value::Null),
        ("consent", json!({"kind": "marketing", "at": 1, "version": "1"})),
        ("surprise", json!(1)),
        ("customer", json!({"age": 7})),
        ("language", json!(7)),
    ] {
        let mut body = wanted("text");
        body[field] = value;
        let refused = world.ask(&body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused.is_problem("invalid_field");
    }
    assert!(world.ultravox.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_is_missing_unreadable_or_of_nobody_is_refused() {
    let world = World::new().await;
    let post = || world.request(Method::POST, "/v1/sessions").json(&wanted("text"));
    answer(post()).await.is_problem("grant_missing");
    answer(post().header("x-neoron-grant", "%%")).await.is_problem("grant_malformed");
    answer(post().header("x-neoron-grant", grant("stranger", "restaurant"))).await.is_problem("grant_unknown_key");
    answer(post().header("x-neoron-grant", grant("shop", "casino"))).await.is_problem("invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_told_the_right_ones_and_an_unknown_path_nothing() {
    let world = World::new().await;
    let wrong = answer(world.request(Method::DELETE, "/v1/sessions")).await;
    wrong.is_problem("method_not_allowed");
    assert_eq!(wrong.header("allow"), "POST");
    answer(world.request(Method::GET, "/v1/nothing")).await.is_problem("not_found");
    answer(world.request(Method::GET, "/v1/sessions/s_x")).await.is_problem("not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_its_own_session_and_no_other() {
    let world = World::new().await;
    let (ours, theirs) = (world.session("voice").await, world.session("voice").await);
    for (method, rest) in
        [(Method::GET, ""), (Method::POST, "/messages"), (Method::POST, "/end"), (Method::GET, "/events")]
    {
        let request = || world.request(method.clone(), &format!("/v1/sessions/{}{rest}", ours.id));
        answer(request()).await.is_problem("ticket_invalid");
        answer(request().bearer_auth(&theirs.ticket)).await.is_problem("ticket_invalid");
        answer(request().bearer_auth("")).await.is_problem("ticket_invalid");
    }
    let nobody = neoron_protocol::SessionId::new(crate::support::now(), [0; 10]);
    let path = format!("/v1/sessions/{nobody}");
    answer(world.request(Method::GET, &path).bearer_auth(&ours.ticket)).await.is_problem("ticket_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_call_that_is_too_large_is_refused_as_a_problem() {
    let world = World::new().await;
    let request = world.request(Method::POST, "/v1/tools/getMenu").body(vec![b' '; 65 * 1024]);
    answer(request).await.is_problem("body_too_large");
    answer(world.request(Method::POST, "/v1/tools/getMenu").body("{}")).await.is_problem("tool_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_minutes_gets_no_call_and_no_slot() {
    let world = World::with(|settings| {
        settings.worker.sites.insert("shop".into(), SiteConfig { minutes_per_day: 10, max_calls: 100 });
    })
    .await;
    let visitor = world.session("text").await;
    let refused = world.ask(&wanted("text")).await;
    refused.is_problem("budget_exhausted");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 24 * 3_600);
    assert_eq!(world.ultravox.calls().len(), 1);
    // What the first call did not use is there again after its end.
    let mut socket = world.socket(&visitor).await;
    socket.heard("what may I get you").await;
    socket.send(&json!({"type": "end"})).await;
    world.voice_session(&visitor, "Completed").await;
    let health = answer(world.request(Method::GET, "/internal/health")).await;
    assert_eq!(health.body["load"], 0);
    // Its few seconds are used up, so that the full ten minutes are not there.
    let shorter = world.ask(&wanted("text")).await;
    shorter.is_problem("budget_exhausted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_worker_without_a_waiting_room_has_no_room() {
    let world = World::with(|settings| (settings.worker.capacity, settings.worker.waiting_room) = (1, 0)).await;
    world.session("voice").await;
    world.ask(&wanted("voice")).await.is_problem("no_room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_worker_takes_no_session_sends_sockets_away_and_waits_for_its_calls() {
    let world = World::new().await;
    let visitor = world.session("text").await;
    let mut socket = world.socket(&visitor).await;
    socket.heard("what may I get you").await;
    let drained = async {
        let mut drain = std::pin::pin!(world.worker.drain());
        tokio::select! {
            () = &mut drain => panic!("a call is going on"),
            code = socket.closed() => assert_eq!(code, Some(1012)),
        }
        let frames = &socket.frames;
        assert!(matches!(frames.last().unwrap().body, neoron_protocol::frame::Body::GoingAway(_)), "{frames:?}");
        world.ask(&wanted("text")).await.is_problem("draining");
        // The session is served on: it comes back with its cursor and ends its call.
        let mut again = crate::support::socket::Socket::open(
            &world.edge.url(),
            &visitor.id,
            &visitor.ticket,
            &socket.epoch,
            socket.offset,
        )
        .await;
        again.send(&json!({"type": "end"})).await;
        soon("an empty worker", drain).await;
    };
    tokio::time::timeout(Duration::from_secs(120), drained).await.unwrap();
    assert!(world.worker.counters().text().contains("voice_drain_state 1"));
    let workers = world.store.workers().await.unwrap();
    assert!(workers.iter().all(|worker| worker.draining));
    world.worker.stop().await;
    assert!(world.store.workers().await.unwrap().is_empty());
}

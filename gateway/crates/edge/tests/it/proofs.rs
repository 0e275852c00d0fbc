//! Proof of work: who is asked for it, what counts as one, and that who has none uses nothing up.

use std::time::Duration;

use data_encoding::BASE64;
use neoron_edge::{EdgeConfig, LimitConfig};
use neoron_protocol::grant::mint;
use neoron_store::Rate;

use crate::support::{ORIGIN, World, client::Reply, config, minting_key, start_session, worker::TestWorker};

/// A site with four sessions an hour that asks for a proof once less than half of them are left.
fn strict() -> EdgeConfig {
    let limits = LimitConfig {
        sessions_by_site: Rate::per(4, Duration::from_secs(3_600)),
        sessions_by_address: Rate::per(1_000, Duration::from_secs(1)),
        pow_below: 50,
        ..LimitConfig::default()
    };
    EdgeConfig { limits, ..config() }
}

/// A world whose site has one session left.
async fn low(worker: &TestWorker) -> World {
    let world = World::with(strict(), &[worker]).await;
    for jti in ["u1", "u2", "u3"] {
        assert_eq!(world.ask(&start_session(&world.grant(jti), ORIGIN)).await.status, 200, "{jti}");
    }
    world
}

/// The header's value for the challenge that came with a refusal.
fn solve(refused: &Reply) -> String {
    refused.is_problem(403, "proof_of_work_required");
    assert_eq!(refused.header("access-control-allow-origin"), Some(ORIGIN), "the page may read the challenge");
    let challenge: altcha::Challenge = serde_json::from_value(refused.json()["challenge"].clone()).unwrap();
    let solution = altcha::solve_challenge(altcha::SolveChallengeOptions::new(&challenge)).unwrap().unwrap();
    BASE64.encode(&serde_json::to_vec(&altcha::Payload { challenge, solution }).unwrap())
}

fn with(proof: &str, request: &str) -> String {
    request.replacen("\r\n\r\n", &format!("\r\nX-Neoron-Proof: {proof}\r\n\r\n"), 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_low_on_sessions_asks_for_work_and_who_did_it_gets_in() {
    let worker = TestWorker::echo().await;
    let world = low(&worker).await;
    let request = start_session(&world.grant("a"), ORIGIN);
    let refused = world.ask(&request).await;
    let reply = world.ask(&with(&solve(&refused), &request)).await;
    assert_eq!(reply.status, 200, "the same grant, unburned: {reply:?}");
    let told = reply.json();
    let headers = told["headers"].as_array().unwrap();
    assert!(headers.iter().all(|pair| pair[0] != "x-neoron-proof"), "it is the edge's business alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_without_solutions_uses_nothing_of_the_sites_share_up() {
    let worker = TestWorker::echo().await;
    let world = low(&worker).await;
    for number in 0..20 {
        let refused = world.ask(&start_session(&world.grant(&format!("flood{number}")), ORIGIN)).await;
        refused.is_problem(403, "proof_of_work_required");
    }
    let request = start_session(&world.grant("honest"), ORIGIN);
    let proof = solve(&world.ask(&request).await);
    assert_eq!(world.ask(&with(&proof, &request)).await.status, 200, "the last one is still there");
    let late = world.ask(&start_session(&world.grant("late"), ORIGIN)).await;
    late.is_problem(429, "too_many_requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solution_serves_once_in_time_and_for_its_own_grant() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let asking = |jti: &str| {
        let mut claims = world.claims(jti);
        claims.pow = Some(10);
        start_session(&mint(&claims, &minting_key()), ORIGIN)
    };
    let first = asking("a");
    let proof = solve(&world.ask(&first).await);
    world.ask(&with(&proof, &asking("b"))).await.is_problem(403, "proof_of_work_invalid");
    world.ask(&with("bm9uZQ==", &first)).await.is_problem(403, "proof_of_work_invalid");
    assert_eq!(world.ask(&with(&proof, &first)).await.status, 200, "nothing of that burned the grant");
    world.ask(&with(&proof, &first)).await.is_problem(403, "proof_of_work_invalid");

    let slow = asking("c");
    let late = solve(&world.ask(&slow).await);
    world.clock.advance(Duration::from_secs(121));
    world.ask(&with(&late, &slow)).await.is_problem(401, "grant_expired");
    let mut claims = world.claims("c");
    claims.pow = Some(10);
    let minted_again = start_session(&mint(&claims, &minting_key()), ORIGIN);
    world.ask(&with(&late, &minted_again)).await.is_problem(403, "proof_of_work_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_with_room_asks_for_nothing_and_passes_over_what_is_brought() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let request = start_session(&world.grant("a"), ORIGIN);
    assert_eq!(world.ask(&with("bm9uZQ==", &request)).await.status, 200);
    let preflight = format!("OPTIONS /v1/sessions HTTP/1.1\r\nHost: gw\r\nOrigin: {ORIGIN}\r\n\r\n");
    let allowed = world.ask(&preflight).await;
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("X-Neoron-Proof"));
}

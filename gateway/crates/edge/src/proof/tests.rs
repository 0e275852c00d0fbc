#![allow(clippy::unwrap_used)]

use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn prover() -> Prover {
    Prover::new("an-edge-key-for-tests")
}

fn claims(jti: &str) -> Claims {
    Claims::for_visit("pizza", "https://pizza.example", "restaurant", jti, NOW, 600)
}

/// What ALTCHA's own implementation makes of a challenge.
fn solved(challenge: &serde_json::Value) -> (altcha::Challenge, altcha::Solution) {
    let challenge: altcha::Challenge = serde_json::from_value(challenge.clone()).unwrap();
    let solution = altcha::solve_challenge(altcha::SolveChallengeOptions::new(&challenge)).unwrap().unwrap();
    (challenge, solution)
}

fn header(challenge: &serde_json::Value) -> String {
    let (challenge, solution) = solved(challenge);
    BASE64.encode(&serde_json::to_vec(&altcha::Payload { challenge, solution }).unwrap())
}

/// The header with its JSON changed.
fn changed(header: &str, change: impl Fn(&mut serde_json::Value)) -> String {
    let mut json = serde_json::from_slice(&BASE64.decode(header.as_bytes()).unwrap()).unwrap();
    change(&mut json);
    BASE64.encode(&serde_json::to_vec(&json).unwrap())
}

#[test]
fn what_altcha_solves_is_taken_by_every_gateway_with_the_same_key() {
    let challenge = prover().challenge(&claims("a"), 10, [3; 32], NOW);
    let header = header(&challenge);
    let burnt = prover().check(&header, &claims("a"), NOW).unwrap();
    assert_eq!(burnt, format!("proof:{}", challenge["signature"].as_str().unwrap()));
}

/// What `widget-wasm/loader/proof.js` makes of the challenge below.
const SOLVED_BY_THE_POPUP: &str = concat!(
    "eyJjaGFsbGVuZ2UiOnsicGFyYW1ldGVycyI6eyJhbGdvcml0aG0iOiJTSEEtMjU2IiwiY29zdCI6MSwiZGF0YSI6eyJncmFudCI6",
    "IjYxNmU3ZTBjN2Q0MWVhOTgxYTVkYTcxZTNlYjBiNjc3In0sImV4cGlyZXNBdCI6MTgwMDAwMDEyMCwia2V5TGVuZ3RoIjozMiwi",
    "a2V5UHJlZml4IjoiY2Q0OTQzZDc3NmRjZjA3ZTI2ZGM4N2UwNWJjNzk2YjUiLCJrZXlTaWduYXR1cmUiOiJiMWJlZmUxMWFkYjk0",
    "NGMzZmRjMWRiMGYxZDliZDMzYzFlMjYxZTJhMDlhMTViNGFmNDg2OGZkNWUwNjQ3NGQ0Iiwibm9uY2UiOiIwNjA2MDYwNjA2MDYw",
    "NjA2MDYwNjA2MDYwNjA2MDYwNiIsInNhbHQiOiIwNjA2MDYwNjA2MDYwNjA2MDYwNjA2MDYwNjA2MDYwNiJ9LCJzaWduYXR1cmUi",
    "OiJmMDQ5OGVlMTAzYTcyZjUwN2Y5NmVkMTFhZmRkZTNlNjViMDM2YWU0ODFiYWRlMTBjNDhkMTkyZThhNTIxMjRlIn0sInNvbHV0",
    "aW9uIjp7ImNvdW50ZXIiOjExODQsImRlcml2ZWRLZXkiOiJjZDQ5NDNkNzc2ZGNmMDdlMjZkYzg3ZTA1YmM3OTZiNTM5NWJmMmJk",
    "MWYzOWE2MmRjMmJhN2RkZTlkOGVlNjMyIn19",
);

#[test]
fn what_the_popups_own_solver_sends_is_taken() {
    let challenge = prover().challenge(&claims("a"), 10, [6; 32], NOW);
    let burnt = prover().check(SOLVED_BY_THE_POPUP, &claims("a"), NOW).unwrap();
    assert_eq!(burnt, format!("proof:{}", challenge["signature"].as_str().unwrap()));
}

#[test]
fn altcha_itself_believes_our_challenges() {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    let now = UnixMillis(u64::try_from(now.as_millis()).unwrap());
    let prover = prover();
    let (challenge, solution) = solved(&prover.challenge(&claims("a"), 10, [4; 32], now));
    let mut options = altcha::VerifySolutionOptions::new(&challenge, &solution, prover.secret.clone());
    assert!(altcha::verify_solution(options).unwrap().verified, "by the whole way");
    options = altcha::VerifySolutionOptions::new(&challenge, &solution, prover.secret.clone());
    options.hmac_key_signature_secret = Some(prover.key_secret.clone());
    assert!(altcha::verify_solution(options).unwrap().verified, "by the short way");
}

#[test]
fn each_way_not_to_have_solved_it_has_its_name() {
    let prover = prover();
    let header = header(&prover.challenge(&claims("a"), 10, [5; 32], NOW));
    let check = |header: &str, jti: &str, now| prover.check(header, &claims(jti), now);
    let fails = |change: &dyn Fn(&mut serde_json::Value)| check(&changed(&header, change), "a", NOW).unwrap_err();
    assert_eq!(check("", "a", NOW), Err(Fault::Malformed));
    assert_eq!(check(&"A".repeat(4_000), "a", NOW), Err(Fault::Malformed));
    assert_eq!(check(&header, "a", NOW.plus(LIFE)), Err(Fault::Expired));
    assert_eq!(check(&header, "b", NOW), Err(Fault::OtherGrant));
    assert_eq!(Prover::new("another-key").check(&header, &claims("a"), NOW), Err(Fault::Signature));
    let far = NOW.plus(LIFE).seconds() + 600;
    assert_eq!(fails(&|json| json["challenge"]["parameters"]["expiresAt"] = far.into()), Fault::Signature);
    assert_eq!(fails(&|json| json["challenge"]["parameters"]["surprise"] = 1.into()), Fault::Malformed);
    assert_eq!(fails(&|json| json["solution"]["derivedKey"] = "00".repeat(32).into()), Fault::Wrong);
    assert_eq!(fails(&|json| json["solution"]["derivedKey"] = "zz".into()), Fault::Malformed);
}

#[test]
fn the_work_is_about_two_to_the_level_and_never_beyond_its_bounds() {
    let prover = prover();
    let mean = |level| {
        let counts = (0..=255_u8).map(|chance| u64::from(prover.counter(level, &[chance; 32])));
        counts.sum::<u64>() / 256
    };
    assert!((110_000..150_000).contains(&mean(LEVEL)), "{}", mean(LEVEL));
    assert_eq!(mean(0), mean(10));
    assert_eq!(mean(32), mean(20));
}

use data_encoding::BASE64URL_NOPAD;
use neoron_protocol::{
    UnixMillis,
    grant::{self, Claims, Expected, KeyRing, MintingKey, PublicKey, Site, Unverified},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::vectors;

const ORIGIN: &str = "https://neoron.co.uk";
const NOW: u64 = 1_767_323_045;

fn key() -> MintingKey {
    MintingKey::from_seed("k1", &[1; 32]).unwrap()
}

fn stranger() -> MintingKey {
    MintingKey::from_seed("k1", &[2; 32]).unwrap()
}

fn ring() -> KeyRing {
    let mut ring = KeyRing::default();
    ring.insert("neoron", Site { origins: vec![ORIGIN.into()], keys: vec![key().public()] });
    let other = MintingKey::from_seed("k1", &[3; 32]).unwrap();
    ring.insert("other", Site { origins: vec!["https://other.example".into()], keys: vec![other.public()] });
    ring
}

fn claims() -> Claims {
    let at = UnixMillis::from_seconds(NOW);
    Claims::for_visit("neoron", ORIGIN, "restaurant", "0123456789abcdef", at, 600)
}

fn with(change: impl FnOnce(&mut Claims)) -> String {
    let mut claims = claims();
    change(&mut claims);
    grant::mint(&claims, &key())
}

/// A token with this head and payload, signed by the right key: what only a bad minter can make.
fn forged(header: &Value, payload: &Value) -> String {
    use ed25519_dalek::{Signer, SigningKey};
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(payload));
    let signature = SigningKey::from_bytes(&[1; 32]).sign(signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes()))
}

fn header(alg: &str, typ: &str, kid: &str) -> Value {
    json!({"alg": alg, "typ": typ, "kid": kid})
}

fn payload() -> Value {
    serde_json::to_value(claims()).unwrap()
}

fn tampered() -> String {
    let token = grant::mint(&claims(), &key());
    let richer = serde_json::to_vec(&Claims { max_s: 3_600, ..claims() }).unwrap();
    let parts: Vec<_> = token.split('.').collect();
    format!("{}.{}.{}", parts[0], BASE64URL_NOPAD.encode(&richer), parts[2])
}

fn cases() -> Vec<(&'static str, String, &'static str)> {
    let unsigned = |alg: &str| {
        let token = forged(&header(alg, "vg+jwt", "k1"), &payload());
        format!("{}.", token.rsplit_once('.').unwrap().0)
    };
    let mut extra = payload();
    extra["admin"] = json!(true);
    vec![
        ("valid", with(|_| ()), "accept"),
        ("valid_with_sub_and_pow", with(|claims| (claims.sub, claims.pow) = (Some("v-1".into()), Some(3))), "accept"),
        ("valid_within_clock_leeway", with(|claims| claims.nbf = NOW + 4), "accept"),
        (
            "expired",
            with(|claims| (claims.iat, claims.nbf, claims.exp) = (NOW - 70, NOW - 70, NOW - 10)),
            "grant_expired",
        ),
        ("not_yet_valid", with(|claims| (claims.nbf, claims.exp) = (NOW + 30, NOW + 80)), "grant_not_yet_valid"),
        ("window_longer_than_60_s", with(|claims| claims.exp = NOW + 61), "grant_malformed"),
        ("wrong_origin", with(|claims| claims.org = "https://evil.example".into()), "origin_refused"),
        ("origin_of_another_site", with(|claims| claims.org = "https://other.example".into()), "origin_refused"),
        ("wrong_audience", with(|claims| claims.aud = "somebody-else".into()), "grant_wrong_audience"),
        ("unknown_site", with(|claims| claims.iss = "nobody".into()), "grant_unknown_key"),
        ("wrong_site", with(|claims| claims.iss = "other".into()), "origin_refused"),
        ("wrong_alg", forged(&header("HS256", "vg+jwt", "k1"), &payload()), "grant_malformed"),
        ("alg_none", forged(&header("none", "vg+jwt", "k1"), &payload()), "grant_malformed"),
        ("alg_none_without_signature", unsigned("none"), "grant_malformed"),
        ("eddsa_without_signature", unsigned("EdDSA"), "grant_malformed"),
        ("wrong_typ", forged(&header("EdDSA", "JWT", "k1"), &payload()), "grant_malformed"),
        ("unknown_kid", forged(&header("EdDSA", "vg+jwt", "k9"), &payload()), "grant_unknown_key"),
        ("unknown_claim", forged(&header("EdDSA", "vg+jwt", "k1"), &extra), "grant_malformed"),
        ("signed_by_another_key", grant::mint(&claims(), &stranger()), "grant_signature"),
        ("tampered", tampered(), "grant_signature"),
        ("max_s_zero", with(|claims| claims.max_s = 0), "grant_malformed"),
        ("max_s_over_an_hour", with(|claims| claims.max_s = 3_601), "grant_malformed"),
        ("short_jti", with(|claims| claims.jti = "short".into()), "grant_malformed"),
        ("padded_base64", with(|_| ()) + "=", "grant_malformed"),
        ("two_parts", "abc.def".into(), "grant_malformed"),
        ("empty", String::new(), "grant_malformed"),
        ("oversized", with(|claims| claims.org = format!("https://{}.example", "x".repeat(900))), "grant_malformed"),
    ]
}

fn verify(token: &str) -> Result<Claims, grant::GrantError> {
    let expected = Expected { origin: ORIGIN, now: UnixMillis::from_seconds(NOW) };
    Unverified::parse(token)?.verify(expected, &ring())
}

#[test]
fn every_case_of_the_golden_file_is_judged_as_it_says() {
    let listed: Vec<_> = cases()
        .into_iter()
        .map(|(name, token, expect)| json!({"name": name, "token": token, "expect": expect}))
        .collect();
    let made = json!({
        "about": "Grants at one instant, for one origin. `expect` is `accept` or the error code.",
        "now": NOW,
        "origin": ORIGIN,
        "site": "neoron",
        "kid": "k1",
        "secret": BASE64URL_NOPAD.encode(&[1; 32]),
        "public": key().public().to_text(),
        "claims": payload(),
        "cases": listed,
    });
    vectors::assert_golden("grant.json", &made);
    for case in vectors::read("grant.json")["cases"].as_array().unwrap() {
        let (name, token) = (case["name"].as_str().unwrap(), case["token"].as_str().unwrap());
        let judged = match verify(token) {
            Ok(_) => "accept",
            Err(error) => error.code().as_str(),
        };
        assert_eq!(judged, case["expect"], "{name}");
    }
}

#[test]
fn a_verified_grant_gives_its_claims_back() {
    assert_eq!(verify(&grant::mint(&claims(), &key())), Ok(claims()));
}

#[test]
fn another_pages_origin_is_refused_even_if_the_site_has_it() {
    let mut ring = ring();
    let origins = vec![ORIGIN.into(), "https://shop.neoron.co.uk".into()];
    ring.insert("neoron", Site { origins, keys: vec![key().public()] });
    let token = grant::mint(&claims(), &key());
    let expected = Expected { origin: "https://shop.neoron.co.uk", now: UnixMillis::from_seconds(NOW) };
    let refused = Unverified::parse(&token).unwrap().verify(expected, &ring);
    assert_eq!(refused, Err(grant::GrantError::Origin));
}

#[test]
fn two_keys_are_accepted_while_they_are_rotated() {
    let next = MintingKey::from_seed("k2", &[9; 32]).unwrap();
    let mut ring = ring();
    ring.insert("neoron", Site { origins: vec![ORIGIN.into()], keys: vec![key().public(), next.public()] });
    for minted in [grant::mint(&claims(), &key()), grant::mint(&claims(), &next)] {
        let expected = Expected { origin: ORIGIN, now: UnixMillis::from_seconds(NOW) };
        assert!(Unverified::parse(&minted).unwrap().verify(expected, &ring).is_ok());
    }
}

#[test]
fn a_key_is_read_from_its_text_and_never_shown() {
    let public = key().public();
    assert_eq!(PublicKey::from_text("k1", &public.to_text()), Ok(public));
    let secret = BASE64URL_NOPAD.encode(&[1; 32]);
    assert_eq!(MintingKey::from_text("k1", &secret).unwrap().public(), key().public());
    assert!(!format!("{:?}", key()).contains(&secret));
    assert_eq!(PublicKey::from_text("k1", "short"), Err(grant::KeyError::Encoding));
    assert_eq!(PublicKey::from_text("k\"1", &key().public().to_text()), Err(grant::KeyError::Id));
    // A point of small order would accept forged signatures.
    assert_eq!(PublicKey::from_text("k1", &BASE64URL_NOPAD.encode(&[0; 32])), Err(grant::KeyError::Weak));
}

proptest! {
    #[test]
    fn any_text_is_refused_without_panic(token in "[ -~]{0,300}") {
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn one_changed_byte_is_noticed(position in 0_usize..400, with in 0_u8..64) {
        let token = grant::mint(&claims(), &key());
        let letter = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[with as usize];
        let mut bytes = token.clone().into_bytes();
        let position = position % bytes.len();
        bytes[position] = letter;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assume!(changed != token);
        prop_assert!(verify(&changed).is_err());
    }
}

//! Signing a grant.

use alloc::{format, string::String};

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::Signer;

use super::{Claims, MintingKey};

/// Signs the claims: the compact JWS, about 500 bytes.
pub fn mint(claims: &Claims, key: &MintingKey) -> String {
    // A key id needs no escaping: its alphabet is checked when the key is made.
    let header = format!(r#"{{"alg":"EdDSA","typ":"vg+jwt","kid":"{}"}}"#, key.kid());
    // Strings and integers only: serialisation cannot fail.
    let payload = serde_json::to_vec(claims).unwrap_or_default();
    let signed = format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(&payload));
    let signature = key.secret().sign(signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes()))
}

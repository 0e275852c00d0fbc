//! The two signatures that Ultravox puts on what it sends.
//!
//! Both are lower-case hexadecimal HMAC-SHA256 digests, one for each configured secret, joined by commas in the order
//! of the secrets. They differ in what is signed. This module only signs: checking is the receiver's own duty, and a
//! shared implementation would hide a mistake made on both sides.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Carries the time a webhook was sent, as text; the signature covers this text as it stands.
pub const WEBHOOK_TIMESTAMP: &str = "x-ultravox-webhook-timestamp";
/// Carries the digests of a webhook.
pub const WEBHOOK_SIGNATURE: &str = "x-ultravox-webhook-signature";
/// Names the call that a data connection belongs to.
pub const DATA_CALL_ID: &str = "x-ultravox-call-id";
/// Carries the time a data connection was dialled, as text.
pub const DATA_TIMESTAMP: &str = "x-ultravox-signature-timestamp";
/// Carries the digests of a data connection.
pub const DATA_SIGNATURE: &str = "x-ultravox-signature";

/// Signs a webhook: the raw body first, the text of the timestamp header after it, nothing between.
#[must_use]
pub fn webhook(secrets: &[String], body: &[u8], timestamp: &str) -> String {
    join(secrets, &[body, timestamp.as_bytes()])
}

/// Signs the handshake of a data connection: the call's id, then the text of the timestamp header.
#[must_use]
pub fn data_connection(secrets: &[String], call_id: &str, timestamp: &str) -> String {
    join(secrets, &[call_id.as_bytes(), timestamp.as_bytes()])
}

fn join(secrets: &[String], parts: &[&[u8]]) -> String {
    let digests: Vec<String> = secrets.iter().map(|secret| digest(secret, parts)).collect();
    digests.join(",")
}

fn digest(secret: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

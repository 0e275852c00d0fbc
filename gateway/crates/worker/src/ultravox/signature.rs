//! Signatures of what comes in: Ultravox's webhooks and data connections, Frappe's webhooks.
//!
//! Everything is checked over the raw bytes, in constant time, against every secret that is in use; a signature that is
//! right but whose time is not is told apart, because it may be a late retry and somebody must be told.

use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use neoron_protocol::UnixMillis;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::read_time;
use crate::config::Secret;

/// Digests of one header that are looked at: one for each secret while they are rotated.
const MAX_DIGESTS: usize = 10;

/// Headers of a webhook.
pub(crate) const WEBHOOK_TIMESTAMP: &str = "x-ultravox-webhook-timestamp";
/// See [`WEBHOOK_TIMESTAMP`].
pub(crate) const WEBHOOK_SIGNATURE: &str = "x-ultravox-webhook-signature";
/// Headers of a data connection's handshake.
pub(crate) const DATA_CALL_ID: &str = "x-ultravox-call-id";
/// See [`DATA_CALL_ID`].
pub(crate) const DATA_TIMESTAMP: &str = "x-ultravox-signature-timestamp";
/// See [`DATA_CALL_ID`].
pub(crate) const DATA_SIGNATURE: &str = "x-ultravox-signature";
/// Header of a Frappe webhook.
pub(crate) const FRAPPE_SIGNATURE: &str = "x-frappe-webhook-signature";

/// What a signature proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is theirs, and fresh.
    Valid,
    /// It is theirs, but its time is outside the window.
    Stale,
    /// It proves nothing.
    Invalid,
}

/// How a signature is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule<'a> {
    /// The secrets in use.
    pub(crate) secrets: &'a [Secret],
    /// The present.
    pub(crate) now: UnixMillis,
    /// How old or how far ahead a time may be.
    pub(crate) window: Duration,
}

impl Rule<'_> {
    /// A webhook: the digest is over the body and then the timestamp header, as they came.
    pub(crate) fn webhook(&self, body: &[u8], timestamp: Option<&str>, signature: Option<&str>) -> Verdict {
        self.check(body, timestamp, signature)
    }

    /// A data connection: the digest is over the call's id and then the timestamp header.
    pub(crate) fn data_connection(&self, call: &str, timestamp: Option<&str>, signature: Option<&str>) -> Verdict {
        self.check(call.as_bytes(), timestamp, signature)
    }

    fn check(&self, first: &[u8], timestamp: Option<&str>, signature: Option<&str>) -> Verdict {
        let (Some(timestamp), Some(signature)) = (timestamp, signature) else { return Verdict::Invalid };
        let listed: Vec<[u8; 32]> = signature.split(',').filter_map(|digest| hex(digest.trim())).collect();
        let Some(at) = read_time(timestamp).filter(|_| (1..=MAX_DIGESTS).contains(&listed.len())) else {
            return Verdict::Invalid;
        };
        if !any(self.secrets, &[first, timestamp.as_bytes()], &listed) {
            Verdict::Invalid
        } else if self.is_fresh(at) {
            Verdict::Valid
        } else {
            Verdict::Stale
        }
    }

    /// Whether an instant is within the window, on either side.
    pub(crate) fn is_fresh(&self, at: UnixMillis) -> bool {
        Duration::from_millis(self.now.0.abs_diff(at.0)) <= self.window
    }
}

/// A Frappe webhook: base64 over the raw body, one digest, no time.
pub(crate) fn frappe(secrets: &[Secret], body: &[u8], signature: Option<&str>) -> bool {
    let digest = signature.and_then(|text| BASE64.decode(text.trim().as_bytes()).ok());
    digest.and_then(|bytes| bytes.try_into().ok()).is_some_and(|digest| any(secrets, &[body], &[digest]))
}

fn hex(text: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Whether any of the digests is any secret's. All of them are compared, whatever the first ones said.
fn any(secrets: &[Secret], parts: &[&[u8]], listed: &[[u8; 32]]) -> bool {
    let mut found = Choice::from(0);
    for secret in secrets {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
        parts.iter().for_each(|part| mac.update(part));
        let right: [u8; 32] = mac.finalize().into_bytes().into();
        for digest in listed {
            found |= right.ct_eq(digest);
        }
    }
    found.into()
}

#[cfg(test)]
mod tests;

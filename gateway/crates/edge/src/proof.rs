//! Proof of work: challenges and their solutions, in the format of ALTCHA's version 2, deterministic mode. Pure: clock
//! and chance come in, and nothing is remembered; burning a solution is the policy's work.
//!
//! Written out here, because the crate `altcha` (1.1.0) reads the machine's clock and its own random source, which our
//! tests and a cluster's clock could not decide, and would bring a second `hmac`, `sha2` and `rand`. The tests hold the
//! two to each other: what is made here, that crate solves and accepts.
//!
//! A challenge is `SHA-256(salt ‖ nonce ‖ counter)` for a counter that only the gateways' common key tells. The visitor
//! counts up to it; the gateway has signed the hash it expects, so that checking costs two HMACs, whatever the level.
//! The challenge names its grant and its end under its signature: any gateway of the cluster can check it, and it is of
//! no use for another grant.

use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use neoron_protocol::{UnixMillis, grant::Claims};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How long a challenge may be solved. A grant lives for a minute, so that its end comes first as a rule.
pub(crate) const LIFE: Duration = Duration::from_secs(120);
/// The level when the gateway itself asks: 131,072 hashes on average, which is half a second for a laptop and two to
/// four for a cheap phone in WebAssembly; a bot's core starts two sessions a second instead of thousands.
pub(crate) const LEVEL: u32 = 17;
/// What a site may ask for at most and at least. 2^20 hashes are half a minute for a cheap phone.
const LEVELS: std::ops::RangeInclusive<u32> = 10..=20;
/// A solution has some 700 characters.
const MAX_HEADER_BYTES: usize = 2_048;
const ALGORITHM: &str = "SHA-256";
const KEY_BYTES: usize = 32;

/// What a challenge is made of; in the order of the alphabet, which the format signs it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Parameters {
    algorithm: String,
    /// Hashes for each count.
    cost: u32,
    data: Bound,
    /// Unix seconds.
    expires_at: u64,
    key_length: usize,
    key_prefix: String,
    key_signature: String,
    nonce: String,
    salt: String,
}

/// What only this challenge is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    grant: String,
}

/// A signed challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Challenge {
    parameters: Parameters,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Solution {
    derived_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    challenge: Challenge,
    solution: Solution,
}

/// Why a solution is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It cannot be read.
    Malformed,
    /// Its challenge is over.
    Expired,
    /// Its challenge was for another grant.
    OtherGrant,
    /// Its challenge is none of ours, or was changed.
    Signature,
    /// The hash is not the one looked for.
    Wrong,
}

impl Fault {
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Malformed => "the solution cannot be read",
            Self::Expired => "the challenge is over",
            Self::OtherGrant => "the challenge was for another grant",
            Self::Signature => "the challenge is not one of this gateway",
            Self::Wrong => "the solution does not solve the challenge",
        }
    }
}

/// Makes and checks.
pub(crate) struct Prover {
    /// Signs challenges. As text, because the format's other implementations take secrets as text.
    secret: String,
    /// Signs what is looked for, and chooses it.
    key_secret: String,
}

impl Prover {
    /// All gateways of a cluster share the key that their workers know them by, and so these two.
    pub(crate) fn new(shared: &str) -> Self {
        let derived = |purpose: &str| HEXLOWER.encode(&seal(shared, purpose.as_bytes()).finalize().into_bytes());
        Self { secret: derived("neoron proof: challenge"), key_secret: derived("neoron proof: key") }
    }

    /// A challenge for a grant. `level` is brought within [`LEVELS`]; `chance` must not repeat.
    pub(crate) fn challenge(
        &self,
        claims: &Claims,
        level: u32,
        chance: [u8; 32],
        now: UnixMillis,
    ) -> serde_json::Value {
        let (nonce, salt) = chance.split_at(16);
        let key = derive(salt, nonce, self.counter(level, &chance));
        let parameters = Parameters {
            algorithm: ALGORITHM.to_owned(),
            cost: 1,
            data: Bound { grant: name(claims) },
            expires_at: now.plus(LIFE).seconds(),
            key_length: KEY_BYTES,
            key_prefix: HEXLOWER.encode(&key[..KEY_BYTES / 2]),
            key_signature: HEXLOWER.encode(&seal(&self.key_secret, &key).finalize().into_bytes()),
            nonce: HEXLOWER.encode(nonce),
            salt: HEXLOWER.encode(salt),
        };
        let signature = HEXLOWER.encode(&seal(&self.secret, &canonical(&parameters)).finalize().into_bytes());
        // Strings and numbers: serialisation cannot fail.
        serde_json::to_value(Challenge { parameters, signature }).unwrap_or_default()
    }

    /// Where the visitor's count ends: from half of 2^level to one and a half of it.
    fn counter(&self, level: u32, chance: &[u8]) -> u32 {
        let around = 1_u32 << level.clamp(*LEVELS.start(), *LEVELS.end());
        let drawn = seal(&self.key_secret, chance).finalize().into_bytes();
        let drawn = u32::from_be_bytes([drawn[0], drawn[1], drawn[2], drawn[3]]);
        around / 2 + drawn % around
    }

    /// Checks what came in the header. Answers the key to burn, so that a solution serves once.
    ///
    /// # Errors
    /// [`Fault`], the cheapest to find first.
    pub(crate) fn check(&self, header: &str, claims: &Claims, now: UnixMillis) -> Result<String, Fault> {
        if header.len() > MAX_HEADER_BYTES {
            return Err(Fault::Malformed);
        }
        let json = BASE64.decode(header.as_bytes()).map_err(|_| Fault::Malformed)?;
        let Payload { challenge, solution } = serde_json::from_slice(&json).map_err(|_| Fault::Malformed)?;
        let key = HEXLOWER.decode(solution.derived_key.as_bytes()).map_err(|_| Fault::Malformed)?;
        let parameters = &challenge.parameters;
        if parameters.expires_at <= now.seconds() {
            return Err(Fault::Expired);
        }
        if parameters.data.grant != name(claims) {
            return Err(Fault::OtherGrant);
        }
        let signed = |hex: &str| HEXLOWER.decode(hex.as_bytes()).map_err(|_| Fault::Signature);
        let seal_of = seal(&self.secret, &canonical(parameters));
        seal_of.verify_slice(&signed(&challenge.signature)?).map_err(|_| Fault::Signature)?;
        let seal_of = seal(&self.key_secret, &key);
        seal_of.verify_slice(&signed(&parameters.key_signature)?).map_err(|_| Fault::Wrong)?;
        Ok(format!("proof:{}", challenge.signature))
    }
}

/// Names a grant without saying whose it is.
fn name(claims: &Claims) -> String {
    let hash = Sha256::new().chain_update(&claims.iss).chain_update([0]).chain_update(&claims.jti).finalize();
    HEXLOWER.encode(&hash[..16])
}

/// The bytes that are signed: members in the order of the alphabet, no spaces.
fn canonical(parameters: &Parameters) -> Vec<u8> {
    // Strings and numbers: serialisation cannot fail.
    serde_json::to_vec(parameters).unwrap_or_default()
}

fn derive(salt: &[u8], nonce: &[u8], counter: u32) -> [u8; KEY_BYTES] {
    let hash = Sha256::new().chain_update(salt).chain_update(nonce).chain_update(counter.to_be_bytes());
    hash.finalize().into()
}

fn seal(secret: &str, data: &[u8]) -> Hmac<Sha256> {
    let seal = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    seal.chain_update(data)
}

#[cfg(test)]
mod tests;

//! Checking a grant, cheapest first: size and shape, then claims, then the signature.

use alloc::string::String;

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::Signature;

use super::{AUDIENCE, Claims, KeyRing};
use crate::{error::ErrorCode, time::UnixMillis};

/// The largest grant that is looked at, in bytes. A real one has about 500.
pub const MAX_BYTES: usize = 1_024;
/// How far the site's clock may be off, in seconds.
const LEEWAY_SECONDS: u64 = 5;

/// Why a grant is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// Longer than [`MAX_BYTES`].
    #[error("the grant is longer than {MAX_BYTES} bytes")]
    Oversized,
    /// Not three parts of base64url, not the JSON expected, or a claim out of its bounds.
    #[error("the grant is not a well-formed token")]
    Malformed,
    /// `alg` is not EdDSA, or `typ` not `vg+jwt`.
    #[error("the grant's algorithm or type is not the pinned one")]
    Algorithm,
    /// No such site, or the site has no such key.
    #[error("the grant's site or key is unknown")]
    UnknownKey,
    /// Meant for somebody else.
    #[error("the grant is for another audience")]
    Audience,
    /// Not the page's origin, or not one of the site's.
    #[error("the grant is for another origin")]
    Origin,
    /// Its window is over.
    #[error("the grant has expired")]
    Expired,
    /// Its window has not begun.
    #[error("the grant is not valid yet")]
    NotYetValid,
    /// The signature does not match.
    #[error("the grant's signature does not match")]
    Signature,
}

impl GrantError {
    /// The code answered to the browser.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Oversized | Self::Malformed | Self::Algorithm => ErrorCode::GrantMalformed,
            Self::UnknownKey => ErrorCode::GrantUnknownKey,
            Self::Audience => ErrorCode::GrantWrongAudience,
            Self::Origin => ErrorCode::OriginRefused,
            Self::Expired => ErrorCode::GrantExpired,
            Self::NotYetValid => ErrorCode::GrantNotYetValid,
            Self::Signature => ErrorCode::GrantSignature,
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// What a grant is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The `Origin` header of the request.
    pub origin: &'a str,
    /// Now.
    pub now: UnixMillis,
}

/// A grant that was read but not yet believed.
#[derive(Clone, Debug)]
pub struct Unverified<'a> {
    signed: &'a str,
    kid: String,
    claims: Claims,
    signature: Signature,
}

impl<'a> Unverified<'a> {
    /// Reads a token. Costs two small decodes and no cryptography.
    ///
    /// # Errors
    /// [`GrantError::Oversized`], [`GrantError::Malformed`] or [`GrantError::Algorithm`].
    pub fn parse(token: &'a str) -> Result<Self, GrantError> {
        if token.len() > MAX_BYTES {
            return Err(GrantError::Oversized);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(GrantError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(GrantError::Malformed)?;
        let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| GrantError::Malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| GrantError::Malformed)?;
        if header.alg != "EdDSA" || header.typ != "vg+jwt" {
            return Err(GrantError::Algorithm);
        }
        let claims: Claims = serde_json::from_slice(&decode(payload)?).map_err(|_| GrantError::Malformed)?;
        if !claims.well_formed() {
            return Err(GrantError::Malformed);
        }
        let signature = Signature::from_slice(&decode(signature)?).map_err(|_| GrantError::Malformed)?;
        Ok(Self { signed, kid: header.kid, claims, signature })
    }

    /// The claims as they stand in the token: good for limits, for nothing else.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Checks every claim against the request, without cryptography.
    ///
    /// # Errors
    /// The first claim that does not fit.
    pub fn check_claims(&self, expected: Expected<'_>, keys: &KeyRing) -> Result<(), GrantError> {
        let claims = &self.claims;
        if claims.aud != AUDIENCE {
            return Err(GrantError::Audience);
        }
        let site = keys.site(&claims.iss).ok_or(GrantError::UnknownKey)?;
        if claims.org != expected.origin || !site.origins.iter().any(|origin| origin == expected.origin) {
            return Err(GrantError::Origin);
        }
        let now = expected.now.seconds();
        if claims.exp.saturating_add(LEEWAY_SECONDS) <= now {
            return Err(GrantError::Expired);
        }
        if claims.nbf > now + LEEWAY_SECONDS || claims.iat > now + LEEWAY_SECONDS {
            return Err(GrantError::NotYetValid);
        }
        Ok(())
    }

    /// Checks the signature with the site's key of the token's `kid`.
    ///
    /// # Errors
    /// [`GrantError::UnknownKey`] or [`GrantError::Signature`].
    pub fn check_signature(self, keys: &KeyRing) -> Result<Claims, GrantError> {
        let site = keys.site(&self.claims.iss).ok_or(GrantError::UnknownKey)?;
        let key = site.keys.iter().find(|key| key.kid() == self.kid).ok_or(GrantError::UnknownKey)?;
        key.point().verify_strict(self.signed.as_bytes(), &self.signature).map_err(|_| GrantError::Signature)?;
        Ok(self.claims)
    }

    /// Both checks in the order of their cost.
    ///
    /// # Errors
    /// The first one that fails.
    pub fn verify(self, expected: Expected<'_>, keys: &KeyRing) -> Result<Claims, GrantError> {
        self.check_claims(expected, keys)?;
        self.check_signature(keys)
    }
}

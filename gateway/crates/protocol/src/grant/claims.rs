//! What a grant says.

use alloc::string::String;

use crate::time::UnixMillis;

/// The only audience.
pub const AUDIENCE: &str = "neoron-gateway";
/// The longest redemption window, in seconds. It bounds how long a stolen grant is of use, not the call's length.
pub const MAX_WINDOW_SECONDS: u64 = 60;

/// The claims of a grant.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The site's id.
    pub iss: String,
    /// Always [`AUDIENCE`].
    pub aud: String,
    /// Minted at, Unix seconds.
    pub iat: u64,
    /// Valid from, Unix seconds.
    pub nbf: u64,
    /// Valid until, Unix seconds; at most [`MAX_WINDOW_SECONDS`] after `nbf`.
    pub exp: u64,
    /// Burned on use. 16..=64 characters of `A-Za-z0-9_-`.
    pub jti: String,
    /// The page's exact origin, such as `https://neoron.co.uk`.
    pub org: String,
    /// The business profile.
    pub biz: String,
    /// The longest call this grant allows, in seconds, 1..=3600.
    pub max_s: u32,
    /// The page's language, BCP 47, at most 16 characters.
    pub loc: String,
    /// An opaque visitor id of the site's, at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The proof of work that the site wants of this visitor at any hour: a level, which is 2^level hashes on average.
    /// The gateway takes it between its own bounds; 0 or none leaves it to the gateway's load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pow: Option<u32>,
}

impl Claims {
    /// Claims for a visit that starts now, with the longest window.
    pub fn for_visit(site: &str, origin: &str, business: &str, jti: &str, now: UnixMillis, max_seconds: u32) -> Self {
        Self {
            iss: site.into(),
            aud: AUDIENCE.into(),
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: now.seconds() + MAX_WINDOW_SECONDS,
            jti: jti.into(),
            org: origin.into(),
            biz: business.into(),
            max_s: max_seconds,
            loc: "en".into(),
            sub: None,
            pow: None,
        }
    }

    /// Whether every claim is within its own bounds; says nothing of time, origin or signature.
    pub(super) fn well_formed(&self) -> bool {
        let token = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        (1..=64).contains(&self.iss.len())
            && (16..=64).contains(&self.jti.len())
            && token(&self.jti)
            && (1..=255).contains(&self.org.len())
            && (1..=64).contains(&self.biz.len())
            && (1..=3_600).contains(&self.max_s)
            && (1..=16).contains(&self.loc.len())
            && self.sub.as_ref().is_none_or(|sub| (1..=64).contains(&sub.len()))
            && self.nbf < self.exp
            && self.exp - self.nbf <= MAX_WINDOW_SECONDS
            && self.iat <= self.exp
    }
}

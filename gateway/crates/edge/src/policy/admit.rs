//! Who may start a session: limits and the grant, in the order of what they cost.
//!
//! The address's limit comes before the signature, which is the dearest step a stranger can cause. The site's limit
//! comes after it: taken before, anybody who knows a site's name could use its share up with forged grants. The `jti`
//! is burned last, when a worker with room is known, so that a refusal leaves the visitor a grant to come back with.

use std::{net::IpAddr, time::Duration};

use http::header;
use neoron_protocol::{
    ErrorCode,
    grant::{Claims, Expected, GrantError, MAX_WINDOW_SECONDS, Unverified},
};
use neoron_store::{Burn, Decision, Rate, StoreError};

use super::Refused;
use crate::{clients, head::Head, world::World};

/// How long a burned `jti` is remembered: longer than a grant can live with both clocks' leeway.
const JTI_KEPT: Duration = Duration::from_secs(2 * MAX_WINDOW_SECONDS);

/// The limit on requests of any kind.
pub(super) fn address(world: &World, client: IpAddr) -> Result<(), Refused> {
    let decision = world.clients.take(client, world.clock.now());
    limited(decision, world.config.limits.address, "address", "this address asks too often")
}

/// Reads a grant and checks what needs no cryptography.
pub(super) fn read_grant<'a>(world: &World, head: &Head, token: &'a str) -> Result<Unverified<'a>, Refused> {
    let rejected = |error: GrantError| rejected(world, error);
    let grant = Unverified::parse(token).map_err(rejected)?;
    // A browser always names the origin of a POST; whoever sends none is no page of the site.
    let origin = head.only(header::ORIGIN).unwrap_or_default();
    grant.check_claims(Expected { origin, now: world.clock.now() }, &world.keys.load()).map_err(rejected)?;
    Ok(grant)
}

/// Takes the limits, checks the signature and burns the `jti`.
pub(super) async fn redeem(world: &World, grant: Unverified<'_>, client: IpAddr) -> Result<Claims, Refused> {
    let limits = &world.config.limits;
    let key = format!("sessions:address:{}", clients::counted_as(client));
    let decision = world.store.take(&key, limits.sessions_by_address).await.map_err(unavailable)?;
    limited(decision, limits.sessions_by_address, "address", "this address starts too many sessions")?;
    let claims = grant.check_signature(&world.keys.load()).map_err(|error| rejected(world, error))?;
    let key = format!("sessions:site:{}", claims.iss);
    let decision = world.store.take(&key, limits.sessions_by_site).await.map_err(unavailable)?;
    limited(decision, limits.sessions_by_site, "site", "this site starts too many sessions")?;
    let burn = Burn { key: format!("grant:{}:{}", claims.iss, claims.jti), keep: JTI_KEPT };
    if world.store.burn(burn).await.map_err(unavailable)? {
        Ok(claims)
    } else {
        world.metrics.grant_rejected(ErrorCode::GrantReused);
        Err(Refused::new(ErrorCode::GrantReused, "a grant starts one session"))
    }
}

fn rejected(world: &World, error: GrantError) -> Refused {
    let code = error.code();
    world.metrics.grant_rejected(code);
    // The error's own sentence depends on the kind alone, never on what was sent.
    Refused::new(code, sentence(error))
}

const fn sentence(error: GrantError) -> &'static str {
    match error {
        GrantError::Oversized => "the grant is too long",
        GrantError::Malformed => "the grant is not a well-formed token",
        GrantError::Algorithm => "the grant's algorithm or type is not the pinned one",
        GrantError::UnknownKey => "the grant's site or key is unknown",
        GrantError::Audience => "the grant is for another audience",
        GrantError::Origin => "the grant is for another origin",
        GrantError::Expired => "the grant has expired",
        GrantError::NotYetValid => "the grant is not valid yet",
        GrantError::Signature => "the grant's signature does not match",
    }
}

fn unavailable(error: StoreError) -> Refused {
    tracing::warn!(%error, "the store did not answer the edge");
    Refused::new(ErrorCode::StoreUnavailable, "the store does not answer").with("retry-after", "2")
}

/// 429 with the headers of draft-ietf-httpapi-ratelimit-headers.
fn limited(decision: Decision, rate: Rate, name: &str, detail: &'static str) -> Result<(), Refused> {
    if decision.allowed {
        return Ok(());
    }
    let window = (rate.every * rate.burst).as_secs().max(1);
    let seconds = |span: Duration| span.as_millis().div_ceil(1_000).max(1);
    Err(Refused::new(ErrorCode::TooManyRequests, detail)
        .with("retry-after", seconds(decision.retry_after).to_string())
        .with("ratelimit-policy", format!("\"{name}\";q={};w={window}", rate.burst))
        .with("ratelimit", format!("\"{name}\";r={};t={}", decision.remaining, seconds(decision.reset_after))))
}

//! Who may start a session: limits and the grant, in the order of what they cost.
//!
//! The address's limit comes before the signature, which is the dearest step a stranger can cause. The site's limit
//! comes after it: taken before, anybody who knows a site's name could use its share up with forged grants. Between the
//! two a visitor of a site that is low on sessions is asked for a proof of work: who has none takes nothing of the
//! site's share, and who brings one is not asked again for the same grant. The `jti` is burned last, when a worker is
//! known, so that a refusal leaves the visitor a grant to come back with.

use std::{net::IpAddr, time::Duration};

use http::header;
use neoron_protocol::{
    ErrorCode,
    grant::{Claims, Expected, GrantError, MAX_WINDOW_SECONDS, Unverified},
};
use neoron_store::{Burn, Decision, Rate, StoreError};

use super::Refused;
use crate::{clients, entropy, head::Head, proof, world::World};

/// How long a burned `jti` is remembered: longer than a grant can live with both clocks' leeway.
const JTI_KEPT: Duration = Duration::from_secs(2 * MAX_WINDOW_SECONDS);

/// Where a solved challenge comes in.
const PROOF: &str = "x-neoron-proof";
/// How long a used solution is remembered: longer than its challenge lives.
const PROOF_KEPT: Duration = Duration::from_secs(2 * proof::LIFE.as_secs());

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

/// Takes the limits, checks signature and proof, and burns the `jti`.
pub(super) async fn redeem(
    world: &World,
    head: &Head,
    grant: Unverified<'_>,
    client: IpAddr,
) -> Result<Claims, Refused> {
    let limits = &world.config.limits;
    let key = format!("sessions:address:{}", clients::counted_as(client));
    let decision = world.store.take(&key, limits.sessions_by_address).await.map_err(unavailable)?;
    limited(decision, limits.sessions_by_address, "address", "this address starts too many sessions")?;
    let claims = grant.check_signature(&world.keys.load()).map_err(|error| rejected(world, error))?;
    if let Some(solution) = owed_proof(world, head, &claims)? {
        // Before the site's limit: the same solution again and again must not use its share up.
        let burn = Burn { key: solution, keep: PROOF_KEPT };
        if !world.store.burn(burn).await.map_err(unavailable)? {
            return Err(unproven(world, "a solution serves once"));
        }
    }
    let key = format!("sessions:site:{}", claims.iss);
    let decision = world.store.take(&key, limits.sessions_by_site).await.map_err(unavailable)?;
    world.demand.note(&claims.iss, &decision, world.clock.now());
    limited(decision, limits.sessions_by_site, "site", "this site starts too many sessions")?;
    let burn = Burn { key: format!("grant:{}:{}", claims.iss, claims.jti), keep: JTI_KEPT };
    if world.store.burn(burn).await.map_err(unavailable)? {
        Ok(claims)
    } else {
        world.metrics.grant_rejected(ErrorCode::GrantReused);
        Err(Refused::new(ErrorCode::GrantReused, "a grant starts one session"))
    }
}

/// The proof of work that a visitor owes: `None` if none is owed, else the key that its solution is burned under.
fn owed_proof(world: &World, head: &Head, claims: &Claims) -> Result<Option<String>, Refused> {
    let (limits, now) = (&world.config.limits, world.clock.now());
    let low = world.demand.is_low(&claims.iss, limits.sessions_by_site, limits.pow_below, now);
    let Some(level) = level(claims.pow, low) else { return Ok(None) };
    match head.only(PROOF) {
        Some(solution) => {
            let checked = world.prover.check(solution, claims, now);
            checked.map(Some).map_err(|fault| unproven(world, fault.sentence()))
        }
        None => {
            let challenge = world.prover.challenge(claims, level, entropy::bytes(), now);
            let detail = "solve the challenge and send the same request again";
            let refused = Refused::new(ErrorCode::ProofOfWorkRequired, detail);
            Err(Refused { challenge: Some(challenge), ..refused })
        }
    }
}

/// What is owed: what the site asks for, or more if it is low on sessions.
fn level(asked: Option<u32>, low: bool) -> Option<u32> {
    let asked = asked.filter(|level| *level > 0);
    if low { Some(asked.unwrap_or(0).max(proof::LEVEL)) } else { asked }
}

fn unproven(world: &World, detail: &'static str) -> Refused {
    world.metrics.grant_rejected(ErrorCode::ProofOfWorkInvalid);
    Refused::new(ErrorCode::ProofOfWorkInvalid, detail)
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

//! What a page of another origin may see. Only the exact origins of the sites in the key ring, never `*`, never with
//! cookies: the credentials are in headers and are the page's own.

use http::header;
use neoron_protocol::{ErrorCode, grant::KeyRing};

use super::{Refused, routes::Route};
use crate::{answer::Answer, head::Head};

/// Headers of an answer that a page may read.
const EXPOSED: &str = "X-Request-Id, Retry-After, RateLimit, RateLimit-Policy";

/// The request's origin, if a site has pages there.
pub(super) fn origin(head: &Head, keys: &KeyRing) -> Option<String> {
    let origin = head.only(header::ORIGIN)?;
    keys.allows_origin(origin).then(|| origin.to_owned())
}

/// What every answer to a page carries; `Vary` also when the origin is unknown, or a cache would mix the two up.
pub(super) fn headers(origin: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = vec![("vary", "Origin".to_owned())];
    if let Some(origin) = origin {
        headers.push(("access-control-allow-origin", origin.to_owned()));
        headers.push(("access-control-expose-headers", EXPOSED.to_owned()));
    }
    headers
}

/// Answers `OPTIONS`.
pub(super) fn preflight(route: &Route, origin: Option<&str>) -> Result<Answer, Refused> {
    if origin.is_none() {
        return Err(Refused::new(ErrorCode::OriginRefused, "no site has pages at this origin"));
    }
    let methods: Vec<&str> = route.methods.iter().copied().filter(|method| *method != "OPTIONS").collect();
    let mut answer = Answer::empty(204)
        .with("access-control-allow-methods", methods.join(", "))
        .with("access-control-allow-headers", "Authorization, Content-Type, X-Neoron-Proof")
        .with("access-control-max-age", "600");
    answer.headers.extend(headers(origin));
    Ok(answer)
}

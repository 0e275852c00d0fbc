//! Whether a route takes this method and this body, as far as the head tells. A chunked body is counted on its way.

use http::header;
use neoron_protocol::ErrorCode;

use super::{Refused, routes::Route};
use crate::head::{Body, Head};

/// 405 with the methods that are taken.
pub(super) fn method(route: &Route, head: &Head) -> Result<(), Refused> {
    if route.methods.contains(&head.method.as_str()) {
        return Ok(());
    }
    let refused = Refused::new(ErrorCode::MethodNotAllowed, "the route has no such method");
    Err(refused.with("allow", route.methods.join(", ")))
}

/// 413 by the length that is announced, 415 for a body that is not JSON.
pub(super) fn body(route: &Route, head: &Head) -> Result<(), Refused> {
    match head.body {
        Body::None => return Ok(()),
        Body::Fixed(length) if length > route.max_body => return Err(too_large()),
        Body::Chunked if route.max_body == 0 => return Err(too_large()),
        Body::Fixed(_) | Body::Chunked => {}
    }
    let essence = head.only(header::CONTENT_TYPE).map(|value| value.split(';').next().unwrap_or_default().trim());
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Err(Refused::new(ErrorCode::UnsupportedMediaType, "the body must be application/json"));
    }
    if head.has(header::CONTENT_ENCODING) {
        return Err(Refused::new(ErrorCode::UnsupportedMediaType, "the body must not be compressed"));
    }
    Ok(())
}

pub(super) fn too_large() -> Refused {
    Refused::new(ErrorCode::BodyTooLarge, "the body is larger than the route takes")
}

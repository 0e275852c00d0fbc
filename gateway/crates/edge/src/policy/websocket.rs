//! Which requests become WebSockets: RFC 6455's opening handshake, read strictly. An `Upgrade` on any other route is
//! not forwarded and means nothing: deciding by the mere wish to upgrade is how such requests have got past checks.

use data_encoding::BASE64;
use http::header;
use neoron_protocol::ErrorCode;
use sha1::{Digest, Sha1};

use super::{
    Refused,
    forward::Upgrade,
    routes::{Route, Shape},
};
use crate::head::{Body, Head};

/// RFC 6455, 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Subprotocols a client may offer.
const PROTOCOLS_AT_MOST: usize = 8;

/// The handshake, if this is one; `None` for a plain request to a route that takes those.
pub(super) fn offer(route: &Route, head: &Head) -> Result<Option<Upgrade>, Refused> {
    match route.shape {
        Shape::Plain | Shape::Slow | Shape::Files => return Ok(None),
        Shape::Events if !head.has(header::UPGRADE) && head.lists(header::ACCEPT, "text/event-stream") => {
            return Ok(None);
        }
        Shape::Events | Shape::WebSocket => {}
    }
    if !head.has(header::UPGRADE) {
        return Err(needed("the route speaks WebSocket"));
    }
    let broken = |detail| Refused::new(ErrorCode::MalformedRequest, detail);
    let upgrade = head.only(header::UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    if !head.http11 || !upgrade || !head.lists(header::CONNECTION, "upgrade") {
        return Err(broken("the request does not ask for a WebSocket and nothing else"));
    }
    if head.only(header::SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(needed("the version is not 13"));
    }
    if head.body != Body::None {
        return Err(broken("a handshake has no body"));
    }
    let key = head.only(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let key = key.ok_or_else(|| broken("the key is not 16 bytes"))?.to_owned();
    let offered = head.all(header::SEC_WEBSOCKET_PROTOCOL).filter_map(|value| value.to_str().ok());
    let protocols: Vec<String> =
        offered.flat_map(|value| value.split(',')).map(|item| item.trim().to_owned()).collect();
    if protocols.len() > PROTOCOLS_AT_MOST || protocols.iter().any(|item| !is_protocol(item)) {
        return Err(broken("the offered subprotocols are not a short list of tokens"));
    }
    Ok(Some(Upgrade { key, protocols }))
}

fn needed(detail: &'static str) -> Refused {
    let refused = Refused::new(ErrorCode::UpgradeRequired, detail);
    // `Upgrade` is a hop-by-hop header, so `Connection` has to name it (RFC 9110, 7.8).
    refused.with("upgrade", "websocket").with("connection", "upgrade").with("sec-websocket-version", "13")
}

fn is_key(text: &str) -> bool {
    text.len() == 24 && BASE64.decode(text.as_bytes()).is_ok_and(|bytes| bytes.len() == 16)
}

fn is_protocol(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// What a server that understood the key answers.
pub(crate) fn accept_key(key: &str) -> String {
    BASE64.encode(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_value_is_that_of_the_rfc() {
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}

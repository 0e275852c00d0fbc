//! The two texts of a handshake that the edge writes. Made from parsed fields, never the client's bytes passed on.

use http::header;

use crate::{
    head::Head,
    policy::{self, Forward},
};

/// Headers of the handshake itself, which the edge writes anew. Extensions are never offered on: the frames then mean
/// the same to both sides and to the scanner between them.
fn is_written_anew(name: &http::HeaderName) -> bool {
    let text = name.as_str();
    text.starts_with("sec-websocket-")
        || matches!(text, "host" | "connection" | "upgrade" | "keep-alive" | "te" | "trailer" | "content-length")
}

/// What the worker gets.
pub(super) fn request(head: &Head, forward: &Forward) -> Vec<u8> {
    let mut bytes = format!("GET {} HTTP/1.1\r\n", head.target).into_bytes();
    let mut add = |name: &[u8], value: &[u8]| {
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    };
    if let Some(host) = head.only(header::HOST) {
        add(b"host", host.as_bytes());
    }
    add(b"connection", b"upgrade");
    add(b"upgrade", b"websocket");
    add(b"sec-websocket-version", b"13");
    if let Some(upgrade) = &forward.upgrade {
        add(b"sec-websocket-key", upgrade.key.as_bytes());
        if !upgrade.protocols.is_empty() {
            add(b"sec-websocket-protocol", upgrade.protocols.join(", ").as_bytes());
        }
    }
    for (name, value) in &head.headers {
        let nominated = head.lists(header::CONNECTION, name.as_str());
        if !is_written_anew(name) && !nominated && !policy::is_stripped(forward.route, name) {
            add(name.as_str().as_bytes(), value.as_bytes());
        }
    }
    for (name, value) in &forward.headers {
        add(name.as_str().as_bytes(), value.as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// What the client gets.
pub(super) fn switched(forward: &Forward, protocol: Option<&str>) -> Vec<u8> {
    let key = forward.upgrade.as_ref().map(|upgrade| upgrade.key.as_str()).unwrap_or_default();
    let mut text = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {}\r\nx-request-id: {}\r\n",
        policy::accept_key(key),
        forward.request
    );
    if let Some(protocol) = protocol {
        text.push_str(&format!("sec-websocket-protocol: {protocol}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

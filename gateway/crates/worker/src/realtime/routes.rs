//! `GET /v1/sessions/{id}/events`: who may listen, and over which driver.

use std::sync::Arc;

use axum::{
    extract::{
        Path, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use http::{HeaderMap, header};
use neoron_protocol::{
    ErrorCode,
    frame::{MAX_CLIENT_FRAME_BYTES, SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX},
};

use super::{socket, sse};
use crate::{
    app::App,
    http::{auth, problem::Refusal},
    sessions,
};

/// tungstenite's read buffer is 128 KiB by default and makes 134 kB of every idle socket. What a visitor sends is a pong
/// or a sentence; a longer text takes some more reads.
const READ_BUFFER: usize = 256;
/// A snapshot is one message of up to some 200 kB, and must fit. Nothing is allocated before it is needed.
const MAX_WRITE_BUFFER: usize = 256 * 1024;

/// Follows a session: a WebSocket, or server-sent events when `text/event-stream` is asked for.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/events",
    tag = "sessions",
    security(("ticket" = []), ("ticket_subprotocol" = [])),
    params(
        ("id" = String, Path, description = "The session's id."),
        ("Last-Event-ID" = Option<String>, Header, description = "Server-sent events only: `<epoch>:<offset>`."),
    ),
    responses(
        (status = 101, description = "The WebSocket is open; its frames are described in the AsyncAPI document."),
        (status = 200, description = "The event stream; each `data` is one frame.", body = String, content_type = "text/event-stream"),
    )
)]
pub(crate) async fn session_events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let session = auth::session_id(&id)?;
    // Before the upgrade: who may not listen learns it as a problem document.
    let ticket = offered_ticket(&headers).or_else(|| auth::bearer(&headers));
    let record = auth::open(&app, session, ticket).await?;
    sessions::touch(&app, &record);
    if let Ok(upgrade) = upgrade {
        let upgrade = upgrade
            .protocols([SUBPROTOCOL])
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
            .max_message_size(MAX_CLIENT_FRAME_BYTES)
            .max_frame_size(MAX_CLIENT_FRAME_BYTES);
        if upgrade.selected_protocol().is_none() {
            return Err(Refusal::because(ErrorCode::MalformedRequest, "offer the subprotocol neoron.v1"));
        }
        // Boxed: what a future is given takes its room in every layer of futures around it.
        return Ok(upgrade.on_upgrade(move |socket| socket::run(app, session, Box::new(socket))));
    }
    if wants_event_stream(&headers) {
        return sse::run(app, session, &headers).await;
    }
    Err(Refusal::because(ErrorCode::UpgradeRequired, "or ask for text/event-stream"))
}

/// The ticket among the offered subprotocols.
fn offered_ticket(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|offered| offered.trim().strip_prefix(TICKET_SUBPROTOCOL_PREFIX))
}

fn wants_event_stream(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut types = lines.flat_map(|line| line.split(',')).map(|it| it.split(';').next().unwrap_or_default().trim());
    types.any(|it| it.eq_ignore_ascii_case("text/event-stream"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_ticket_is_found_wherever_it_is_offered() {
        let offered = |text: &str| HeaderMap::from_iter([(header::SEC_WEBSOCKET_PROTOCOL, text.parse().unwrap())]);
        assert_eq!(offered_ticket(&offered("neoron.v1, neoron.ticket.abc")), Some("abc"));
        assert_eq!(offered_ticket(&offered("neoron.ticket.abc,neoron.v1")), Some("abc"));
        assert_eq!(offered_ticket(&offered("neoron.v1")), None);
    }

    #[test]
    fn an_event_stream_is_asked_for_by_its_type() {
        let accept = |text: &str| HeaderMap::from_iter([(header::ACCEPT, text.parse().unwrap())]);
        assert!(wants_event_stream(&accept("application/json, text/event-stream;q=0.5")));
        assert!(!wants_event_stream(&accept("*/*")));
    }
}

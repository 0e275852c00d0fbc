//! Where a participant joins a call.
//!
//! A server's socket carries everything: text frames are data messages, binary frames are audio, which is counted and
//! not understood. A browser's socket says one thing, the address of a WebRTC room, and then stands for the call: the
//! call ends with it. The room itself is not simulated; its address refuses.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{broadcast, broadcast::error::RecvError, mpsc};
use tokio_util::sync::CancellationToken;

use super::call::{Call, Command};
use super::create::medium::Entry;
use super::rest::error::Refusal;
use super::wire::{self, ClientMessage, Outbound};
use super::world::World;

/// The longest message of a participant, in bytes.
const LONGEST_MESSAGE: usize = 256 * 1024;
/// Answers that wait for one socket; the next ping waits for room.
const ANSWER_QUEUE: usize = 8;

/// What a client adds to the join URL.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JoinQuery {
    client_version: Option<String>,
}

/// `GET /calls/{id}`: the join socket of a browser.
pub(super) async fn join_browser(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    Query(query): Query<JoinQuery>,
    upgrade: WebSocketUpgrade,
) -> Response {
    join(&world, &id, query, upgrade, Entry::WebRtc)
}

/// `GET /calls/{id}/server_web_socket`: the socket of a server.
pub(super) async fn join_server(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    Query(query): Query<JoinQuery>,
    upgrade: WebSocketUpgrade,
) -> Response {
    join(&world, &id, query, upgrade, Entry::ServerWebSocket)
}

fn join(world: &Arc<World>, id: &str, query: JoinQuery, upgrade: WebSocketUpgrade, entry: Entry) -> Response {
    let call = world.call(id).filter(|call| call.plan.medium.entry == entry && !call.has_ended());
    let Some(call) = call.filter(|_| !world.faults.borrow().refuse_joins) else {
        return Refusal::NotFound.into_response();
    };
    if query.client_version.is_some() {
        call.record().client_version = query.client_version;
    }
    let world = Arc::clone(world);
    upgrade.max_message_size(LONGEST_MESSAGE).on_upgrade(move |socket| async move {
        let stop = call.abandoned.clone();
        let _ = stop.run_until_cancelled(take_part(&world, &call, socket, entry)).await;
    })
}

/// Makes this socket the participant; one that was there before is told to go.
pub(super) fn enter(world: &World, call: &Call) -> (u64, CancellationToken) {
    let (number, replaced) = (world.next_socket(), CancellationToken::new());
    let before = call.record().participant.replace((number, replaced.clone()));
    if let Some((_, before)) = before {
        before.cancel();
    }
    (number, replaced)
}

async fn take_part(world: &World, call: &Call, socket: WebSocket, entry: Entry) {
    let messages = call.outbound.subscribe();
    let (number, replaced) = enter(world, call);
    let (mut sink, stream) = socket.split();
    if entry == Entry::WebRtc && send_room(world, call, &mut sink).await.is_err() {
        return leave(call, number).await;
    }
    if call.commands.send(Command::Joined).await.is_err() {
        return;
    }
    let (answers, to_answer) = mpsc::channel(ANSWER_QUEUE);
    let close = tokio::select! {
        close = speak(call, &mut sink, messages, to_answer, entry) => close,
        () = listen(call, stream, answers) => None,
        () = replaced.cancelled() => Some((1008, "another participant joined")),
    };
    if let Some((code, reason)) = close {
        let _ = sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    }
    leave(call, number).await;
}

async fn leave(call: &Call, number: u64) {
    // The call may be over already.
    let _ = call.commands.send(Command::Left(number)).await;
}

async fn send_room(world: &World, call: &Call, sink: &mut Sink) -> Result<(), axum::Error> {
    let room = wire::room_info(&format!("{}/rooms/{}", world.socket_base, call.id), &world.ids.token());
    sink.send(Message::text(room.clone())).await?;
    if world.take_fault(|faults| &mut faults.second_join_message) {
        sink.send(Message::text(room)).await?;
    }
    Ok(())
}

type Sink = SplitSink<WebSocket, Message>;

/// Sends what the participant wants until the call is over; answers how to close. A browser gets everything else
/// through its room, so its socket stays silent.
async fn speak(
    call: &Call,
    sink: &mut Sink,
    mut messages: broadcast::Receiver<Outbound>,
    mut answers: mpsc::Receiver<String>,
    entry: Entry,
) -> Option<(u16, &'static str)> {
    let silent = entry != Entry::ServerWebSocket;
    loop {
        tokio::select! {
            biased;
            message = messages.recv() => match message {
                Ok(message) if !silent && call.plan.medium.wanted.has(message.kind) => {
                    sink.send(Message::text(message.text)).await.ok()?;
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return Some((1008, "too slow")),
                Err(RecvError::Closed) => return Some((1000, "")),
            },
            Some(answer) = answers.recv() => {
                if !silent {
                    sink.send(Message::text(answer)).await.ok()?;
                }
            }
            () = call.closed.cancelled() => return Some((1000, "")),
        }
    }
}

/// Takes what the participant sends until it goes away or is silent for too long.
async fn listen(call: &Call, mut stream: SplitStream<WebSocket>, answers: mpsc::Sender<String>) {
    // Without a limit in the plan, no socket is ever idle: a year is never.
    const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);
    let limit = call.plan.medium.idle_timeout.unwrap_or(NEVER);
    loop {
        let Ok(received) = tokio::time::timeout(limit, stream.next()).await else {
            let _ = call.commands.send(Command::Idle).await;
            return;
        };
        match received {
            Some(Ok(Message::Binary(_))) => call.record().audio_frames += 1,
            Some(Ok(Message::Text(text))) => accept(call, &text, &answers).await,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            Some(Ok(_)) => {}
        }
    }
}

/// An unknown message is skipped.
async fn accept(call: &Call, text: &str, answers: &mpsc::Sender<String>) {
    let Ok(message) = serde_json::from_str::<ClientMessage>(text) else { return };
    // Neither send fails unless the call or the socket is going away.
    if let ClientMessage::Ping { timestamp } = message {
        let _ = answers.send(wire::pong(&timestamp)).await;
    } else {
        let _ = call.commands.send(Command::Data(message)).await;
    }
}

//! The WebSocket that Ultravox dials when a call is joined: signed, with the headers of its configuration, redialled
//! a few times when it drops.
//!
//! Text messages only; the audio that `audioConfig` would add is not simulated. What could not be sent while the
//! connection was down is sent when it is up again, as far as the call's queue reaches.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderName, HeaderValue, Request};
use tokio::sync::{broadcast, broadcast::error::RecvError, watch};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::call::{Call, Command};
use super::clock::rfc3339;
use super::create::links::DataConnection;
use super::faults::Faults;
use super::signature;
use super::wire::{self, ClientMessage, Outbound};
use super::world::World;

/// Dials in all: the first one and the redials.
const MOST_DIALS: u32 = 6;
/// The wait before the first redial; it doubles.
const REDIAL: Duration = Duration::from_millis(200);
/// A handshake takes no longer than this.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How a connection ended.
enum Ended {
    /// The call is over.
    Over,
    /// The other side, the network or a fault cut it.
    Cut,
}

/// Dials the data connection of a call, if it has one. Listens from this moment on.
pub(super) fn start(world: &Arc<World>, call: &Arc<Call>) {
    let Some(config) = call.plan.data_connection.clone() else { return };
    let (world, call, messages) = (Arc::clone(world), Arc::clone(call), call.outbound.subscribe());
    let stop = call.abandoned.clone();
    world.tasks.clone().spawn(async move {
        let _ = stop.run_until_cancelled(keep_up(&world, &call, &config, messages)).await;
    });
}

async fn keep_up(world: &World, call: &Call, config: &DataConnection, mut messages: broadcast::Receiver<Outbound>) {
    for dial in 0..MOST_DIALS {
        if dial > 0 {
            tokio::time::sleep(REDIAL * 2_u32.pow(dial - 1)).await;
        }
        if call.closed.is_cancelled() {
            return;
        }
        if world.faults.borrow().data_connection_off {
            continue;
        }
        let Ok(request) = request(world, call, config) else { return };
        let dialled = tokio::time::timeout(HANDSHAKE, tokio_tungstenite::connect_async(request)).await;
        let Ok(Ok((socket, _))) = dialled else { continue };
        call.record().data_connections += 1;
        if let Ok(Ended::Over) = relay(world, call, config, socket, &mut messages).await {
            return;
        }
    }
    tracing::debug!("a data connection was given up");
}

/// The handshake: literal headers first, so that they cannot replace the signature.
fn request(world: &World, call: &Call, config: &DataConnection) -> Result<Request<()>, Error> {
    let mut request = config.url.as_str().into_client_request()?;
    let mut add = |name: &str, value: &str| -> Result<(), Error> {
        let name = HeaderName::try_from(name).map_err(|error| Error::HttpFormat(error.into()))?;
        let value = HeaderValue::try_from(value).map_err(|error| Error::HttpFormat(error.into()))?;
        request.headers_mut().insert(name, value);
        Ok(())
    };
    for (name, value) in &config.headers {
        add(name, value)?;
    }
    let secrets = &call.plan.shared_secrets;
    if !secrets.is_empty() {
        let timestamp = rfc3339(world.clock.now());
        add(signature::DATA_CALL_ID, &call.id)?;
        add(signature::DATA_TIMESTAMP, &timestamp)?;
        add(signature::DATA_SIGNATURE, &signature::data_connection(secrets, &call.id, &timestamp))?;
    }
    Ok(request)
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn relay(
    world: &World,
    call: &Call,
    config: &DataConnection,
    mut socket: Socket,
    messages: &mut broadcast::Receiver<Outbound>,
) -> Result<Ended, Error> {
    let mut faults = world.faults.subscribe();
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Ok(message) if config.wanted.has(message.kind) => socket.send(message.text.into()).await?,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(Ended::Over),
            },
            received = socket.next() => match received {
                Some(Ok(Message::Text(text))) => {
                    if let Some(answer) = accept(call, &text).await {
                        socket.send(answer.into()).await?;
                    }
                }
                Some(Ok(Message::Close(_))) | None => return Ok(Ended::Cut),
                Some(received) => drop(received?),
            },
            () = switched_off(&mut faults) => return Ok(Ended::Cut),
            () = call.closed.cancelled() => break,
        }
    }
    while let Ok(message) = messages.try_recv() {
        if config.wanted.has(message.kind) {
            socket.feed(message.text.into()).await?;
        }
    }
    socket.close(None).await?;
    Ok(Ended::Over)
}

async fn switched_off(faults: &mut watch::Receiver<Faults>) {
    // The sender lives as long as the world, so this ends only with the fault.
    let _ = faults.wait_for(|faults| faults.data_connection_off).await;
}

/// Takes a message from the other side; answers what goes straight back. An unknown one is skipped.
async fn accept(call: &Call, text: &str) -> Option<String> {
    match serde_json::from_str(text).ok()? {
        ClientMessage::Ping { timestamp } => Some(wire::pong(&timestamp)),
        message => {
            // Nobody listens any more when the call has just ended.
            let _ = call.commands.send(Command::Data(message)).await;
            None
        }
    }
}

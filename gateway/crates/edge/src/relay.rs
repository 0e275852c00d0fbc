//! The WebSocket relay: a handshake with the worker, then two sockets and no buffers.
//!
//! Pingora 0.9.1 keeps some 70 kB for an idle WebSocket and tells none of them that the process is leaving. This relay
//! keeps a few kilobytes, knows where frames end, and says 1012 between two of them. It never looks into a payload.

mod frames;
mod handshake;
mod pump;
mod upstream;

use std::{future::poll_fn, sync::Arc, task::Poll, time::Instant};

use neoron_protocol::ErrorCode;
use pingora_core::protocols::Stream;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use self::{pump::Pump, upstream::Reply};
use crate::{
    answer::Answer,
    connections::Admitted,
    drain::Busy,
    head::Head,
    metrics::Failure,
    observe::{Finished, finished},
    policy::Forward,
    scratch,
    world::World,
};

/// What keeps a connection counted for as long as its WebSocket lives.
pub(crate) struct Held {
    pub(crate) _admitted: Admitted,
    pub(crate) _busy: Busy,
}

/// Opens the WebSocket and lets it run on its own, so that the connection's own future, which is large, is freed.
/// Otherwise gives the client's stream back, with the answer for it.
pub(crate) async fn open(
    world: &Arc<World>,
    mut client: Stream,
    head: &Head,
    forward: &mut Forward,
    bytes_behind: bool,
    held: Held,
) -> Option<(Stream, Answer, Held)> {
    let refuse =
        |forward: &Forward, code, detail| with_headers(Answer::problem(code, detail, forward.request), forward);
    if bytes_behind {
        let answer = refuse(forward, ErrorCode::MalformedRequest, "there are bytes before the handshake's answer");
        return Some((client, answer, held));
    }
    let asked = Instant::now();
    let (worker, reply) = match shake_hands(world, head, forward).await {
        Ok(both) => both,
        Err((kind, code)) => {
            world.metrics.worker_failed(kind);
            let answer = refuse(forward, code, "the worker did not take the handshake");
            return Some((client, answer, held));
        }
    };
    let waited = asked.elapsed();
    let (protocol, early) = match reply {
        Reply::Switched { protocol, early } => (protocol, early),
        Reply::Answered(answer) => return Some((client, with_headers(answer, forward), held)),
    };
    if has_spoken(&mut client).await {
        let answer = refuse(forward, ErrorCode::MalformedRequest, "there are bytes before the handshake's answer");
        return Some((client, answer, held));
    }
    let switched = handshake::switched(forward, protocol.as_deref());
    if !matches!(timeout(world.config.head_deadline, client.write_all(&switched)).await, Ok(Ok(()))) {
        return None;
    }
    // The stream may buffer what is written; the client must see the 101 before the first frame.
    if client.flush().await.is_err() {
        return None;
    }
    finished(
        &world.metrics,
        &Finished {
            request: forward.request,
            trail: &forward.trail,
            route: forward.route.name,
            method: Some(&head.method),
            status: 101,
            bytes: 0,
            began: forward.began,
            waited: Some(waited),
            code: None,
            worker: Some(forward.worker.id),
        },
    );
    let pump = Pump::new(client, worker, &early, &world.config);
    tokio::spawn(pump::run(pump, Arc::clone(world), held));
    None
}

fn with_headers(mut answer: Answer, forward: &Forward) -> Answer {
    let added = forward.response_headers();
    answer.headers.retain(|(name, _)| !added.iter().any(|(other, _)| other == name));
    // `X-Request-Id` is written with every answer.
    answer.headers.extend(added.into_iter().filter(|(name, _)| *name != "x-request-id"));
    answer
}

/// Connects, to another worker if one cannot be reached, and shakes hands.
async fn shake_hands(
    world: &World,
    head: &Head,
    forward: &mut Forward,
) -> Result<(TcpStream, Reply), (Failure, ErrorCode)> {
    let mut stream = loop {
        match timeout(world.config.workers.connect_timeout, TcpStream::connect(forward.worker.address)).await {
            Ok(Ok(stream)) => break stream,
            Ok(Err(_)) | Err(_) => {
                if !forward.turn(world) {
                    return Err((Failure::Connect, ErrorCode::BadGateway));
                }
                world.metrics.worker_failed(Failure::Connect);
            }
        }
    };
    // Frames are small and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let exchange = async {
        stream.write_all(&handshake::request(head, forward)).await.ok()?;
        upstream::reply(&mut stream, forward).await
    };
    match timeout(world.config.body_deadline, exchange).await {
        Ok(Some(reply)) => Ok((stream, reply)),
        Ok(None) => Err((Failure::Broken, ErrorCode::BadGateway)),
        Err(_) => Err((Failure::Timeout, ErrorCode::GatewayTimeout)),
    }
}

/// Whether the client has sent something that it could not have known an answer to: a premature upgrade.
async fn has_spoken(client: &mut Stream) -> bool {
    poll_fn(|cx| {
        let read = scratch::poll_read(client, cx, 1, |_, bytes| !bytes.is_empty());
        Poll::Ready(matches!(read, Poll::Ready(Ok(true))))
    })
    .await
}

//! A running WebSocket: bytes from each side to the other, at most one write's rest kept, and an end that both sides
//! understand.
//!
//! A side that does not read stops the other side from being read: that is the whole of back-pressure. A half-close
//! passes through.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pingora_core::protocols::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Held,
    frames::{self, From, Scanner},
};
use crate::{EdgeConfig, entropy, scratch, world::World};

/// RFC 6455 and the registry behind it: going away, protocol error, service restart.
const GOING_AWAY: u16 = 1_001;
const PROTOCOL_ERROR: u16 = 1_002;
const SERVICE_RESTART: u16 = 1_012;
/// Bytes moved in one turn before others get theirs.
const TURN: usize = 16;
/// How long the client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long a begun frame may take to end when its socket has to leave.
const FRAME_PATIENCE: Duration = Duration::from_secs(5);

/// One direction.
struct Half {
    scanner: Scanner,
    /// What a full socket did not take.
    rest: Vec<u8>,
    sent: usize,
    ended: bool,
    shut: bool,
}

impl Half {
    fn new(from: From, at_most: u64) -> Self {
        Self { scanner: Scanner::new(from, at_most), rest: Vec::new(), sent: 0, ended: false, shut: false }
    }

    fn is_flushed(&self) -> bool {
        self.sent == self.rest.len()
    }
}

/// Why the pump stopped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    /// Both sides are done, or one is gone.
    Over,
    /// A side broke the rules of frames.
    Broken,
    /// A side's begun frame has ended, as was asked for.
    Boundary,
}

/// A WebSocket.
pub(super) struct Pump {
    client: Stream,
    worker: TcpStream,
    up: Half,
    down: Half,
    active: Instant,
    idle: Duration,
    dies: Instant,
}

impl Pump {
    /// `early` came behind the worker's 101 and is looked at like everything after it: bytes that pass by the scanner
    /// would have a close frame injected into the middle of theirs.
    pub(super) fn new(client: Stream, worker: TcpStream, early: &[u8], config: &EdgeConfig) -> Self {
        let now = Instant::now();
        let mut down = Half::new(From::Server, config.worker_frame_bytes);
        down.rest = early.to_vec();
        Self {
            client,
            worker,
            up: Half::new(From::Client, config.client_frame_bytes),
            down,
            active: now,
            idle: config.stream_idle,
            dies: now + config.stream_max_age,
        }
    }

    /// Moves bytes until something is over. With `stop`, each direction ends with the frame it is in.
    fn poll(&mut self, cx: &mut Context<'_>, stop: bool) -> Poll<Stopped> {
        let up = step(&mut self.up, &mut self.client, &mut self.worker, cx, stop);
        let down = step(&mut self.down, &mut self.worker, &mut self.client, cx, stop);
        for moved in [&up, &down] {
            match moved {
                Ok(moved) if moved.bytes => self.active = Instant::now(),
                Ok(_) => {}
                Err(Fault::Frames) => return Poll::Ready(Stopped::Broken),
                Err(Fault::Io) => return Poll::Ready(Stopped::Over),
            }
        }
        if self.up.shut && self.down.shut {
            return Poll::Ready(Stopped::Over);
        }
        let ready = |half: &Half| half.shut || (half.is_flushed() && half.scanner.at_boundary());
        if stop && ready(&self.up) && ready(&self.down) {
            return Poll::Ready(Stopped::Boundary);
        }
        if matches!((up, down), (Ok(Moved { more: true, .. }), _) | (_, Ok(Moved { more: true, .. }))) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Tells both sides, as far as their streams are between two frames, and closes.
    async fn say_goodbye(mut self, code: u16) {
        let between = |half: &Half| half.is_flushed() && half.scanner.at_boundary() && !half.scanner.saw_close();
        let (to_client, to_worker) = (between(&self.down), between(&self.up));
        let goodbye = async {
            if to_worker {
                let _ = self.worker.write_all(&frames::close(GOING_AWAY, Some(entropy::bytes()))).await;
            }
            if to_client {
                let _ = self.client.write_all(&frames::close(code, None)).await;
            }
            let _ = self.client.flush().await;
            let _ = AsyncWriteExt::shutdown(&mut self.client).await;
            let _ = self.worker.shutdown().await;
            // Closing a socket with unread bytes resets it, and a reset overtakes the close frame.
            while matches!(discard(&mut self.client).await, Ok(1..)) {}
        };
        let _ = timeout(FAREWELL, goodbye).await;
    }
}

async fn discard<R: AsyncRead + Unpin + ?Sized>(reader: &mut R) -> io::Result<usize> {
    std::future::poll_fn(|cx| scratch::poll_read(reader, cx, usize::MAX, |_, bytes| bytes.len())).await
}

#[derive(Clone, Copy)]
struct Moved {
    /// Something was moved.
    bytes: bool,
    /// There is more to move at once.
    more: bool,
}

#[derive(Clone, Copy)]
enum Fault {
    Frames,
    Io,
}

impl std::convert::From<io::Error> for Fault {
    fn from(_: io::Error) -> Self {
        Self::Io
    }
}

/// One direction's turn.
fn step<R, W>(half: &mut Half, from: &mut R, to: &mut W, cx: &mut Context<'_>, stop: bool) -> Result<Moved, Fault>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut moved = Moved { bytes: false, more: false };
    for _ in 0..TURN {
        match turn(half, from, to, cx, stop) {
            Poll::Pending => return Ok(moved),
            Poll::Ready(Ok(true)) => moved.bytes = true,
            Poll::Ready(Ok(false)) => return Ok(moved),
            Poll::Ready(Err(fault)) => return Err(fault),
        }
    }
    moved.more = true;
    Ok(moved)
}

/// Sends what is left, or reads and sends once. `false` if there is nothing more to do.
fn turn<R, W>(half: &mut Half, from: &mut R, to: &mut W, cx: &mut Context<'_>, stop: bool) -> Poll<Result<bool, Fault>>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    if !half.is_flushed() {
        let count = ready!(Pin::new(&mut *to).poll_write(cx, &half.rest[half.sent..]))?;
        half.sent += count;
        if half.is_flushed() {
            half.rest = Vec::new();
            half.sent = 0;
            let _ = Pin::new(&mut *to).poll_flush(cx);
        }
        return Poll::Ready(if count == 0 { Err(Fault::Io) } else { Ok(true) });
    }
    if half.ended {
        if half.shut {
            return Poll::Ready(Ok(false));
        }
        // A peer that is gone already is as good as shut.
        let _ = ready!(Pin::new(to).poll_shutdown(cx));
        half.shut = true;
        return Poll::Ready(Ok(false));
    }
    if stop && half.scanner.at_boundary() {
        return Poll::Ready(Ok(false));
    }
    let Half { scanner, rest, ended, .. } = half;
    ready!(scratch::poll_read(from, cx, usize::MAX, |cx, bytes| {
        if bytes.is_empty() {
            *ended = true;
            return Ok(true);
        }
        let taken = scanner.take(bytes, stop).map_err(|_| Fault::Frames)?;
        let mut written = 0;
        while written < taken {
            match Pin::new(&mut *to).poll_write(cx, &bytes[written..taken]) {
                Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => return Err(Fault::Io),
                Poll::Ready(Ok(count)) => written += count,
                Poll::Pending => {
                    *rest = bytes[written..taken].to_vec();
                    break;
                }
            }
        }
        let _ = Pin::new(&mut *to).poll_flush(cx);
        Ok(true)
    }))
    .map_or_else(|_| Poll::Ready(Err(Fault::Io)), Poll::Ready)
}

/// Runs a WebSocket to its end.
pub(super) async fn run(mut pump: Pump, world: Arc<World>, held: Held) {
    world.metrics.websockets.inc();
    // The early bytes wait in `rest`; the scanner has to know them before anything that follows.
    let early = std::mem::take(&mut pump.down.rest);
    let code = match pump.down.scanner.take(&early, false) {
        Ok(_) => {
            pump.down.rest = early;
            until_it_ends(&mut pump, &world).await
        }
        Err(_) => Some(PROTOCOL_ERROR),
    };
    if let Some(code) = code {
        pump.say_goodbye(code).await;
    }
    world.metrics.websockets.dec();
    drop(held);
}

/// Pumps; returns the code to close with, or nothing if the sides are done with each other.
async fn until_it_ends(pump: &mut Pump, world: &World) -> Option<u16> {
    let mut phases = world.drain.phases();
    let mut leaves: Option<Instant> = None;
    loop {
        let wake = [pump.active + pump.idle, pump.dies].into_iter().chain(leaves).min().unwrap_or(pump.dies);
        tokio::select! {
            stopped = std::future::poll_fn(|cx| pump.poll(cx, false)) => return match stopped {
                Stopped::Broken => Some(PROTOCOL_ERROR),
                Stopped::Over | Stopped::Boundary => None,
            },
            () = sleep_until(wake) => {
                let now = Instant::now();
                if leaves.is_some_and(|at| at <= now) || pump.dies <= now {
                    return finish_frames(pump).await;
                }
                if pump.active + pump.idle <= now {
                    return Some(GOING_AWAY);
                }
            }
            () = phases.draining(), if leaves.is_none() => {
                leaves = Some(Instant::now() + entropy::part_of(world.config.drain_spread));
            }
        }
    }
}

/// Lets the frames that have begun end.
async fn finish_frames(pump: &mut Pump) -> Option<u16> {
    match timeout(FRAME_PATIENCE, std::future::poll_fn(|cx| pump.poll(cx, true))).await {
        Ok(Stopped::Over) => None,
        Ok(Stopped::Broken) => Some(PROTOCOL_ERROR),
        Ok(Stopped::Boundary) | Err(_) => Some(SERVICE_RESTART),
    }
}

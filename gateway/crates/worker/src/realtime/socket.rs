//! The WebSocket driver: frames out, the visitor's frames in, pings, and an end that the client understands.
//!
//! It keeps nothing: a reader that is too slow is cut off and comes back with its cursor.

use std::{pin::Pin, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use neoron_protocol::{
    ErrorCode, SessionId,
    frame::{self, Body, ClientFrame, GoingAway, Level, Notice},
};
use neoron_store::Cursor;
use tokio::time::{Instant, MissedTickBehavior};

use super::feed::{self, Feed};
use crate::{app::App, http::problem::Refusal, metrics::Open, sessions};

/// The first frame must come within this.
const RESUME_DEADLINE: Duration = Duration::from_secs(10);
/// How often the client is pinged. Two pings without any sign of life end the connection.
const PING_EVERY: Duration = Duration::from_secs(20);
const MISSED_PINGS: u32 = 2;
/// How long the client may take to read what is sent: less than its own idea of a dead connection.
const SEND_DEADLINE: Duration = Duration::from_secs(10);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Clients of a leaving process come back spread over this, so that the others are not run over.
pub(super) const SPREAD_MILLIS: u32 = 5_000;

/// Close codes of RFC 6455 and the registry behind it.
const NORMAL: u16 = 1_000;
const POLICY: u16 = 1_008;
const TOO_BIG: u16 = 1_009;
const RESTART: u16 = 1_012;
const TRY_LATER: u16 = 1_013;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client is gone, or does not answer: nobody is left to be told.
    Silent,
    /// With a close frame.
    Close(u16, &'static str),
}

/// What the client does, while it is being done. One at a time: the next frame is read when it is over.
type Doing = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

/// Serves a connection to its end.
pub(super) async fn run(app: Arc<App>, session: SessionId, mut socket: Box<WebSocket>) {
    let _open = Open::in_gauge(&app.metrics.connections);
    let tasks = app.local.tasks.token();
    let end = match serve(&app, session, &mut socket).await {
        Ok(end) | Err(end) => end,
    };
    if let End::Close(code, reason) = end {
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // The close may wait behind what the client does not read.
        let _ = tokio::time::timeout(FAREWELL, socket.send(close)).await;
    }
    drop(tasks);
}

async fn serve(app: &Arc<App>, session: SessionId, socket: &mut WebSocket) -> Result<End, End> {
    let mut leaving = app.local.leaving.subscribe();
    let cursor = resume(socket).await?;
    let feed = Feed::open(app.store.clone(), app.clock.clone(), session, cursor).await;
    let mut feed = feed.map_err(|_| End::Close(TRY_LATER, "the store does not answer"))?;
    let mut pings = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut missed, mut doing) = (0, None::<Doing>);
    loop {
        tokio::select! {
            biased;
            () = app.local.stop.cancelled() => return farewell(app, &feed, socket).await,
            Ok(()) = leaving.changed() => return farewell(app, &feed, socket).await,
            done = present(&mut doing) => {
                doing = None;
                if let Err(refusal) = done {
                    send(socket, Message::text(refused(app, &feed, &refusal))).await?;
                }
            }
            frames = feed.next() => {
                let Some(frames) = frames.map_err(|_| End::Close(TRY_LATER, "the store does not answer"))? else {
                    return Ok(End::Close(NORMAL, "the session is forgotten"));
                };
                for frame in frames {
                    send(socket, Message::text(frame.text)).await?;
                }
            }
            message = socket.recv(), if doing.is_none() => {
                missed = 0;
                doing = heard(app, session, message)?;
            }
            _ = pings.tick() => {
                if missed >= MISSED_PINGS {
                    return Ok(End::Silent);
                }
                missed += 1;
                send(socket, Message::Ping(Bytes::new())).await?;
            }
        }
    }
}

/// The result of what is being done; never, if nothing is.
async fn present(doing: &mut Option<Doing>) -> Result<(), Refusal> {
    match doing {
        Some(doing) => doing.await,
        None => std::future::pending().await,
    }
}

/// Reads the first frame.
async fn resume(socket: &mut WebSocket) -> Result<Cursor, End> {
    let first = async {
        loop {
            match socket.recv().await {
                Some(Ok(Message::Text(text))) => return read(&text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return Err(End::Silent),
            }
        }
    };
    match tokio::time::timeout(RESUME_DEADLINE, first).await {
        Ok(Ok(ClientFrame::Resume { epoch, offset })) => Ok(Cursor { epoch, offset }),
        Ok(Ok(_)) => Err(End::Close(POLICY, "the first frame must be resume")),
        Ok(Err(end)) => Err(end),
        Err(_) => Err(End::Close(POLICY, "no resume in time")),
    }
}

fn read(text: &str) -> Result<ClientFrame, End> {
    let unreadable = End::Close(POLICY, "the frame cannot be read");
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| unreadable)?;
    frame::client(&value).map_err(|_| unreadable)
}

/// What follows from what the client sent.
fn heard(
    app: &Arc<App>,
    session: SessionId,
    message: Option<Result<Message, axum::Error>>,
) -> Result<Option<Doing>, End> {
    let text = match message {
        Some(Ok(Message::Text(text))) => text,
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(None),
        Some(Ok(Message::Binary(_))) => return Err(End::Close(POLICY, "frames are text")),
        Some(Ok(Message::Close(_))) | None => return Err(End::Silent),
        // Too large, or not WebSocket: the library cannot go on in either case.
        Some(Err(_)) => return Err(End::Close(TOO_BIG, "the frame is too large or broken")),
    };
    let app = app.clone();
    Ok(match read(&text)? {
        ClientFrame::Text { id, text } => Some(Box::pin(async move { sessions::say(&app, session, &id, &text).await })),
        ClientFrame::End => Some(Box::pin(async move { sessions::end(&app, session).await.map(drop) })),
        // A second resume says nothing new.
        ClientFrame::Resume { .. } | ClientFrame::Unknown => None,
    })
}

/// Sends, or gives the reader up: what it misses it gets when it comes back.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match tokio::time::timeout(SEND_DEADLINE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Silent),
        Err(_) => Err(End::Close(TRY_LATER, "too slow")),
    }
}

/// A refusal as a notice outside the stream: only this connection asked.
fn refused(app: &App, feed: &Feed, refusal: &Refusal) -> String {
    let level = if refusal.code == ErrorCode::SessionOver { Level::Info } else { Level::Warning };
    let notice = Notice { code: refusal.code.as_str().into(), text: refusal.code.title().into(), level };
    feed::outside(feed.epoch(), app.now(), Body::Notice(notice))
}

/// Tells the client that this process leaves, and when to come back.
async fn farewell(app: &App, feed: &Feed, socket: &mut WebSocket) -> Result<End, End> {
    let text = feed::outside(feed.epoch(), app.now(), going_away(app));
    // Best effort: the close code says the same without the spread.
    let _ = tokio::time::timeout(FAREWELL, socket.send(Message::text(text))).await;
    Ok(End::Close(RESTART, "going away"))
}

/// The frame of a leaving process.
pub(super) fn going_away(app: &App) -> Body {
    let chance = u32::from_be_bytes(app.random.bytes());
    Body::GoingAway(GoingAway { reconnect_in: chance % SPREAD_MILLIS })
}

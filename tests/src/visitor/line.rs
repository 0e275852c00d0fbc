//! The realtime socket over all its lives: opened again when it breaks, with the place of the last event.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use neoron_protocol::frame::{ClientFrame, SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use super::Ground;
use crate::{
    ORIGIN,
    ledger::{Account, Cut, Seen},
};

/// Before a connection that was refused, or broke without a word, is tried again.
const AGAIN: Duration = Duration::from_millis(200);
/// A farewell names up to five seconds, so that thousands come back spread; a dozen need not wait that long.
const LONGEST_SPREAD: Duration = Duration::from_millis(700);
/// The close code of a process that leaves (RFC 6455's registry: service restart).
const RESTART: u16 = 1_012;
/// How long it may take to read a stream of some hundred events.
const READ_WITHIN: Duration = Duration::from_secs(15);
/// Texts that wait for a connection.
const WAITING: usize = 8;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A line that is kept open.
pub(super) struct Line {
    texts: mpsc::Sender<ClientFrame>,
    task: JoinHandle<()>,
}

impl Line {
    /// Opens it, and keeps it open.
    pub(super) fn open(ground: &Ground, account: &Arc<Account>) -> Self {
        let (texts, waiting) = mpsc::channel(WAITING);
        let (url, account) = (ground.url.replacen("http", "ws", 1), account.clone());
        let task = tokio::spawn(keep(url, account, waiting));
        Self { texts, task }
    }

    /// Types something. It is lost if the socket breaks before it is read.
    pub(super) async fn text(&self, id: &str, text: &str) {
        // The task lives as long as we do.
        let _ = self.texts.send(ClientFrame::Text { id: id.to_owned(), text: text.to_owned() }).await;
    }

    /// Closes it.
    pub(super) async fn close(self) {
        let Self { texts, task } = self;
        drop(texts);
        // It ends with its texts, at the latest when it next connects.
        let _ = timeout(Duration::from_secs(5), task).await;
    }
}

/// Reads what is kept of a session's stream, from its beginning, as somebody does who was never there.
///
/// # Errors
/// If the stream cannot be read to its end.
pub(crate) async fn read(ground: &Ground, account: &Account) -> Result<Vec<Seen>> {
    let asked = ground.client.get(format!("{}/v1/sessions/{}", ground.url, account.session));
    let asked = asked.timeout(READ_WITHIN).header("origin", ORIGIN).bearer_auth(&account.ticket);
    let state: Value = asked.send().await?.error_for_status()?.json().await?;
    let last = state["last_offset"].as_u64().context("the session has no last offset")?;
    let fresh = Account::new(account.session.clone(), account.ticket.clone(), account.events.clone(), None);
    let url = ground.url.replacen("http", "ws", 1);
    let mut stream = connect(&url, &fresh).await.map_err(|status| anyhow!("the socket was refused: {status:?}"))?;
    send(&mut stream, &ClientFrame::Resume { epoch: String::new(), offset: 0 }).await;
    let reading = async {
        while fresh.cursor().1 < last {
            match stream.next().await {
                Some(Ok(Message::Text(text))) => fresh.take(serde_json::from_str(&text).unwrap_or_default()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => bail!("the socket ended at {:?}", fresh.cursor()),
                Some(Ok(_)) => {}
            }
        }
        Ok(())
    };
    timeout(READ_WITHIN, reading).await.context("the stream has no end")??;
    Ok(fresh.seen())
}

async fn keep(url: String, account: Arc<Account>, mut texts: mpsc::Receiver<ClientFrame>) {
    loop {
        let pause = match connect(&url, &account).await {
            Ok(stream) => match hold(stream, &account, &mut texts).await {
                None => return,
                Some(pause) => pause,
            },
            Err(status) => {
                account.cut(Cut::Refused(status));
                AGAIN
            }
        };
        if texts.is_closed() {
            return;
        }
        sleep(pause).await;
    }
}

async fn connect(url: &str, account: &Account) -> Result<Stream, Option<u16>> {
    let request = request(url, account).map_err(|_| None)?;
    match connect_async(request).await {
        Ok((stream, _)) => Ok(stream),
        Err(tungstenite::Error::Http(answer)) => Err(Some(answer.status().as_u16())),
        Err(_) => Err(None),
    }
}

fn request(url: &str, account: &Account) -> Result<tungstenite::handshake::client::Request> {
    let mut request = format!("{url}{}", account.events).into_client_request().context("the socket's address")?;
    let protocols = format!("{SUBPROTOCOL}, {TICKET_SUBPROTOCOL_PREFIX}{}", account.ticket);
    request.headers_mut().insert("sec-websocket-protocol", protocols.parse().context("the ticket")?);
    request.headers_mut().insert("origin", ORIGIN.parse().context("the origin")?);
    Ok(request)
}

/// Reads one connection to its end; answers how long to wait before the next, or `None` if nobody wants one.
async fn hold(mut stream: Stream, account: &Account, texts: &mut mpsc::Receiver<ClientFrame>) -> Option<Duration> {
    let (epoch, offset) = account.cursor();
    let mut spread = None;
    let mut closed = None;
    if send(&mut stream, &ClientFrame::Resume { epoch, offset }).await {
        loop {
            tokio::select! {
                text = texts.recv() => match text {
                    Some(text) => if !send(&mut stream, &text).await { break },
                    None => {
                        // Best effort: we are gone either way.
                        let _ = stream.close(None).await;
                        return None;
                    }
                },
                message = stream.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        let frame: Value = serde_json::from_str(&text).unwrap_or_default();
                        if frame["type"] == "going_away" {
                            spread = Some(Duration::from_millis(frame["data"]["reconnect_in"].as_u64().unwrap_or(0)));
                        }
                        account.take(frame);
                    }
                    Some(Ok(Message::Close(frame))) => {
                        closed = frame.map(|frame| u16::from(frame.code));
                        break;
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                },
            }
        }
    }
    account.cut(match (spread, closed) {
        (Some(_), _) | (None, Some(RESTART)) => Cut::GoingAway,
        (None, Some(code)) => Cut::Closed(code),
        (None, None) => Cut::Broken,
    });
    Some(spread.map_or(AGAIN, |spread| spread.min(LONGEST_SPREAD)))
}

async fn send(stream: &mut Stream, frame: &ClientFrame) -> bool {
    match serde_json::to_string(frame) {
        Ok(text) => stream.send(Message::text(text)).await.is_ok(),
        Err(_) => false,
    }
}

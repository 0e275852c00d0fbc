//! A popup's socket: it resumes, reads frames, and keeps its cursor as the popup does.

use futures_util::{SinkExt, StreamExt};
use neoron_protocol::frame::{self, Body, ServerFrame};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use super::soon;

pub(crate) struct Socket {
    inner: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The subprotocol that the server chose.
    pub(crate) protocol: String,
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    pub(crate) frames: Vec<ServerFrame>,
}

impl Socket {
    /// Shakes hands; the server's answer if it refuses.
    pub(crate) async fn dial(edge: &str, session: &str, ticket: &str) -> Result<Self, Value> {
        let url = format!("{}/v1/sessions/{session}/events", edge.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        let offered = format!("neoron.v1, neoron.ticket.{ticket}");
        request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
        match soon("a handshake", connect_async(request)).await {
            Ok((inner, answer)) => {
                let protocol = answer.headers()["sec-websocket-protocol"].to_str().unwrap().to_owned();
                Ok(Self { inner, protocol, epoch: String::new(), offset: 0, frames: Vec::new() })
            }
            Err(tungstenite::Error::Http(answer)) => {
                Err(serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).unwrap_or_default())
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a socket that has everything up to a cursor.
    pub(crate) async fn open(edge: &str, session: &str, ticket: &str, epoch: &str, offset: u64) -> Self {
        let mut socket = Self::dial(edge, session, ticket).await.expect("the ticket opens the session");
        socket.send(&json!({"type": "resume", "epoch": epoch, "offset": offset})).await;
        (socket.epoch, socket.offset) = (epoch.to_owned(), offset);
        socket
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.raw(Message::text(frame.to_string())).await;
    }

    pub(crate) async fn raw(&mut self, message: Message) {
        self.inner.send(message).await.unwrap();
    }

    pub(crate) async fn say(&mut self, id: &str, text: &str) {
        self.send(&json!({"type": "text", "id": id, "text": text})).await;
    }

    /// The next frame, or the code that the server closed with.
    pub(crate) async fn next(&mut self) -> Result<ServerFrame, Option<u16>> {
        // Around the whole loop: the server's pings are no news.
        let frame = soon("a frame", self.read()).await?;
        match &frame.body {
            Body::Snapshot(snapshot) => self.offset = snapshot.upto,
            _ if frame.offset == 0 => {}
            _ => {
                assert_eq!(frame.offset, self.offset + 1, "an event was lost or repeated: {frame:?}");
                self.offset = frame.offset;
            }
        }
        self.epoch.clone_from(&frame.epoch);
        self.frames.push(frame.clone());
        Ok(frame)
    }

    async fn read(&mut self) -> Result<ServerFrame, Option<u16>> {
        loop {
            match self.inner.next().await {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    return Ok(frame::server(&value).unwrap());
                }
                Some(Ok(Message::Close(close))) => return Err(close.map(|close| close.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Reads on until a frame fits.
    pub(crate) async fn until(&mut self, fits: impl Fn(&Body) -> bool) -> Body {
        loop {
            let frame = self.next().await.unwrap_or_else(|code| panic!("closed with {code:?} after {:?}", self.frames));
            if fits(&frame.body) {
                return frame.body;
            }
        }
    }

    /// Reads on until somebody has said something like this, and it is whole.
    pub(crate) async fn heard(&mut self, part: &str) -> Body {
        self.until(|body| matches!(body, Body::Transcript(line) if line.r#final && line.text.contains(part))).await
    }

    /// Reads on until the server closes; answers its code.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}

//! A visitor without a browser: speaks HTTP and the realtime socket exactly as the popup does, and remembers every
//! frame. It believes nothing that did not come over the wire.

use anyhow::{Context as _, Result, anyhow, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use neoron_protocol::frame::{ClientFrame, SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

/// Frames remembered at most; a conversation has some hundred.
const MAX_FRAMES: usize = 10_000;

/// A session that was started.
pub struct Session {
    /// Its id, `s_…`.
    pub id: String,
    ticket: String,
    events: String,
}

impl Session {
    /// What opens it; for tests that search for it where it must not be.
    pub fn ticket(&self) -> &str {
        &self.ticket
    }
}

/// Asks the site for a grant, as the popup does on the click.
pub async fn grant(client: &reqwest::Client, site: &str, business: &str) -> Result<String> {
    let url = format!("{site}/wp-json/neoron/v1/grant");
    let asked = client.post(url).header("origin", site).json(&json!({"business": business, "language": "en"}));
    let answer = json_of(asked, 200).await?;
    answer["grant"].as_str().map(str::to_owned).context("the site's answer holds no grant")
}

/// Starts a text session.
pub async fn start(client: &reqwest::Client, gateway: &str, site: &str, grant: &str, now: u64) -> Result<Session> {
    let body = json!({
        "media": "text", "language": "en", "consent": {"kind": "ai_call", "at": now, "version": "1"},
        "page": format!("{site}/?business=restaurant"),
    });
    let asked = client.post(format!("{gateway}/v1/sessions")).header("origin", site).bearer_auth(grant).json(&body);
    let answer = json_of(asked, 201).await?;
    let text =
        |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| format!("the answer holds no `{name}`"));
    Ok(Session { id: text("session")?, ticket: text("ticket")?, events: text("events_url")? })
}

/// Sends a request and reads the JSON of an answer with this status.
pub async fn json_of(request: reqwest::RequestBuilder, status: u16) -> Result<Value> {
    let answer = request.send().await.map_err(reqwest::Error::without_url).context("no answer")?;
    let got = answer.status().as_u16();
    let body = answer.text().await.context("the answer broke off")?;
    if got != status {
        let shown: String = body.chars().take(400).collect();
        bail!("answered {got} instead of {status}: {shown}");
    }
    if body.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&body).context("the answer is no JSON") }
}

/// The realtime socket and what came over it.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    frames: Vec<Value>,
    texts: u32,
}

impl Socket {
    /// Opens the socket and asks for everything from the beginning.
    pub async fn open(gateway: &str, site: &str, session: &Session) -> Result<Self> {
        let url = format!("{}{}", gateway.replacen("http", "ws", 1), session.events);
        let mut request = url.into_client_request().context("the socket's address")?;
        let protocols = format!("{SUBPROTOCOL}, {TICKET_SUBPROTOCOL_PREFIX}{}", session.ticket);
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", HeaderValue::from_str(&protocols).context("the ticket")?);
        headers.insert("origin", HeaderValue::from_str(site).context("the site's origin")?);
        let (stream, answer) = connect_async(request).await.context("the handshake was refused")?;
        let chosen = answer.headers().get("sec-websocket-protocol").and_then(|it| it.to_str().ok());
        if chosen != Some(SUBPROTOCOL) {
            bail!("the gateway chose the subprotocol {chosen:?}; a browser would close the socket");
        }
        let mut socket = Self { stream, frames: Vec::new(), texts: 0 };
        socket.send(&ClientFrame::Resume { epoch: String::new(), offset: 0 }).await?;
        Ok(socket)
    }

    async fn send(&mut self, frame: &ClientFrame) -> Result<()> {
        let text = serde_json::to_string(frame).context("a frame")?;
        self.stream.send(Message::text(text)).await.context("the socket is closed")
    }

    /// Types something. What came before is no answer to it: waiting begins anew.
    pub async fn say(&mut self, text: &str) -> Result<usize> {
        self.texts += 1;
        let id = format!("check-{}", self.texts);
        self.send(&ClientFrame::Text { id, text: text.to_owned() }).await?;
        Ok(self.frames.len())
    }

    /// Hangs up.
    pub async fn end(&mut self) -> Result<usize> {
        self.send(&ClientFrame::End).await?;
        Ok(self.frames.len())
    }

    /// Waits for a frame of this type that `wanted` says yes to, among those after the first `from`.
    pub async fn wait(&mut self, from: usize, kind: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut next = from;
        loop {
            while let Some(frame) = self.frames.get(next) {
                next += 1;
                if frame["type"] == kind && wanted(&frame["data"]) {
                    return Ok(frame["data"].clone());
                }
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<()> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).context("a frame is no JSON")?;
                    self.in_order(&frame)?;
                    if self.frames.len() >= MAX_FRAMES {
                        bail!("more than {MAX_FRAMES} frames");
                    }
                    self.frames.push(frame);
                    return Ok(());
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| u16::from(frame.code));
                    bail!("the gateway closed the socket ({code:?})");
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(anyhow!(error).context("the socket broke")),
                None => bail!("the socket ended"),
            }
        }
    }

    /// Offsets count up by one within an epoch: whoever skips one has lost an event.
    fn in_order(&self, frame: &Value) -> Result<()> {
        let offset = |frame: &Value| frame["offset"].as_u64().unwrap_or_default();
        let last = self.frames.iter().rev().find(|it| offset(it) > 0 && it["epoch"] == frame["epoch"]);
        if let Some(last) = last.filter(|_| offset(frame) > 0)
            && offset(frame) != offset(last) + 1
        {
            bail!("frame {} came after frame {}", offset(frame), offset(last));
        }
        Ok(())
    }

    /// The types of the last frames, for an explanation.
    pub fn seen(&self) -> String {
        let words = |frame: &Value| {
            let kind = frame["type"].as_str().unwrap_or("?");
            let detail =
                ["state", "phase", "status", "speaker", "code"].iter().find_map(|key| frame["data"][*key].as_str());
            detail.map_or_else(|| kind.to_owned(), |detail| format!("{kind}:{detail}"))
        };
        let last: Vec<String> = self.frames.iter().rev().take(12).map(words).collect();
        last.into_iter().rev().collect::<Vec<_>>().join(" ")
    }
}

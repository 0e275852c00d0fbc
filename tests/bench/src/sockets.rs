//! Visitors' sockets, as a browser has them: they answer pings, and count the events that come.

use std::{
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    net::TcpStream,
    sync::{Semaphore, oneshot},
    task::JoinSet,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue, protocol::WebSocketConfig},
};

use crate::{
    load::micros,
    report::{Latency, Side, latency},
    subject::{Heard, Subject, Visitor},
};

/// Handshakes at once.
const HANDSHAKES: usize = 64;
/// How long a socket may take to be in its session.
const PATIENCE: Duration = Duration::from_secs(60);

/// Open sockets. They close with this value.
pub(crate) struct Sockets {
    counted: Arc<Mutex<Counted>>,
    open: JoinSet<()>,
    epoch: Instant,
}

struct Counted {
    events: u64,
    /// From the moment the server wrote the event.
    pushed: Latency,
    /// From the moment its webhook was meant to be sent.
    whole: Latency,
    lost: u64,
}

/// What came since this was last asked.
pub(crate) struct Came {
    pub(crate) events: u64,
    pub(crate) pushed: Latency,
    pub(crate) whole: Latency,
}

impl Counted {
    fn new() -> Result<Self> {
        Ok(Self { events: 0, pushed: latency()?, whole: latency()?, lost: 0 })
    }
}

impl Sockets {
    /// None yet. Numbers of webhooks are microseconds since `epoch`.
    ///
    /// # Errors
    /// Never for the bounds that are used.
    pub(crate) fn new(epoch: Instant) -> Result<Self> {
        Ok(Self { counted: Arc::new(Mutex::new(Counted::new()?)), open: JoinSet::new(), epoch })
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a socket for each visitor and waits until all are in their sessions.
    ///
    /// # Errors
    /// If one is refused.
    pub(crate) async fn open(&mut self, subject: &Rc<Subject>, visitors: &[Visitor]) -> Result<()> {
        let (room, side) = (Arc::new(Semaphore::new(HANDSHAKES)), subject.side);
        let mut joined = Vec::with_capacity(visitors.len());
        for (index, visitor) in visitors.iter().enumerate() {
            let place = room.clone().acquire_owned().await?;
            let (tell, told) = oneshot::channel();
            let outer = if index % 2 == 0 { subject.outer } else { subject.second };
            let asked = subject.socket(visitor);
            let (counted, epoch) = (self.counted.clone(), self.epoch);
            self.open.spawn(async move {
                let handshake = tokio::time::timeout(PATIENCE, connect(outer, asked)).await;
                drop(place);
                match handshake.context("a handshake takes too long").flatten() {
                    // Whoever waits is gone only when everything ends.
                    Err(error) => drop(tell.send(Err(error))),
                    Ok(mut stream) => {
                        listen(&mut stream, side, tell, &counted, epoch).await;
                        counted.lock().unwrap_or_else(PoisonError::into_inner).lost += 1;
                    }
                }
            });
            joined.push(told);
        }
        for told in joined {
            let told = tokio::time::timeout(PATIENCE, told).await.context("a socket does not join its session")?;
            told.context("a socket was closed")??;
        }
        Ok(())
    }

    /// What came since this was last asked.
    ///
    /// # Errors
    /// If a socket was closed meanwhile.
    pub(crate) fn take(&self) -> Result<Came> {
        let mut counted = self.counted();
        if counted.lost > 0 {
            bail!("{} sockets were closed", counted.lost);
        }
        let Counted { events, pushed, whole, .. } = std::mem::replace(&mut *counted, Counted::new()?);
        Ok(Came { events, pushed, whole })
    }
}

async fn connect(
    address: std::net::SocketAddr,
    (path, fields, first): (String, Vec<(&'static str, String)>, Vec<String>),
) -> Result<WebSocketStream<TcpStream>> {
    let mut request = format!("ws://{address}{path}").into_client_request()?;
    for (name, value) in fields {
        request.headers_mut().insert(name, HeaderValue::from_str(&value)?);
    }
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0).max_write_buffer_size(65_536);
    let (mut stream, _) = client_async_with_config(request, stream, Some(config)).await?;
    for (index, text) in first.into_iter().enumerate() {
        // Whoever has more than one thing to say first waits for the answer to each.
        if index > 0 {
            while !matches!(stream.next().await.context("a socket was closed")??, Message::Text(text) if text.starts_with("40"))
            {
            }
        }
        stream.send(Message::text(text)).await?;
    }
    Ok(stream)
}

/// Reads until the socket ends.
async fn listen(
    stream: &mut WebSocketStream<TcpStream>,
    side: Side,
    tell: oneshot::Sender<Result<()>>,
    counted: &Mutex<Counted>,
    epoch: Instant,
) {
    let mut tell = Some(tell);
    while let Some(Ok(message)) = stream.next().await {
        let Message::Text(text) = message else { continue };
        match Subject::heard(side, &text) {
            Heard::Ping(answer) => {
                if stream.send(Message::text(answer)).await.is_err() {
                    return;
                }
                continue;
            }
            Heard::Event { number, at } if number > 0 => {
                let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
                let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
                counted.events += 1;
                counted.pushed.saturating_record(now.saturating_sub(at) * 1_000);
                counted.whole.saturating_record(micros(epoch.elapsed()).saturating_sub(number));
            }
            Heard::Other => continue,
            Heard::Joined | Heard::Event { .. } => {}
        }
        if let Some(tell) = tell.take() {
            // Whoever waits is gone only when everything ends.
            let _ = tell.send(Ok(()));
        }
    }
}

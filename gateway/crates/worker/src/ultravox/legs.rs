//! Text legs: calls that a worker joins itself, because their visitor types.
//!
//! A leg only keeps its call open. It sends nothing of the visitor's and listens to nothing: words travel by REST and
//! come back over the data connection, so that any worker can serve them. When the leg's process dies the service ends
//! the call, as it does when a browser's tab is closed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use neoron_protocol::SessionId;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};
use tokio_util::sync::CancellationToken;

use super::call_body::LEG_SAMPLE_RATE;
use crate::{http_client, local::Local};

/// Legs of one worker at most; its capacity is smaller as a rule.
const MAX_LEGS: usize = 20_000;
/// How long joining may take.
const JOIN_DEADLINE: Duration = Duration::from_secs(10);
/// How often a frame of silence is sent. The service counts a socket without media for `mediaIdleTimeout` (60 s here)
/// as broken; in real time it would be 50 frames a second, which a call without a voice does not need.
const SILENCE_EVERY: Duration = Duration::from_secs(10);
/// 20 ms of silence: 16-bit samples, one channel.
const SILENCE_BYTES: usize = (LEG_SAMPLE_RATE as usize / 50) * 2;
/// The largest message read, in bytes; audio frames are small.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A call that could not be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LegError {
    /// This worker holds as many legs as it may.
    #[error("there are too many text calls")]
    Full,
    /// The service did not let us in.
    #[error("the call could not be joined")]
    Refused,
}

/// The legs of one worker.
#[derive(Default)]
pub(crate) struct Legs {
    open: Arc<Mutex<HashMap<SessionId, CancellationToken>>>,
}

impl Legs {
    /// Joins a call and keeps it open until its end, then calls `ended`.
    ///
    /// # Errors
    /// [`LegError`]; nothing is left running then.
    pub(crate) async fn join<F>(
        &self,
        local: &Local,
        session: SessionId,
        join_url: &str,
        ended: impl FnOnce() -> F + Send + 'static,
    ) -> Result<(), LegError>
    where
        F: Future<Output = ()> + Send,
    {
        let stop = local.stop.child_token();
        {
            let mut open = lock(&self.open);
            if open.len() >= MAX_LEGS {
                return Err(LegError::Full);
            }
            open.insert(session, stop.clone());
        }
        // From here on the entry goes with the leg, whatever becomes of it.
        let entry = Entry { open: self.open.clone(), session };
        let socket = tokio::time::timeout(JOIN_DEADLINE, dial(join_url)).await.ok().flatten();
        let socket = socket.ok_or(LegError::Refused)?;
        local.tasks.spawn(async move {
            let left = stop.run_until_cancelled(hold(socket)).await.is_some();
            drop(entry);
            if left {
                ended().await;
            }
        });
        Ok(())
    }

    /// Leaves a session's call, if this worker is in it.
    pub(crate) fn leave(&self, session: SessionId) {
        if let Some(stop) = lock(&self.open).remove(&session) {
            stop.cancel();
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        lock(&self.open).len()
    }
}

/// A leg's place in the table.
struct Entry {
    open: Arc<Mutex<HashMap<SessionId, CancellationToken>>>,
    session: SessionId,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.session);
    }
}

fn lock(open: &Mutex<HashMap<SessionId, CancellationToken>>) -> MutexGuard<'_, HashMap<SessionId, CancellationToken>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn dial(join_url: &str) -> Option<Socket> {
    http_client::install_crypto();
    let mut url = url::Url::parse(join_url).ok()?;
    url.query_pairs_mut().append_pair("apiVersion", "1");
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let dialled = connect_async_with_config(url.as_str(), Some(config), true).await;
    // The error may repeat the URL, which is a credential.
    dialled.ok().map(|(socket, _)| socket)
}

/// Keeps the call open until the other side ends it. Pings are answered by the library.
async fn hold(socket: Socket) {
    let (mut sink, mut stream) = socket.split();
    let mut silence = tokio::time::interval(SILENCE_EVERY);
    silence.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = stream.next() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            _ = silence.tick() => {
                if sink.send(Message::binary(vec![0_u8; SILENCE_BYTES])).await.is_err() {
                    return;
                }
            }
        }
    }
}

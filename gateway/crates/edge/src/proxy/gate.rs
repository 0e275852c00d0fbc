//! The stream that Pingora gets for one request: the head that was read already, the body, and not a byte more.
//!
//! Pingora closes a connection, or fails the request on it, when bytes of the next request come along. Behind this gate
//! it never sees them: they wait here for the own head reader. A body of known length also has one deadline for all of
//! it; Pingora's own is per read.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Buf, BytesMut};
use pingora_core::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream, TimingDigest,
    UniqueID, UniqueIDType, raw_connect::ProxyDigest,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::scratch;

/// Bytes of a next request that wait at most; then its client waits.
const WAITING_BYTES: usize = 16 * 1024;

/// How long the request is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framing {
    /// Its body has this many bytes, of which some may have been read.
    Fixed(u64),
    /// Only the chunks know. What Pingora reads behind them ends the connection, not the request.
    Open,
}

/// The stream of one request.
pub(crate) struct Gate {
    inner: Stream,
    /// Read, and not yet shown to Pingora.
    ahead: BytesMut,
    /// Body bytes still to be read from the client; `None` if unknown.
    left: Option<u64>,
    /// The next request's.
    waiting: BytesMut,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Gate {
    /// `head` are the head's raw bytes; `kept` is what was read behind it.
    pub(crate) fn new(inner: Stream, head: BytesMut, mut kept: BytesMut, framing: Framing, deadline: Duration) -> Self {
        let mut ahead = head;
        let left = match framing {
            Framing::Fixed(length) => {
                let here = kept.len().min(usize::try_from(length).unwrap_or(usize::MAX));
                ahead.unsplit(kept.split_to(here));
                Some(length - here as u64)
            }
            Framing::Open => {
                ahead.unsplit(std::mem::take(&mut kept));
                None
            }
        };
        let deadline = left.is_some_and(|left| left > 0).then(|| Box::pin(sleep(deadline)));
        Self { inner, ahead, left, waiting: kept, deadline }
    }

    /// The connection, and the bytes of its next request. `None` if the request was not read to its end: whatever comes
    /// next on the connection is not a head.
    pub(crate) fn into_parts(self) -> Option<(Stream, BytesMut)> {
        let whole = self.ahead.is_empty() && self.left.is_none_or(|left| left == 0);
        whole.then_some((self.inner, self.waiting))
    }

    /// The body is whole: whatever comes is the next request's. Only a client that leaves is news to Pingora.
    fn poll_behind(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let room = WAITING_BYTES.saturating_sub(self.waiting.len());
        if room == 0 {
            return Poll::Pending;
        }
        let waiting = &mut self.waiting;
        let count = ready!(scratch::poll_read(&mut self.inner, cx, room, |_, bytes| {
            waiting.extend_from_slice(bytes);
            bytes.len()
        }))?;
        if count == 0 && self.waiting.is_empty() {
            return Poll::Ready(Ok(()));
        }
        // No waker is needed: nothing more will be read until this request is over.
        Poll::Pending
    }

    fn poll_body(&mut self, cx: &mut Context<'_>, left: u64, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let limit = buffer.remaining().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = scratch::poll_read(&mut self.inner, cx, limit, |_, bytes| {
            buffer.put_slice(bytes);
            bytes.len()
        });
        if let Poll::Ready(result) = read {
            let left = left - result? as u64;
            self.left = Some(left);
            if left == 0 {
                self.deadline = None;
            }
            return Poll::Ready(Ok(()));
        }
        if let Some(deadline) = &mut self.deadline {
            ready!(deadline.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bytes of a request are nobody's business in a log.
        f.debug_struct("Gate").field("left", &self.left).finish_non_exhaustive()
    }
}

impl AsyncRead for Gate {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        if !gate.ahead.is_empty() {
            let count = gate.ahead.len().min(buffer.remaining());
            buffer.put_slice(&gate.ahead[..count]);
            gate.ahead.advance(count);
            return Poll::Ready(Ok(()));
        }
        match gate.left {
            None => Pin::new(&mut gate.inner).poll_read(cx, buffer),
            Some(0) => gate.poll_behind(cx),
            Some(left) => gate.poll_body(cx, left, buffer),
        }
    }
}

impl AsyncWrite for Gate {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[async_trait]
impl Shutdown for Gate {
    async fn shutdown(&mut self) {
        self.inner.shutdown().await;
    }
}

impl UniqueID for Gate {
    fn id(&self) -> UniqueIDType {
        self.inner.id()
    }
}

impl Ssl for Gate {}

impl Peek for Gate {}

impl GetTimingDigest for Gate {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.inner.get_timing_digest()
    }
}

impl GetProxyDigest for Gate {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.inner.get_proxy_digest()
    }
}

impl GetSocketDigest for Gate {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.inner.get_socket_digest()
    }
}

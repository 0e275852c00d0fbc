//! Reading without a buffer of one's own. An idle connection costs no read buffer: every reader on a thread borrows the
//! same 16 KiB for the length of one poll, and copies out what it must keep.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};

const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// Reads at most `limit` bytes and shows them to `take`; `take` gets an empty slice at the end of the stream. `take`
/// must not read; it gets the context to write with.
pub(crate) fn poll_read<R: AsyncRead + Unpin + ?Sized, T>(
    reader: &mut R,
    cx: &mut Context<'_>,
    limit: usize,
    take: impl FnOnce(&mut Context<'_>, &[u8]) -> T,
) -> Poll<io::Result<T>> {
    SCRATCH.with_borrow_mut(|scratch| {
        let room = limit.min(SCRATCH_BYTES);
        let mut buffer = ReadBuf::new(&mut scratch[..room]);
        ready!(Pin::new(reader).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(take(cx, buffer.filled())))
    })
}

/// Appends what is there, at most `limit` bytes, to `kept`; returns how many bytes came, 0 at the end of the stream.
pub(crate) async fn read_into<R: AsyncRead + Unpin + ?Sized>(
    reader: &mut R,
    kept: &mut BytesMut,
    limit: usize,
) -> io::Result<usize> {
    std::future::poll_fn(|cx| {
        poll_read(reader, cx, limit, |_, bytes| {
            kept.extend_from_slice(bytes);
            bytes.len()
        })
    })
    .await
}

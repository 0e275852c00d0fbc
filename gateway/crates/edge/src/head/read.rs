//! Reading one head from a connection: an idle limit before its first byte, one deadline from there to its last.

use std::time::Duration;

use bytes::BytesMut;
use neoron_protocol::ErrorCode;
use tokio::{io::AsyncRead, time::timeout};

use super::{Head, HeadLimits, Parsed, Refusal, parse};
use crate::{drain::Phases, scratch};

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// Without a byte.
    pub(crate) idle: Duration,
    /// From the first byte to the last.
    pub(crate) head: Duration,
}

/// What came.
pub(crate) enum Incoming {
    /// A head, and its raw bytes.
    Head(Box<Head>, BytesMut),
    /// Something that is answered with a problem, after which the connection must be closed.
    Refused(Refusal),
    /// The client left, was idle for too long, or is idle while this process drains.
    Closed,
}

/// Reads a head. `kept` holds bytes that were read before; what is left behind the head stays there. With `phases`, an
/// idle connection is closed a moment after the process began to drain; a connection that has asked nothing yet is heard
/// first.
pub(crate) async fn read<R: AsyncRead + Unpin + ?Sized>(
    reader: &mut R,
    kept: &mut BytesMut,
    limits: HeadLimits,
    timing: Timing,
    phases: Option<&mut Phases>,
) -> Incoming {
    if kept.is_empty() {
        let drained = async {
            match phases {
                Some(phases) => phases.over_for_idle().await,
                None => std::future::pending().await,
            }
        };
        let first = tokio::select! {
            // What has come before the drain was noticed is still answered.
            biased;
            first = timeout(timing.idle, scratch::read_into(reader, kept, limits.bytes)) => first,
            () = drained => return Incoming::Closed,
        };
        if !matches!(first, Ok(Ok(1..))) {
            return Incoming::Closed;
        }
    }
    let slow = Refusal { code: ErrorCode::RequestTimeout, detail: "the head took too long to arrive" };
    timeout(timing.head, rest(reader, kept, limits)).await.unwrap_or(Incoming::Refused(slow))
}

async fn rest<R: AsyncRead + Unpin + ?Sized>(reader: &mut R, kept: &mut BytesMut, limits: HeadLimits) -> Incoming {
    loop {
        match parse(kept, limits) {
            Parsed::Complete(head, consumed) => return Incoming::Head(head, kept.split_to(consumed)),
            Parsed::Refused(refusal) => return Incoming::Refused(refusal),
            Parsed::Partial => {}
        }
        if !matches!(scratch::read_into(reader, kept, limits.bytes).await, Ok(1..)) {
            return Incoming::Closed;
        }
    }
}

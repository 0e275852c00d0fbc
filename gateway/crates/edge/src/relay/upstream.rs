//! The worker's reply to a handshake: a 101 that proves it understood, or an ordinary answer such as a 401, which is
//! passed on if it is small and says how long it is. Anything else is no reply.

use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncRead, net::TcpStream};

use crate::{
    answer::Answer,
    policy::{self, Forward},
    scratch,
};

/// The largest head of a reply.
const HEAD_BYTES: usize = 16 * 1024;
/// The largest body of an ordinary answer: problem documents have some hundred bytes.
const BODY_BYTES: usize = 64 * 1024;
const HEADERS: usize = 64;
/// Headers of an ordinary answer that are passed on.
const PASSED: [&str; 6] =
    ["content-type", "cache-control", "retry-after", "ratelimit", "ratelimit-policy", "www-authenticate"];

/// What the worker said.
pub(super) enum Reply {
    /// The protocols are switched; the worker's first bytes came with the answer.
    Switched { protocol: Option<String>, early: Bytes },
    /// It will not.
    Answered(Answer),
}

/// What the head of a reply says.
enum Outcome {
    Switched { protocol: Option<String> },
    Answered { answer: Answer, length: usize },
}

/// Reads the reply. `None` if it is no valid one.
pub(super) async fn reply(stream: &mut TcpStream, forward: &Forward) -> Option<Reply> {
    let mut bytes = BytesMut::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = bytes.split_to(end + 4);
            return match outcome(&head, forward)? {
                Outcome::Switched { protocol } => Some(Reply::Switched { protocol, early: bytes.freeze() }),
                Outcome::Answered { answer, length } => {
                    let body = body(stream, bytes, length).await?;
                    Some(Reply::Answered(Answer { body, ..answer }))
                }
            };
        }
        if bytes.len() >= HEAD_BYTES || read(stream, &mut bytes).await? == 0 {
            return None;
        }
    }
}

async fn read<R: AsyncRead + Unpin>(stream: &mut R, bytes: &mut BytesMut) -> Option<usize> {
    scratch::read_into(stream, bytes, HEAD_BYTES).await.ok()
}

async fn body(stream: &mut TcpStream, mut bytes: BytesMut, length: usize) -> Option<Bytes> {
    while bytes.len() < length {
        if read(stream, &mut bytes).await? == 0 {
            return None;
        }
    }
    Some(bytes.split_to(length).freeze())
}

fn outcome(head: &[u8], forward: &Forward) -> Option<Outcome> {
    let mut lines = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut lines);
    if !response.parse(head).ok()?.is_complete() {
        return None;
    }
    let only = |name: &str| -> Option<&str> {
        let mut values = response.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name));
        let value = values.next()?;
        if values.next().is_some() { None } else { std::str::from_utf8(value.value).ok().map(str::trim) }
    };
    let has = |name: &str| response.headers.iter().any(|line| line.name.eq_ignore_ascii_case(name));
    let status = response.code?;
    if status == 101 {
        let upgrade = forward.upgrade.as_ref()?;
        let right = only("upgrade")?.eq_ignore_ascii_case("websocket")
            && only("connection")?.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
            && only("sec-websocket-accept")? == policy::accept_key(&upgrade.key)
            && !has("sec-websocket-extensions");
        let protocol = only("sec-websocket-protocol").map(str::to_owned);
        // A protocol must be one that was offered, and said once.
        let offered = protocol.as_ref().map_or(!has("sec-websocket-protocol"), |one| upgrade.protocols.contains(one));
        return (right && offered).then_some(Outcome::Switched { protocol });
    }
    if status < 200 || has("transfer-encoding") {
        return None;
    }
    let length: usize = only("content-length")?.parse().ok().filter(|length| *length <= BODY_BYTES)?;
    let mut answer = Answer::empty(status);
    for name in PASSED {
        // Visible ASCII only: it is written into a head again.
        if let Some(value) = only(name).filter(|value| value.bytes().all(|byte| (0x20..0x7f).contains(&byte))) {
            answer = answer.with(name, value);
        }
    }
    Some(Outcome::Answered { answer, length })
}

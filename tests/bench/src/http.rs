//! HTTP/1.1 as cheap as it can be: one kept-alive connection, one request at a time, bodies by their length.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The largest head or body read.
const MAX_BYTES: usize = 1024 * 1024;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: BytesMut,
}

/// A message as it stands at the beginning of a buffer: the first line and the lengths.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The first line.
    pub(crate) line: String,
    /// Its bytes, with the empty line.
    pub(crate) bytes: usize,
    /// The body's bytes.
    pub(crate) body: usize,
}

impl Connection {
    /// Opens one.
    ///
    /// # Errors
    /// If nobody listens.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(4096) })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// If the connection breaks or the answer has no length.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        let head = read_head(&mut self.stream, &mut self.buffer).await?.context("the server closed the connection")?;
        let status = head.line.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
        let body = read_body(&mut self.stream, &mut self.buffer, &head).await?;
        Ok(Answer { status, body })
    }

    /// Sends a request; the answer must have one of the good statuses.
    ///
    /// # Errors
    /// As [`Connection::ask`], and for any other status.
    pub(crate) async fn must(&mut self, request: &[u8]) -> Result<BytesMut> {
        let answer = self.ask(request).await?;
        if !(200..300).contains(&answer.status) {
            let shown = String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
            bail!("answered {}: {shown}", answer.status);
        }
        Ok(answer.body)
    }
}

/// Reads until a head is there; `None` at the end of the stream.
///
/// # Errors
/// If the connection breaks, or what comes is no message with a length.
pub(crate) async fn read_head(stream: &mut TcpStream, buffer: &mut BytesMut) -> Result<Option<Head>> {
    loop {
        if let Some(head) = head(buffer)? {
            return Ok(Some(head));
        }
        if buffer.len() > MAX_BYTES {
            bail!("a head of more than {MAX_BYTES} bytes");
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Takes the head off and reads the body.
///
/// # Errors
/// If the connection breaks or the body is too long.
pub(crate) async fn read_body(stream: &mut TcpStream, buffer: &mut BytesMut, head: &Head) -> Result<BytesMut> {
    if head.body > MAX_BYTES {
        bail!("a body of more than {MAX_BYTES} bytes");
    }
    buffer.advance(head.bytes);
    while buffer.len() < head.body {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the connection ended in a body");
        }
    }
    Ok(buffer.split_to(head.body))
}

fn head(buffer: &[u8]) -> Result<Option<Head>> {
    let Some(end) = buffer.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&buffer[..end])?;
    let (line, fields) = text.split_once("\r\n").unwrap_or((text, ""));
    let mut body = 0;
    for (name, value) in fields.split("\r\n").filter_map(|field| field.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse()?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("a message without a length");
        }
    }
    Ok(Some(Head { line: line.to_owned(), bytes: end + END_OF_HEAD.len(), body }))
}

/// A POST of JSON.
pub(crate) fn post(path: &str, fields: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut request =
        format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n").into_bytes();
    for (name, value) in fields {
        request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    request.extend_from_slice(format!("content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
    request
}

/// A GET.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let request = post("/x", &[("a", "b")], "{}");
        assert_eq!(head(&request[..20]).unwrap(), None);
        let head = head(&request).unwrap().unwrap();
        assert_eq!((head.line.as_str(), head.body), ("POST /x HTTP/1.1", 2));
        assert_eq!(&request[head.bytes..], b"{}");
    }

    #[test]
    fn a_body_without_a_length_is_refused() {
        assert!(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}

//! A client that sends what it is told to, valid or not.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::soon;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The code of a problem document; checks that it is one.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        problem["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{self:?}");
    }
}

/// A connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    kept: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self { stream: soon("a connection", TcpStream::connect(address)).await.unwrap(), kept: Vec::new() }
    }

    /// Sends bytes; an edge that has closed already is no error here.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    pub(crate) async fn ask(&mut self, text: &str) -> Reply {
        self.send(text).await;
        self.reply().await
    }

    async fn more(&mut self) -> usize {
        let mut buffer = [0; 4_096];
        let count = soon("bytes", self.stream.read(&mut buffer)).await.unwrap_or(0);
        self.kept.extend_from_slice(&buffer[..count]);
        count
    }

    /// Everything until the edge closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await > 0 {}
        std::mem::take(&mut self.kept)
    }

    /// Reads until there are so many bytes.
    pub(crate) async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.kept.len() < count {
            assert!(self.more().await > 0, "the connection ended early: {:?}", self.kept);
        }
        self.kept.drain(..count).collect()
    }

    /// One answer.
    pub(crate) async fn reply(&mut self) -> Reply {
        self.reply_to("GET").await
    }

    /// One answer to this method: `HEAD` has no body.
    pub(crate) async fn reply_to(&mut self, method: &str) -> Reply {
        let end = loop {
            if let Some(end) = self.kept.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.more().await > 0, "no answer: {:?}", String::from_utf8_lossy(&self.kept));
        };
        let head: Vec<u8> = self.kept.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut reply = Reply { status, headers: lines.filter_map(header).collect(), body: Vec::new() };
        if method == "HEAD" || matches!(status, 100..=199 | 204 | 304) {
            return reply;
        }
        if reply.header("transfer-encoding").is_some() {
            reply.body = self.chunks().await;
        } else if let Some(length) = reply.header("content-length").map(|text| text.parse().unwrap()) {
            reply.body = self.exactly(length).await;
        }
        reply
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(end) = self.kept.windows(2).position(|window| window == b"\r\n") {
                    break self.kept.drain(..end + 2).collect::<Vec<u8>>();
                }
                assert!(self.more().await > 0, "the chunks ended early");
            };
            let size = usize::from_str_radix(std::str::from_utf8(&line[..line.len() - 2]).unwrap(), 16).unwrap();
            let chunk = self.exactly(size + 2).await;
            if size == 0 {
                return body;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
}

/// A plain `GET` on a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Reply {
    Client::connect(address).await.ask(&format!("GET {path} HTTP/1.1\r\nHost: gw\r\n\r\n")).await
}

//! One health check: `GET /internal/health` on a connection of its own, so that it tests what a new request would meet.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Long enough for a status line.
const STATUS_LINE_BYTES: usize = 12;

/// Whether the worker answers 200 in time.
pub(super) async fn probe(address: SocketAddr, key: &str, limit: Duration) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "GET /internal/health HTTP/1.1\r\nhost: {address}\r\nx-neoron-edge: {key}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; STATUS_LINE_BYTES];
        stream.read_exact(&mut status).await?;
        std::io::Result::Ok(&status == b"HTTP/1.1 200")
    };
    matches!(timeout(limit, ask).await, Ok(Ok(true)))
}

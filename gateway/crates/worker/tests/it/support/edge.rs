//! The smallest edge: every connection goes to the worker, with the edge's key in its first head. One request each.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Where it listens, and where it leads.
pub(crate) struct TestEdge {
    address: SocketAddr,
    worker: watch::Sender<Option<SocketAddr>>,
}

impl TestEdge {
    pub(crate) async fn start(key: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, worker) = (listener.local_addr().unwrap(), watch::Sender::new(None));
        let leads = worker.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let leads = leads.clone();
                tokio::spawn(async move { forward(client, leads, key).await });
            }
        });
        Self { address, worker }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on connections go there.
    pub(crate) fn lead_to(&self, worker: SocketAddr) {
        self.worker.send_replace(Some(worker));
    }
}

async fn forward(mut client: TcpStream, mut leads: watch::Receiver<Option<SocketAddr>>, key: &str) -> Option<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (line, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let name_is = |header: &&str, name: &str| header.split(':').next().is_some_and(|it| it.eq_ignore_ascii_case(name));
    let upgrade = headers.split("\r\n").any(|header| name_is(&header, "upgrade"));
    let mut sent = format!("{line}\r\nX-Neoron-Edge: {key}\r\n");
    for header in headers.split("\r\n").filter(|header| upgrade || !name_is(header, "connection")) {
        sent.push_str(header);
        sent.push_str("\r\n");
    }
    sent.push_str(if upgrade { "\r\n" } else { "Connection: close\r\n\r\n" });
    let address = (*leads.wait_for(Option::is_some).await.ok()?)?;
    let mut worker = TcpStream::connect(address).await.ok()?;
    worker.write_all(sent.as_bytes()).await.ok()?;
    worker.write_all(&bytes[end + 4..]).await.ok()?;
    copy_bidirectional(&mut client, &mut worker).await.ok()?;
    Some(())
}

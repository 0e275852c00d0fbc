//! A Pingora service on a socket that is bound already. The socket goes into Pingora's table of sockets, the one it
//! hands over in an upgrade, so everything behind the bind stays Pingora's.

use std::{net::TcpListener, os::fd::IntoRawFd, sync::mpsc::SyncSender};

use async_trait::async_trait;
use pingora_core::{
    apps::ServerApp,
    listeners::{L4BufferSettings, ListenerConfig},
    server::{ListenFds, ShutdownWatch},
    services::{Service, listening},
};

/// The service.
pub(super) struct Bound<A> {
    name: &'static str,
    address: String,
    listener: Option<TcpListener>,
    ready: SyncSender<()>,
    inner: listening::Service<A>,
}

impl<A: ServerApp + Send + Sync + 'static> Bound<A> {
    pub(super) fn new(
        name: &'static str,
        listener: TcpListener,
        app: A,
        threads: Option<usize>,
        ready: SyncSender<()>,
    ) -> Self {
        // The key in the table; the address was read when the socket was bound.
        let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
        let mut inner = listening::Service::new(name.to_owned(), app);
        // 0: no buffers beside ours. An idle connection would carry 64 KiB otherwise.
        let buffers = L4BufferSettings::new(0, 0);
        inner.add_listener(ListenerConfig::tcp(address.clone()).l4_buffer(buffers));
        inner.threads = threads;
        Self { name, address, listener: Some(listener), ready, inner }
    }
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> Service for Bound<A> {
    async fn start_service(&mut self, fds: Option<ListenFds>, shutdown: ShutdownWatch, listeners: usize) {
        if let (Some(fds), Some(listener)) = (&fds, self.listener.take()) {
            fds.lock().add(self.address.clone(), listener.into_raw_fd());
        }
        // The socket has been taking connections since it was bound; from here on they are served.
        let _ = self.ready.send(());
        Service::start_service(&mut self.inner, fds, shutdown, listeners).await;
    }

    fn name(&self) -> &str {
        self.name
    }

    fn threads(&self) -> Option<usize> {
        self.inner.threads
    }

    fn listen_addresses(&self) -> Option<Vec<String>> {
        Some(vec![self.address.clone()])
    }
}

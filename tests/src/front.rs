//! What stands before several gateways, as a load balancer does in production: it knows which of them are ready, gives
//! every connection to one of those, and to another if that one does not answer. It looks at no byte of it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::outside::listener;

/// How often the gateways are asked: an unready one gets connections for this long.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How long a gateway may take to say that it is ready.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// One gateway.
struct Target {
    public: SocketAddr,
    admin: SocketAddr,
    ready: AtomicBool,
}

/// A running balancer; it ends when it is dropped.
pub(crate) struct Front {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Front {
    /// Listens, before there is any gateway.
    ///
    /// # Errors
    /// If no port is free.
    pub(crate) async fn listen() -> Result<(TcpListener, SocketAddr)> {
        let listener = listener().await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    /// Serves gateways, by public and admin address.
    pub(crate) fn start(listener: TcpListener, address: SocketAddr, gateways: &[(SocketAddr, SocketAddr)]) -> Self {
        let target = |(public, admin): &(SocketAddr, SocketAddr)| Target {
            public: *public,
            admin: *admin,
            ready: AtomicBool::new(false),
        };
        let targets: Arc<Vec<Target>> = Arc::new(gateways.iter().map(target).collect());
        let mut tasks = JoinSet::new();
        for number in 0..targets.len() {
            tasks.spawn(ask(targets.clone(), number));
        }
        tasks.spawn(accept(listener, targets));
        Self { address, _tasks: tasks }
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Keeps the readiness of one gateway.
async fn ask(targets: Arc<Vec<Target>>, number: usize) {
    let Some(target) = targets.get(number) else { return };
    let url = format!("http://{}/readyz", target.admin);
    let Ok(client) = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build() else { return };
    loop {
        let ready = client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success());
        target.ready.store(ready, Ordering::Relaxed);
        sleep(ASK_EVERY).await;
    }
}

async fn accept(listener: TcpListener, targets: Arc<Vec<Target>>) {
    let turn = Arc::new(AtomicUsize::new(0));
    // They end with the balancer, as they would with its process.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((client, _)) = listener.accept().await else { continue };
        let (targets, turn) = (targets.clone(), turn.clone());
        connections.spawn(async move { pass(client, &targets, turn.fetch_add(1, Ordering::Relaxed)).await });
    }
}

async fn pass(mut client: TcpStream, targets: &[Target], turn: usize) {
    let Some(mut gateway) = connect(targets, turn).await else { return };
    // Small answers must not wait for the acknowledgement of the one before.
    let _ = client.set_nodelay(true).and(gateway.set_nodelay(true));
    // Either side may break off at any time.
    let _ = copy_bidirectional(&mut client, &mut gateway).await;
}

/// A connection to a ready gateway, in turn; if none is ready, to any that listens.
async fn connect(targets: &[Target], turn: usize) -> Option<TcpStream> {
    let in_turn = || targets.iter().cycle().skip(turn % targets.len().max(1)).take(targets.len());
    let ready = in_turn().filter(|target| target.ready.load(Ordering::Relaxed));
    for target in ready.chain(in_turn()) {
        if let Ok(stream) = TcpStream::connect(target.public).await {
            return Some(stream);
        }
    }
    None
}

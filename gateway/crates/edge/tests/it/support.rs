//! An edge with everything around it.

pub(crate) mod client;
pub(crate) mod worker;

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use neoron_edge::{Edge, EdgeConfig, EdgeDeps, EdgeHandle, Secret, WorkerConfig};
use neoron_protocol::{
    SessionId, UnixMillis,
    grant::{Claims, KeyRing, MintingKey, PublicKey, Site, mint},
};
use neoron_store::{Clock, EmbeddedStore, ManualClock, SharedStore, Workers};

use self::{client::Client, worker::TestWorker};

pub(crate) const ORIGIN: &str = "https://pizza.example";
pub(crate) const KEY: &str = "an-edge-key-for-tests";
const START: UnixMillis = UnixMillis(1_800_000_000_000);
/// Long enough for any machine; whoever waits this long waits for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for what must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// Asks again and again until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, ask: impl Fn() -> F) {
    soon(what, async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Settings for tests: everything near, quick and alone.
pub(crate) fn config() -> EdgeConfig {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    EdgeConfig {
        listen: free,
        admin_listen: free,
        worker_key: Secret::new(KEY),
        workers: WorkerConfig {
            refresh_every: Duration::from_millis(50),
            check_every: Duration::from_millis(200),
            check_jitter: Duration::from_millis(10),
            ..WorkerConfig::default()
        },
        drain_spread: Duration::from_millis(200),
        ..EdgeConfig::default()
    }
}

/// A site's key that signs for it.
pub(crate) fn minting_key() -> MintingKey {
    MintingKey::from_seed("k1", &[7; 32]).unwrap()
}

fn key_ring() -> KeyRing {
    let public = PublicKey::from_text("k1", &minting_key().public().to_text()).unwrap();
    let mut ring = KeyRing::default();
    for (site, origin) in [("pizza", ORIGIN), ("hair", "https://hair.example")] {
        ring.insert(site, Site { origins: vec![origin.to_owned()], keys: vec![public.clone()] });
    }
    ring
}

/// An edge and its surroundings.
pub(crate) struct World {
    pub(crate) edge: EdgeHandle,
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    /// An edge without workers.
    pub(crate) fn empty(config: EdgeConfig) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let store = Arc::new(EmbeddedStore::in_memory(Arc::clone(&clock) as Arc<dyn Clock>).unwrap());
        let keys = Arc::new(ArcSwap::from_pointee(key_ring()));
        let deps = EdgeDeps {
            store: Arc::clone(&store) as SharedStore,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            keys,
            more_metrics: None,
        };
        let edge = Edge::start(config, deps).unwrap();
        Self { edge, store, clock }
    }

    /// An edge that sees these workers well.
    pub(crate) async fn with(config: EdgeConfig, workers: &[&TestWorker]) -> Self {
        let world = Self::empty(config);
        for worker in workers {
            world.register(worker).await;
        }
        world.sees(workers.len()).await;
        world
    }

    pub(crate) async fn register(&self, worker: &TestWorker) {
        self.store.beat(worker.beat(), Duration::from_secs(86_400)).await.unwrap();
    }

    /// Waits until the edge sees so many well workers.
    pub(crate) async fn sees(&self, count: usize) {
        let admin = self.edge.admin_address();
        until("the edge's view of its workers", || async move {
            let answer = client::get(admin, "/workers").await;
            let list = answer.json();
            let workers = list["workers"].as_array().unwrap();
            workers.iter().filter(|worker| worker["healthy"] == true).count() == count
        })
        .await;
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.edge.public_address()).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, text: &str) -> client::Reply {
        self.connect().await.ask(text).await
    }

    pub(crate) fn claims(&self, jti: &str) -> Claims {
        Claims::for_visit("pizza", ORIGIN, "restaurant", &format!("{jti:_<16}"), self.clock.now(), 600)
    }

    /// A good grant.
    pub(crate) fn grant(&self, jti: &str) -> String {
        mint(&self.claims(jti), &minting_key())
    }
}

/// The text of a request to start a session.
pub(crate) fn start_session(grant: &str, origin: &str) -> String {
    let body = r#"{"media":"text"}"#;
    format!(
        "POST /v1/sessions HTTP/1.1\r\nHost: gw\r\nOrigin: {origin}\r\nAuthorization: Bearer {grant}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn session(number: u8) -> SessionId {
    SessionId::new(START, [number; 10])
}

/// Something with the form of a ticket or a tool token.
pub(crate) const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The text of a request that any worker answers, for a session.
pub(crate) fn snapshot(session: SessionId) -> String {
    format!("GET /v1/sessions/{session} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
}

/// The text of a signed webhook.
pub(crate) fn webhook(body: &str) -> String {
    format!(
        "POST /webhook/erpnext HTTP/1.1\r\nHost: gw\r\nX-Frappe-Webhook-Signature: c2ln\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

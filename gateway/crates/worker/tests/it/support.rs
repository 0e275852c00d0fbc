//! The world of a test: a worker, its store, the simulators, and an edge that only adds the key.

pub(crate) mod business;
pub(crate) mod edge;
pub(crate) mod log;
pub(crate) mod socket;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use data_encoding::BASE64URL_NOPAD;
use neoron_protocol::{UnixMillis, grant::Claims};
use neoron_simulators::{erpnext, ultravox};
use neoron_store::{Clock, DeadPage, EmbeddedStore, SharedStore, SystemClock};
use neoron_worker::{
    Deps, SystemRandom, Worker,
    config::{ErpnextConfig, Secret, SiteConfig, UltravoxConfig, WorkerConfig},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::{edge::TestEdge, socket::Socket};

pub(crate) const EDGE_KEY: &str = "an-edge-key-for-tests";
pub(crate) const WEBHOOK_SECRET: &str = "a-webhook-secret-for-tests";
pub(crate) const SHARED_SECRET: &str = "a-shared-secret-for-tests";
pub(crate) const FRAPPE_SECRET: &str = "a-frappe-secret-for-tests";
/// Long enough for any machine; whoever waits this long waits for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// Looks again and again until it is there.
pub(crate) async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    soon(what, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// What a test may change before its world starts.
pub(crate) struct Settings {
    pub(crate) worker: WorkerConfig,
    pub(crate) ultravox: ultravox::Options,
}

/// Everything around a worker, and the worker.
pub(crate) struct World {
    pub(crate) worker: Worker,
    pub(crate) store: SharedStore,
    pub(crate) ultravox: ultravox::Simulator,
    pub(crate) erpnext: erpnext::Simulator,
    pub(crate) edge: TestEdge,
    config: WorkerConfig,
    http: reqwest::Client,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        log::capture();
        let edge = TestEdge::start(EDGE_KEY).await;
        let mut settings = Settings { worker: worker_config(&edge.url()), ultravox: ultravox_options() };
        change(&mut settings);
        let ultravox = ultravox::Simulator::start(listener().await, settings.ultravox).unwrap();
        let erpnext = erpnext::Simulator::start(listener().await, erpnext::Options::default()).await.unwrap();
        let url = format!("{}/webhook/order-update", edge.url()).parse().unwrap();
        erpnext.set_webhook(Some(erpnext::WebhookTarget { url, secret: FRAPPE_SECRET.into() }));
        let mut config = settings.worker;
        config.ultravox.url = format!("http://{}", ultravox.address());
        config.erpnext.url = format!("http://{}", erpnext.address());
        let store: SharedStore = Arc::new(EmbeddedStore::in_memory(Arc::new(SystemClock)).unwrap());
        let worker = start_worker(config.clone(), &store).await;
        edge.lead_to(worker.address());
        let http = client();
        Self { worker, store, ultravox, erpnext, edge, config, http }
    }

    /// One more worker on the same store, with settings changed; the edge leads to the first one on.
    pub(crate) async fn another_worker(&self, change: impl FnOnce(&mut WorkerConfig)) -> Worker {
        let mut config = self.config.clone();
        change(&mut config);
        start_worker(config, &self.store).await
    }

    /// A request as the edge forwards it.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.edge.url()))
    }

    /// A request that did not come through the edge.
    pub(crate) fn direct(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.worker.address()))
    }

    /// Asks for a session.
    pub(crate) async fn ask(&self, body: &Value) -> Answer {
        let request = self.request(Method::POST, "/v1/sessions").header("x-neoron-grant", grant("shop", "restaurant"));
        answer(request.json(body)).await
    }

    /// Asks for a session from a network.
    pub(crate) async fn ask_from(&self, network: &str) -> Answer {
        let request = self.request(Method::POST, "/v1/sessions").header("x-neoron-grant", grant("shop", "restaurant"));
        answer(request.header("x-neoron-network", network).json(&wanted("voice"))).await
    }

    /// A session by text or voice.
    pub(crate) async fn session(&self, media: &str) -> Visitor {
        let created = self.ask(&wanted(media)).await;
        self.visitor(created)
    }

    /// The visitor whom a session was made for.
    pub(crate) fn visitor(&self, created: Answer) -> Visitor {
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
        let text = |name: &str| created.body[name].as_str().unwrap().to_owned();
        let (id, ticket) = (text("session"), text("ticket"));
        let call = self.call_of(&id)["callId"].as_str().unwrap().to_owned();
        Visitor { id, ticket, call, created: created.body }
    }

    /// The call object of a session, as the voice service has it.
    pub(crate) fn call_of(&self, session: &str) -> Value {
        let calls = self.ultravox.calls().into_iter();
        calls.map(|view| view.call).find(|call| call["metadata"]["sid"] == session).expect("the session has a call")
    }

    /// Opens a session's socket.
    pub(crate) async fn socket(&self, visitor: &Visitor) -> Socket {
        Socket::open(&self.edge.url(), &visitor.id, &visitor.ticket, "", 0).await
    }

    /// A session as the route tells it.
    pub(crate) async fn view(&self, visitor: &Visitor) -> Value {
        let path = format!("/v1/sessions/{}", visitor.id);
        let got = answer(self.request(Method::GET, &path).bearer_auth(&visitor.ticket)).await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.body);
        got.body
    }

    /// Waits until a session is in a state.
    pub(crate) async fn in_state(&self, visitor: &Visitor, state: &str) -> Value {
        until(&format!("the state {state}"), async || {
            Some(self.view(visitor).await).filter(|view| view["state"] == state)
        })
        .await
    }

    /// Waits for a session's Voice Session in ERPNext with a status.
    pub(crate) async fn voice_session(&self, visitor: &Visitor, status: &str) -> Value {
        until(&format!("a Voice Session that is {status}"), async || {
            let all = self.erpnext.sessions().into_iter();
            all.into_iter().find(|it| it["session_id"] == visitor.id.as_str() && it["status"] == status)
        })
        .await
    }

    /// The jobs that were given up.
    pub(crate) async fn dead(&self) -> DeadPage {
        self.store.dead(0, 100).await.unwrap()
    }
}

/// A visitor with a session.
pub(crate) struct Visitor {
    pub(crate) id: String,
    pub(crate) ticket: String,
    pub(crate) call: String,
    pub(crate) created: Value,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Insists on a problem document.
    pub(crate) fn is_problem(&self, code: &str) {
        assert_eq!(self.body["code"], code, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status.as_u16(), "{self:?}");
        assert_eq!(self.body["request_id"], self.header("x-request-id"), "{self:?}");
        let limited = matches!(self.status.as_u16(), 429 | 503);
        assert_eq!(self.headers.contains_key("retry-after"), limited, "{self:?}");
    }
}

/// Sends a request and reads its answer; a body that is no JSON is null.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let got = soon("an answer", request.send()).await.unwrap();
    let (status, headers) = (got.status(), got.headers().clone());
    let body = soon("a body", got.bytes()).await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
}

pub(crate) fn now() -> UnixMillis {
    SystemClock.now()
}

/// The body that asks for a session.
pub(crate) fn wanted(media: &str) -> Value {
    json!({"media": media, "language": "en", "consent": {"kind": "ai_call", "at": now().0, "version": "1"}})
}

/// The claims header that the edge adds for a verified grant.
pub(crate) fn grant(site: &str, business: &str) -> String {
    let claims = Claims::for_visit(site, "https://shop.example", business, "0123456789abcdef", now(), 600);
    BASE64URL_NOPAD.encode(&serde_json::to_vec(&claims).unwrap())
}

async fn start_worker(config: WorkerConfig, store: &SharedStore) -> Worker {
    let deps = Deps { store: store.clone(), clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
    Worker::start(config, deps, listener().await).await.unwrap()
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn client() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn ultravox_options() -> ultravox::Options {
    ultravox::Options {
        plan: ultravox::Plan::unlimited(),
        speech_pace: Duration::ZERO,
        billing_delay: Duration::ZERO,
        retry_base: Duration::from_millis(100),
        ..ultravox::Options::default()
    }
}

fn worker_config(public_url: &str) -> WorkerConfig {
    let minute = Duration::from_secs(60);
    WorkerConfig {
        public_url: public_url.into(),
        edge_key: Secret::new(EDGE_KEY),
        capacity: 100,
        calls_per_network: 8,
        waiting_room: 50,
        advertise: None,
        keep_finished: 60 * minute,
        job_concurrency: 8,
        job_lease: minute,
        poll_calls_every: minute,
        webhook_window: minute,
        ultravox: UltravoxConfig {
            url: String::new(),
            api_key: Secret::new(ultravox::Options::default().api_key),
            webhook_secrets: vec![Secret::new(WEBHOOK_SECRET)],
            shared_secrets: vec![Secret::new(SHARED_SECRET)],
            creations_per_second: 1_000,
            creations_per_minute: 10_000,
            create_deadline: Duration::from_secs(20),
            request_deadline: Duration::from_secs(20),
        },
        erpnext: ErpnextConfig {
            url: String::new(),
            site: "voice.localhost".into(),
            token: Secret::new("gateway:gateway-secret"),
            webhook_secrets: vec![Secret::new(FRAPPE_SECRET)],
            time_zone: "Europe/London".into(),
            concurrency: 4,
            request_deadline: Duration::from_secs(20),
            breaker_failures: 100,
            breaker_pause: Duration::from_secs(1),
        },
        sites: BTreeMap::from([("shop".to_owned(), SiteConfig { minutes_per_day: 10_000, max_calls: 100 })]),
        staff: BTreeMap::new(),
        businesses: BTreeMap::from([("restaurant".to_owned(), business::restaurant())]),
    }
}

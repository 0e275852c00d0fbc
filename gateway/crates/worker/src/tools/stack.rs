//! The tools' whole stack in tests: the route's handler, the store, the job, the wire to a small ERPNext of our own that
//! loses answers, waits or refuses on demand.

#![allow(clippy::unwrap_used)]

mod documents;
mod lanes;
mod orders;
mod queries;
mod talk;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use neoron_protocol::{UnixMillis, WorkerId};
use neoron_store::{Cursor, EmbeddedStore, ManualClock, SharedStore};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Tools, commands, samples};
use crate::{
    app::{App, Step, SystemRandom},
    config::{Business, ErpnextConfig, Secret, UltravoxConfig, WorkerConfig},
    erpnext,
    http::auth,
    jobs::{self, Job, Outcome},
    ledger::samples as ledger_samples,
    metrics::Metrics,
    record::Record,
    ultravox,
};

/// The session's tool token.
const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Longer than anything takes, so that no test depends on it.
const PATIENT: Duration = Duration::from_secs(30);

/// What goes wrong with the next command.
#[derive(Clone, Debug)]
enum Fault {
    /// It is carried out, but the answer is a proxy's error page.
    Lost,
    /// It is not carried out.
    Answer(u16, Value),
}

/// A small ERPNext.
struct Erp {
    /// Documents by key: the arguments.
    documents: Mutex<BTreeMap<String, Value>>,
    faults: Mutex<VecDeque<Fault>>,
    calls: Mutex<BTreeMap<String, usize>>,
    /// The answer to the next quotes, instead of the menu's prices.
    quote: Mutex<Option<(u16, Value)>>,
    /// Commands wait here; closed gates have no permits.
    gate: Semaphore,
    /// Everything is answered with 503.
    down: Mutex<bool>,
}

impl Erp {
    fn documents(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.documents.lock().unwrap()
    }

    fn fail_next(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    fn calls(&self, function: &str) -> usize {
        self.calls.lock().unwrap().get(function).copied().unwrap_or_default()
    }

    async fn answer(&self, function: &str, arguments: Value) -> Response {
        *self.calls.lock().unwrap().entry(function.to_owned()).or_default() += 1;
        if *self.down.lock().unwrap() {
            return refusal(503, &json!({"exc_type": "SessionStopped"}));
        }
        let message = match function {
            "get_menu" => samples::menu(),
            "get_services" => samples::services(),
            "get_availability" => json!({
                "service_type": "haircut", "service_name": "Haircut", "duration": 30, "price": 28.0, "currency": "GBP",
                "slots": [{"start": "2026-11-25 10:00:00", "end": "2026-11-25 10:30:00"}],
                "held_until": "2026-11-24 10:01:30",
            }),
            "hold_slot" if arguments["start"] == "2026-11-25 10:00:00" => json!({
                "service_type": "haircut", "service_name": "Haircut", "duration": 30, "price": 28.0, "currency": "GBP",
                "start": "2026-11-25 10:00:00", "end": "2026-11-25 10:30:00", "held_until": "2026-11-24 10:01:30",
            }),
            "hold_slot" => {
                let others = json!([{"start": "2026-11-25 10:00:00", "end": "2026-11-25 10:30:00"}]);
                let say = "That time has just been taken.";
                return refusal(409, &json!({"exc_type": "SlotTaken", "say": say, "alternatives": others}));
            }
            "quote_order" => return self.quote(&arguments),
            "order_status" => {
                json!({"doctype": "Voice Restaurant Order", "name": arguments["order"], "status": "Preparing"})
            }
            _ => return self.command(function, &arguments).await,
        };
        json!({"message": message}).to_string().into_response()
    }

    /// The menu's prices, unless a test has changed one or wants a refusal.
    fn quote(&self, arguments: &Value) -> Response {
        if let Some((status, body)) = self.quote.lock().unwrap().clone() {
            return refusal(status, &body);
        }
        let menu = samples::menu();
        let (mut total, mut items) = (0.0, Vec::new());
        for line in arguments["items"].as_array().unwrap() {
            let sold =
                menu["items"].as_array().unwrap().iter().find(|it| it["menu_item"] == line["menu_item"]).unwrap();
            let price = sold["price"].as_f64().unwrap() * line["quantity"].as_f64().unwrap();
            total += price;
            items.push(json!({"menu_item": line["menu_item"], "item_name": sold["item_name"], "quantity": line["quantity"], "total_price": price}));
        }
        let message = json!({"total_amount": total, "currency": "GBP", "estimated_time": 10, "items": items});
        json!({"message": message}).to_string().into_response()
    }

    async fn command(&self, function: &str, arguments: &Value) -> Response {
        let _permit = self.gate.acquire().await.unwrap();
        let fault = self.faults.lock().unwrap().pop_front();
        if let Some(Fault::Answer(status, body)) = &fault {
            return refusal(*status, body);
        }
        let key = arguments["idempotency_key"].as_str().unwrap().to_owned();
        self.documents().entry(key.clone()).or_insert_with(|| arguments.clone());
        if fault.is_some() {
            return (StatusCode::BAD_GATEWAY, "<html>Bad gateway</html>").into_response();
        }
        let message = match function {
            "place_order" => json!({
                "doctype": "Voice Restaurant Order", "name": key, "order_number": "VO-0001", "status": "Pending",
                "total_amount": arguments["expected_total"], "currency": "GBP", "estimated_time": 20,
            }),
            _ => json!({
                "doctype": "Voice Appointment", "name": key, "status": "Scheduled", "service_name": "Haircut",
                "start": arguments["start"], "price": 28.0, "currency": "GBP",
            }),
        };
        json!({"message": message}).to_string().into_response()
    }
}

fn refusal(status: u16, body: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

/// One session over the whole stack.
pub(crate) struct Stack {
    pub(crate) app: Arc<App>,
    erp: Arc<Erp>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) record: Record,
}

impl Stack {
    /// A session with the restaurant.
    pub(crate) async fn new() -> Self {
        Self::with(samples::businesses(), "restaurant", 16).await
    }

    /// A session with a business; a gate with `permits`.
    async fn with(businesses: BTreeMap<String, Business>, business: &str, permits: usize) -> Self {
        let erp = Arc::new(Erp {
            documents: Mutex::default(),
            faults: Mutex::default(),
            calls: Mutex::default(),
            quote: Mutex::default(),
            gate: Semaphore::new(permits),
            down: Mutex::new(false),
        });
        let clock = Arc::new(ManualClock::at(ledger_samples::START));
        let store: SharedStore = Arc::new(EmbeddedStore::in_memory(clock.clone()).unwrap());
        let app = Arc::new(app(config(serve(erp.clone()).await, businesses), store, clock.clone()));
        let mut record = ledger_samples::record();
        record.business = business.to_owned();
        record.tool_token_hash = auth::hash_token(TOKEN);
        app.create(&record, Step::default()).await.unwrap();
        Self { app, erp, clock, record }
    }

    /// Calls a tool as Ultravox does.
    async fn call(&self, tool: &str, parameters: Value) -> Value {
        let (status, body) = self.raw(tool, TOKEN, &self.body(parameters)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    fn body(&self, mut parameters: Value) -> String {
        parameters["call_id"] = json!(self.record.call);
        parameters.to_string()
    }

    async fn raw(&self, tool: &str, token: &str, body: &str) -> (StatusCode, Value) {
        let mut headers = HeaderMap::new();
        headers.insert("x-session-id", self.record.session.as_str().parse().unwrap());
        headers.insert("x-tool-token", token.parse().unwrap());
        let body = Bytes::from(body.to_owned());
        let answer = super::http::call(State(self.app.clone()), Path(tool.to_owned()), headers, body).await;
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// The session as it is stored.
    async fn now(&self) -> Record {
        self.app.load(self.record.session).await.unwrap().unwrap()
    }

    /// The session's events of a kind.
    pub(crate) async fn events(&self, kind: &str) -> Vec<Value> {
        let page = self.app.store.read(self.record.session, &Cursor::default(), 1_000).await.unwrap().unwrap();
        let events = page.events.iter().filter(|event| event.kind == kind);
        events.map(|event| serde_json::from_str(&event.data).unwrap()).collect()
    }

    /// Runs what is in the queue, until nothing is left that can run now; returns what the agent was to be told.
    async fn work(&self) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let claimed = self.app.store.claim(self.app.id, 10, PATIENT).await.unwrap();
            if claimed.is_empty() {
                return told;
            }
            for job in claimed {
                let outcome = match Job::from_parts(&job.kind, &job.payload).unwrap() {
                    Job::RunCommand { key } => {
                        commands::run(&self.app, &job.lease, job.lease.session.unwrap(), &key).await
                    }
                    Job::NotifyCall { text } => {
                        told.push(text);
                        Outcome::Done
                    }
                    other => panic!("{other:?}"),
                };
                match jobs::resolve(&self.app, &job.lease, outcome).await {
                    Outcome::Done => self.app.store.done(&job.lease).await.unwrap(),
                    Outcome::Retry { reason, .. } | Outcome::Limited { reason, .. } => {
                        self.app.store.retry(&job.lease, self.app.now(), &reason).await.unwrap();
                    }
                    Outcome::Bury { reason } => self.app.store.bury(&job.lease, &reason).await.unwrap(),
                }
            }
        }
    }

    /// Waits until no job of the session is leased or claimable: an execution of its own has come to its end.
    async fn idle(&self) {
        let idle = async {
            while self.app.store.depth().await.unwrap().running > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENT, idle).await.expect("the execution ends");
    }

    /// Time passes; what was put off may run.
    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// An order of some colas, quoted; its reference.
    async fn quoted(&self, colas: u32) -> String {
        let answer = self.call("placeOrder", order(colas)).await;
        assert_eq!(answer["status"], "quoted", "{answer}");
        answer["quote_id"].as_str().unwrap().to_owned()
    }

    async fn confirm(&self, reference: &str) -> Value {
        self.call("confirmOrder", json!({"quote_id": reference})).await
    }
}

/// An order of some colas.
fn order(colas: u32) -> Value {
    json!({"customer_name": "Ada", "order_type": "Pickup", "items": [{"menu_item": "coke", "quantity": colas}]})
}

async fn serve(erp: Arc<Erp>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let method = |State(erp): State<Arc<Erp>>, Path(path): Path<String>, body: String| async move {
        let function = path.rsplit('.').next().unwrap().to_owned();
        erp.answer(&function, serde_json::from_str(&body).unwrap()).await
    };
    let router = Router::new().route("/api/method/{path}", post(method)).with_state(erp);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn config(url: String, businesses: BTreeMap<String, Business>) -> WorkerConfig {
    WorkerConfig {
        public_url: "https://voice.example.com".into(),
        edge_key: Secret::new("edge"),
        capacity: 10,
        calls_per_network: 0,
        waiting_room: 0,
        advertise: None,
        keep_finished: Duration::from_secs(3_600),
        job_concurrency: 4,
        job_lease: Duration::from_secs(60),
        poll_calls_every: PATIENT,
        webhook_window: PATIENT,
        ultravox: UltravoxConfig {
            url: "http://127.0.0.1:1".into(),
            api_key: Secret::new("key"),
            webhook_secrets: Vec::new(),
            shared_secrets: Vec::new(),
            creations_per_second: 1,
            creations_per_minute: 1,
            create_deadline: PATIENT,
            request_deadline: PATIENT,
        },
        erpnext: ErpnextConfig {
            url,
            site: "voice.localhost".into(),
            token: Secret::new("key:secret"),
            webhook_secrets: Vec::new(),
            time_zone: "Europe/London".into(),
            concurrency: 8,
            request_deadline: PATIENT,
            breaker_failures: 100,
            breaker_pause: Duration::from_secs(1),
        },
        sites: BTreeMap::new(),
        staff: BTreeMap::new(),
        businesses,
    }
}

fn app(config: WorkerConfig, store: SharedStore, clock: Arc<ManualClock>) -> App {
    App {
        id: WorkerId::new(UnixMillis(1), [9; 10]),
        tools: Tools::compile(&config.businesses).unwrap(),
        erpnext: erpnext::Client::new(&config.erpnext, erpnext::Meter::default()).unwrap(),
        ultravox: ultravox::Client::new(&config.ultravox).unwrap(),
        legs: ultravox::Legs::default(),
        metrics: Metrics::default(),
        random: Arc::new(SystemRandom),
        peers: Default::default(),
        draining: false.into(),
        local: crate::local::Local::default(),
        config,
        store,
        clock,
    }
}

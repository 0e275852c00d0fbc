//! The ERPNext simulator over HTTP: against the recorded answers of a real
//! site, and in what the recordings do not show.

#![allow(clippy::unwrap_used)]

mod business;
mod calls;
mod contest;
mod contract;
mod control;
mod recorded;
mod resource;
mod target;
mod webhooks;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use neoron_simulators::erpnext::{Clock, Options, Simulator, User};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(30);
/// A Monday noon; London is on UTC then.
const MONDAY: &str = "2026-11-23T12:00:00Z";
const ORDERS: &str = "business_workflows.api.restaurant_logic";
const APPOINTMENTS: &str = "business_workflows.api.appointment_logic";

/// A clock that a test moves on by hand.
#[derive(Clone)]
struct HandClock(Arc<AtomicI64>);

impl HandClock {
    fn at(text: &str) -> Self {
        let at: Timestamp = text.parse().unwrap();
        Self(Arc::new(AtomicI64::new(at.as_second())))
    }

    fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap())
    }
}

/// A simulator on a free port and a client for it.
struct Site {
    simulator: Simulator,
    client: Client,
    time: HandClock,
}

/// What a test looks at.
struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    fn exc_type(&self) -> &str {
        self.body["exc_type"].as_str().unwrap_or_default()
    }

    #[track_caller]
    fn refused(&self, status: u16, exc_type: &str) {
        assert_eq!((self.status, self.exc_type()), (status, exc_type), "{}", self.body);
    }

    #[track_caller]
    fn message(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["message"].clone()
    }

    #[track_caller]
    fn data(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["data"].clone()
    }
}

impl Site {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let time = HandClock::at(MONDAY);
        let mut options = Options { clock: time.clock(), ..Options::default() };
        options.users.push(User::new("noroles@example.com", "noroles", "secret", &[]));
        options.users.push(User::new("supervisor@example.com", "supervisor", "secret", &["Voice Agent Viewer"]));
        change(&mut options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::start(listener, options).await.unwrap();
        let client = Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        Self { simulator, client, time }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.simulator.address())
    }

    /// A request without credentials.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path)).header("X-Frappe-Site-Name", "voice.localhost")
    }

    fn request(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("Authorization", format!("token {token}"))
    }

    async fn send(request: RequestBuilder) -> Answer {
        Self::read(request.send().await.unwrap()).await
    }

    async fn read(response: Response) -> Answer {
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// As the gateway's machine user.
    async fn gateway(&self, method: Method, path: &str, body: &Value) -> Answer {
        Self::send(self.request("gateway:gateway-secret", method, path).json(body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        Self::send(self.request("gateway:gateway-secret", Method::GET, path)).await
    }

    async fn manager(&self, method: Method, path: &str, body: &Value) -> Answer {
        Self::send(self.request("manager:manager-secret", method, path).json(body)).await
    }

    async fn call(&self, app: &str, function: &str, arguments: &Value) -> Answer {
        self.gateway(Method::POST, &format!("/api/method/{app}.{function}"), arguments).await
    }

    async fn control(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.client.post(self.url(&format!("/_control/{path}"))).json(body)).await
    }

    async fn create_session(&self, fields: &Value) -> Answer {
        self.gateway(Method::POST, "/api/resource/Voice%20Session", fields).await
    }
}

/// An order of two Margheritas and a cola: 21.50.
fn order(key: &str) -> Value {
    json!({
        "idempotency_key": key, "session_id": "s_1", "customer_name": "Ada", "customer_phone": "+442079460000",
        "order_type": "Pickup",
        "items": [{"menu_item": "Margherita pizza", "quantity": 2}, {"menu_item": "Cola", "quantity": 1}],
    })
}

/// Waits until a condition holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("never happened: {what}"));
}

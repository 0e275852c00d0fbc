//! What the tests share: a simulator, a client of it, and a gateway that answers tools, takes webhooks and accepts
//! data connections.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{Message as ServerMessage, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use futures_util::{SinkExt, StreamExt};
use neoron_simulators::ultravox::{CallView, Options, Plan, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

/// No wait of a test is longer: reaching it is a failure, not a slow machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A tool request as the gateway received it.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Received {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}

/// How the next tool request is answered, instead of by the built-in restaurant.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) delay: Duration,
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Value,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) tools: Vec<Received>,
    pub(super) hooks: Vec<Received>,
    pub(super) data_handshakes: Vec<HeaderMap>,
    pub(super) data_messages: Vec<Value>,
    pub(super) answers: VecDeque<Answer>,
    /// Statuses of the next webhook answers; 204 afterwards.
    pub(super) hook_statuses: VecDeque<u16>,
    /// Sent on the data connection when it opens.
    pub(super) data_greeting: Vec<Value>,
}

/// The other side of the simulator.
#[derive(Debug, Clone)]
pub(super) struct Gateway {
    pub(super) url: String,
    pub(super) seen: Arc<Mutex<Seen>>,
}

impl Gateway {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gateway = Self { url, seen: Arc::default() };
        let router = Router::new()
            .route("/tools/{tool}", any(tool))
            .route("/hooks", post(hook))
            .route("/data", get(data))
            .with_state(gateway.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        gateway
    }

    pub(super) fn with<T>(&self, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(&mut self.seen.lock().unwrap())
    }

    /// Waits for something to be seen.
    pub(super) async fn until<T>(&self, what: &str, mut look: impl FnMut(&mut Seen) -> Option<T>) -> T {
        until(what, || self.with(&mut look)).await
    }

    /// The events that arrived so far, in order.
    pub(super) fn events(&self) -> Vec<String> {
        self.with(|seen| seen.hooks.iter().map(|hook| hook.json()["event"].as_str().unwrap().to_owned()).collect())
    }

    pub(super) async fn until_event(&self, event: &str) -> Received {
        self.until(event, |seen| seen.hooks.iter().find(|hook| hook.json()["event"] == event).cloned()).await
    }

    pub(super) fn data_url(&self) -> String {
        format!("{}/data", self.url.replacen("http", "ws", 1))
    }
}

/// Looks until there is something.
pub(super) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

async fn tool(State(gateway): State<Gateway>, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = gateway.with(|seen| {
        seen.tools.push(Received { path: name.clone(), headers, body });
        seen.answers.pop_front()
    });
    let answer = answer.unwrap_or_else(|| Answer { body: built_in(&name), ..Answer::default() });
    tokio::time::sleep(answer.delay).await;
    let status = StatusCode::from_u16(answer.status.max(200)).unwrap();
    let mut response = (status, axum::Json(answer.body)).into_response();
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// A restaurant that always has everything.
fn built_in(tool: &str) -> Value {
    match tool {
        "placeOrder" => {
            json!({"status": "quoted", "quote_id": "q_1", "say": "That makes 20 pounds. Shall I place it?"})
        }
        "confirmOrder" => json!({"status": "placed", "document": {"name": "q-1", "order_number": "VO-0001"},
            "say": "Your order VO-0001 is placed."}),
        _ => json!({"status": "ok", "say": "We have pizza."}),
    }
}

async fn hook(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let status = gateway.with(|seen| {
        seen.hooks.push(Received { path: "/hooks".to_owned(), headers, body });
        seen.hook_statuses.pop_front()
    });
    StatusCode::from_u16(status.unwrap_or(204)).unwrap()
}

async fn data(State(gateway): State<Gateway>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let greeting = gateway.with(|seen| {
        seen.data_handshakes.push(headers);
        seen.data_greeting.clone()
    });
    upgrade.on_upgrade(async move |mut socket| {
        for message in greeting {
            socket.send(ServerMessage::text(message.to_string())).await.unwrap();
        }
        while let Some(Ok(message)) = socket.recv().await {
            let ServerMessage::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            gateway.with(|seen| seen.data_messages.push(message.clone()));
            if message["type"] == "data_connection_tool_invocation" {
                let result = json!({"type": "data_connection_tool_result", "invocationId": message["invocationId"],
                    "result": json!({"status": "ok", "say": "From the data connection."}).to_string()});
                socket.send(ServerMessage::text(result.to_string())).await.unwrap();
            }
        }
    })
}

/// A simulator with a client that knows its key.
pub(super) struct Ultravox {
    pub(super) simulator: Simulator,
    client: reqwest::Client,
}

/// Options in which nothing takes long.
pub(super) fn quick() -> Options {
    Options {
        plan: Plan::unlimited(),
        speech_pace: Duration::ZERO,
        billing_delay: Duration::from_millis(20),
        retry_base: Duration::from_millis(20),
        seed: Some(1),
        ..Options::default()
    }
}

impl Ultravox {
    pub(super) async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::start(listener, options).unwrap();
        Self { simulator, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    pub(super) async fn request(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::Response {
        let url = format!("{}{path}", self.simulator.api_url());
        let mut request = self.client.request(method.parse().unwrap(), url);
        request = request.header("X-API-Key", Options::default().api_key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        tokio::time::timeout(PATIENCE, request.send()).await.unwrap().unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let response = self.request("GET", path, None).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// A request without the right key, or to a place outside the API.
    pub(super) fn plain(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("http://{}{path}", self.simulator.address()))
    }

    pub(super) async fn create(&self, body: Value) -> Value {
        let response = self.request("POST", "/calls", Some(body)).await;
        assert_eq!(response.status(), 201);
        response.json().await.unwrap()
    }

    pub(super) async fn until_ended(&self, call: &Value) -> CallView {
        let id = call["callId"].as_str().unwrap();
        until("the end of the call", || self.simulator.call(id).filter(|view| !view.call["ended"].is_null())).await
    }
}

/// The body of a call that a server joins, with the tools of a restaurant.
pub(super) fn order_call(gateway: &Gateway) -> Value {
    let body = |name: &str, required: bool| json!({"name": name, "location": "PARAMETER_LOCATION_BODY", "required": required, "schema": {}});
    let tool = |name: &str, parameters: Vec<Value>| {
        json!({"authTokens": {"gw": "tool-token"}, "temporaryTool": {
            "modelToolName": name, "description": "x", "timeout": "10s", "dynamicParameters": parameters,
            "automaticParameters": [{"name": "call_id", "location": "PARAMETER_LOCATION_BODY",
                "knownValue": "KNOWN_PARAM_CALL_ID"}],
            "requirements": {"httpSecurityOptions": {"options": [
                {"requirements": {"gw": {"headerApiKey": {"name": "X-Tool-Token"}}}}]}},
            "http": {"baseUrlPattern": format!("{}/tools/{name}", gateway.url), "httpMethod": "POST"}}})
    };
    json!({
        "systemPrompt": "You take orders.",
        "medium": {"serverWebSocket": {"inputSampleRate": 16000}},
        "metadata": {"sid": "s_1"},
        "firstSpeakerSettings": {"agent": {"text": "Welcome!"}},
        "selectedTools": [
            {"toolName": "hangUp"},
            tool("getMenu", vec![]),
            tool("placeOrder", vec![body("items", true), body("order_type", true), body("customer_name", true),
                body("customer_phone", false), body("delivery_address", false), body("again", false)]),
            tool("confirmOrder", vec![body("quote_id", true)]),
        ],
    })
}

/// A participant on a WebSocket.
pub(super) struct Participant {
    socket: tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>,
    /// Everything received so far.
    pub(super) heard: Vec<Value>,
}

impl Participant {
    pub(super) async fn join(call: &Value) -> Self {
        let url = call["joinUrl"].as_str().unwrap();
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Self { socket, heard: Vec::new() }
    }

    pub(super) async fn send(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(super) async fn send_audio(&mut self) {
        self.socket.send(Message::binary(vec![0_u8; 640])).await.unwrap();
    }

    pub(super) async fn write(&mut self, text: &str) {
        self.send(&json!({"type": "user_text_message", "text": text})).await;
    }

    /// The next message, or `None` when the socket is closed; then with the code.
    pub(super) async fn next(&mut self) -> Result<Value, Option<u16>> {
        loop {
            let received = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message in time");
            match received {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    self.heard.push(message.clone());
                    return Ok(message);
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Waits for a message.
    pub(super) async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next().await.expect("the socket stays open");
            if fits(&message) {
                return message;
            }
        }
    }

    /// Waits until the agent has said a whole line, and for it to listen again.
    pub(super) async fn line(&mut self) -> String {
        let line = self
            .until(|message| message["type"] == "transcript" && message["role"] == "agent" && message["final"] == true)
            .await;
        line["text"].as_str().unwrap().to_owned()
    }

    /// Reads on until the socket is closed; answers the code.
    pub(super) async fn until_closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    pub(super) async fn leave(mut self) {
        self.socket.close(None).await.unwrap();
    }
}

//! Ultravox and ERPNext as cheap as they can be: they answer at once, check nothing and forget nothing that the load
//! needs. For figures only; the real simulators are for everything else.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::Result;
use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

use crate::{
    http,
    report::{Latency, latency},
};

/// Both services behind one address.
#[derive(Clone)]
pub(crate) struct Fakes {
    pub(crate) address: SocketAddr,
    known: Arc<Mutex<Known>>,
}

/// A call that was created for a session.
#[derive(Clone, Debug)]
pub(crate) struct CallOf {
    pub(crate) call: String,
    /// Opens the session's tools; empty if the creator sent none.
    pub(crate) tool_token: String,
}

struct Known {
    calls: HashMap<String, CallOf>,
    /// Documents by session, counted.
    documents: HashMap<String, u32>,
    /// What the creation of a call took here.
    creation: Latency,
    /// What a method took here.
    method: Latency,
}

impl Fakes {
    /// Starts them on a free port.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let known =
            Known { calls: HashMap::new(), documents: HashMap::new(), creation: latency()?, method: latency()? };
        let fakes = Self { address: listener.local_addr()?, known: Arc::new(Mutex::new(known)) };
        let serving = fakes.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                // A client that breaks off has got what it wanted.
                tokio::spawn(async move { drop(serving.serve(stream).await) });
            }
        });
        Ok(fakes)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call of a session.
    pub(crate) fn call_of(&self, session: &str) -> Option<CallOf> {
        self.known().calls.get(session).cloned()
    }

    /// What creations and methods took here since this was last asked.
    ///
    /// # Errors
    /// Never for the bounds that are used.
    pub(crate) fn take_shares(&self) -> Result<(Latency, Latency)> {
        let (creation, method) = (latency()?, latency()?);
        let mut known = self.known();
        Ok((std::mem::replace(&mut known.creation, creation), std::mem::replace(&mut known.method, method)))
    }

    async fn serve(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = BytesMut::with_capacity(16 * 1024);
        while let Some(head) = http::read_head(&mut stream, &mut buffer).await? {
            let started = Instant::now();
            let body = http::read_body(&mut stream, &mut buffer, &head).await?;
            let mut words = head.line.split(' ');
            let (verb, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let (status, answer) = self.answer(verb, path, &body);
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            );
            stream.write_all(answer.as_bytes()).await?;
            let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            let mut known = self.known();
            match path {
                "/api/calls" => known.creation.saturating_record(took),
                path if path.starts_with("/api/method/") => known.method.saturating_record(took),
                _ => {}
            }
        }
        Ok(())
    }

    fn answer(&self, verb: &str, path: &str, body: &[u8]) -> (&'static str, String) {
        let body = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        let answer = match path {
            "/api/calls" => return ("201 Created", self.call(&body()).to_string()),
            path if path.starts_with("/api/calls/") && verb == "GET" => {
                let call = path.rsplit('/').next().unwrap_or_default();
                json!({"callId": call, "joined": null, "ended": null, "endReason": null})
            }
            path if path.starts_with("/api/resource/") => json!({"data": {"status": "Active"}}),
            path if path.ends_with(".take_message") => json!({"message": self.message(&body())}),
            path if path.ends_with(".order_status") => json!({"message": {
                "doctype": "Voice Restaurant Order", "name": "vo-1", "order_number": "VO-1", "status": "Preparing",
                "total_amount": 18.5, "currency": "EUR", "estimated_time": 12,
            }}),
            path if path.ends_with(".get_menu") => json!({"message": {"currency": "EUR", "items": []}}),
            _ => json!({"message": {}}),
        };
        ("200 OK", answer.to_string())
    }

    fn call(&self, body: &Value) -> Value {
        let session = body["metadata"]["sid"].as_str().unwrap_or_default();
        let mut known = self.known();
        let call = format!("5f3c1e0a-0000-4000-8000-{:012x}", known.calls.len());
        let tool_token = body["selectedTools"][0]["authTokens"]["toolToken"].as_str().unwrap_or_default().to_owned();
        known.calls.insert(session.to_owned(), CallOf { call: call.clone(), tool_token });
        let join = format!("wss://voice.example/calls/{call}/join");
        json!({"callId": call, "clientVersion": null, "created": "2026-11-24T10:00:00Z", "joinUrl": join})
    }

    /// A session's first message is named so that the load knows it.
    fn message(&self, body: &Value) -> Value {
        let session = body["session_id"].as_str().unwrap_or_default();
        let mut known = self.known();
        let number = known.documents.entry(session.to_owned()).or_default();
        *number += 1;
        let name = document_name(session, *number);
        json!({"doctype": DOCTYPE, "name": name, "status": "Open", "created": true})
    }
}

/// What the load makes.
pub(crate) const DOCTYPE: &str = "Voice Message";

/// The name of a session's document.
pub(crate) fn document_name(session: &str, number: u32) -> String {
    format!("vm-{session}-{number}")
}

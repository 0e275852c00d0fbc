//! Status webhooks: the body, its signature, and the delivery that Frappe's
//! background worker makes of it.
//!
//! Deliveries get lost here as on a real site: after the third failed try
//! nothing is left but a line in the log of deliveries. Nothing is ever sent
//! but to the one configured target.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;
use tokio::{sync::Semaphore, sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{WebhookTarget, document::text_of, json::dumps, server::Inner, site::Announcement};

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Pauses after the first and the second failed try. After the third there
/// is one of 7 seconds on a real site, with nothing after it.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// The most deliveries that wait; beyond it they are lost.
pub(super) const MAX_QUEUED: usize = 10_000;
/// Deliveries at a time.
const PARALLEL: usize = 16;
/// The most lines of the log of deliveries; the oldest go first.
const MAX_LOGGED: usize = 10_000;

/// The header of the signature.
pub(super) const SIGNATURE_HEADER: &str = "X-Frappe-Webhook-Signature";

/// The signature of a body: base64 of HMAC-SHA256.
#[must_use]
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    BASE64.encode(&mac.finalize().into_bytes())
}

/// What became of a status webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The `event_id` in its body.
    pub event_id: String,
    /// How often it was sent: 1 to 3, or 0 when it was lost before.
    pub tries: u32,
    /// Whether a try was answered with a status below 400.
    pub delivered: bool,
}

/// The log of deliveries.
#[derive(Debug, Default)]
pub(super) struct Log(VecDeque<Delivery>);

impl Log {
    pub(super) fn push(&mut self, delivery: Delivery) {
        if self.0.len() >= MAX_LOGGED {
            self.0.pop_front();
        }
        self.0.push_back(delivery);
    }

    pub(super) fn all(&self) -> Vec<Delivery> {
        self.0.iter().cloned().collect()
    }
}

/// The body, in the order of the contract's example.
#[derive(Serialize)]
struct Body<'a> {
    event: &'static str,
    event_id: String,
    doctype: &'a str,
    name: &'a str,
    order_number: Option<&'a str>,
    status: &'a str,
    session_id: &'a str,
    estimated_time: Option<&'a Value>,
    modified: &'a str,
    sent_at: &'a str,
}

/// A webhook ready to send.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) event_id: String,
    body: String,
}

impl Parcel {
    pub(super) fn new(announcement: &Announcement, sent_at: &str) -> Self {
        let document = &announcement.document;
        let text = |field: &str| text_of(document, field).unwrap_or_default();
        let event_id = format!("{}:{}:{}", announcement.doctype, text("name"), text("modified"));
        let body = dumps(&Body {
            event: "voice_document.updated",
            event_id: event_id.clone(),
            doctype: announcement.doctype,
            name: text("name"),
            order_number: text_of(document, "order_number"),
            status: text("status"),
            session_id: text("session_id"),
            estimated_time: document.get("estimated_time"),
            modified: text("modified"),
            sent_at,
        });
        Self { event_id, body }
    }
}

/// Delivers until told to stop; what is under way then is abandoned.
pub(super) async fn deliver_all(
    inner: Arc<Inner>,
    client: reqwest::Client,
    mut queue: mpsc::Receiver<Parcel>,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(PARALLEL));
    let mut running = JoinSet::new();
    loop {
        let parcel = tokio::select! {
            () = stop.cancelled() => break,
            parcel = queue.recv() => parcel,
        };
        let Some(parcel) = parcel else { break };
        while running.try_join_next().is_some() {}
        let permit = tokio::select! {
            () = stop.cancelled() => break,
            permit = Arc::clone(&room).acquire_owned() => permit,
        };
        let (inner, client) = (Arc::clone(&inner), client.clone());
        running.spawn(async move {
            let _permit = permit;
            if let Some(target) = inner.target() {
                let delivery = deliver(&client, &target, &parcel).await;
                inner.log(delivery);
            }
        });
    }
}

async fn deliver(client: &reqwest::Client, target: &WebhookTarget, parcel: &Parcel) -> Delivery {
    let mut tries = 0;
    for wait in WAITS.map(Some).into_iter().chain([None]) {
        tries += 1;
        let sent = client
            .post(target.url.clone())
            .timeout(TIMEOUT)
            .header(SIGNATURE_HEADER, sign(&target.secret, parcel.body.as_bytes()))
            .header("Content-Type", "application/json")
            .body(parcel.body.clone())
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status().as_u16() < 400 => {
                return Delivery { event_id: parcel.event_id.clone(), tries, delivered: true };
            }
            Ok(answer) => tracing::debug!(status = answer.status().as_u16(), tries, "a status webhook was refused"),
            // Frappe pauses after every error but a read timeout.
            Err(error) if error.is_timeout() && !error.is_connect() => {
                tracing::debug!(tries, "a status webhook was not answered in time");
                continue;
            }
            Err(error) => tracing::debug!(connect = error.is_connect(), tries, "a status webhook was not sent"),
        }
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
    }
    Delivery { event_id: parcel.event_id.clone(), tries, delivered: false }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct Recorded {
        event: &'static str,
        name: &'static str,
        status: &'static str,
        modified: &'static str,
        note: &'static str,
    }

    /// Secret, body and signature were recorded on a real site.
    #[test]
    fn the_recorded_webhook_has_the_recorded_bytes_and_signature() {
        let body = dumps(&Recorded {
            event: "voice_session.updated",
            name: "s-3",
            status: "Completed",
            modified: "2026-11-22 06:07:36.789584",
            note: "caf\u{e9}",
        });
        assert_eq!(body.len(), 135);
        assert_eq!(sign("whsecret", body.as_bytes()), "K9y8pckFitt1UlVMOfYBrPqtuCo7F4kDBARDa7zUgq8=");
        assert_ne!(sign("whsecreT", body.as_bytes()), "K9y8pckFitt1UlVMOfYBrPqtuCo7F4kDBARDa7zUgq8=");
    }

    #[test]
    fn the_body_is_the_contracts() {
        let document = json!({
            "name": "q-1", "order_number": "VO-0001", "status": "Ready", "session_id": "s_1",
            "estimated_time": 5, "modified": "2026-11-24 10:00:00.000000",
        });
        let Value::Object(document) = document else { return };
        let announcement = Announcement { doctype: "Voice Restaurant Order", document };
        let parcel = Parcel::new(&announcement, "2026-11-24 10:00:01");
        assert_eq!(
            parcel.body,
            "{\"event\": \"voice_document.updated\", \
             \"event_id\": \"Voice Restaurant Order:q-1:2026-11-24 10:00:00.000000\", \
             \"doctype\": \"Voice Restaurant Order\", \"name\": \"q-1\", \"order_number\": \"VO-0001\", \
             \"status\": \"Ready\", \"session_id\": \"s_1\", \"estimated_time\": 5, \
             \"modified\": \"2026-11-24 10:00:00.000000\", \"sent_at\": \"2026-11-24 10:00:01\"}"
        );
    }
}

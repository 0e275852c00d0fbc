//! Delivering webhooks: to account registrations and to the call's own addresses, signed, retried, and, on demand,
//! lost, doubled, late or out of order.
//!
//! A delivery never holds up a call: each one is a task of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::oneshot;

use super::call::Call;
use super::clock;
use super::create::links::Callback;
use super::records::Delivery;
use super::signature;
use super::world::World;

/// The documented number of retries after the first attempt.
const RETRIES: u32 = 10;
/// An attempt without an answer is given up after this; the real deadline is not documented.
const DEADLINE: Duration = Duration::from_secs(30);
/// Deliveries under way, retries included, beside the calls themselves. Beyond that a delivery is dropped, and recorded
/// as such.
const MOST_TASKS: usize = 50_000;
/// A held webhook goes out after this even if nothing follows it.
const LONGEST_HOLD: Duration = Duration::from_secs(10);

/// One address that an event goes to.
#[derive(Debug)]
struct Target {
    url: String,
    secrets: Vec<String>,
    /// The account registration, if it is one.
    registration: Option<String>,
}

/// What all attempts of a delivery share.
#[derive(Debug)]
struct Parcel {
    event: &'static str,
    call_id: String,
    body: Bytes,
    target: Target,
}

/// Sends an event of a call to everyone who wants it. The body shows the call as it is now.
pub(super) fn announce(world: &Arc<World>, call: &Call, event: &'static str) {
    let body = Bytes::from(json!({"event": event, "call": call.object()}).to_string());
    for target in targets(world, call, event) {
        let parcel = Parcel { event, call_id: call.id.clone(), body: body.clone(), target };
        let copies = if world.take_fault(|faults| &mut faults.duplicate_webhooks) { 2 } else { 1 };
        let parcel = Arc::new(parcel);
        for _ in 0..copies {
            if world.tasks.len() >= MOST_TASKS {
                world.keep_delivery(parcel.record(1, None, true));
                continue;
            }
            let (world, parcel) = (Arc::clone(world), Arc::clone(&parcel));
            world.tasks.clone().spawn(async move {
                let stop = world.stop.clone();
                let _ = stop.run_until_cancelled(deliver(&world, &parcel)).await;
            });
        }
    }
}

fn targets(world: &World, call: &Call, event: &str) -> Vec<Target> {
    let agent_id = call.agent.as_ref().map(|(id, _)| id.as_str());
    let mut targets: Vec<Target> = world
        .books()
        .registrations
        .iter()
        .filter(|registration| registration.wants(event, agent_id))
        .map(|registration| Target {
            url: registration.url.clone(),
            secrets: registration.secrets.clone(),
            registration: Some(registration.webhook_id.clone()),
        })
        .collect();
    if let Some(Callback { url, secrets }) = own_address(call, event) {
        targets.push(Target { url: url.clone(), secrets: secrets.clone(), registration: None });
    }
    targets
}

fn own_address<'a>(call: &'a Call, event: &str) -> Option<&'a Callback> {
    let callbacks = &call.plan.callbacks;
    match event {
        "call.joined" => callbacks.joined.as_ref(),
        "call.ended" => callbacks.ended.as_ref(),
        "call.billed" => callbacks.billed.as_ref(),
        _ => None,
    }
}

async fn deliver(world: &World, parcel: &Parcel) {
    let delay = Duration::from_millis(world.faults.borrow().webhook_delay_ms);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if world.take_fault(|faults| &mut faults.drop_webhooks) {
        world.keep_delivery(parcel.record(1, None, true));
        return;
    }
    let held = hold(world).await;
    for attempt in 0..=RETRIES {
        let accepted = attempt_once(world, parcel, attempt + 1).await;
        if attempt == 0 && !held {
            release(world);
        }
        if accepted {
            return;
        }
        // 30 s, 60 s, 120 s … with the documented base.
        tokio::time::sleep(world.options.retry_base * 2_u32.pow(attempt)).await;
    }
}

/// Waits for the next delivery when this one is to be overtaken. Answers whether it waited.
async fn hold(world: &World) -> bool {
    let overtaken = {
        if world.books().held.is_some() || !world.take_fault(|faults| &mut faults.reorder_webhooks) {
            return false;
        }
        let (release, overtaken) = oneshot::channel();
        world.books().held = Some(release);
        overtaken
    };
    // Either way it goes out now: overtaken, or alone for too long.
    let _ = tokio::time::timeout(LONGEST_HOLD, overtaken).await;
    true
}

fn release(world: &World) {
    if let Some(held) = world.books().held.take() {
        let _ = held.send(());
    }
}

/// One attempt; answers whether the receiver took it. Anything below 400 counts, redirects included.
async fn attempt_once(world: &World, parcel: &Parcel, attempt: u32) -> bool {
    let spelling = world.faults.borrow().webhook_timestamp.unwrap_or(world.options.timestamp_spelling);
    let turn = world.attempts.fetch_add(1, Ordering::Relaxed);
    let timestamp = clock::spell(world.clock.now(), spelling, turn);
    let signature = signature::webhook(&parcel.target.secrets, &parcel.body, &timestamp);
    let mut request = world
        .http
        .post(&parcel.target.url)
        .timeout(DEADLINE)
        .header(http::header::CONTENT_TYPE, "application/json")
        .header(signature::WEBHOOK_TIMESTAMP, &timestamp)
        .body(parcel.body.clone());
    if !signature.is_empty() {
        request = request.header(signature::WEBHOOK_SIGNATURE, &signature);
    }
    let status = request.send().await.ok().map(|response| response.status().as_u16());
    let accepted = status.is_some_and(|status| status < 400);
    note(world, parcel, status, accepted);
    world.keep_delivery(parcel.record(attempt, Some((timestamp, signature, status)), false));
    accepted
}

/// Makes a failing registration visible in its health fields.
fn note(world: &World, parcel: &Parcel, status: Option<u16>, accepted: bool) {
    let Some(id) = &parcel.target.registration else { return };
    let failure = (!accepted).then(|| status.map_or("No answer.".to_owned(), |status| format!("Status {status}.")));
    let now = world.clock.now();
    let mut books = world.books();
    if let Some(registration) = books.registrations.iter_mut().find(|each| &each.webhook_id == id) {
        registration.note(now, failure);
    }
}

impl Parcel {
    fn record(&self, attempt: u32, sent: Option<(String, String, Option<u16>)>, dropped: bool) -> Delivery {
        let (timestamp, signature, status) = sent.unwrap_or_default();
        Delivery {
            event: self.event.to_owned(),
            call_id: self.call_id.clone(),
            url: self.target.url.clone(),
            attempt,
            timestamp,
            signature,
            status,
            dropped,
        }
    }
}

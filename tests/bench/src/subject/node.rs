//! The peer: the Node design in `tests/peers/node-design`, two processes.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{Form, Heard, Subject, Visitor, number_after};
use crate::{fakes::DOCTYPE, http::post, process::Process};

/// Starts it.
///
/// # Errors
/// If Node.js or its packages are missing.
pub(super) fn start(subject: &mut Subject, folder: &Path) -> Result<()> {
    let folder = folder.canonicalize().context("the peer's folder is missing")?;
    let redis = subject.redis.all().first().context("there is no Redis")?.port();
    let mut environment = vec![
        ("NODE_ENV", "production".to_owned()),
        ("PORT", subject.inner.port().to_string()),
        ("REDIS_PORT", redis.to_string()),
        ("ULTRAVOX_URL", format!("http://{}", subject.fakes.address)),
        ("ERPNEXT_URL", format!("http://{}", subject.fakes.address)),
    ];
    if subject.form == Form::Whole {
        environment.push(("ADAPTER", "cluster".to_owned()));
    }
    let process = Process::start(Path::new("node"), &["server.js".into()], &environment, &folder, &subject.log())?;
    subject.processes.push(process);
    Ok(())
}

pub(super) fn create() -> Vec<u8> {
    let body = json!({"businessType": "restaurant", "customerName": "Ada", "language": "en"});
    post("/sessions", &[], &body.to_string())
}

pub(super) fn command(visitor: &Visitor, number: u64) -> Vec<u8> {
    let parameters = json!({"customer_name": "Ada", "message": format!("Please call me back, number {number}.")});
    let body = json!({
        "type": "tool_called", "callId": visitor.call, "data": {"toolName": "takeMessage", "parameters": parameters},
    });
    post("/webhook/ultravox", &[], &body.to_string())
}

pub(super) fn update(visitor: &Visitor, number: u64) -> Vec<u8> {
    let body = json!({
        "event": "voice_document.updated", "doctype": DOCTYPE, "name": format!("vm-{}", visitor.session),
        "order_number": number.to_string(), "status": "Open", "session_id": visitor.session,
        "estimated_time": number % 60, "modified": "2026-11-24 10:00:00.000000", "sent_at": "2026-11-24 10:00:00",
    });
    post("/webhook/order-update", &[], &body.to_string())
}

/// The WebSocket transport of Engine.IO 4, from the start.
pub(super) fn socket(visitor: &Visitor) -> (String, Vec<(&'static str, String)>, Vec<String>) {
    let join = json!(["join", visitor.session]);
    ("/socket.io/?EIO=4&transport=websocket".to_owned(), Vec::new(), vec!["40".to_owned(), format!("42{join}")])
}

/// Engine.IO packets: `2` is a ping, `42` an event.
pub(super) fn heard(text: &str) -> Heard {
    if text == "2" {
        return Heard::Ping("3");
    }
    if text.starts_with("42[\"joined\"") {
        return Heard::Joined;
    }
    if !text.starts_with("42[\"order_update\"") {
        return Heard::Other;
    }
    match (number_after(text, "\"order_number\":\""), number_after(text, "\"at\":")) {
        (Some(number), Some(at)) => Heard::Event { number, at },
        _ => Heard::Other,
    }
}

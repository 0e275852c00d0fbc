//! Ours: `neoron run --role worker`, with `--role gateway` before it where everything comes through the edge.

use std::{
    ffi::OsString,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use neoron_protocol::{
    UnixMillis,
    frame::{SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX},
    grant::{Claims, MintingKey},
};
use serde_json::json;
use sha2::Sha256;

use super::{Form, Heard, Subject, Visitor, number_after};
use crate::{
    fakes::{DOCTYPE, document_name},
    http::post,
    process::Process,
};

const EDGE_KEY: &str = "bench-edge-key-bench-edge-key-bench-edge-key";
const WEBHOOK_SECRET: &str = "erpnext-webhook-secret";
const SITE: &str = "pizzeria";
const ORIGIN: &str = "https://pizzeria.example";
/// The longest call, in seconds.
const CALL_SECONDS: u32 = 600;
/// Sessions asked for so far.
static MADE: AtomicU32 = AtomicU32::new(0);
/// The document every visitor has.
const FIRST: u32 = 1;

/// Starts the processes.
///
/// # Errors
/// If one cannot be started.
pub(super) fn start(subject: &mut Subject, program: &Path) -> Result<()> {
    let folder = subject.folder.path().to_path_buf();
    let file = folder.join("neoron.toml");
    std::fs::write(&file, configuration(subject)?)?;
    let mut parts = vec![("worker", None)];
    if subject.form == Form::Whole {
        let edges = [subject.outer, subject.second].into_iter().zip(subject.edge_admins);
        parts.extend(edges.map(|edge| ("gateway", Some(edge))));
    }
    for (role, edge) in parts {
        let mut arguments: Vec<OsString> = ["run", "--until-eof", "--role", role, "--config"].map(Into::into).into();
        arguments.push(file.clone().into());
        for (key, address) in edge.iter().flat_map(|(listen, admin)| [("listen", listen), ("admin", admin)]) {
            arguments.extend(["--set".into(), format!("edge.{key}={address}").into()]);
        }
        let process = Process::start(program, &arguments, &[], &folder, &subject.log())?;
        subject.processes.push(process);
    }
    Ok(())
}

/// Defaults, but for addresses and for limits that one load generator would run into.
fn configuration(subject: &Subject) -> Result<String> {
    let (inner, outer, admin) = (subject.inner, subject.outer, subject.admin);
    let key = MintingKey::from_seed("k1", &[7; 32]).context("the site's key")?.public().to_text();
    Ok(format!(
        r#"[gateway]
public_url = "http://{outer}"
drain = "0s"
[edge]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
key = "{EDGE_KEY}"
max_connections = 50000
max_connections_per_address = 50000
requests_per_address = 10000000
sessions_per_address = 1000000
sessions_per_site = 1000000
[worker]
listen = "{inner}"
admin = "{admin}"
capacity = 50000
[store]
url = "{store}"
[ultravox]
url = "http://{fakes}"
api_key = "bench"
webhook_secrets = ["ultravox-webhook-secret"]
shared_secrets = ["ultravox-data-connection-secret"]
creations_per_second = 1000
creations_per_minute = 60000
[erpnext]
url = "http://{fakes}"
site = "bench"
token = "key:secret"
webhook_secrets = ["{WEBHOOK_SECRET}"]
time_zone = "UTC"
[sites.{SITE}]
origins = ["{ORIGIN}"]
minutes_per_day = 1000000
max_calls = 100000
[sites.{SITE}.keys]
k1 = "{key}"
"#,
        store = subject.redis.url(),
        fakes = subject.fakes.address,
    ))
}

fn now() -> UnixMillis {
    UnixMillis(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default())
}

pub(super) fn create() -> Vec<u8> {
    let now = now();
    // Burnt by the edge, not by the worker: any well-formed one will do.
    let claims = Claims::for_visit(SITE, ORIGIN, "restaurant", "r_00000000000000000000000000", now, CALL_SECONDS);
    let claims = BASE64URL_NOPAD.encode(json!(claims).to_string().as_bytes());
    let consent = json!({"kind": "ai_call", "at": now, "version": "1"});
    let body = json!({"media": "voice", "language": "en", "consent": consent, "customer": {"name": "Ada"}});
    // As the edge tells it; each visitor is of a network of their own.
    let [_, _, high, low] = MADE.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let address = format!("10.{high}.{low}.1");
    let fields = [("x-neoron-edge", EDGE_KEY), ("x-neoron-grant", &claims), ("x-forwarded-for", &address)];
    post("/v1/sessions", &fields, &body.to_string())
}

pub(super) fn command(visitor: &Visitor, number: u64) -> Vec<u8> {
    let message = format!("Please call me back, number {number}.");
    tool(visitor, "takeMessage", json!({"call_id": visitor.call, "customer_name": "Ada", "message": message}))
}

pub(super) fn query(visitor: &Visitor) -> Vec<u8> {
    tool(visitor, "orderStatus", json!({"call_id": visitor.call, "order": "VO-1"}))
}

fn tool(visitor: &Visitor, tool: &str, body: serde_json::Value) -> Vec<u8> {
    let fields =
        [("x-neoron-edge", EDGE_KEY), ("x-session-id", &visitor.session), ("x-tool-token", &visitor.tool_token)];
    post(&format!("/v1/tools/{tool}"), &fields, &body.to_string())
}

/// The status stays, so that no job follows to tell the agent: the peer has no such thing.
pub(super) fn update(visitor: &Visitor, number: u64) -> Result<Vec<u8>> {
    let name = document_name(&visitor.session, FIRST);
    let at = jiff::Timestamp::now();
    let (sent, modified) = (at.strftime("%Y-%m-%d %H:%M:%S"), at.strftime("%Y-%m-%d %H:%M:%S.%6f"));
    let body = json!({
        "event": "voice_document.updated", "event_id": format!("{DOCTYPE}:{name}:{modified}"), "doctype": DOCTYPE,
        "name": name, "order_number": number.to_string(), "status": "Open", "session_id": visitor.session,
        "estimated_time": number % 60, "modified": modified.to_string(), "sent_at": sent.to_string(),
    })
    .to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).context("a key of any length is good")?;
    mac.update(body.as_bytes());
    let signature = BASE64.encode(&mac.finalize().into_bytes());
    let fields = [("x-neoron-edge", EDGE_KEY), ("x-frappe-webhook-signature", &signature)];
    Ok(post("/webhook/order-update", &fields, &body))
}

pub(super) fn socket(visitor: &Visitor) -> (String, Vec<(&'static str, String)>, Vec<String>) {
    let protocols = format!("{SUBPROTOCOL}, {TICKET_SUBPROTOCOL_PREFIX}{}", visitor.ticket);
    let fields = vec![
        ("sec-websocket-protocol", protocols),
        ("origin", ORIGIN.to_owned()),
        ("x-neoron-edge", EDGE_KEY.to_owned()),
    ];
    let resume = json!({"type": "resume", "epoch": "", "offset": 0}).to_string();
    (format!("/v1/sessions/{}/events", visitor.session), fields, vec![resume])
}

/// Whatever comes first shows that the socket is in its session.
pub(super) fn heard(text: &str) -> Heard {
    let number = number_after(text, "\"number\":\"");
    match (number, number_after(text, "\"at\":")) {
        (Some(number), Some(at)) if text.contains("\"type\":\"document\"") => Heard::Event { number, at },
        _ => Heard::Joined,
    }
}

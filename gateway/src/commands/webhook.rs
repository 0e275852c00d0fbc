//! `neoron webhook …`: signs and verifies as Ultravox and ERPNext do, to find out whose secret is the wrong one. The
//! secret comes from a file, so that it is in no shell history.

use anyhow::{Context as _, anyhow};
use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit as _, Mac as _};
use neoron_store::{Clock as _, SystemClock};
use sha2::Sha256;

use super::read_input;
use crate::{
    Failure,
    cli::{Sender, WebhookArgs, WebhookCommand},
    out,
};

/// `neoron webhook …`.
pub(super) fn webhook(command: WebhookCommand) -> Result<(), Failure> {
    match command {
        WebhookCommand::Sign { with, timestamp } => sign(&with, timestamp),
        WebhookCommand::Verify { with, signature, timestamp } => verify(&with, &signature, timestamp),
    }
}

fn sign(with: &WebhookArgs, timestamp: Option<String>) -> Result<(), Failure> {
    let body = read_input(with.body.as_deref())?;
    let timestamp = timestamp.unwrap_or_else(now);
    let digest = encode(with.kind, &mac(with, &body, &timestamp)?.finalize().into_bytes());
    match with.kind {
        Sender::Ultravox => {
            out::line(format!("X-Ultravox-Webhook-Timestamp: {timestamp}"));
            out::line(format!("X-Ultravox-Webhook-Signature: {digest}"));
        }
        Sender::Erpnext => out::line(format!("X-Frappe-Webhook-Signature: {digest}")),
    }
    Ok(())
}

fn verify(with: &WebhookArgs, signature: &str, timestamp: Option<String>) -> Result<(), Failure> {
    let body = read_input(with.body.as_deref())?;
    let timestamp = match (with.kind, timestamp) {
        (Sender::Ultravox, None) => return Err(anyhow!("--timestamp: the signature of ultravox covers it").into()),
        (_, timestamp) => timestamp.unwrap_or_default(),
    };
    for one in signature.split(',').map(str::trim) {
        let decoded = match with.kind {
            Sender::Ultravox => HEXLOWER.decode(one.as_bytes()),
            Sender::Erpnext => BASE64.decode(one.as_bytes()),
        };
        // In constant time, though nobody measures a command line: there is one way to compare.
        if decoded.is_ok_and(|bytes| mac(with, &body, &timestamp).is_ok_and(|mac| mac.verify_slice(&bytes).is_ok())) {
            out::line("The signature fits.");
            return Ok(());
        }
    }
    Err(anyhow!("the signature does not fit: another secret, another timestamp, or a body that was changed on its way")
        .into())
}

fn mac(with: &WebhookArgs, body: &[u8], timestamp: &str) -> anyhow::Result<Hmac<Sha256>> {
    let path = &with.secret_file;
    let secret = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.trim_end_matches(['\r', '\n']).as_bytes())
        .map_err(|error| anyhow!("the secret cannot be used: {error}"))?;
    mac.update(body);
    if with.kind == Sender::Ultravox {
        mac.update(timestamp.as_bytes());
    }
    Ok(mac)
}

fn now() -> String {
    let millis = i64::try_from(SystemClock.now().0).unwrap_or_default();
    jiff::Timestamp::from_millisecond(millis).map(|at| at.to_string()).unwrap_or_default()
}

fn encode(kind: Sender, digest: &[u8]) -> String {
    match kind {
        Sender::Ultravox => HEXLOWER.encode(digest),
        Sender::Erpnext => BASE64.encode(digest),
    }
}

//! The addresses that a call reports to: per-call webhooks and the data connection.

use url::Url;

use super::fields::Fields;
use super::medium::{self, Wanted};

/// One address for webhooks, with the secrets that sign them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ultravox) struct Callback {
    pub(in crate::ultravox) url: String,
    pub(in crate::ultravox) secrets: Vec<String>,
}

/// The per-call webhooks. There is none for `call.started`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ultravox) struct Callbacks {
    pub(in crate::ultravox) joined: Option<Callback>,
    pub(in crate::ultravox) ended: Option<Callback>,
    pub(in crate::ultravox) billed: Option<Callback>,
}

/// The WebSocket that is dialled when the call is joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ultravox) struct DataConnection {
    pub(in crate::ultravox) url: Url,
    pub(in crate::ultravox) headers: Vec<(String, String)>,
    pub(in crate::ultravox) wanted: Wanted,
}

/// The longest webhook address, in characters.
pub(in crate::ultravox) const LONGEST_URL: usize = 200;
/// The longest secret of a webhook, in characters.
pub(in crate::ultravox) const LONGEST_SECRET: usize = 120;
/// The most secrets of one webhook. The real number is not documented; rotation needs two.
pub(in crate::ultravox) const MOST_SECRETS: usize = 10;

pub(super) fn callbacks(body: &Fields<'_>) -> Callbacks {
    let Some(callbacks) = body.child("callbacks") else { return Callbacks::default() };
    callbacks.only(&["joined", "ended", "billed"]);
    let read = |name| callbacks.child(name).and_then(|fields| callback(&fields));
    Callbacks { joined: read("joined"), ended: read("ended"), billed: read("billed") }
}

fn callback(fields: &Fields<'_>) -> Option<Callback> {
    fields.only(&["url", "secrets"]);
    let secrets = fields.texts("secrets", MOST_SECRETS, 1, LONGEST_SECRET);
    webhook_url(fields).map(|url| Callback { url, secrets })
}

/// Reads `url`, which has to be an HTTP address that is not too long.
pub(in crate::ultravox) fn webhook_url(fields: &Fields<'_>) -> Option<String> {
    let text = fields.required_text("url")?;
    if text.chars().count() > LONGEST_URL {
        fields.complain("url", format!("Ensure this field has no more than {LONGEST_URL} characters."));
        return None;
    }
    url(fields, "url", text, &["http", "https"]).map(|_| text.to_owned())
}

/// An absolute address with one of the schemes.
pub(super) fn url(fields: &Fields<'_>, key: &str, text: &str, schemes: &[&str]) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
    if url.is_none() {
        fields.complain(key, "Enter a valid URL.");
    }
    url
}

pub(super) fn data_connection(body: &Fields<'_>) -> Option<DataConnection> {
    let fields = body.child("dataConnection")?;
    fields.only(&["websocketUrl", "audioConfig", "dataMessages", "headers"]);
    if let Some(audio) = fields.child("audioConfig") {
        audio.only(&["sampleRate", "channelMode"]);
        audio.number("sampleRate", 8_000.0, 48_000.0);
        audio.word("channelMode", &["CHANNEL_MODE_MIXED", "CHANNEL_MODE_SEPARATED"]);
    }
    let headers = fields.text_map("headers");
    for (name, value) in &headers {
        let fits = http::HeaderName::try_from(name).is_ok() && http::HeaderValue::try_from(value).is_ok();
        if !fits {
            fields.complain("headers", "Not a valid header.");
        }
    }
    let wanted = medium::data_connection_wanted(&fields);
    let text = fields.required_text("websocketUrl")?;
    // The service itself takes wss only; ws is what makes a test on localhost possible.
    let url = url(&fields, "websocketUrl", text, &["ws", "wss"])?;
    Some(DataConnection { url, headers, wanted })
}

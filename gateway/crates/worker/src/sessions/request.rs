//! What a new session is asked for with: the edge's verified claims and the browser's body.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use http::HeaderMap;
use neoron_protocol::{ErrorCode, UnixMillis, grant::Claims, private::Personal};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    http::{fields::Fields, problem::Refusal},
    record::{Consent, Customer, Media},
};

/// The verified grant, put in by the edge.
const GRANT: &str = "x-neoron-grant";
/// The client's network, named by the edge.
const NETWORK: &str = "x-neoron-network";
const MAX_NETWORK_CHARS: usize = 64;
/// A browser's clock may be ahead by this much.
const CLOCK_SKEW: Duration = Duration::from_secs(300);
const MAX_LANGUAGE_CHARS: usize = 16;
const MAX_NAME_CHARS: usize = 140;
const MAX_PHONE_CHARS: usize = 32;
const MAX_PAGE_CHARS: usize = 512;
const MAX_VERSION_CHARS: usize = 16;

/// The body of `POST /v1/sessions`, checked.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) media: Media,
    pub(super) language: Option<String>,
    pub(super) consent: Consent,
    pub(super) customer: Customer,
}

/// Reads the claims that the edge has verified.
///
/// # Errors
/// 401 if they are missing or cannot be read.
pub(super) fn claims(headers: &HeaderMap) -> Result<Claims, Refusal> {
    let header = headers.get(GRANT).ok_or_else(|| Refusal::of(ErrorCode::GrantMissing))?;
    let json = BASE64URL_NOPAD.decode(header.as_bytes()).ok();
    let claims = json.and_then(|json| serde_json::from_slice(&json).ok());
    claims.ok_or_else(|| Refusal::of(ErrorCode::GrantMalformed))
}

/// Reads the name that the edge gave the client's network.
pub(super) fn network(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(NETWORK)?.to_str().ok()?;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    ((1..=MAX_NETWORK_CHARS).contains(&name.len()) && plain).then(|| name.to_owned())
}

impl Request {
    /// Reads a body.
    ///
    /// # Errors
    /// 422, with the first field that is wrong.
    pub(super) fn read(body: &Map<String, Value>, now: UnixMillis) -> Result<Self, Refusal> {
        let fields = Fields::root(body, &["media", "language", "consent", "page", "customer"])?;
        let media = match fields.required("media", fields.text("media", 8)?)? {
            "voice" => Media::Voice,
            "text" => Media::Text,
            _ => return Err(fields.wrong("media", "must be `voice` or `text`")),
        };
        let language = fields.text("language", MAX_LANGUAGE_CHARS)?.map(str::to_owned);
        if language.as_deref().is_some_and(|it| !is_language(it)) {
            return Err(fields.wrong("language", "must be a language tag such as `en-GB`"));
        }
        fields.text("page", MAX_PAGE_CHARS)?;
        let consent = fields.child("consent", &["kind", "at", "version"])?;
        let consent = consent_of(&fields.required("consent", consent)?, now)?;
        let customer = fields.child("customer", &["name", "phone"])?;
        let customer = customer.as_ref().map(customer_of).transpose()?.unwrap_or_default();
        Ok(Self { media, language, consent, customer })
    }
}

/// Whether a text looks like a BCP 47 tag.
pub(super) fn is_language(text: &str) -> bool {
    text.len() <= MAX_LANGUAGE_CHARS
        && text.split('-').all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn consent_of(fields: &Fields<'_>, now: UnixMillis) -> Result<Consent, Refusal> {
    let kind = fields.required("kind", fields.text("kind", 32)?)?;
    if kind != "ai_call" {
        return Err(fields.wrong("kind", "must be `ai_call`"));
    }
    let at = UnixMillis(fields.required("at", fields.millis("at")?)?);
    if at > now.plus(CLOCK_SKEW) {
        return Err(fields.wrong("at", "is in the future"));
    }
    let version = fields.required("version", fields.text("version", MAX_VERSION_CHARS)?)?;
    Ok(Consent { kind: kind.to_owned(), at, version: version.to_owned() })
}

fn customer_of(fields: &Fields<'_>) -> Result<Customer, Refusal> {
    let name = fields.text("name", MAX_NAME_CHARS)?.map(|name| name.trim().to_owned());
    let phone = fields.text("phone", MAX_PHONE_CHARS)?.map(|phone| phone.trim().to_owned());
    let plain = |phone: &String| phone.chars().all(|it| it.is_ascii_digit() || "+-() ./".contains(it));
    if !phone.as_ref().is_none_or(plain) {
        return Err(fields.wrong("phone", "must be a phone number"));
    }
    Ok(Customer { name: name.map(Personal::new), phone: phone.map(Personal::new) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_514_400_000);

    fn good() -> Value {
        json!({
            "media": "text", "language": "en-GB", "page": "https://neoron.co.uk/menu",
            "consent": {"kind": "ai_call", "at": NOW.0, "version": "1"},
            "customer": {"name": "Ada", "phone": "+44 20 7946 0000"},
        })
    }

    fn read(body: &Value) -> Result<Request, Refusal> {
        Request::read(body.as_object().unwrap(), NOW)
    }

    #[test]
    fn a_full_and_a_minimal_body_are_taken() {
        assert_eq!(read(&good()).unwrap().customer.phone(), Some("+44 20 7946 0000"));
        let minimal = json!({"media": "voice", "consent": {"kind": "ai_call", "at": 1, "version": "1"}});
        assert_eq!(read(&minimal).unwrap().media, Media::Voice);
    }

    #[test]
    fn each_wrong_field_is_named_and_nothing_of_it_repeated() {
        let changes: &[(&str, Value, &str)] = &[
            ("media", json!("canary"), "`media`"),
            ("media", json!(5), "`media`"),
            ("media", Value::Null, "`media`"),
            ("language", json!("canary canary"), "`language`"),
            ("consent", json!({"kind": "canary", "at": 1, "version": "1"}), "`consent.kind`"),
            ("consent", json!({"kind": "ai_call", "at": "canary", "version": "1"}), "`consent.at`"),
            ("consent", json!({"kind": "ai_call", "at": 1.5, "version": "1"}), "`consent.at`"),
            ("consent", json!({"kind": "ai_call", "at": NOW.0 + 400_000, "version": "1"}), "`consent.at`"),
            ("consent", json!({"kind": "ai_call", "at": 1}), "`consent.version`"),
            ("consent", json!("canary"), "`consent`"),
            ("consent", json!({"kind": "ai_call", "at": 1, "version": "1", "canary": 1}), "`consent`"),
            ("customer", json!({"phone": "canary"}), "`customer.phone`"),
            ("customer", json!({"name": "canary".repeat(30)}), "`customer.name`"),
            ("page", json!("canary".repeat(100)), "`page`"),
            ("canary", json!(1), "unknown field"),
        ];
        for (field, value, named) in changes {
            let mut body = good();
            body[*field] = value.clone();
            let refusal = read(&body).unwrap_err();
            let detail = refusal.detail.unwrap();
            assert_eq!(refusal.code, ErrorCode::InvalidField, "{field} {value}");
            assert!(detail.contains(named) && !detail.contains("canary"), "{field} {value}: {detail}");
        }
    }

    #[test]
    fn claims_that_cannot_be_read_are_refused() {
        let with = |value: &str| HeaderMap::from_iter([(GRANT.parse().unwrap(), value.parse().unwrap())]);
        assert_eq!(claims(&HeaderMap::new()).unwrap_err().code, ErrorCode::GrantMissing);
        assert_eq!(claims(&with("!")).unwrap_err().code, ErrorCode::GrantMalformed);
        assert_eq!(claims(&with("e30")).unwrap_err().code, ErrorCode::GrantMalformed);
        let granted = Claims::for_visit("site", "https://x", "restaurant", "0123456789abcdef", NOW, 60);
        let header = BASE64URL_NOPAD.encode(&serde_json::to_vec(&granted).unwrap());
        assert_eq!(claims(&with(&header)).unwrap(), granted);
    }
}

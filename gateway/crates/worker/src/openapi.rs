//! The OpenAPI 3.1 document of the public routes: made from the handlers, served, and committed as `docs/openapi.json`.

use axum::response::{IntoResponse, Response};
use http::header;
use neoron_protocol::ErrorCode;
use serde::Deserialize;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        ContentBuilder, HttpMethod, Ref, ResponseBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{analytics, data_connection, realtime, sessions, webhooks};

/// The body of `POST /v1/sessions`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a body that is read field by field")]
pub(crate) struct NewSession {
    /// How the visitor talks.
    #[schema(pattern = "^(voice|text)$")]
    media: String,
    /// BCP 47, instead of the grant's language.
    #[schema(max_length = 16)]
    language: Option<String>,
    /// What the visitor agreed to.
    consent: ConsentBody,
    /// The page that the visitor is on.
    #[schema(max_length = 512)]
    page: Option<String>,
    /// Who the visitor says to be.
    customer: Option<CustomerBody>,
}

/// What the visitor agreed to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Consent)]
#[expect(dead_code, reason = "describes a body that is read field by field")]
pub(crate) struct ConsentBody {
    /// To talk with a machine.
    #[schema(pattern = "^ai_call$")]
    kind: String,
    /// When, in milliseconds since the epoch.
    at: u64,
    /// Which version of the text.
    #[schema(min_length = 1, max_length = 16)]
    version: String,
}

/// Who the visitor says to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Customer)]
#[expect(dead_code, reason = "describes a body that is read field by field")]
pub(crate) struct CustomerBody {
    /// Their name.
    #[schema(min_length = 1, max_length = 140)]
    name: Option<String>,
    /// Their phone number.
    #[schema(max_length = 32, pattern = "^[0-9+() ./-]+$")]
    phone: Option<String>,
}

/// The body of a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a body that is read field by field")]
pub(crate) struct NewMessage {
    /// Made by the client; a repeat of it is one message.
    #[schema(min_length = 1, max_length = 64)]
    id: String,
    /// At most 2,000 bytes.
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
}

/// A problem document (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the protocol crate serialises")]
pub(crate) struct ProblemDocument {
    /// `urn:neoron:problem:<code>`.
    r#type: String,
    /// One plain sentence.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable; what a program looks at.
    code: String,
    /// What was wrong with this request.
    detail: Option<String>,
    /// Names the request in the gateway's logs.
    request_id: Option<String>,
    /// With `proof_of_work_required`: the ALTCHA challenge (version 2 of the format) to be solved.
    #[schema(value_type = Option<Object>)]
    challenge: Option<serde_json::Value>,
}

/// Calls a tool.
#[utoipa::path(
    post,
    path = "/v1/tools/{tool}",
    tag = "ultravox",
    security(("tool_token" = [])),
    params(
        ("tool" = String, Path, description = "The tool's name."),
        ("X-Session-Id" = String, Header, description = "The session's id."),
    ),
    request_body(content = Object, description = "The tool's parameters and `call_id`, as top-level keys.", content_type = "application/json"),
    responses((status = 200, description = "What the agent is to say, with a status.", body = Object))
)]
#[expect(dead_code, reason = "describes a route whose handler knows no framework of documents")]
fn call_tool() {}

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(title = "Neoron Voice", description = "The gateway's public routes. Realtime frames are in the AsyncAPI document."),
    paths(
        sessions::create_session,
        sessions::ask_for_place,
        sessions::leave_place,
        sessions::read_session,
        sessions::send_message,
        sessions::end_session,
        realtime::session_events,
        analytics::read_analytics,
        call_tool,
        data_connection::data_connection,
        webhooks::ultravox_webhook,
        webhooks::order_update,
        webhooks::erpnext_webhook,
    ),
    components(schemas(ProblemDocument)),
    modifiers(&Problems, &Credentials)
)]
struct Document;

/// Which refusals a route has; their words are the codes' own.
const REFUSALS: &[(&str, HttpMethod, &[ErrorCode])] = {
    use ErrorCode as E;
    const TALK: &[ErrorCode] = &[
        E::MalformedJson,
        E::TicketInvalid,
        E::NotFound,
        E::SessionOver,
        E::BodyTooLarge,
        E::UnsupportedMediaType,
        E::InvalidField,
        E::TooManyRequests,
        E::StoreUnavailable,
    ];
    const WEBHOOK: &[ErrorCode] =
        &[E::SignatureInvalid, E::SignatureStale, E::BodyTooLarge, E::TooManyRequests, E::StoreUnavailable];
    &[
        (
            "/v1/sessions",
            HttpMethod::Post,
            &[
                E::MalformedJson,
                E::GrantMissing,
                E::GrantMalformed,
                E::GrantExpired,
                E::GrantNotYetValid,
                E::GrantUnknownKey,
                E::GrantWrongAudience,
                E::GrantSignature,
                E::OriginRefused,
                E::ProofOfWorkRequired,
                E::ProofOfWorkInvalid,
                E::GrantReused,
                E::BodyTooLarge,
                E::UnsupportedMediaType,
                E::InvalidField,
                E::TooManyRequests,
                E::TooManyCalls,
                E::BudgetExhausted,
                E::NoRoom,
                E::VoiceUnavailable,
                E::StoreUnavailable,
                E::Draining,
            ],
        ),
        (
            "/v1/waiting/{id}",
            HttpMethod::Post,
            &[
                E::TicketInvalid,
                E::NotFound,
                E::WaitingOver,
                E::TooManyRequests,
                E::TooManyCalls,
                E::BudgetExhausted,
                E::VoiceUnavailable,
                E::StoreUnavailable,
                E::Draining,
            ],
        ),
        (
            "/v1/waiting/{id}",
            HttpMethod::Delete,
            &[E::TicketInvalid, E::NotFound, E::TooManyRequests, E::StoreUnavailable],
        ),
        (
            "/v1/sessions/{id}",
            HttpMethod::Get,
            &[E::TicketInvalid, E::NotFound, E::SessionOver, E::TooManyRequests, E::StoreUnavailable],
        ),
        ("/v1/sessions/{id}/messages", HttpMethod::Post, TALK),
        ("/v1/sessions/{id}/end", HttpMethod::Post, TALK),
        (
            "/v1/sessions/{id}/events",
            HttpMethod::Get,
            &[
                E::MalformedRequest,
                E::TicketInvalid,
                E::NotFound,
                E::UpgradeRequired,
                E::TooManyRequests,
                E::StoreUnavailable,
            ],
        ),
        (
            "/v1/tools/{tool}",
            HttpMethod::Post,
            &[
                E::MalformedJson,
                E::ToolTokenInvalid,
                E::NotFound,
                E::SessionOver,
                E::BodyTooLarge,
                E::TooManyRequests,
                E::StoreUnavailable,
            ],
        ),
        (
            "/v1/ultravox/data/{id}",
            HttpMethod::Get,
            &[E::SignatureInvalid, E::SignatureStale, E::NotFound, E::UpgradeRequired, E::StoreUnavailable],
        ),
        (
            "/v1/analytics",
            HttpMethod::Get,
            &[E::StaffTokenInvalid, E::NotFound, E::InvalidField, E::TooManyRequests, E::StoreUnavailable],
        ),
        ("/webhook/ultravox", HttpMethod::Post, WEBHOOK),
        ("/webhook/order-update", HttpMethod::Post, WEBHOOK),
        ("/webhook/erpnext", HttpMethod::Post, WEBHOOK),
    ]
};

struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, method, codes) in REFUSALS {
            let Some(item) = document.paths.paths.get_mut(*path) else { continue };
            let operation = match method {
                HttpMethod::Get => &mut item.get,
                HttpMethod::Delete => &mut item.delete,
                _ => &mut item.post,
            };
            if let Some(operation) = operation {
                codes.iter().for_each(|code| refuse(operation, *code));
            }
        }
    }
}

/// Adds a refusal; those of one status share a response.
fn refuse(operation: &mut Operation, code: ErrorCode) {
    let said = format!("`{}`: {}", code.as_str(), code.title());
    let status = code.status().to_string();
    let responses = &mut operation.responses.responses;
    if let Some(utoipa::openapi::RefOr::T(known)) = responses.get_mut(&status) {
        known.description = format!("{} {said}", known.description);
        return;
    }
    let schema = Ref::from_schema_name("ProblemDocument");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new().description(said).content("application/problem+json", content).build();
    responses.insert(status, response.into());
}

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = |what: &str| {
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what)).build())
        };
        let header =
            |name: &str, what: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, what)));
        let schemes = [
            ("grant", bearer("A grant of the site, minted for this visit.")),
            ("ticket", bearer("The session's ticket.")),
            ("waiting_ticket", bearer("The ticket of the place in the waiting room.")),
            ("ticket_subprotocol", header("Sec-WebSocket-Protocol", "`neoron.v1, neoron.ticket.<ticket>`.")),
            ("staff", bearer("A staff token: opaque, configured by its hash.")),
            ("tool_token", header("X-Tool-Token", "The session's tool token.")),
            ("ultravox_webhook", header("X-Ultravox-Webhook-Signature", "HMAC over the body and the timestamp.")),
            ("ultravox_data", header("X-Ultravox-Signature", "HMAC over the call's id and the timestamp.")),
            ("frappe_webhook", header("X-Frappe-Webhook-Signature", "HMAC over the body, base64.")),
        ];
        let components = document.components.get_or_insert_default();
        for (name, scheme) in schemes {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// The document as it is served and committed.
pub fn openapi_json() -> String {
    // Plain data: serialisation cannot fail.
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Serves the document.
pub(crate) async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi_json()).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_operation_says_how_it_refuses() {
        let document: serde_json::Value = serde_json::from_str(&openapi_json()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        let operations: usize = paths.values().filter_map(|item| item.as_object()).map(serde_json::Map::len).sum();
        assert_eq!(operations, REFUSALS.len());
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.keys().any(|status| status.starts_with('4')), "{method} {path}");
            }
        }
    }
}

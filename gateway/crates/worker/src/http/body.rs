//! Reading bodies: bounded, JSON by their type, UTF-8, one object.

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use futures_util::StreamExt;
use http::{HeaderMap, header};
use neoron_protocol::ErrorCode;
use serde_json::{Map, Value};

use super::problem::Refusal;

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 if it is longer, 400 if the connection breaks.
pub(crate) async fn raw(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::because(ErrorCode::MalformedRequest, "the body did not arrive"))?;
        if bytes.len() + chunk.len() > limit {
            return Err(Refusal::because(ErrorCode::BodyTooLarge, format!("at most {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// Reads a JSON object of at most `limit` bytes.
///
/// # Errors
/// 413, 415 without a JSON content type, 400 if it is not JSON, 422 if it is no object.
pub(crate) async fn object(headers: &HeaderMap, body: Body, limit: usize) -> Result<Map<String, Value>, Refusal> {
    if !is_json(headers) {
        return Err(Refusal::because(ErrorCode::UnsupportedMediaType, "send application/json"));
    }
    parse(&raw(body, limit).await?)
}

/// As [`object`], but a body may also be missing, and then needs no type.
///
/// # Errors
/// As [`object`].
pub(crate) async fn optional(headers: &HeaderMap, body: Body, limit: usize) -> Result<Map<String, Value>, Refusal> {
    let bytes = raw(body, limit).await?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    if !is_json(headers) {
        return Err(Refusal::because(ErrorCode::UnsupportedMediaType, "send application/json"));
    }
    parse(&bytes)
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Refusal> {
    // The library's message may repeat the body: only the place is told.
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        Refusal::because(ErrorCode::MalformedJson, format!("line {}, column {}", error.line(), error.column()))
    })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Refusal::because(ErrorCode::InvalidField, "the body must be an object")),
    }
}

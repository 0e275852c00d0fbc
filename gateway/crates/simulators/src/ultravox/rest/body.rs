//! Bodies and cursor pages, as every part of the API uses them.

use axum::extract::rejection::BytesRejection;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::Refusal;

/// Reads a body as a JSON object; an empty body is an empty object.
///
/// # Errors
/// 413 for a body that is too long, 400 for one that is no object.
pub(in crate::ultravox) fn object(body: Result<Bytes, BytesRejection>) -> Result<Map<String, Value>, Refusal> {
    let body = body.map_err(|rejection| match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
        _ => Refusal::NotJson("it could not be read".to_owned()),
    })?;
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(&body).map_err(|error| Refusal::NotJson(error.to_string()))
}

/// Where a page begins and how long it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::ultravox) struct PageQuery {
    cursor: Option<String>,
    page_size: Option<usize>,
}

/// Entries of a page when the query does not say.
const PAGE: usize = 50;
/// The longest page.
const LONGEST_PAGE: usize = 200;

impl PageQuery {
    /// Cuts a page. `path` and the other parameters of the query go into the links to its neighbours.
    ///
    /// # Errors
    /// 404 for a cursor that is none of ours.
    pub(in crate::ultravox) fn cut(&self, all: Vec<Value>, link: &str) -> Result<Value, Refusal> {
        let start = match &self.cursor {
            Some(cursor) => decode(cursor).ok_or(Refusal::NotFound)?,
            None => 0,
        };
        let size = self.page_size.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
        let total = all.len();
        let separator = if link.contains('?') { '&' } else { '?' };
        let to = |at: usize| format!("{link}{separator}cursor={}&pageSize={size}", encode(at));
        let next = (start + size < total).then(|| to(start + size));
        let previous = (start > 0).then(|| to(start.saturating_sub(size)));
        let results: Vec<Value> = all.into_iter().skip(start).take(size).collect();
        Ok(json!({"next": next, "previous": previous, "results": results, "total": total}))
    }
}

/// Cursors are opaque: a client that counts on their form would break on the real ones.
fn encode(at: usize) -> String {
    data_encoding::BASE64URL_NOPAD.encode(format!("p={at}").as_bytes())
}

fn decode(cursor: &str) -> Option<usize> {
    let bytes = data_encoding::BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix("p=")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor_of(page: &Value) -> Option<String> {
        let (_, rest) = page["next"].as_str()?.split_once("cursor=")?;
        rest.split('&').next().map(str::to_owned)
    }

    #[test]
    fn following_the_cursor_reads_everything_once() {
        let all: Vec<Value> = (0..7).map(Value::from).collect();
        let mut seen = Vec::new();
        let mut query = PageQuery { page_size: Some(3), cursor: None };
        loop {
            let page = query.cut(all.clone(), "http://x/api/calls").expect("a page");
            seen.extend(page["results"].as_array().expect("a list").clone());
            match cursor_of(&page) {
                Some(cursor) => query.cursor = Some(cursor),
                None => break,
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_foreign_cursor_is_not_found() {
        let query = PageQuery { cursor: Some("3".to_owned()), page_size: None };
        assert_eq!(query.cut(Vec::new(), "x"), Err(Refusal::NotFound));
    }
}

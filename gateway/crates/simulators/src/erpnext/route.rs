//! From method and path to what is asked for. Pure.
//!
//! v1 is complete for documents and methods; of v2 there are documents,
//! counts and methods.

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::failure::Version;

/// The longest path that is counted on its own, in bytes.
const MAX_LABEL: usize = 512;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Call(String),
    List(String),
    Create(String),
    Count(String),
    Read(String, String),
    Update(String, String),
    Delete(String, String),
    RunOnDocument(String, String),
    /// The path is known, the HTTP method is not: the value of `Allow`.
    NotAllowed(&'static str),
    UnknownEndpoint,
    /// Not a path of the API.
    Page,
    /// `OPTIONS`: an empty answer, whatever the path.
    Nothing,
}

/// Reads a path as it stood on the request line.
pub(super) fn route(method: &Method, path: &str) -> (Version, Route) {
    let path = percent_decode_str(path).decode_utf8_lossy();
    if *method == Method::OPTIONS {
        return (Version::V1, Route::Nothing);
    }
    let Some(rest) = path.strip_prefix("/api/") else { return (Version::V1, Route::Page) };
    match rest.split_once('/') {
        Some(("v1", rest)) => (Version::V1, route_v1(method, rest)),
        Some(("v2", rest)) => (Version::V2, route_v2(method, rest)),
        _ => (Version::V1, route_v1(method, rest)),
    }
}

fn route_v1(method: &Method, rest: &str) -> Route {
    match rest.split_once('/') {
        Some(("method", path)) if !path.is_empty() => Route::Call(path.trim_end_matches('/').to_owned()),
        Some(("resource", target)) if !target.is_empty() => documents(method, target, false),
        _ => Route::UnknownEndpoint,
    }
}

fn route_v2(method: &Method, rest: &str) -> Route {
    match rest.split_once('/') {
        Some(("method", path)) if !path.is_empty() => Route::Call(path.trim_end_matches('/').to_owned()),
        Some(("document", target)) if !target.is_empty() => documents(method, target, true),
        Some(("doctype", target)) => match target.strip_suffix("/count") {
            Some(doctype) if is_get(method) => Route::Count(doctype.to_owned()),
            Some(_) => Route::NotAllowed("GET, HEAD, OPTIONS"),
            None => Route::UnknownEndpoint,
        },
        _ => Route::UnknownEndpoint,
    }
}

fn is_get(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

fn documents(method: &Method, target: &str, v2: bool) -> Route {
    let (doctype, name) = target.split_once('/').unwrap_or((target, ""));
    let doctype = doctype.to_owned();
    let name = name.strip_suffix('/').unwrap_or(name).to_owned();
    if name.is_empty() {
        return match method.as_str() {
            "GET" | "HEAD" => Route::List(doctype),
            "POST" => Route::Create(doctype),
            _ => Route::NotAllowed("GET, HEAD, OPTIONS, POST"),
        };
    }
    match method.as_str() {
        "GET" | "HEAD" => Route::Read(doctype, name),
        "PUT" => Route::Update(doctype, name),
        "PATCH" if v2 => Route::Update(doctype, name),
        "DELETE" => Route::Delete(doctype, name),
        "POST" if !v2 => Route::RunOnDocument(doctype, name),
        _ if v2 => Route::NotAllowed("DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        _ => Route::NotAllowed("DELETE, GET, HEAD, OPTIONS, POST, PUT"),
    }
}

/// The name under which requests of this kind are counted. `None` for paths
/// that a client could make up without end.
pub(super) fn label(path: &str) -> Option<String> {
    let path = percent_decode_str(path).decode_utf8_lossy();
    if path.len() > MAX_LABEL {
        return None;
    }
    let mut parts = path.trim_start_matches('/').split('/');
    let mut label = String::new();
    loop {
        let part = parts.next()?;
        label.push('/');
        label.push_str(part);
        match part {
            "api" | "v1" | "v2" => {}
            "method" => return Some(format!("{label}/{}", parts.collect::<Vec<_>>().join("/"))),
            "resource" | "document" => {
                let doctype = parts.next()?;
                let name = if parts.next().is_some() { "/{name}" } else { "" };
                return Some(format!("{label}/{doctype}{name}"));
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_encoded_characters_and_slashes() {
        let (version, found) = route(&Method::PUT, "/api/resource/Voice%20Session/a%2Fb/c");
        assert_eq!((version, found), (Version::V1, Route::Update("Voice Session".into(), "a/b/c".into())));
        let (version, found) = route(&Method::PATCH, "/api/v2/document/ToDo/x");
        assert_eq!((version, found), (Version::V2, Route::Update("ToDo".into(), "x".into())));
    }

    #[test]
    fn only_v2_knows_patch() {
        assert!(matches!(route(&Method::PATCH, "/api/resource/ToDo/x").1, Route::NotAllowed(_)));
        assert_eq!(route(&Method::GET, "/api/nothing").1, Route::UnknownEndpoint);
        assert_eq!(route(&Method::GET, "/app").1, Route::Page);
    }

    #[test]
    fn requests_are_counted_without_document_names() {
        assert_eq!(label("/api/resource/Voice%20Session/s-1").as_deref(), Some("/api/resource/Voice Session/{name}"));
        assert_eq!(label("/api/method/ping").as_deref(), Some("/api/method/ping"));
        assert_eq!(label("/whatever"), None);
    }
}

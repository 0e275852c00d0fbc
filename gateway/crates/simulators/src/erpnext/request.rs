//! One request as Frappe reads it: the site it is for, its arguments, its user.

use std::collections::HashMap;

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Uri, header},
};
use data_encoding::BASE64;
use serde_json::{Map, Value};

use super::{
    document::Document,
    failure::{AUTHENTICATION, Failure, JSON_DECODE, Outcome, TYPE, VALIDATION},
    permission::Actor,
};

/// The longest address that is told apart, in bytes.
const MAX_ADDRESS: usize = 64;

/// A request with its whole body.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A user's secret and rights, by its API key.
pub(super) type Accounts = HashMap<String, (String, Actor)>;

impl Call {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The site that is meant: the header of that name, else the host.
    pub(super) fn site(&self) -> &str {
        if let Some(site) = self.header("x-frappe-site-name") {
            return site;
        }
        let host = self.header("host").or_else(|| self.uri.host()).unwrap_or_default();
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(h, _)| h)
    }

    /// Who a rate limit by address counts: the first entry of
    /// `X-Forwarded-For`, as forgeable here as it is there, but no longer
    /// than an address.
    pub(super) fn address(&self) -> &str {
        let forwarded = self.header("x-forwarded-for").and_then(|list| list.split(',').next());
        let address = forwarded.map(str::trim).filter(|first| !first.is_empty()).unwrap_or("127.0.0.1");
        address.get(..MAX_ADDRESS).unwrap_or(address)
    }

    fn is_json(&self) -> bool {
        let kind = self.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    }

    /// The arguments: a JSON body alone, or else the query and a form.
    pub(super) fn form(&self) -> Outcome<Map<String, Value>> {
        if self.is_json() && !self.body.is_empty() {
            return match serde_json::from_slice(&self.body) {
                Ok(Value::Object(map)) => Ok(map),
                Ok(list @ Value::Array(_)) => Ok(Map::from_iter([("data".to_owned(), list)])),
                Ok(_) => Err(Failure::thrown(VALIDATION, "Invalid request arguments")),
                Err(error) => {
                    let text = format!("Expecting value: line {} column {}", error.line(), error.column());
                    Err(Failure::raised(JSON_DECODE, text))
                }
            };
        }
        let query = self.uri.query().unwrap_or_default().as_bytes();
        let kind = self.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let body: &[u8] = if kind.starts_with("application/x-www-form-urlencoded") { &self.body } else { b"" };
        let pairs = url::form_urlencoded::parse(query).chain(url::form_urlencoded::parse(body));
        Ok(pairs.map(|(key, value)| (key.into_owned(), Value::from(value.into_owned()))).collect())
    }

    /// The user that the `Authorization` header names; nobody without one.
    pub(super) fn actor(&self, accounts: &Accounts) -> Outcome<Actor> {
        let header = self.header(header::AUTHORIZATION.as_str()).unwrap_or_default();
        let Some((scheme, token)) = header.split_once(' ').filter(|(_, token)| !token.contains(' ')) else {
            return Ok(Actor::guest());
        };
        let pair = match scheme.to_ascii_lowercase().as_str() {
            "token" => Some(token.to_owned()),
            "basic" => BASE64.decode(token.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok()),
            _ => None,
        };
        pair.as_deref()
            .and_then(|pair| pair.split_once(':'))
            .and_then(|(key, secret)| accounts.get(key).filter(|(own, _)| own == secret))
            .map(|(_, actor)| actor.clone())
            .ok_or_else(|| Failure::raised(AUTHENTICATION, ""))
    }
}

/// The document in the arguments: a key `data` is the whole of it.
pub(super) fn document_of(form: &Map<String, Value>) -> Outcome<Document> {
    match form.get("data") {
        None => Ok(form.clone()),
        Some(Value::Object(document)) => Ok(document.clone()),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(document)) => Ok(document),
            _ => Ok(form.clone()),
        },
        Some(_) => Err(Failure::raised(TYPE, "the document must be a dict")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn call(headers: &[(&'static str, &str)], body: &'static str) -> Call {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let uri = Uri::from_static("/api/method/x?a=1");
        Call { method: Method::POST, uri, headers: map, body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn the_query_is_not_read_beside_a_json_body() {
        let json = ("content-type", "application/json");
        assert!(call(&[json], "{\"b\":2}").form().unwrap().get("a").is_none());
        assert_eq!(call(&[json], "").form().unwrap()["a"], "1");
        assert_eq!(call(&[json], "{bad").form().unwrap_err().exc_type(), "JSONDecodeError");
        assert_eq!(call(&[json], "3").form().unwrap_err().exc_type(), "ValidationError");
    }

    #[test]
    fn the_site_header_wins_over_the_host() {
        assert_eq!(call(&[("host", "a.localhost:80")], "").site(), "a.localhost");
        assert_eq!(call(&[("host", "a.localhost"), ("x-frappe-site-name", "b")], "").site(), "b");
    }

    #[test]
    fn a_header_that_ends_as_nobody_is_refused() {
        let actor = Actor { email: "g@x".into(), roles: Vec::new() };
        let accounts = Accounts::from([("k".to_owned(), ("s".to_owned(), actor))]);
        for good in ["token k:s", "Token k:s", "Basic azpz"] {
            assert_eq!(call(&[("authorization", good)], "").actor(&accounts).unwrap().email, "g@x");
        }
        for bad in ["token k:t", "token k", "Basic !", "Bearer k:s"] {
            assert!(call(&[("authorization", bad)], "").actor(&accounts).is_err(), "{bad}");
        }
        assert!(call(&[], "").actor(&accounts).unwrap().is_guest());
    }
}

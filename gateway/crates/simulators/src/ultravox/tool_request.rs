//! From a tool's definition and the arguments of the model to the HTTP request, as a pure function.
//!
//! Nothing is added that the definition does not declare: no call id, no tool name, no wrapper object.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use url::Url;

use super::create::tool::{Credential, Implementation, Known, Location, Source, Tool};

/// What the service knows about a call when it fills in automatic parameters.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) call_id: &'a str,
    pub(super) stage_id: &'a str,
    pub(super) state: &'a Map<String, Value>,
    pub(super) metadata: &'a Map<String, Value>,
    pub(super) history: Value,
    pub(super) call_token: &'a str,
}

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// The parameters with location BODY, as top-level keys; `None` when there are none.
    pub(super) body: Option<Map<String, Value>>,
}

/// Why a request cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PrepareError {
    #[error("the tool is not called over HTTP")]
    NotHttp,
    #[error("the address is not valid once its parameters are filled in")]
    Url,
    #[error("a header of the request is not valid")]
    Header,
}

/// Builds the request of an HTTP tool.
///
/// # Errors
/// When a parameter does not fit the place that the definition gives it.
pub(super) fn prepare(
    tool: &Tool,
    arguments: &Map<String, Value>,
    facts: &Facts<'_>,
) -> Result<Prepared, PrepareError> {
    let Implementation::Http { url: pattern, method } = &tool.implementation else { return Err(PrepareError::NotHttp) };
    let mut pattern = pattern.clone();
    let mut query: Vec<(String, String)> = Vec::new();
    let mut headers = HeaderMap::new();
    let mut body = Map::new();
    for parameter in &tool.parameters {
        let Some(value) = value_of(&parameter.source, &parameter.name, arguments, facts) else { continue };
        match parameter.location {
            Location::Body => drop(body.insert(parameter.name.clone(), value)),
            Location::Query => query.push((parameter.name.clone(), plain(&value))),
            Location::Header => insert(&mut headers, &parameter.name, &plain(&value))?,
            Location::Path => {
                let encoded = utf8_percent_encode(&plain(&value), NON_ALPHANUMERIC).to_string();
                pattern = pattern.replace(&format!("{{{}}}", parameter.name), &encoded);
            }
        }
    }
    for credential in &tool.credentials {
        match credential {
            Credential::Header { name, token } => insert(&mut headers, name, token)?,
            Credential::Query { name, token } => query.push((name.clone(), token.clone())),
            Credential::CallToken => insert(&mut headers, "X-Ultravox-Call-Token", facts.call_token)?,
        }
    }
    let mut url = Url::parse(&pattern).map_err(|_| PrepareError::Url)?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(Prepared { method: method.clone(), url, headers, body: (!body.is_empty()).then_some(body) })
}

/// The parameters as a client or data-connection tool receives them: one object.
pub(super) fn parameters(tool: &Tool, arguments: &Map<String, Value>, facts: &Facts<'_>) -> Map<String, Value> {
    tool.parameters
        .iter()
        .filter_map(|parameter| {
            let value = value_of(&parameter.source, &parameter.name, arguments, facts)?;
            Some((parameter.name.clone(), value))
        })
        .collect()
}

fn value_of(source: &Source, name: &str, arguments: &Map<String, Value>, facts: &Facts<'_>) -> Option<Value> {
    match source {
        Source::Dynamic { .. } => arguments.get(name).cloned(),
        Source::Static(value) => Some(value.clone()),
        Source::Automatic(known) => Some(match known {
            Known::CallId => facts.call_id.into(),
            Known::CallStageId => facts.stage_id.into(),
            Known::CallState => facts.state.clone().into(),
            Known::CallMetadata => facts.metadata.clone().into(),
            Known::ConversationHistory => facts.history.clone(),
            // The output rate of every call here: no audio is produced that could have another one.
            Known::OutputSampleRate => 48_000.into(),
        }),
    }
}

/// A value outside the body: a string as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), PrepareError> {
    let name = HeaderName::try_from(name).map_err(|_| PrepareError::Header)?;
    let value = HeaderValue::try_from(value).map_err(|_| PrepareError::Header)?;
    headers.insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::create::tool::{Parameter, Reaction};
    use super::*;

    fn tool(url: &str, parameters: Vec<Parameter>, credentials: Vec<Credential>) -> Tool {
        Tool {
            name: "t".to_owned(),
            description: String::new(),
            parameters,
            credentials,
            timeout: std::time::Duration::from_secs(1),
            reaction: Reaction::Speaks,
            static_response: None,
            implementation: Implementation::Http { url: url.to_owned(), method: Method::POST },
            listed: Value::Null,
        }
    }

    fn parameter(name: &str, location: Location, source: Source) -> Parameter {
        Parameter { name: name.to_owned(), location, source }
    }

    fn prepared(tool: &Tool, arguments: &Value) -> Result<Prepared, PrepareError> {
        let (state, metadata) = (Map::new(), Map::from_iter([("sid".to_owned(), json!("s_1"))]));
        let facts = Facts {
            call_id: "c-1",
            stage_id: "g-1",
            state: &state,
            metadata: &metadata,
            history: json!([]),
            call_token: "token",
        };
        prepare(tool, arguments.as_object().expect("an object"), &facts)
    }

    #[test]
    fn body_parameters_are_top_level_keys_and_nothing_is_added() {
        let dynamic = Source::Dynamic { required: true };
        let tool = tool(
            "http://gw/tools/t",
            vec![
                parameter("customer_name", Location::Body, dynamic),
                parameter("call_id", Location::Body, Source::Automatic(Known::CallId)),
                parameter("meta", Location::Body, Source::Automatic(Known::CallMetadata)),
                parameter("site", Location::Body, Source::Static(json!("x"))),
            ],
            vec![Credential::Header { name: "X-Tool-Token".to_owned(), token: "secret".to_owned() }],
        );
        let request = prepared(&tool, &json!({"customer_name": "Ada", "invented": 1})).expect("a request");
        let expected = json!({"customer_name": "Ada", "call_id": "c-1", "meta": {"sid": "s_1"}, "site": "x"});
        assert_eq!(request.body.map(Value::Object), Some(expected));
        assert_eq!(request.headers["x-tool-token"], "secret");
        assert_eq!(request.url.as_str(), "http://gw/tools/t");
    }

    #[test]
    fn query_path_and_header_parameters_go_where_they_are_declared() {
        let dynamic = || Source::Dynamic { required: false };
        let tool = tool(
            "http://gw/orders/{order}/x",
            vec![
                parameter("order", Location::Path, dynamic()),
                parameter("q", Location::Query, dynamic()),
                parameter("X-N", Location::Header, dynamic()),
            ],
            vec![Credential::Query { name: "key".to_owned(), token: "k&1".to_owned() }, Credential::CallToken],
        );
        let request = prepared(&tool, &json!({"order": "a/b", "q": "two words", "X-N": 3})).expect("a request");
        assert_eq!(request.url.as_str(), "http://gw/orders/a%2Fb/x?q=two+words&key=k%261");
        assert_eq!(request.headers["x-n"], "3");
        assert_eq!(request.headers["x-ultravox-call-token"], "token");
        assert_eq!(request.body, None);
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_an_error() {
        let tool =
            tool("http://gw/", vec![parameter("X-N", Location::Header, Source::Dynamic { required: true })], vec![]);
        assert_eq!(prepared(&tool, &json!({"X-N": "a\nb"})), Err(PrepareError::Header));
    }
}

//! The tools as Ultravox is told of them when a call is created.

use std::time::Duration;

use neoron_protocol::SessionId;
use serde_json::{Value, json};

use super::Tool;
use crate::app::App;

/// Parameters in the body, as top-level keys.
const BODY: &str = "PARAMETER_LOCATION_BODY";

/// `selectedTools` of the create-call body: a business's tools with this session's token, and the built-in that lets
/// the agent end the call.
pub(crate) fn selected(app: &App, business: &str, session: SessionId, tool_token: &str) -> Vec<Value> {
    let tools = app.tools.profile(business).into_iter().flat_map(|profile| profile.tools.values());
    let ours = tools.map(|tool| one(tool, &app.config.public_url, session, tool_token));
    ours.chain([json!({"toolName": "hangUp"})]).collect()
}

fn one(tool: &Tool, public_url: &str, session: SessionId, tool_token: &str) -> Value {
    json!({
        "temporaryTool": {
            "modelToolName": tool.name,
            "description": tool.spec.description,
            "dynamicParameters": dynamic(&tool.spec.parameters),
            "staticParameters": [
                {"name": "X-Session-Id", "location": "PARAMETER_LOCATION_HEADER", "value": session.as_str()},
            ],
            "automaticParameters": [
                {"name": "call_id", "location": BODY, "knownValue": "KNOWN_PARAM_CALL_ID"},
            ],
            "requirements": {"httpSecurityOptions": {"options": [
                {"requirements": {"toolToken": {"headerApiKey": {"name": "X-Tool-Token"}}}},
            ]}},
            // The default of 2.5 s is shorter than a busy ERPNext.
            "timeout": seconds(tool.spec.timeout),
            "http": {
                "baseUrlPattern": format!("{}/v1/tools/{}", public_url.trim_end_matches('/'), tool.name),
                "httpMethod": "POST",
            },
        },
        // Listed tools leave these out; static parameters they show.
        "authTokens": {"toolToken": tool_token},
    })
}

fn dynamic(schema: &Value) -> Vec<Value> {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, schema)| {
            let required = required.iter().any(|it| it == name);
            json!({"name": name, "location": BODY, "schema": schema, "required": required})
        })
        .collect()
}

/// A duration as protobuf writes it: `10s`, `2.5s`.
fn seconds(span: Duration) -> String {
    format!("{}s", span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use neoron_protocol::UnixMillis;

    use super::*;
    use crate::tools::{Tools, samples};

    #[test]
    fn a_tool_carries_its_token_where_it_is_never_listed() {
        let tools = Tools::compile(&samples::businesses()).unwrap();
        let tool = tools.profile("restaurant").unwrap().tool("placeOrder").unwrap();
        let session = SessionId::new(UnixMillis(1), [0; 10]);
        let told = one(tool, "https://voice.example.com/", session, "canary");
        assert_eq!(told["authTokens"]["toolToken"], "canary");
        assert!(!told["temporaryTool"].to_string().contains("canary"));
        assert_eq!(told["temporaryTool"]["http"]["baseUrlPattern"], "https://voice.example.com/v1/tools/placeOrder");
        assert_eq!(told["temporaryTool"]["timeout"], "10s");
        let items = told["temporaryTool"]["dynamicParameters"].as_array().unwrap().iter();
        let items: Vec<&Value> = items.filter(|parameter| parameter["name"] == "items").collect();
        assert_eq!((items.len(), &items[0]["required"]), (1, &json!(true)));
    }

    #[test]
    fn fractions_of_a_second_are_kept() {
        assert_eq!(seconds(Duration::from_millis(2_500)), "2.5s");
    }
}

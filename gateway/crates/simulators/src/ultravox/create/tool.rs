//! `selectedTools`: what each tool is called, what it takes and where its request goes.
//!
//! Reads and checks definitions. Building a request from one is the business of `tool_request`.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::fields::Fields;
use super::links;

/// The documented default: a tool that takes longer is given up.
pub(in crate::ultravox) const DEFAULT_TIMEOUT: Duration = Duration::from_millis(2500);
/// The documented maximum.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(40);

/// Where a parameter goes in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ultravox) enum Location {
    Query,
    Path,
    Header,
    Body,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ultravox) enum Source {
    /// The model chooses it.
    Dynamic { required: bool },
    /// Fixed by the definition or by an override.
    Static(Value),
    /// Filled in by the service.
    Automatic(Known),
}

/// What the service can fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ultravox) enum Known {
    CallId,
    ConversationHistory,
    OutputSampleRate,
    CallState,
    CallStageId,
    CallMetadata,
}

#[derive(Debug, Clone, PartialEq)]
pub(in crate::ultravox) struct Parameter {
    pub(in crate::ultravox) name: String,
    pub(in crate::ultravox) location: Location,
    pub(in crate::ultravox) source: Source,
}

/// Proof of who calls, taken from `authTokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ultravox) enum Credential {
    Header {
        name: String,
        token: String,
    },
    Query {
        name: String,
        token: String,
    },
    /// The token that only the service itself can verify.
    CallToken,
}

/// Who executes a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ultravox) enum Implementation {
    Http {
        url: String,
        method: http::Method,
    },
    Client,
    DataConnection,
    /// The built-in that ends the call.
    HangUp,
}

/// What the agent does with a result unless the reply says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ultravox) enum Reaction {
    Speaks,
    Listens,
    SpeaksOnce,
}

/// One tool of a call.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ultravox) struct Tool {
    pub(in crate::ultravox) name: String,
    pub(in crate::ultravox) description: String,
    pub(in crate::ultravox) parameters: Vec<Parameter>,
    pub(in crate::ultravox) credentials: Vec<Credential>,
    pub(in crate::ultravox) timeout: Duration,
    pub(in crate::ultravox) reaction: Reaction,
    pub(in crate::ultravox) static_response: Option<String>,
    pub(in crate::ultravox) implementation: Implementation,
    /// The definition as it was given, without `authTokens`: what `GET /calls/{id}/tools` answers.
    pub(in crate::ultravox) listed: Value,
}

const MOST_TOOLS: usize = 100;
const MOST_PARAMETERS: usize = 100;

/// Reads `selectedTools`. `default_timeout` applies to tools that name none.
pub(super) fn read(body: &Fields<'_>, default_timeout: Duration) -> Vec<Tool> {
    let mut tools: Vec<Tool> = Vec::new();
    for fields in body.children("selectedTools", MOST_TOOLS) {
        let Some(tool) = selected(&fields, default_timeout) else { continue };
        if tools.iter().any(|other| other.name == tool.name) {
            fields.complain("nameOverride", format!("The tool name \"{}\" is used twice.", tool.name));
        }
        tools.push(tool);
    }
    tools
}

fn selected(fields: &Fields<'_>, default_timeout: Duration) -> Option<Tool> {
    const CHOICES: [&str; 3] = ["toolId", "toolName", "temporaryTool"];
    const OTHERS: [&str; 4] = ["nameOverride", "descriptionOverride", "authTokens", "parameterOverrides"];
    fields.only(&[&CHOICES[..], &OTHERS[..]].concat());
    fields.choice(&CHOICES, 1, "toolName");
    let name = fields.text("nameOverride");
    if name.is_some_and(|name| !is_tool_name(name)) {
        fields.complain("nameOverride", NAME_RULE);
    }
    let overrides = fields.map("parameterOverrides").cloned().unwrap_or_default();
    let tokens: HashMap<String, String> = fields.text_map("authTokens").into_iter().collect();
    let mut tool = match (fields.text("toolId").or(fields.text("toolName")), fields.child("temporaryTool")) {
        (Some(built_in), None) => built_in_tool(fields, built_in)?,
        (None, Some(definition)) => temporary(&definition, &tokens, &overrides, default_timeout)?,
        _ => return None,
    };
    tool.name = name.unwrap_or(&tool.name).to_owned();
    tool.description = fields.text("descriptionOverride").unwrap_or(&tool.description).to_owned();
    Some(tool)
}

/// The id under which the documentation lists the built-in.
const HANG_UP_ID: &str = "56294126-5a7d-4948-b67d-3b7e13d55ea7";

fn built_in_tool(fields: &Fields<'_>, name: &str) -> Option<Tool> {
    if name != "hangUp" && name != HANG_UP_ID {
        fields.complain("toolName", format!("Tool \"{name}\" does not exist."));
        return None;
    }
    Some(Tool {
        name: "hangUp".to_owned(),
        description: "Ends the call.".to_owned(),
        parameters: vec![
            Parameter {
                name: "reason".to_owned(),
                location: Location::Body,
                source: Source::Dynamic { required: false },
            },
            Parameter { name: "strict".to_owned(), location: Location::Body, source: Source::Static(true.into()) },
        ],
        credentials: Vec::new(),
        timeout: DEFAULT_TIMEOUT,
        reaction: Reaction::Listens,
        static_response: None,
        implementation: Implementation::HangUp,
        listed: serde_json::json!({"toolId": HANG_UP_ID, "name": "hangUp"}),
    })
}

const NAME_RULE: &str = "A tool name has 1 to 64 letters, digits, underscores or hyphens.";

fn is_tool_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn temporary(
    fields: &Fields<'_>,
    tokens: &HashMap<String, String>,
    overrides: &Map<String, Value>,
    default_timeout: Duration,
) -> Option<Tool> {
    fields.only(&[
        "modelToolName",
        "description",
        "dynamicParameters",
        "staticParameters",
        "automaticParameters",
        "requirements",
        "timeout",
        "precomputable",
        "http",
        "client",
        "dataConnection",
        "defaultReaction",
        "staticResponse",
    ]);
    fields.choice(&["http", "client", "dataConnection"], 1, "http");
    fields.boolean("precomputable");
    let timeout = fields.duration("timeout").unwrap_or(default_timeout);
    if timeout > LONGEST_TIMEOUT {
        fields.complain("timeout", "Must be at most 40s.");
    }
    let name = fields.required_text("modelToolName")?;
    if !is_tool_name(name) {
        fields.complain("modelToolName", NAME_RULE);
    }
    let implementation = implementation(fields)?;
    let parameters = parameters(fields, overrides, &implementation);
    let static_response = fields.child("staticResponse").and_then(|response| response.text("responseText"));
    Some(Tool {
        name: name.to_owned(),
        description: fields.text("description").unwrap_or_default().to_owned(),
        parameters,
        credentials: credentials(fields, tokens),
        timeout,
        reaction: reaction(fields),
        static_response: static_response.map(str::to_owned),
        implementation,
        listed: listed(fields, name),
    })
}

/// What the tools list shows of a definition. Static parameters are shown as they are, which is why a secret belongs
/// into `authTokens`.
fn listed(fields: &Fields<'_>, name: &str) -> Value {
    let shown = [
        "modelToolName",
        "description",
        "dynamicParameters",
        "staticParameters",
        "automaticParameters",
        "timeout",
        "http",
        "client",
        "dataConnection",
        "defaultReaction",
    ];
    let definition: Map<String, Value> =
        shown.iter().filter_map(|key| fields.value(key).map(|value| ((*key).to_owned(), value.clone()))).collect();
    serde_json::json!({"name": name, "definition": definition})
}

fn reaction(fields: &Fields<'_>) -> Reaction {
    const WORDS: [&str; 3] = ["AGENT_REACTION_SPEAKS", "AGENT_REACTION_LISTENS", "AGENT_REACTION_SPEAKS_ONCE"];
    match fields.word("defaultReaction", &WORDS) {
        Some("AGENT_REACTION_LISTENS") => Reaction::Listens,
        Some("AGENT_REACTION_SPEAKS_ONCE") => Reaction::SpeaksOnce,
        _ => Reaction::Speaks,
    }
}

fn implementation(fields: &Fields<'_>) -> Option<Implementation> {
    if let Some(http) = fields.child("http") {
        http.only(&["baseUrlPattern", "httpMethod"]);
        let text = http.required_text("baseUrlPattern")?;
        let method = http.word("httpMethod", &["GET", "POST", "PUT", "PATCH", "DELETE"]).unwrap_or("POST");
        links::url(&http, "baseUrlPattern", text, &["http", "https"])?;
        let method = method.parse().unwrap_or(http::Method::POST);
        return Some(Implementation::Http { url: text.to_owned(), method });
    }
    if fields.has("client") {
        return Some(Implementation::Client);
    }
    fields.has("dataConnection").then_some(Implementation::DataConnection)
}

fn parameters(fields: &Fields<'_>, overrides: &Map<String, Value>, to: &Implementation) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    for (list, source) in [("dynamicParameters", "schema"), ("staticParameters", "value"), ("automaticParameters", "")]
    {
        for each in fields.children(list, MOST_PARAMETERS) {
            let Some(parameter) = parameter(&each, source) else { continue };
            if parameter.location != Location::Body && !matches!(to, Implementation::Http { .. }) {
                each.complain("location", "Only body parameters are possible for this kind of tool.");
            }
            parameters.push(parameter);
        }
    }
    for (name, value) in overrides {
        match parameters.iter_mut().find(|parameter| &parameter.name == name) {
            Some(parameter) => parameter.source = Source::Static(value.clone()),
            None => fields.complain("parameterOverrides", format!("There is no parameter \"{name}\".")),
        }
    }
    parameters
}

fn parameter(each: &Fields<'_>, source: &str) -> Option<Parameter> {
    const LOCATIONS: [&str; 4] =
        ["PARAMETER_LOCATION_QUERY", "PARAMETER_LOCATION_PATH", "PARAMETER_LOCATION_HEADER", "PARAMETER_LOCATION_BODY"];
    let name = each.required_text("name")?;
    each.required_text("location")?;
    let location = match each.word("location", &LOCATIONS)? {
        "PARAMETER_LOCATION_QUERY" => Location::Query,
        "PARAMETER_LOCATION_PATH" => Location::Path,
        "PARAMETER_LOCATION_HEADER" => Location::Header,
        _ => Location::Body,
    };
    let source = match source {
        "schema" => {
            each.only(&["name", "location", "schema", "required"]);
            each.map("schema");
            Source::Dynamic { required: each.boolean("required").unwrap_or(false) }
        }
        "value" => {
            each.only(&["name", "location", "value"]);
            Source::Static(each.value("value").cloned().unwrap_or_default())
        }
        _ => {
            each.only(&["name", "location", "knownValue"]);
            Source::Automatic(known(each)?)
        }
    };
    Some(Parameter { name: name.to_owned(), location, source })
}

fn known(each: &Fields<'_>) -> Option<Known> {
    match each.required_text("knownValue")? {
        "KNOWN_PARAM_CALL_ID" => Some(Known::CallId),
        "KNOWN_PARAM_CONVERSATION_HISTORY" => Some(Known::ConversationHistory),
        "KNOWN_PARAM_OUTPUT_SAMPLE_RATE" => Some(Known::OutputSampleRate),
        "KNOWN_PARAM_CALL_STATE" => Some(Known::CallState),
        "KNOWN_PARAM_CALL_STAGE_ID" => Some(Known::CallStageId),
        "KNOWN_PARAM_CALL_METADATA" => Some(Known::CallMetadata),
        other => {
            each.complain("knownValue", format!("\"{other}\" is not a valid choice."));
            None
        }
    }
}

/// The first non-empty option that the tokens satisfy is used; an open one only when no other can be met.
fn credentials(fields: &Fields<'_>, tokens: &HashMap<String, String>) -> Vec<Credential> {
    let options = fields.child("requirements").and_then(|requirements| {
        requirements.only(&["httpSecurityOptions", "requiredParameterOverrides"]);
        requirements.child("httpSecurityOptions")
    });
    let Some(options) = options else { return Vec::new() };
    let options = options.children("options", 10);
    let mut open = options.is_empty();
    for option in &options {
        option.only(&["requirements", "ultravoxCallTokenRequirement"]);
        match met(option, tokens) {
            Some(credentials) if credentials.is_empty() => open = true,
            Some(credentials) => return credentials,
            None => {}
        }
    }
    if !open {
        fields.complain("requirements", "The authTokens satisfy none of the security options.");
    }
    Vec::new()
}

fn met(option: &Fields<'_>, tokens: &HashMap<String, String>) -> Option<Vec<Credential>> {
    let mut credentials = Vec::new();
    if option.has("ultravoxCallTokenRequirement") {
        credentials.push(Credential::CallToken);
    }
    let Some(requirements) = option.child("requirements") else { return Some(credentials) };
    for key in option.map("requirements")?.keys() {
        let requirement = requirements.child(key)?;
        let token = tokens.get(key)?.clone();
        credentials.push(credential(&requirement, token)?);
    }
    Some(credentials)
}

fn credential(requirement: &Fields<'_>, token: String) -> Option<Credential> {
    const KINDS: [&str; 3] = ["queryApiKey", "headerApiKey", "httpAuth"];
    requirement.only(&KINDS);
    requirement.choice(&KINDS, 1, "headerApiKey");
    if let Some(key) = requirement.child("queryApiKey") {
        return Some(Credential::Query { name: key.required_text("name")?.to_owned(), token });
    }
    if let Some(key) = requirement.child("headerApiKey") {
        return Some(Credential::Header { name: key.required_text("name")?.to_owned(), token });
    }
    let scheme = requirement.child("httpAuth")?.required_text("scheme")?.to_owned();
    Some(Credential::Header { name: "Authorization".to_owned(), token: format!("{scheme} {token}") })
}

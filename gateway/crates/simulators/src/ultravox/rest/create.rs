//! `POST /api/calls` and `POST /api/agents/{id}/calls`: from a body to a call that waits for its participant.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::body;
use super::error::Refusal;
use crate::ultravox::call::Call;
use crate::ultravox::create::{self, AGENT_CALL_FIELDS, fields};
use crate::ultravox::world::{NewCall, World};

/// The parameters of a creation.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CreateQuery {
    prior_call_id: Option<String>,
    enable_greeting_prompt: Option<bool>,
}

type Created = Result<(StatusCode, Json<Value>), Refusal>;

pub(super) async fn call(
    State(world): State<Arc<World>>,
    Query(query): Query<CreateQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Created {
    disturb(&world).await?;
    let mut body = body::object(body)?;
    let mut agent = None;
    if let Some(id) = &query.prior_call_id {
        let prior = world.call(id).ok_or(Refusal::NotFound)?;
        agent.clone_from(&prior.agent);
        body = continued(&prior, body);
    }
    start(&world, &body, agent, query.enable_greeting_prompt.unwrap_or(true))
}

pub(super) async fn agent_call(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Created {
    disturb(&world).await?;
    let template = world.options.agents.iter().find(|agent| agent.agent_id == id).ok_or(Refusal::NotFound)?;
    let given = body::object(body)?;
    let complaints = std::cell::RefCell::new(fields::Complaints::default());
    fields::Fields::root(&given, &complaints).only(&AGENT_CALL_FIELDS);
    let complaints = complaints.into_inner();
    if !complaints.0.is_empty() {
        return Err(Refusal::Invalid(complaints));
    }
    let agent = Some((template.agent_id.clone(), template.name.clone()));
    start(&world, &from_template(&template.call_template, given), agent, true)
}

fn start(world: &Arc<World>, body: &Map<String, Value>, agent: Option<(String, String)>, greeting: bool) -> Created {
    let plan = create::check(body, world.defaults()).map_err(Refusal::Invalid)?;
    let call = world.create(NewCall { plan, agent, greeting }).map_err(Refusal::TooMany)?;
    Ok((StatusCode::CREATED, Json(call.object())))
}

/// Applies the faults of a creation.
async fn disturb(world: &World) -> Result<(), Refusal> {
    let latency = world.faults.borrow().create_latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut failure = None;
    world.faults.send_modify(|faults| failure = faults.fail_creation());
    match failure {
        Some((status, retry_after)) => Err(Refusal::Fault { status, retry_after }),
        None => Ok(()),
    }
}

/// The properties of the earlier call, overridden by the body; what was said then is what the call begins with.
fn continued(prior: &Call, body: Map<String, Value>) -> Map<String, Value> {
    let mut merged = prior.plan.body.clone();
    let mut said: Vec<Value> = prior.plan.initial_messages.iter().cloned().map(Value::Object).collect();
    said.extend(prior.record().messages.iter().map(as_initial));
    merged.insert("initialMessages".to_owned(), said.into());
    merged.extend(body);
    merged
}

/// Keeps the fields of a message that an initial message may have.
fn as_initial(message: &Value) -> Value {
    let kept = ["role", "text", "invocationId", "toolName", "medium"];
    let fields = kept.iter().filter_map(|key| {
        message.get(key).filter(|value| !value.is_null()).map(|value| ((*key).to_owned(), value.clone()))
    });
    Value::Object(fields.collect())
}

/// The agent's template with the call's own fields over it.
fn from_template(template: &Map<String, Value>, mut given: Map<String, Value>) -> Map<String, Value> {
    let mut body = template.clone();
    given.remove("templateContext");
    if let Some(overrides) = given.remove("toolOverrides") {
        override_tools(&mut body, &overrides);
    }
    body.extend(given);
    body
}

fn override_tools(body: &mut Map<String, Value>, overrides: &Value) {
    let mut tools = body.get("selectedTools").and_then(Value::as_array).cloned().unwrap_or_default();
    let removed = overrides["remove"].as_array().cloned().unwrap_or_default();
    let all = overrides["removeAll"] == Value::Bool(true);
    tools.retain(|tool| {
        let names = [&tool["nameOverride"], &tool["toolName"], &tool["temporaryTool"]["modelToolName"]];
        !all && !names.iter().any(|name| removed.contains(name))
    });
    tools.extend(overrides["add"].as_array().cloned().unwrap_or_default());
    body.insert("selectedTools".to_owned(), tools.into());
}

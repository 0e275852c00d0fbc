//! Reading calls, deleting them, and sending data messages into them.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::mpsc::error::TrySendError;

use super::body::{self, PageQuery};
use super::error::Refusal;
use crate::ultravox::call::{Call, Command};
use crate::ultravox::create::fields::Complaints;
use crate::ultravox::wire::ClientMessage;
use crate::ultravox::world::World;

type Answer = Result<Json<Value>, Refusal>;

fn find(world: &World, id: &str) -> Result<Arc<Call>, Refusal> {
    world.call(id).ok_or(Refusal::NotFound)
}

/// The address of a list, for the links between its pages.
fn link(world: &World, path: &str) -> String {
    format!("{}/api/{path}", world.socket_base.replacen("ws", "http", 1))
}

/// Newest first; `metadata.<key>=<value>` filters.
pub(super) async fn list(
    State(world): State<Arc<World>>,
    Query(page): Query<PageQuery>,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    let wanted: Vec<(&str, &str)> =
        query.iter().filter_map(|(key, value)| Some((key.strip_prefix("metadata.")?, value.as_str()))).collect();
    let mut calls = world.objects();
    calls.retain(|call| wanted.iter().all(|(key, value)| call["metadata"][*key] == *value));
    let filters: Vec<String> = wanted.iter().map(|(key, value)| format!("metadata.{key}={value}")).collect();
    let path = if filters.is_empty() { "calls".to_owned() } else { format!("calls?{}", filters.join("&")) };
    page.cut(calls, &link(&world, &path)).map(Json)
}

pub(super) async fn read(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    Ok(Json(find(&world, &id)?.object()))
}

/// Only a call that has ended can be deleted.
pub(super) async fn delete(State(world): State<Arc<World>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    if !find(&world, &id)?.has_ended() {
        return Err(Refusal::StillLive);
    }
    world.books().remove(&id);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn messages(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Answer {
    let messages = find(&world, &id)?.record().messages.clone();
    page.cut(messages, &link(&world, &format!("calls/{id}/messages"))).map(Json)
}

pub(super) async fn tools(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    Ok(Json(json!({"results": find(&world, &id)?.listed_tools()})))
}

/// 204, or 422 when the call is not live.
pub(super) async fn send_data_message(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Refusal> {
    let call = find(&world, &id)?;
    let message = data_message(Value::Object(body::object(body)?))?;
    if !call.is_live() {
        return Err(Refusal::NotLive);
    }
    match call.commands.try_send(Command::Data(message)) {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(TrySendError::Closed(_)) => Err(Refusal::NotLive),
        Err(TrySendError::Full(_)) => Err(Refusal::TooMany(std::time::Duration::from_secs(1))),
    }
}

/// Three types may be sent over the API.
fn data_message(body: Value) -> Result<ClientMessage, Refusal> {
    let complain = |key: &str, text: &str| {
        let complaint = (key.to_owned(), vec![text.to_owned()]);
        Refusal::Invalid(Complaints(std::iter::once(complaint).collect()))
    };
    match body["type"].as_str() {
        Some("user_text_message" | "forced_agent_message" | "hang_up") => {
            serde_json::from_value(body).map_err(|error| complain("message", &error.to_string()))
        }
        _ => Err(complain("type", "Not a valid choice.")),
    }
}

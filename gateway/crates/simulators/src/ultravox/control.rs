//! `/_control`: looking into the simulator and making things happen in it. The real service has nothing like it.
//!
//! It has no key: the simulator belongs on localhost.

use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::call::{Call, Command, EndReason};
use super::faults::Faults;
use super::records::{CallView, Delivery, ToolRequest};
use super::rest::body;
use super::rest::error::Refusal;
use super::sockets;
use super::world::World;

type Body = Result<Bytes, BytesRejection>;

pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/calls", get(async |State(world): State<Arc<World>>| Json(calls(&world))))
        .route("/tool_requests", get(async |State(world): State<Arc<World>>| Json(tool_requests(&world))))
        .route("/deliveries", get(async |State(world): State<Arc<World>>| Json(deliveries(&world))))
        .route("/faults", get(read_faults).post(set_faults))
        .route("/calls/{id}/say", post(say_to))
        .route("/calls/{id}/join", post(join_it))
        .route("/calls/{id}/end", post(end_it))
        .route("/reset", post(reset))
}

/// Everything that is known of the calls, newest first.
pub(super) fn calls(world: &World) -> Vec<CallView> {
    let calls: Vec<Arc<Call>> = world.books().calls().cloned().collect();
    let view = |call: &Arc<Call>| {
        let object = call.object();
        let record = call.record();
        CallView {
            call: object,
            messages: record.messages.clone(),
            state: record.state.clone(),
            audio_frames: record.audio_frames,
            data_connections: record.data_connections,
        }
    };
    calls.iter().map(view).collect()
}

pub(super) fn tool_requests(world: &World) -> Vec<ToolRequest> {
    world.books().tool_requests.iter().cloned().collect()
}

pub(super) fn deliveries(world: &World) -> Vec<Delivery> {
    world.books().deliveries.iter().cloned().collect()
}

/// Speaks as if the visitor did.
pub(super) async fn say(call: &Call, text: String) -> Result<(), Refusal> {
    if !call.is_live() {
        return Err(Refusal::NotLive);
    }
    call.commands.send(Command::Spoken(text)).await.map_err(|_| Refusal::NotLive)
}

/// Pretends that a participant joined, without any socket.
pub(super) async fn join(world: &World, call: &Call) -> Result<(), Refusal> {
    if call.has_ended() {
        return Err(Refusal::NotLive);
    }
    sockets::enter(world, call);
    call.commands.send(Command::Joined).await.map_err(|_| Refusal::NotLive)
}

/// Ends a call.
pub(super) async fn end(call: &Call, reason: EndReason) -> Result<(), Refusal> {
    call.commands.send(Command::End(reason)).await.map_err(|_| Refusal::NotLive)
}

async fn read_faults(State(world): State<Arc<World>>) -> Json<Faults> {
    Json(world.faults.borrow().clone())
}

/// Changes the faults that are named; the others stay as they are.
async fn set_faults(State(world): State<Arc<World>>, body: Body) -> Result<Json<Faults>, Refusal> {
    let changes = body::object(body)?;
    let before = world.faults.borrow().clone();
    let faults = merged(&before, changes).map_err(|error| Refusal::NotJson(error.to_string()))?;
    world.faults.send_replace(faults.clone());
    Ok(Json(faults))
}

fn merged(before: &Faults, changes: Map<String, Value>) -> Result<Faults, serde_json::Error> {
    let mut value = serde_json::to_value(before)?;
    if let Some(fields) = value.as_object_mut() {
        fields.extend(changes);
    }
    serde_json::from_value(value)
}

#[derive(Debug, Deserialize)]
struct Say {
    text: String,
}

#[derive(Debug, Deserialize)]
struct End {
    #[serde(default = "hangup")]
    reason: EndReason,
}

fn hangup() -> EndReason {
    EndReason::Hangup
}

async fn say_to(State(world): State<Arc<World>>, Path(id): Path<String>, body: Body) -> Result<StatusCode, Refusal> {
    let Say { text } = read(body)?;
    say(&*world.call(&id).ok_or(Refusal::NotFound)?, text).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn join_it(State(world): State<Arc<World>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    join(&world, &*world.call(&id).ok_or(Refusal::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn end_it(State(world): State<Arc<World>>, Path(id): Path<String>, body: Body) -> Result<StatusCode, Refusal> {
    let End { reason } = read(body)?;
    end(&*world.call(&id).ok_or(Refusal::NotFound)?, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reset(State(world): State<Arc<World>>) -> StatusCode {
    world.reset();
    StatusCode::NO_CONTENT
}

fn read<T: serde::de::DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let object = body::object(body)?;
    serde_json::from_value(Value::Object(object)).map_err(|error| Refusal::NotJson(error.to_string()))
}

//! `/api/webhooks`: registering, reading, changing and removing account webhooks.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::body::{self, PageQuery};
use super::error::Refusal;
use crate::ultravox::registration::Registration;
use crate::ultravox::world::World;

type Answer = Result<Json<Value>, Refusal>;
type Body = Result<Bytes, BytesRejection>;

/// Registrations of one account. The real number is not documented.
const MOST_REGISTRATIONS: usize = 100;

pub(super) async fn list(State(world): State<Arc<World>>, Query(page): Query<PageQuery>) -> Answer {
    let all = world.books().registrations.iter().map(Registration::object).collect();
    let link = format!("{}/api/webhooks", world.socket_base.replacen("ws", "http", 1));
    page.cut(all, &link).map(Json)
}

pub(super) async fn create(State(world): State<Arc<World>>, body: Body) -> Result<(StatusCode, Json<Value>), Refusal> {
    let body = body::object(body)?;
    let mut registration = Registration::new("", &[]);
    registration.apply(&body, false).map_err(Refusal::Invalid)?;
    registration.webhook_id = world.ids.uuid();
    registration.created = world.clock.now();
    if registration.secrets.is_empty() {
        registration.secrets.push(world.ids.token());
    }
    let object = registration.object();
    let mut books = world.books();
    if books.registrations.len() >= MOST_REGISTRATIONS {
        return Err(Refusal::TooMany(std::time::Duration::from_secs(60)));
    }
    books.registrations.push(registration);
    Ok((StatusCode::CREATED, Json(object)))
}

pub(super) async fn read(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    with(&world, &id, |registration| Ok(registration.object())).map(Json)
}

pub(super) async fn replace(State(world): State<Arc<World>>, Path(id): Path<String>, body: Body) -> Answer {
    update(&world, &id, body, false)
}

pub(super) async fn change(State(world): State<Arc<World>>, Path(id): Path<String>, body: Body) -> Answer {
    update(&world, &id, body, true)
}

fn update(world: &World, id: &str, body: Body, partial: bool) -> Answer {
    let body = body::object(body)?;
    let updated = with(world, id, |registration| {
        registration.apply(&body, partial).map_err(Refusal::Invalid)?;
        Ok(registration.object())
    });
    updated.map(Json)
}

pub(super) async fn delete(State(world): State<Arc<World>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    with(&world, &id, |_| Ok(()))?;
    world.books().registrations.retain(|registration| registration.webhook_id != id);
    Ok(StatusCode::NO_CONTENT)
}

fn with<T>(world: &World, id: &str, act: impl FnOnce(&mut Registration) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let mut books = world.books();
    let registration = books.registrations.iter_mut().find(|registration| registration.webhook_id == id);
    act(registration.ok_or(Refusal::NotFound)?)
}

//! The control API under `/_control`: documents, faults, counters and the
//! webhook's target, for tests and for whoever plays the staff in the demo.
//!
//! | route under `/_control` | does |
//! |---|---|
//! | `GET /` | the staff's page |
//! | `GET /documents?doctype=&limit=` | lists documents, orders unless asked otherwise |
//! | `POST /documents/status` | `{doctype, name, status, estimated_time?}`, with the webhook |
//! | `GET /faults`, `POST /faults` | reads or replaces `Faults` |
//! | `POST /menu` | `{menu_item, price?, available?}` |
//! | `GET /requests` | counts of requests by method and path |
//! | `POST /webhook` | `{url, secret}`; without `url` nothing is sent any more |
//! | `GET /webhooks` | what became of the webhooks |
//! | `POST /reset` | forgets everything |
//!
//! It asks nobody who they are, so it belongs on loopback. The one thing it
//! does refuse is a change that a page of another origin sends through a
//! visitor's browser.

mod page;

use std::sync::Arc;

use axum::{
    Form, Json, Router,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{
    Faults, WebhookTarget,
    business::Change,
    doctype::ORDER,
    failure::{Failure, Version},
    server::{Inner, values},
};

/// Documents listed unless asked otherwise, and at most.
const LISTED: usize = 100;
const MAX_LISTED: usize = 1_000;

/// The routes of the control API.
pub(super) fn router(inner: Arc<Inner>) -> Router<Arc<Inner>> {
    Router::new()
        .route("/_control", get(|| async { Redirect::permanent("/_control/") }))
        .route("/_control/", get(page::show))
        .route("/_control/style.css", get(page::style))
        .route("/_control/advance", post(advance))
        .route("/_control/documents", get(documents))
        .route("/_control/documents/status", post(set_status))
        .route("/_control/faults", get(faults).post(set_faults))
        .route("/_control/menu", post(set_menu))
        .route("/_control/requests", get(requests))
        .route("/_control/webhook", post(set_webhook))
        .route("/_control/webhooks", get(deliveries))
        .route("/_control/reset", post(reset))
        .layer(middleware::from_fn(own_origin_only))
        .with_state(inner)
}

/// Refuses what a browser sends for a page of another origin.
async fn own_origin_only(request: Request, next: Next) -> Response {
    if is_foreign(request.headers()) {
        return (StatusCode::FORBIDDEN, "another origin").into_response();
    }
    next.run(request).await
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    text(header::ORIGIN).is_some_and(|origin| origin.split_once("://").map(|(_, host)| host) != text(header::HOST))
}

/// A refusal of the control API: the site's own error body.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status(), Json(self.body(Version::V1, false))).into_response()
    }
}

#[derive(Deserialize)]
struct Listing {
    doctype: Option<String>,
    limit: Option<usize>,
}

async fn documents(State(inner): State<Arc<Inner>>, Query(query): Query<Listing>) -> Result<Json<Value>, Failure> {
    let doctype = query.doctype.as_deref().unwrap_or(ORDER.name);
    let found = inner.documents(doctype, query.limit.unwrap_or(LISTED).min(MAX_LISTED))?;
    Ok(Json(json!({"documents": values(found)})))
}

#[derive(Deserialize)]
struct Advance {
    doctype: String,
    name: String,
    status: String,
    estimated_time: Option<u32>,
}

impl Advance {
    fn run(&self, inner: &Inner) -> Result<Value, Failure> {
        inner.set_status(&self.doctype, &self.name, &self.status, self.estimated_time).map(Value::Object)
    }
}

async fn set_status(State(inner): State<Arc<Inner>>, Json(change): Json<Advance>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({"document": change.run(&inner)?})))
}

async fn advance(State(inner): State<Arc<Inner>>, Form(change): Form<Advance>) -> Result<Redirect, Failure> {
    change.run(&inner)?;
    Ok(Redirect::to("/_control/"))
}

async fn faults(State(inner): State<Arc<Inner>>) -> Json<Faults> {
    Json(inner.faults())
}

async fn set_faults(State(inner): State<Arc<Inner>>, Json(faults): Json<Faults>) -> Json<Faults> {
    inner.set_faults(faults);
    Json(inner.faults())
}

async fn set_menu(State(inner): State<Arc<Inner>>, Json(change): Json<Change>) -> StatusCode {
    if inner.change_menu(&change) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn requests(State(inner): State<Arc<Inner>>) -> Json<Value> {
    Json(json!({"requests": inner.requests()}))
}

async fn deliveries(State(inner): State<Arc<Inner>>) -> Json<Value> {
    Json(json!({"webhooks": inner.deliveries()}))
}

/// Without a URL nothing is sent any more.
#[derive(Deserialize)]
struct Target {
    url: Option<String>,
    #[serde(default)]
    secret: String,
}

async fn set_webhook(State(inner): State<Arc<Inner>>, Json(target): Json<Target>) -> StatusCode {
    let url = match target.url.as_deref().map(Url::parse).transpose() {
        Ok(url) => url,
        Err(_) => return StatusCode::UNPROCESSABLE_ENTITY,
    };
    inner.set_target(url.map(|url| WebhookTarget { url, secret: target.secret }));
    StatusCode::NO_CONTENT
}

async fn reset(State(inner): State<Arc<Inner>>) -> StatusCode {
    inner.reset();
    StatusCode::NO_CONTENT
}

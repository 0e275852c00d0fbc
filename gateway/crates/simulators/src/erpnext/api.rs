//! What the site answers to one request. Synchronous: the caller holds the
//! site's lock and a worker's place.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    doctype::{self, DocType},
    document,
    failure::{DOES_NOT_EXIST, Failure, Outcome, PERMISSION, Version},
    limit::{Limits, SiteLimit},
    method::{self, Args},
    permission::Actor,
    query,
    request::{Accounts, Call, document_of},
    route::{Route, route},
    site::Site,
};

/// An answer before it is written.
#[derive(Debug)]
pub(super) enum Answer {
    Json { status: StatusCode, body: Value, headers: Vec<(&'static str, String)>, user: Option<String> },
    Html { status: StatusCode, text: String, allow: Option<&'static str> },
}

impl Answer {
    pub(super) fn html(status: StatusCode, text: impl Into<String>) -> Self {
        Self::Html { status, text: text.into(), allow: None }
    }

    pub(super) fn refused(failure: &Failure, version: Version, tracebacks: bool) -> Self {
        Self::Json {
            status: failure.status(),
            body: failure.body(version, tracebacks),
            headers: failure.headers().to_vec(),
            user: None,
        }
    }
}

/// What of the options matters to an answer.
pub(super) struct Settings<'a> {
    pub(super) site: &'a str,
    pub(super) tracebacks: bool,
    pub(super) site_limit: Option<SiteLimit>,
    pub(super) accounts: &'a Accounts,
}

/// Answers a request.
pub(super) fn answer(settings: &Settings<'_>, site: &mut Site, limits: &mut Limits, call: &Call) -> Answer {
    if !call.site().eq_ignore_ascii_case(settings.site) {
        return Answer::html(StatusCode::NOT_FOUND, "<h1>Not Found</h1><p>This site does not exist.</p>");
    }
    let (version, route) = route(&call.method, call.uri.path());
    match act(settings, site, limits, call, version, route) {
        Ok(answer) => answer,
        Err(failure) => Answer::refused(&failure, version, settings.tracebacks),
    }
}

fn act(
    settings: &Settings<'_>,
    site: &mut Site,
    limits: &mut Limits,
    call: &Call,
    version: Version,
    route: Route,
) -> Outcome<Answer> {
    let form = call.form()?;
    limits.admit(settings.site_limit, site.clock.now())?;
    let actor = call.actor(settings.accounts)?;
    let key = if version == Version::V2 { "data" } else { "message" };
    let (status, key, value) = match route {
        Route::Page => return Ok(Answer::html(StatusCode::NOT_FOUND, "<h1>Page not found</h1>")),
        Route::Nothing => return Ok(Answer::html(StatusCode::OK, "")),
        Route::NotAllowed(allow) => {
            let text = "<!doctype html><title>405 Method Not Allowed</title><h1>Method Not Allowed</h1>".to_owned();
            return Ok(Answer::Html { status: StatusCode::METHOD_NOT_ALLOWED, text, allow: Some(allow) });
        }
        Route::UnknownEndpoint => return Err(Failure::raised(DOES_NOT_EXIST, "")),
        Route::Call(path) => (StatusCode::OK, key, run(site, limits, &actor, call, &path, &form)?),
        Route::Count(doctype) => {
            let count = query::count(site, &actor, find_doctype(&doctype)?, &form)?;
            (StatusCode::OK, "data", count.into())
        }
        Route::Delete(doctype, name) => {
            document::delete(site, &actor, find_doctype(&doctype)?, &name)?;
            (StatusCode::ACCEPTED, "data", "ok".into())
        }
        route => (StatusCode::OK, "data", documents(site, &actor, &form, route)?),
    };
    let mut body = json!({});
    body[key] = value;
    Ok(Answer::Json { status, body, headers: Vec::new(), user: Some(actor.email) })
}

fn documents(site: &mut Site, actor: &Actor, form: &Map<String, Value>, route: Route) -> Outcome<Value> {
    match route {
        Route::List(doctype) => query::list(site, actor, find_doctype(&doctype)?, form).map(Value::Array),
        Route::Create(doctype) => {
            document::create(site, actor, find_doctype(&doctype)?, &document_of(form)?).map(Value::Object)
        }
        Route::Read(doctype, name) => document::read(site, actor, find_doctype(&doctype)?, &name).map(Value::Object),
        Route::Update(doctype, name) => {
            document::update(site, actor, find_doctype(&doctype)?, &name, &document_of(form)?).map(Value::Object)
        }
        // No controller of these doctypes has a whitelisted method.
        _ => Err(Failure::thrown(PERMISSION, "This method is not whitelisted")),
    }
}

fn find_doctype(name: &str) -> Outcome<&'static DocType> {
    doctype::find(name).ok_or_else(|| Failure::thrown(DOES_NOT_EXIST, format!("DocType {name} not found")))
}

fn run(
    site: &mut Site,
    limits: &mut Limits,
    actor: &Actor,
    call: &Call,
    path: &str,
    form: &Map<String, Value>,
) -> Outcome<Value> {
    let method = method::find(path)?;
    let run = method::admit(method, actor, call.method == axum::http::Method::POST)?;
    if let Some(limit) = method.limit {
        limits.call(method.path, call.address(), limit, site.clock.now())?;
    }
    run(site, actor, &Args::new(path, form))
}

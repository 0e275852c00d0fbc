//! The demo's website: a page for each business with the popup on it, and the grant endpoint that a WordPress plugin
//! has. It runs on an origin of its own, so that the browser treats it as it treats any customer's site.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, Result};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
    routing::{get, post},
};
use data_encoding::BASE64URL_NOPAD;
use neoron_protocol::grant::{Claims, MAX_WINDOW_SECONDS, MintingKey, mint};
use neoron_store::{Clock as _, SystemClock};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use super::world::SITE;
use crate::random;

/// The page, with marks where texts go.
const PAGE: &str = include_str!("page.html");
/// The longest call that the demo grants, in seconds.
const MAX_SECONDS: u32 = 900;

/// What a business's page says: id, name, claim, what to try.
const BUSINESSES: [(&str, &str, &str, &str); 4] = [
    (
        "restaurant",
        "Neoron Pizza",
        "Wood-fired, since this afternoon.",
        "Two margherita pizzas and a cola for pickup, name Ada.",
    ),
    ("appointment", "Salon Neoron", "A good cut is a matter of time.", "A haircut tomorrow at ten, name Ada."),
    (
        "support",
        "Neoron Support",
        "Something does not work? Tell us once.",
        "My router has been offline since this morning, name Ada.",
    ),
    ("general", "Neoron Reception", "We are here when you are.", "When are you open?"),
];

/// The running site. Dropping it ends it.
pub(super) struct Site {
    address: SocketAddr,
    server: JoinHandle<()>,
}

struct Shop {
    key: MintingKey,
    origins: [String; 2],
    gateway: String,
    staff: String,
}

impl Site {
    /// Begins to serve.
    ///
    /// # Errors
    /// If the listener has no address.
    pub(super) fn start(listener: TcpListener, key: MintingKey, gateway: &str, staff: &str) -> Result<Self> {
        let address = listener.local_addr().context("the site's listener has no address")?;
        let origins = ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{}", address.port()));
        let shop = Shop { key, origins, gateway: gateway.to_owned(), staff: staff.to_owned() };
        let router = Router::new()
            .route("/", get(page))
            .route("/wp-json/neoron/v1/grant", post(grant))
            .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
            .with_state(Arc::new(shop));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the demo's site stopped");
            }
        });
        Ok(Self { address, server })
    }

    /// Its base.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it.
    pub(super) fn stop(&self) {
        self.server.abort();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Deserialize)]
struct Wanted {
    business: Option<String>,
}

async fn page(State(shop): State<Arc<Shop>>, Query(wanted): Query<Wanted>) -> Html<String> {
    let asked = wanted.business.as_deref().unwrap_or_default();
    let business = BUSINESSES.iter().find(|(id, ..)| *id == asked).unwrap_or(&BUSINESSES[0]);
    let (id, name, claim, example) = business;
    let link = |(other, title, ..): &(&str, &str, &str, &str)| {
        let current = if other == id { r#" aria-current="page""# } else { "" };
        format!(r#"<a href="/?business={other}"{current}>{title}</a>"#)
    };
    let texts = [
        ("{{business}}", (*id).to_owned()),
        ("{{name}}", (*name).to_owned()),
        ("{{claim}}", (*claim).to_owned()),
        ("{{example}}", (*example).to_owned()),
        ("{{links}}", BUSINESSES.iter().map(link).collect()),
        ("{{gateway}}", shop.gateway.clone()),
        ("{{staff}}", shop.staff.clone()),
    ];
    Html(texts.iter().fold(PAGE.to_owned(), |page, (mark, text)| page.replace(mark, text)))
}

#[derive(Deserialize)]
struct GrantRequest {
    business: String,
    #[serde(default)]
    language: Option<String>,
}

/// Mints a grant for the page that asks. No cookies are looked at, and another origin's page cannot read the answer.
async fn grant(State(shop): State<Arc<Shop>>, headers: HeaderMap, Json(asked): Json<GrantRequest>) -> Response {
    if !BUSINESSES.iter().any(|(id, ..)| *id == asked.business) {
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"message": "there is no such business"})))
            .into_response();
    }
    let named = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let origin = match named {
        None => &shop.origins[0],
        Some(named) => match shop.origins.iter().find(|origin| *origin == named) {
            Some(origin) => origin,
            None => return StatusCode::FORBIDDEN.into_response(),
        },
    };
    let jti = BASE64URL_NOPAD.encode(&random::bytes::<16>());
    let mut claims = Claims::for_visit(SITE, origin, &asked.business, &jti, SystemClock.now(), MAX_SECONDS);
    if let Some(language) = asked.language.filter(|it| (1..=16).contains(&it.len())) {
        claims.loc = language;
    }
    let body: Value = json!({"grant": mint(&claims, &shop.key), "expires_in": MAX_WINDOW_SECONDS});
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

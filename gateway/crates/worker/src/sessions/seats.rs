//! How many calls go on at once: of a site, and from one network of clients. Both are seats in the store, counted over
//! all workers; the session holds them under its own id from its making to its end.
//!
//! Giving a seat back twice changes nothing, so whoever learns of an end gives it back. If everybody dies, the lease
//! does: it is as long as the longest call.

use std::time::Duration;

use neoron_protocol::SessionId;
use neoron_store::{Seated, StoreError};

use crate::{app::App, record::Record};

/// What a call may last beyond its longest talk: being made, joined and told about.
const MARGIN: Duration = Duration::from_secs(120);

/// The lease of a call of at most `max_seconds`.
pub(super) fn call_lease(max_seconds: u32) -> Duration {
    Duration::from_secs(u64::from(max_seconds)) + MARGIN
}

/// Takes one of a site's seats, or prolongs the session's own. `false` if all are taken.
pub(super) async fn sit_for_site(
    app: &App,
    site: &str,
    session: SessionId,
    lease: Duration,
) -> Result<bool, StoreError> {
    // A site that is configured no longer takes no new sessions.
    let cap = app.config.sites.get(site).map_or(0, |site| site.max_calls);
    sit(app, &of_site(site), session, cap, lease).await
}

/// Takes one of a network's seats, or prolongs the session's own. `false` if all are taken. A request that names no
/// network, and a limit of 0, take none.
pub(super) async fn sit_for_network(
    app: &App,
    network: Option<&str>,
    session: SessionId,
    lease: Duration,
) -> Result<bool, StoreError> {
    let cap = app.config.calls_per_network;
    match network {
        Some(network) if cap > 0 => sit(app, &of_network(network), session, cap, lease).await,
        _ => Ok(true),
    }
}

async fn sit(app: &App, scope: &str, session: SessionId, cap: u32, lease: Duration) -> Result<bool, StoreError> {
    let seated = app.store.sit(scope, session.as_str(), cap, lease).await?;
    Ok(matches!(seated, Seated::Taken { .. }))
}

/// Seats of a site that are free.
pub(super) async fn free_of_site(app: &App, site: &str) -> Result<u32, StoreError> {
    let cap = app.config.sites.get(site).map_or(0, |site| site.max_calls);
    Ok(cap.saturating_sub(app.store.seated(&of_site(site)).await?))
}

/// Gives a session's seats back.
///
/// # Errors
/// If the store fails; the seats are then free when their leases are over.
pub(crate) async fn rise(app: &App, record: &Record) -> Result<(), StoreError> {
    app.store.rise(&of_site(&record.site), record.session.as_str()).await?;
    rise_of_network(app, record.network.as_deref(), record.session).await
}

/// Gives the seat of a network back.
///
/// # Errors
/// As [`rise`].
pub(super) async fn rise_of_network(app: &App, network: Option<&str>, session: SessionId) -> Result<(), StoreError> {
    match network {
        Some(network) => app.store.rise(&of_network(network), session.as_str()).await,
        None => Ok(()),
    }
}

/// As [`rise`], where there is something better to do than to wait for a store that fails.
pub(super) async fn try_rise(app: &App, record: &Record) {
    if let Err(error) = rise(app, record).await {
        tracing::debug!(session = %record.session, %error, "seats are free when their leases are over");
    }
}

fn of_site(site: &str) -> String {
    format!("site:{site}")
}

fn of_network(network: &str) -> String {
    format!("net:{network}")
}

//! The waiting room: who finds no room for a call waits for one, first come first served, in a queue of the site's own.
//!
//! A place is the id of the session that is to be, and a ticket that only the visitor has. What was asked for is kept
//! with the place, so that the grant, which lives for a minute, is not needed again. Who does not ask for
//! [`PATIENCE`] loses the place; nobody waits longer than [`LONGEST`].

use std::{sync::Arc, time::Duration};

use neoron_protocol::{ErrorCode, SessionId, UnixMillis};
use neoron_store::Joined;

use super::{
    create::{self, Visit},
    seats,
    view::{Answer, Place as PlaceView},
};
use crate::{
    app::App,
    http::{auth, problem::Refusal},
};

/// How long a place is kept for somebody who does not ask.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long anybody waits.
const LONGEST: Duration = Duration::from_secs(600);
/// A network's seat outlives the patience, so that it is still there at the next question.
const SEAT_LEASE: Duration = Duration::from_secs(60);
/// How soon to ask again: the next in line soon, the others later, nobody close to losing the place.
const ASK_FIRST: Duration = Duration::from_secs(1);
const ASK_FOR_EACH: Duration = Duration::from_millis(250);
const ASK_LAST: Duration = Duration::from_secs(8);
/// Spread over this, so that those who came together do not ask together.
const ASK_SPREAD_MILLIS: u32 = 500;
/// When a visitor may come again for whom not even a place was left: calls last minutes, but one of many ends soon.
const NO_ROOM_AFTER: Duration = Duration::from_secs(5);

/// Whether it is the turn of who has `ahead` others before: there is room for all of them.
pub(super) fn is_turn(ahead: u32, free_here: u32, free_of_site: u32) -> bool {
    ahead < free_here.min(free_of_site)
}

fn ask_again_in(ahead: u32, chance: u32) -> Duration {
    let wait = (ASK_FIRST + ASK_FOR_EACH * ahead.min(1_000)).min(ASK_LAST);
    wait + Duration::from_millis(u64::from(chance % ASK_SPREAD_MILLIS))
}

/// Names a place: the id of the session to be, and whose room it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    session: SessionId,
    site: String,
}

impl Place {
    /// Reads `s_….site`.
    fn parse(text: &str) -> Option<Self> {
        let (session, site) = text.split_once('.')?;
        let session = SessionId::parse(session).ok()?;
        (1..=64).contains(&site.len()).then(|| Self { session, site: site.to_owned() })
    }

    /// Its name in the room: without the ticket nobody finds it.
    fn holder(&self, ticket: &str) -> String {
        format!("{}:{}", self.session, auth::hash_token(ticket))
    }

    fn view(&self, app: &App, ahead: u32, of: u32, ticket: Option<String>) -> PlaceView {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        PlaceView {
            id: format!("{}.{}", self.session, self.site),
            ticket,
            ahead,
            of,
            ask_again_in: millis(ask_again_in(ahead, u32::from_be_bytes(app.random.bytes()))),
            patience: millis(PATIENCE),
        }
    }
}

/// Joins the room of a site at its end.
///
/// # Errors
/// 429 `too_many_calls` if the network has as many as it may: who waits counts as well, or one network could fill the
/// room. 503 `no_room` if the room is full; 503 if the store fails.
pub(super) async fn join(app: &App, session: SessionId, visit: Visit) -> Result<Answer, Refusal> {
    let place = Place { session, site: visit.claims.iss.clone() };
    let network = visit.network.clone();
    if !seats::sit_for_network(app, network.as_deref(), session, SEAT_LEASE).await? {
        return Err(create::network_is_full());
    }
    let ticket = auth::new_token(&*app.random);
    // Strings and numbers: serialisation cannot fail.
    let body = serde_json::to_string(&visit).unwrap_or_default();
    let cap = app.config.waiting_room;
    match app.store.join(&place.site, &place.holder(&ticket), body, cap, PATIENCE).await? {
        Joined::Waits(waiting) => Ok(Answer::Waits(place.view(app, waiting.ahead, waiting.of, Some(ticket)))),
        Joined::Full { .. } => {
            seats::rise_of_network(app, network.as_deref(), session).await?;
            Err(Refusal::of(ErrorCode::NoRoom).after(NO_ROOM_AFTER))
        }
    }
}

/// Asks for a place: it is prolonged, and at its turn it becomes a session.
///
/// # Errors
/// 410 `waiting_over` if there is no such place; otherwise as for a new session. While there is no room the place stays.
pub(super) async fn ask(app: &Arc<App>, id: &str, ticket: Option<&str>) -> Result<Answer, Refusal> {
    create::may_start(app)?;
    let (place, holder) = find(id, ticket)?;
    let waiting = app.store.place(&place.site, &holder, PATIENCE).await?;
    let waiting = waiting.ok_or_else(|| Refusal::of(ErrorCode::WaitingOver))?;
    let visit = read(&waiting.body)?;
    if is_over(waiting.since, app.now()) {
        leave(app, id, ticket).await?;
        return Err(Refusal::of(ErrorCode::WaitingOver));
    }
    let (session, network) = (place.session, visit.network.clone());
    let again = Answer::Waits(place.view(app, waiting.ahead, waiting.of, None));
    let free = seats::free_of_site(app, &place.site).await?;
    if is_turn(waiting.ahead, app.local.room(app.config.capacity), free)
        && let Some(room) = create::take_room(app, session, &visit).await?
    {
        // Of two questions at once, one gets the session; the seats are that one's.
        if app.store.depart(&place.site, &holder).await? {
            return create::begin(app, session, visit, room).await.map(Answer::Created);
        }
        return Err(Refusal::of(ErrorCode::WaitingOver));
    }
    seats::sit_for_network(app, network.as_deref(), session, SEAT_LEASE).await?;
    Ok(again)
}

/// Leaves the room. Without a place it does nothing.
///
/// # Errors
/// 401 without a ticket, 503 if the store fails.
pub(super) async fn leave(app: &App, id: &str, ticket: Option<&str>) -> Result<(), Refusal> {
    let (place, holder) = find(id, ticket)?;
    let Some(waiting) = app.store.place(&place.site, &holder, PATIENCE).await? else { return Ok(()) };
    if app.store.depart(&place.site, &holder).await? {
        let visit = read(&waiting.body)?;
        seats::rise_of_network(app, visit.network.as_deref(), place.session).await?;
    }
    Ok(())
}

/// The place that an id and a ticket name together, and its name in the room.
fn find(id: &str, ticket: Option<&str>) -> Result<(Place, String), Refusal> {
    let place = Place::parse(id).ok_or_else(|| Refusal::of(ErrorCode::NotFound))?;
    let ticket = ticket.ok_or_else(|| Refusal::of(ErrorCode::TicketInvalid))?;
    let holder = place.holder(ticket);
    Ok((place, holder))
}

fn read(body: &str) -> Result<Visit, Refusal> {
    // Of a version of us that kept something else: the visitor starts anew.
    serde_json::from_str(body).map_err(|_| Refusal::of(ErrorCode::WaitingOver))
}

fn is_over(since: UnixMillis, now: UnixMillis) -> bool {
    now.since(since) >= LONGEST
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_is_ones_turn_when_there_is_room_for_all_before() {
        assert!(is_turn(0, 1, 1) && is_turn(2, 3, 9));
        assert!(!is_turn(0, 0, 9), "the worker is full");
        assert!(!is_turn(0, 9, 0), "the site is full");
        assert!(!is_turn(1, 1, 9), "the one before gets it");
    }

    #[test]
    fn nobody_is_told_to_ask_so_late_that_the_place_is_lost() {
        assert!(ask_again_in(0, 0) < ask_again_in(3, 0));
        for ahead in [0, 1, 50, u32::MAX] {
            assert!(ask_again_in(ahead, u32::MAX) < PATIENCE / 3, "{ahead}");
        }
    }

    #[test]
    fn a_place_is_found_by_its_id_and_ticket_together() {
        let session = SessionId::new(UnixMillis(1), [1; 10]);
        let id = format!("{session}.pizza.example_1");
        let place = Place::parse(&id).unwrap();
        assert_eq!(place, Place { session, site: "pizza.example_1".into() });
        assert_ne!(place.holder("a"), place.holder("b"));
        for wrong in
            ["", "s_1.pizza", session.as_str(), &format!("{session}."), &format!("{session}.{}", "x".repeat(65))]
        {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nobody_waits_for_ever() {
        let since = UnixMillis(1_000_000);
        assert!(!is_over(since, since.plus(LONGEST - Duration::from_millis(1))));
        assert!(is_over(since, since.plus(LONGEST)));
    }
}

//! Appointments: the services, free times held for a caller, booking and
//! cancelling.
//!
//! A time is never given twice: the whole site is locked while a booking
//! looks for its place, and the booking itself is what takes it.

use jiff::{SignedDuration, civil::DateTime};
use serde_json::{Value, json};

use super::{
    APP, answer,
    calendar::{HORIZON_DAYS, Now, Slot},
    invalid, look_up, money,
    money::CURRENCY,
    once,
    seed::{RESOURCES, SERVICES, Service},
};
use crate::erpnext::{
    clock::{format_seconds, parse_date, parse_naive},
    doctype::{APPOINTMENT, Right},
    document::{self, Document, text_of},
    failure::{Failure, Outcome, SLOT_TAKEN, UNKNOWN_SERVICE},
    method::Args,
    permission::{self, Actor},
    site::Site,
};

/// Seconds that offered times are held, unless asked otherwise.
const HOLD_SECONDS: i64 = 120;
/// The longest hold.
const MAX_HOLD_SECONDS: i64 = 600;
/// Times offered, unless asked otherwise.
const OFFERS: i64 = 5;
/// The most times offered: a day's worth.
const MAX_OFFERS: i64 = 16;
/// Times named when the wanted one is taken.
const ALTERNATIVES: usize = 3;

pub(in crate::erpnext) fn get_services(_: &mut Site, actor: &Actor, _: &Args<'_>) -> Outcome<Value> {
    permission::require(actor, &APPOINTMENT, Right::Read)?;
    let services: Vec<Value> = SERVICES
        .iter()
        .map(|service| {
            json!({
                "service_type": service.name, "service_name": service.title, "aliases": service.aliases,
                "duration": service.duration, "price": money::wire(service.price), "currency": CURRENCY,
            })
        })
        .collect();
    Ok(json!({"services": services}))
}

pub(in crate::erpnext) fn get_availability(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    permission::require(actor, &APPOINTMENT, Right::Read)?;
    let session = args.filled("session_id")?;
    let service = find_service(args.text("service_type")?)?;
    let limit = args.maybe_int("limit")?.unwrap_or(OFFERS).clamp(1, MAX_OFFERS);
    let seconds = args.maybe_int("hold_seconds")?.unwrap_or(HOLD_SECONDS).clamp(0, MAX_HOLD_SECONDS);
    let date = match args.maybe_text("date")? {
        None => None,
        Some(text) => Some(parse_date(text).ok_or_else(|| invalid(format!("{text} is not a date (YYYY-MM-DD)")))?),
    };
    let now = now(site);
    let from = date.unwrap_or(now.today).at(0, 0, 0, 0);
    let calendar = &mut site.shop.calendar;
    let limit = usize::try_from(limit).unwrap_or(1);
    let slots = calendar.free(session, from, date.is_some(), service.duration, limit, now);
    let offered: Vec<Value> = slots.iter().map(wire_slot).collect();
    let until = now.at + SignedDuration::from_secs(seconds);
    let held = if slots.is_empty() || seconds == 0 {
        calendar.release(session);
        false
    } else {
        calendar.hold(session, slots, until)
    };
    let held_until = held.then(|| format_seconds(site.clock.civil(until)));
    Ok(json!({
        "service_type": service.name, "service_name": service.title, "duration": service.duration,
        "price": money::wire(service.price), "currency": CURRENCY, "slots": offered, "held_until": held_until,
    }))
}

pub(in crate::erpnext) fn book_appointment(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let key = args.filled("idempotency_key")?;
    for name in ["session_id", "customer_name", "service_type", "start"] {
        args.text(name)?;
    }
    let input = args.copy(&["session_id", "customer_name", "customer_phone", "service_type", "start"])?;
    let made = once(site, actor, &APPOINTMENT, key, |_| Ok(input))?;
    let fields = &["doctype", "name", "status", "service_name", "start", "end", "price", "currency"];
    Ok(made.answer(fields))
}

pub(in crate::erpnext) fn cancel_appointment(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    args.filled("idempotency_key")?;
    args.filled("session_id")?;
    let found = look_up(site, actor, &APPOINTMENT, args.filled("appointment")?, None)?;
    let cancelled = text_of(&found, "status") == Some("Cancelled");
    let appointment = if cancelled {
        found
    } else {
        let mut change = Document::new();
        change.insert("status".into(), "Cancelled".into());
        if let Some(reason) = args.maybe_text("reason")? {
            change.insert("cancel_reason".into(), reason.into());
        }
        document::update(site, actor, &APPOINTMENT, text_of(&found, "name").unwrap_or_default(), &change)?
    };
    let mut cancellation = answer(&appointment, &["doctype", "name", "status"]);
    cancellation["created"] = (!cancelled).into();
    Ok(cancellation)
}

/// Hook before the insert: what the service is, and who serves when.
pub(in crate::erpnext) fn assign(site: &mut Site, appointment: &mut Document) -> Outcome<()> {
    let service = find_service(text_of(appointment, "service_type").unwrap_or_default())?;
    let text = text_of(appointment, "start").unwrap_or_default();
    let start = parse_naive(text)
        .map_err(|_| invalid(format!("{text} is not a time in the site's zone (YYYY-MM-DD HH:MM:SS)")))?;
    let session = text_of(appointment, "session_id").unwrap_or_default();
    let now = now(site);
    let calendar = &mut site.shop.calendar;
    let Some(slot) = calendar.place(session, start, service.duration, now) else {
        let from = if start.date() > last_day(now) { now.today.at(0, 0, 0, 0) } else { start };
        let near = calendar.free(session, from, false, service.duration, ALTERNATIVES, now);
        let near: Vec<Value> = near.iter().map(wire_slot).collect();
        return Err(Failure::thrown(SLOT_TAKEN, "This time is not free").in_app(APP).with("alternatives", near.into()));
    };
    for (field, value) in [
        ("service_type", Value::from(service.name)),
        ("service_name", service.title.into()),
        ("resource", RESOURCES[slot.resource].into()),
        ("start", format_seconds(slot.start).into()),
        ("end", format_seconds(slot.end).into()),
        ("price", money::wire(service.price)),
        ("currency", CURRENCY.into()),
    ] {
        appointment.insert(field.into(), value);
    }
    Ok(())
}

/// After a change was stored: takes the time, or gives it back.
pub(in crate::erpnext) fn keep_calendar(site: &mut Site, old: Option<&Document>, new: Option<&Document>) {
    let live = |document: Option<&Document>| {
        document.filter(|document| text_of(document, "status") != Some("Cancelled")).and_then(slot_of)
    };
    let calendar = &mut site.shop.calendar;
    match (live(old), live(new)) {
        (None, Some(slot)) => {
            calendar.book(slot);
            if let Some(session) = new.and_then(|document| text_of(document, "session_id")) {
                calendar.release(session);
            }
        }
        (Some(slot), None) => calendar.unbook(slot.resource, slot.start),
        _ => {}
    }
}

fn slot_of(appointment: &Document) -> Option<Slot> {
    let time = |field: &str| -> Option<DateTime> { parse_naive(text_of(appointment, field)?).ok() };
    let name = text_of(appointment, "resource")?;
    let resource = RESOURCES.iter().position(|resource| *resource == name)?;
    Some(Slot { resource, start: time("start")?, end: time("end")? })
}

fn now(site: &Site) -> Now {
    Now { at: site.clock.now(), today: site.clock.today() }
}

fn last_day(now: Now) -> jiff::civil::Date {
    now.today.saturating_add(jiff::Span::new().days(HORIZON_DAYS))
}

fn wire_slot(slot: &Slot) -> Value {
    json!({"start": format_seconds(slot.start), "end": format_seconds(slot.end)})
}

fn find_service(name: &str) -> Outcome<&'static Service> {
    SERVICES.iter().find(|service| service.name.eq_ignore_ascii_case(name.trim())).ok_or_else(|| {
        let known: Vec<_> = SERVICES.iter().map(|service| service.name).collect();
        let text = format!("{name} is not a service of ours");
        Failure::thrown(UNKNOWN_SERVICE, text).in_app(APP).with("services", known.into())
    })
}

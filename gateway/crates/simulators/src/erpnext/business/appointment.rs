//! Appointments: the services, free times held for a caller, booking and
//! cancelling.
//!
//! A time is never given twice: the whole site is locked while a booking
//! looks for its place, and the booking itself is what takes it.

use jiff::{SignedDuration, civil::DateTime};
use serde_json::{Value, json};

use super::{
    APP, Command, answer,
    calendar::{Calendar, Never, Now, Slot},
    invalid, look_up, money,
    money::CURRENCY,
    once,
    seed::{RESOURCES, SERVICES, Service},
    speech,
};
use crate::erpnext::{
    clock::{NotNaive, format_seconds, parse_date, parse_naive},
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
    let session = speech::key(args.text("session_id")?)?;
    let service = find_service(args.text("service_type")?)?;
    let limit = args.maybe_int("limit")?.unwrap_or(OFFERS).clamp(1, MAX_OFFERS);
    let seconds = hold_seconds(args)?;
    let date = args.maybe_text("date")?.map(read_date).transpose()?;
    let now = now(site);
    let from = date.unwrap_or(now.today).at(0, 0, 0, 0);
    let calendar = &mut site.shop.calendar;
    let limit = usize::try_from(limit).unwrap_or(1);
    let slots = calendar.free(session, from, date.is_some(), service.duration, limit, now);
    let offered: Vec<Value> = slots.iter().map(wire_slot).collect();
    let reason = offered.is_empty().then(|| match date {
        Some(date) => calendar.why_none(date, now).map_or("taken", Never::reason),
        None => "taken",
    });
    let held_until = hold(site, session, slots, seconds, now);
    let mut available = describe(service);
    available["slots"] = offered.into();
    available["held_until"] = held_until;
    available["reason"] = reason.into();
    Ok(available)
}

/// Holds one time for this session, in place of what it held before.
pub(in crate::erpnext) fn hold_slot(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    permission::require(actor, &APPOINTMENT, Right::Create)?;
    let session = speech::key(args.text("session_id")?)?;
    let service = find_service(args.text("service_type")?)?;
    let start = read_time(args.text("start")?)?;
    let seconds = hold_seconds(args)?;
    let now = now(site);
    let calendar = &mut site.shop.calendar;
    let Some(slot) = calendar.place(session, start, service.duration, now) else {
        return Err(taken("taken", "That time has just been taken.", near(calendar, session, start, service, now)));
    };
    let mut held = describe(service);
    held["start"] = format_seconds(slot.start).into();
    held["end"] = format_seconds(slot.end).into();
    held["held_until"] = hold(site, session, vec![slot], seconds, now);
    Ok(held)
}

/// Gives back what a session holds.
pub(in crate::erpnext) fn release_holds(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    permission::require(actor, &APPOINTMENT, Right::Create)?;
    let session = speech::key(args.text("session_id")?)?;
    let now = now(site);
    Ok(json!({"session_id": session, "released": site.shop.calendar.give_back(session, now)}))
}

/// What a call held is free when its record has ended.
pub(in crate::erpnext) fn release_when_over(site: &mut Site, old: Option<&Document>, new: Option<&Document>) {
    let status = |document: Option<&Document>| document.and_then(|it| text_of(it, "status")).map(str::to_owned);
    let over = matches!(status(new).as_deref(), Some("Completed" | "Failed"));
    if let Some(session) = new.and_then(|it| text_of(it, "name")).filter(|_| over && status(old) != status(new)) {
        site.shop.calendar.release(session);
    }
}

fn hold_seconds(args: &Args<'_>) -> Outcome<i64> {
    Ok(args.maybe_int("hold_seconds")?.unwrap_or(HOLD_SECONDS).clamp(0, MAX_HOLD_SECONDS))
}

/// Holds times in place of those held before, and tells until when.
fn hold(site: &mut Site, session: &str, slots: Vec<Slot>, seconds: i64, now: Now) -> Value {
    let until = now.at + SignedDuration::from_secs(seconds);
    let calendar = &mut site.shop.calendar;
    if slots.is_empty() || seconds == 0 {
        calendar.release(session);
        return Value::Null;
    }
    let held = calendar.hold(session, slots, until);
    held.then(|| format_seconds(site.clock.civil(until))).into()
}

fn describe(service: &Service) -> Value {
    json!({
        "service_type": service.name, "service_name": service.title, "duration": service.duration,
        "price": money::wire(service.price), "currency": CURRENCY,
    })
}

/// Times to offer instead of one that cannot be had: after it, or else the
/// first ones.
fn near(calendar: &mut Calendar, session: &str, start: DateTime, service: &Service, now: Now) -> Value {
    let mut free = |from| calendar.free(session, from, false, service.duration, ALTERNATIVES, now);
    let later = free(start);
    let found = if later.is_empty() { free(now.today.at(0, 0, 0, 0)) } else { later };
    found.iter().map(wire_slot).collect()
}

fn taken(reason: &str, say: &str, alternatives: Value) -> Failure {
    Failure::said(SLOT_TAKEN, reason, say).in_app(APP).with("alternatives", alternatives)
}

/// A time in the site's zone, without fractions of a second.
fn read_time(text: &str) -> Outcome<DateTime> {
    let shape = |mask: &str| {
        text.len() >= mask.len()
            && mask.bytes().zip(text.bytes()).all(|(m, b)| if m == b'0' { b.is_ascii_digit() } else { m == b })
    };
    parse_naive(text.trim()).map_err(|wrong| match wrong {
        NotNaive::Aware => invalid("time_zone", "Please give the time as it is on the clock here."),
        NotNaive::Garbage if shape("0000-00-00 00:00") => invalid("invalid_date", "That day or time does not exist."),
        NotNaive::Garbage => invalid("invalid_time", "I did not understand that time."),
    })
}

fn read_date(text: &str) -> Outcome<jiff::civil::Date> {
    let digits = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    let say = if digits { "That day does not exist." } else { "I did not understand that date." };
    parse_date(text).ok_or_else(|| invalid("invalid_date", say))
}

pub(in crate::erpnext) fn book_appointment(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let key = args.filled("idempotency_key")?;
    for name in ["session_id", "customer_name", "service_type", "start"] {
        args.text(name)?;
    }
    let mut asked = args.copy(&["customer_name", "customer_phone"])?;
    asked.insert("service_type".into(), find_service(args.text("service_type")?)?.name.into());
    asked.insert("start".into(), format_seconds(read_time(args.text("start")?)?).into());
    let mut fields = asked.clone();
    fields.extend(args.copy(&["session_id"])?);
    let made = once(site, &Command { actor, doctype: &APPOINTMENT, key, asked }, fields)?;
    let fields = &["doctype", "name", "status", "service_name", "start", "end", "price", "currency"];
    Ok(made.answer(fields))
}

pub(in crate::erpnext) fn cancel_appointment(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    speech::key(args.text("idempotency_key")?)?;
    speech::key(args.text("session_id")?)?;
    let found = look_up(site, actor, &APPOINTMENT, args.filled("appointment")?, None)?;
    let cancelled = text_of(&found, "status") == Some("Cancelled");
    let appointment = if cancelled {
        found
    } else {
        let mut change = Document::new();
        change.insert("status".into(), "Cancelled".into());
        if let Some(reason) = args.maybe_text("reason")? {
            change.insert("cancel_reason".into(), speech::prose(reason, "reason")?.into());
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
    let start = read_time(text_of(appointment, "start").unwrap_or_default())?;
    let session = text_of(appointment, "session_id").unwrap_or_default();
    let now = now(site);
    let calendar = &mut site.shop.calendar;
    if let Some(never) = calendar.never(start, service.duration, now) {
        return Err(taken(never.reason(), never.say(), near(calendar, session, start, service, now)));
    }
    let Some(slot) = calendar.place(session, start, service.duration, now) else {
        return Err(taken("taken", "That time has just been taken.", near(calendar, session, start, service, now)));
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

fn wire_slot(slot: &Slot) -> Value {
    json!({"start": format_seconds(slot.start), "end": format_seconds(slot.end)})
}

fn find_service(name: &str) -> Outcome<&'static Service> {
    let called = |service: &&Service| {
        speech::is_called(name, [service.name, service.title].into_iter().chain(service.aliases.iter().copied()))
    };
    SERVICES.iter().find(called).ok_or_else(|| {
        let known: Vec<_> = SERVICES.iter().map(|service| service.name).collect();
        let refusal = Failure::said(UNKNOWN_SERVICE, "unknown_service", "That service is not offered.");
        refusal.in_app(APP).with("services", known.into())
    })
}

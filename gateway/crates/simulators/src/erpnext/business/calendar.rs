//! The salon's calendar: bookings and holds on a fixed grid, per resource.
//!
//! A booking or a live hold of another caller makes a time taken; a caller's
//! own holds never stand in that caller's way. Times are naive, in the site's
//! zone. The calendar asks for the present and never reads a clock itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Weekday},
};

use super::seed::RESOURCES;

/// Minutes between two starts.
const GRID_MINUTES: i64 = 30;
/// Opening hours on Monday to Saturday.
pub(super) const OPENS: i8 = 9;
pub(super) const CLOSES: i8 = 17;
/// Days ahead that can be booked, beginning tomorrow.
const HORIZON_DAYS: i64 = 60;
/// No service is longer: bounds how far back an overlap is looked for.
pub(super) const LONGEST_MINUTES: i64 = 120;
/// The most callers that can hold times at once; the next ones hold nothing.
const MAX_HOLDERS: usize = 10_000;

/// Why no appointment can begin at a time, whoever is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Never {
    TooSoon,
    TooFar,
    Closed,
}

impl Never {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::TooSoon => "too_soon",
            Self::TooFar => "too_far",
            Self::Closed => "closed",
        }
    }

    pub(super) const fn say(self) -> &'static str {
        match self {
            Self::TooSoon => "That is too soon. Please take a later time.",
            Self::TooFar => "That is too far ahead to book.",
            Self::Closed => "No appointment can begin at that time.",
        }
    }
}

/// A time at one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) resource: usize,
    pub(super) start: DateTime,
    pub(super) end: DateTime,
}

#[derive(Debug)]
struct Hold {
    until: Timestamp,
    slots: Vec<Slot>,
}

/// Times that are taken, by start and holder, with their end. Times of one
/// holder may overlap, so the holder is part of the key.
type Taken = BTreeMap<(DateTime, String), DateTime>;

/// Bookings and holds.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    booked: [Taken; RESOURCES.len()],
    held: [Taken; RESOURCES.len()],
    holds: HashMap<String, Hold>,
    expiries: BTreeSet<(Timestamp, String)>,
}

/// The present, as the calendar needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Timestamp,
    pub(super) today: Date,
}

impl Calendar {
    /// The resource that can take `session` at this time: one that the
    /// session holds there, else the first free one.
    pub(super) fn place(&mut self, session: &str, start: DateTime, minutes: i64, now: Now) -> Option<Slot> {
        self.expire(now.at);
        if self.never(start, minutes, now).is_some() {
            return None;
        }
        let end = start.saturating_add(minutes.minutes());
        let free = |resource: &usize| {
            !overlaps(&self.booked[*resource], start, end, None)
                && !overlaps(&self.held[*resource], start, end, Some(session))
        };
        let own = self.holds.get(session).and_then(|hold| hold.slots.iter().find(|slot| slot.start == start));
        let resource = own.map(|slot| slot.resource).filter(free).or_else(|| (0..RESOURCES.len()).find(free))?;
        Some(Slot { resource, start, end })
    }

    /// Why the service can never begin then; `None` if it can.
    pub(super) fn never(&self, start: DateTime, minutes: i64, now: Now) -> Option<Never> {
        let date = start.date();
        let latest = date.at(CLOSES, 0, 0, 0);
        let begins = starts(date).any(|open| open == start) && start.saturating_add(minutes.minutes()) <= latest;
        self.why_none(date, now).or_else(|| (!begins).then_some(Never::Closed))
    }

    /// Why no appointment begins on a day at all; `None` if they can.
    pub(super) fn why_none(&self, date: Date, now: Now) -> Option<Never> {
        if date <= now.today {
            return Some(Never::TooSoon);
        }
        if date > now.today.saturating_add(HORIZON_DAYS.days()) {
            return Some(Never::TooFar);
        }
        (date.weekday() == Weekday::Sunday).then_some(Never::Closed)
    }

    /// Up to `limit` times that are free for `session`, from `from` on; on
    /// that day alone when `one_day` is set.
    pub(super) fn free(
        &mut self,
        session: &str,
        from: DateTime,
        one_day: bool,
        minutes: i64,
        limit: usize,
        now: Now,
    ) -> Vec<Slot> {
        let mut slots = Vec::new();
        let first = if one_day { from.date() } else { from.date().max(now.today.saturating_add(1.day())) };
        let days = if one_day { 1 } else { HORIZON_DAYS };
        for day in 0..days {
            let date = first.saturating_add(day.days());
            for start in starts(date).filter(|start| *start >= from) {
                if slots.len() >= limit {
                    return slots;
                }
                slots.extend(self.place(session, start, minutes, now));
            }
        }
        slots
    }

    /// Holds times for a session in place of those it held before. `false`
    /// when too many sessions hold times.
    pub(super) fn hold(&mut self, session: &str, slots: Vec<Slot>, until: Timestamp) -> bool {
        self.release(session);
        if self.holds.len() >= MAX_HOLDERS {
            return false;
        }
        for slot in &slots {
            self.held[slot.resource].insert((slot.start, session.to_owned()), slot.end);
        }
        self.expiries.insert((until, session.to_owned()));
        self.holds.insert(session.to_owned(), Hold { until, slots });
        true
    }

    /// Gives back what a session holds.
    pub(super) fn release(&mut self, session: &str) {
        let Some(hold) = self.holds.remove(session) else { return };
        for slot in &hold.slots {
            self.held[slot.resource].remove(&(slot.start, session.to_owned()));
        }
        self.expiries.remove(&(hold.until, session.to_owned()));
    }

    /// As `release`; whether there was something to give back.
    pub(super) fn give_back(&mut self, session: &str, now: Now) -> bool {
        self.expire(now.at);
        let held = self.holds.contains_key(session);
        self.release(session);
        held
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((until, session)) = self.expiries.first().cloned() {
            if until > now {
                break;
            }
            self.release(&session);
        }
    }

    pub(super) fn book(&mut self, slot: Slot) {
        self.booked[slot.resource].insert((slot.start, String::new()), slot.end);
    }

    pub(super) fn unbook(&mut self, resource: usize, start: DateTime) {
        if let Some(taken) = self.booked.get_mut(resource) {
            taken.remove(&(start, String::new()));
        }
    }
}

/// `existing.start < end and existing.end > start`, but for one holder.
fn overlaps(taken: &Taken, start: DateTime, end: DateTime, but: Option<&str>) -> bool {
    let earliest = start.saturating_sub(LONGEST_MINUTES.minutes());
    taken
        .range((earliest, String::new())..(end, String::new()))
        .any(|((_, holder), taken_until)| *taken_until > start && Some(holder.as_str()) != but)
}

fn starts(date: Date) -> impl Iterator<Item = DateTime> {
    let open = date.at(OPENS, 0, 0, 0);
    let count = i64::from(CLOSES - OPENS) * 60 / GRID_MINUTES;
    (0..count).map(move |at| open.saturating_add((at * GRID_MINUTES).minutes()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, datetime};

    use super::*;

    fn now(second: i64) -> Now {
        let at = Timestamp::from_second(second).unwrap_or_default();
        Now { at, today: date(2026, 11, 23) }
    }

    #[test]
    fn a_slot_is_taken_when_both_resources_are() {
        let mut calendar = Calendar::default();
        let start = datetime(2026, 11, 24, 9, 0, 0, 0);
        for expected in [Some(0), Some(1), None] {
            let slot = calendar.place("s", start, 30, now(0));
            assert_eq!(slot.map(|slot| slot.resource), expected);
            slot.into_iter().for_each(|slot| calendar.book(slot));
        }
        calendar.unbook(1, start);
        assert!(calendar.place("s", start, 30, now(0)).is_some());
    }

    #[test]
    fn a_hold_keeps_others_out_until_it_expires() {
        let mut calendar = Calendar::default();
        let start = datetime(2026, 11, 24, 9, 0, 0, 0);
        for session in ["a", "b"] {
            let slots: Vec<_> = calendar.place(session, start, 60, now(0)).into_iter().collect();
            assert!(calendar.hold(session, slots, now(120).at));
        }
        let half_past = datetime(2026, 11, 24, 9, 30, 0, 0);
        assert_eq!(calendar.place("c", half_past, 30, now(119)), None);
        assert!(calendar.place("a", half_past, 30, now(119)).is_some());
        assert!(calendar.place("c", half_past, 30, now(120)).is_some());
    }

    #[test]
    fn only_grid_times_in_opening_hours_from_tomorrow_are_offered() {
        let mut calendar = Calendar::default();
        for (start, minutes) in [
            (datetime(2026, 11, 24, 9, 10, 0, 0), 30),
            (datetime(2026, 11, 24, 16, 30, 0, 0), 60),
            (datetime(2026, 11, 24, 8, 30, 0, 0), 30),
            (datetime(2026, 11, 23, 9, 0, 0, 0), 30),
            (datetime(2026, 11, 29, 9, 0, 0, 0), 30),
            (datetime(2027, 11, 24, 9, 0, 0, 0), 30),
        ] {
            assert_eq!(calendar.place("s", start, minutes, now(0)), None, "{start}");
        }
        let from = date(2026, 11, 23).at(0, 0, 0, 0);
        let first = calendar.free("s", from, false, 30, 3, now(0));
        assert_eq!(first.first().map(|slot| slot.start), Some(datetime(2026, 11, 24, 9, 0, 0, 0)));
        assert!(calendar.free("s", date(2026, 11, 29).at(0, 0, 0, 0), true, 30, 3, now(0)).is_empty());
    }
}

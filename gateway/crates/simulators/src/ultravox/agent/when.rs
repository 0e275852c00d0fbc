//! Days and times in speech: "tomorrow at 10", "next Friday", "25 November at half past two".
//!
//! Pure: the day that "tomorrow" counts from is passed in.

use jiff::civil::{Date, Weekday};

use super::words::{Words, number};

/// A time of day. Without "am" or "pm" the hours before eight are taken as the afternoon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) hour: u32,
    pub(super) minute: u32,
    /// Whether morning or afternoon was said, so that no other reading is possible.
    pub(super) exact: bool,
}

impl Clock {
    /// `HH:MM`.
    pub(super) fn text(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    /// The other reading of an unclear hour.
    pub(super) fn other(self) -> Option<Self> {
        (!self.exact).then(|| Self { hour: (self.hour + 12) % 24, ..self })
    }
}

/// Takes a day out of the utterance.
pub(super) fn take_date(words: &mut Words, today: Date) -> Option<Date> {
    let relative = [("day after tomorrow", 2), ("tomorrow", 1), ("today", 0), ("tonight", 0), ("this afternoon", 0)];
    for (phrase, days) in relative {
        if let Some((at, length)) = words.find_any(&[phrase]) {
            drop(words.take(before(words, at)..at + length));
            return (0..days).try_fold(today, |date, _| date.tomorrow().ok());
        }
    }
    for at in 0..words.0.len() {
        let low = words.low();
        let Some((date, length)) = weekday_at(&low, at, today).or_else(|| calendar_at(&low, at, today)) else {
            continue;
        };
        drop(words.take(before(words, at)..at + length));
        return Some(date);
    }
    None
}

/// Includes the small words in front: "on", "for", "next".
fn before(words: &Words, at: usize) -> usize {
    const SMALL: [&str; 8] = ["on", "for", "next", "this", "the", "coming", "at", "by"];
    at - words.low()[..at].iter().rev().take_while(|word| SMALL.contains(*word)).count()
}

fn weekday_at(low: &[&str], at: usize, today: Date) -> Option<(Date, usize)> {
    let weekday = match *low.get(at)? {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    };
    today.nth_weekday(1, weekday).ok().map(|date| (date, 1))
}

/// `2026-11-25`, `25 November`, `November 25th`, `the 25th of November`.
fn calendar_at(low: &[&str], at: usize, today: Date) -> Option<(Date, usize)> {
    if let Ok(date) = low[at].parse::<Date>()
        && low[at].len() == 10
    {
        return Some((date, 1));
    }
    let (month, day, length) = match low[at..] {
        [day, "of", month, ..] if ordinal(day).is_some() => (month_of(month)?, ordinal(day)?, 3),
        [day, month, ..] if month_of(month).is_some() => (month_of(month)?, ordinal(day)?, 2),
        [month, day, ..] => (month_of(month)?, ordinal(day)?, 2),
        _ => return None,
    };
    let date = Date::new(today.year(), month, day).ok()?;
    // A day that has passed means next year's.
    let date = if date < today { Date::new(today.year() + 1, month, day).ok()? } else { date };
    Some((date, length))
}

fn ordinal(word: &str) -> Option<i8> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

fn month_of(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    MONTHS.iter().position(|month| *month == word).and_then(|at| i8::try_from(at + 1).ok())
}

/// Takes a time of day out of the utterance. `bare` accepts a number without "at", "o'clock" or "am", which is only
/// right in an answer to the question for a time.
pub(super) fn take_time(words: &mut Words, bare: bool) -> Option<Clock> {
    for at in 0..words.0.len() {
        let low = words.low();
        let introduced = at > 0 && matches!(low[at - 1], "at" | "around" | "about" | "from");
        let Some((clock, length, certain)) = time_at(&low[at..]) else { continue };
        if certain || introduced || bare {
            drop(words.take(before(words, at)..at + length));
            return Some(clock);
        }
    }
    None
}

/// A time at the beginning: the time, its length in words, and whether it can be nothing else.
fn time_at(low: &[&str]) -> Option<(Clock, usize, bool)> {
    if let ["noon" | "midday", ..] = low {
        return Some((Clock { hour: 12, minute: 0, exact: true }, 1, true));
    }
    if let ["half" | "quarter", "past" | "to", hour, ..] = low {
        let (shift, minute) = match (low[0], low[1]) {
            ("half", _) => (0, 30),
            (_, "past") => (0, 15),
            _ => (23, 45),
        };
        let clock = guess((number(hour)? + shift) % 24, minute);
        return Some(half_of_day(clock, low, 3, true));
    }
    let first = *low.first()?;
    let (digits, suffix) = match first.strip_suffix("am").or(first.strip_suffix("pm")) {
        Some(digits) if !digits.is_empty() => (digits, &first[digits.len()..]),
        _ => (first, ""),
    };
    let (hour, minute, colon) = match digits.split_once([':', '.']) {
        Some((hour, minute)) if minute.len() == 2 => (number(hour)?, number(minute)?, true),
        Some(_) => return None,
        None => (number(digits)?, 0, false),
    };
    let (minute, length) = spoken_minutes(low, minute, colon);
    if hour > 23 || minute > 59 {
        return None;
    }
    if !suffix.is_empty() {
        return Some((exact(hour, minute, suffix == "pm"), length, true));
    }
    Some(half_of_day(guess(hour, minute), low, length, colon))
}

/// "ten thirty".
fn spoken_minutes(low: &[&str], minute: u32, colon: bool) -> (u32, usize) {
    match low.get(1) {
        Some(&"thirty") if !colon => (30, 2),
        Some(&"fifteen") if !colon => (15, 2),
        Some(&"forty-five") if !colon => (45, 2),
        _ => (minute, 1),
    }
}

/// Reads "am", "pm", "o'clock", "in the morning" after the numbers.
fn half_of_day(clock: Clock, low: &[&str], length: usize, certain: bool) -> (Clock, usize, bool) {
    match low.get(length..).unwrap_or_default() {
        ["am", ..] => (exact(clock.hour, clock.minute, false), length + 1, true),
        ["pm", ..] => (exact(clock.hour, clock.minute, true), length + 1, true),
        ["in", "the", "morning", ..] => (exact(clock.hour, clock.minute, false), length + 3, true),
        ["in", "the", "afternoon" | "evening", ..] => (exact(clock.hour, clock.minute, true), length + 3, true),
        ["o'clock" | "oclock", ..] => (clock, length + 1, true),
        _ => (clock, length, certain),
    }
}

fn guess(hour: u32, minute: u32) -> Clock {
    let afternoon = (1..8).contains(&hour);
    Clock { hour: if afternoon { hour + 12 } else { hour }, minute, exact: hour > 12 }
}

fn exact(hour: u32, minute: u32, afternoon: bool) -> Clock {
    let hour = hour % 12 + if afternoon { 12 } else { 0 };
    Clock { hour, minute, exact: true }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A Tuesday.
    fn today() -> Date {
        Date::constant(2026, 11, 24)
    }

    #[test]
    fn days_are_counted_from_today() {
        for (text, expected) in [
            ("a haircut tomorrow", Some("2026-11-25")),
            ("today please", Some("2026-11-24")),
            ("the day after tomorrow", Some("2026-11-26")),
            ("next friday", Some("2026-11-27")),
            ("on Tuesday", Some("2026-12-01")),
            ("on 2026-12-03", Some("2026-12-03")),
            ("the 3rd of December", Some("2026-12-03")),
            ("December 3rd", Some("2026-12-03")),
            ("5 January", Some("2027-01-05")),
            ("a haircut", None),
        ] {
            let date = take_date(&mut Words::new(text), today()).map(|date| date.to_string());
            assert_eq!(date.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn times_are_read_in_the_usual_forms() {
        for (text, expected) in [
            ("at 10", Some("10:00")),
            ("at 10am", Some("10:00")),
            ("2:30 pm", Some("14:30")),
            ("at half past nine", Some("09:30")),
            ("quarter to three", Some("14:45")),
            ("ten o'clock", Some("10:00")),
            ("at ten thirty", Some("10:30")),
            ("at 3", Some("15:00")),
            ("9 in the evening", Some("21:00")),
            ("noon", Some("12:00")),
            ("two people", None),
        ] {
            let time = take_time(&mut Words::new(text), false).map(Clock::text);
            assert_eq!(time.as_deref(), expected, "{text}");
        }
        assert_eq!(take_time(&mut Words::new("10"), true).map(Clock::text).as_deref(), Some("10:00"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(at|10|2:30|half|past|to|nine|pm|the|3rd|of|may|99:99|.|:|tomorrow| ){0,12}") {
            let _ = take_date(&mut Words::new(&text), today());
            let _ = take_time(&mut Words::new(&text), true);
        }
    }
}

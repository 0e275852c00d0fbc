//! The site's clock: an injected source of instants, and the naive local
//! texts that Frappe stores and sends.
//!
//! A Frappe datetime has no zone. It means "in the site's time zone", so a
//! zone with summer time has one ambiguous and one missing hour a year; this
//! module keeps that weakness, because the gateway has to live with it.
//! It never guesses a zone for a text that carries one: such a text is an
//! error, as it is for the real site's database.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// Where the simulator takes the present from. Tests pass a fixed one.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's own clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// The clock of one site.
pub(super) struct SiteClock {
    source: Clock,
    zone: TimeZone,
    last: Timestamp,
}

impl SiteClock {
    pub(super) fn new(source: Clock, zone: TimeZone) -> Self {
        Self { source, zone, last: Timestamp::UNIX_EPOCH }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.source)()
    }

    /// A `creation` or `modified` text, six digits after the point. Each one
    /// is at least a microsecond later than the one before, also under a
    /// fixed clock: `modified` orders the states of a document.
    pub(super) fn stamp(&mut self) -> String {
        let next = self.last + SignedDuration::from_micros(1);
        self.last = self.now().max(next);
        let civil = self.civil(self.last);
        format!(
            "{} {:02}:{:02}:{:02}.{:06}",
            civil.date(),
            civil.hour(),
            civil.minute(),
            civil.second(),
            civil.subsec_nanosecond() / 1_000
        )
    }

    /// An instant as the site's wall clock shows it.
    pub(super) fn civil(&self, at: Timestamp) -> civil::DateTime {
        self.zone.to_datetime(at)
    }

    pub(super) fn today(&self) -> civil::Date {
        self.civil(self.now()).date()
    }
}

/// Why a text is not a naive datetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotNaive {
    /// It names a zone or an offset, as ISO 8601 texts of browsers do.
    Aware,
    /// It is no datetime at all.
    Garbage,
}

/// Reads `YYYY-MM-DD HH:MM:SS[.ffffff]`, or a date alone as its midnight.
pub(super) fn parse_naive(text: &str) -> Result<civil::DateTime, NotNaive> {
    naive(text).ok_or_else(|| {
        let aware = text.replacen(' ', "T", 1).parse::<Timestamp>().is_ok();
        if aware { NotNaive::Aware } else { NotNaive::Garbage }
    })
}

fn naive(text: &str) -> Option<civil::DateTime> {
    let date = parse_date(text.get(..10)?)?;
    let Some(rest) = text.get(10..).filter(|rest| !rest.is_empty()) else {
        return Some(date.at(0, 0, 0, 0));
    };
    let (clock, fraction) = rest.strip_prefix(' ')?.split_at_checked(8)?;
    let mut parts = clock.split(':').map(|part| digits(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let micros = match fraction.strip_prefix('.') {
        None if fraction.is_empty() => 0,
        Some(f) if (1..=6).contains(&f.len()) => digits(f, f.len())? * 10_i32.pow(6 - u32::try_from(f.len()).ok()?),
        _ => return None,
    };
    let time = civil::Time::new(
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        micros * 1_000,
    );
    Some(date.to_datetime(time.ok()?))
}

/// Reads `YYYY-MM-DD`.
pub(super) fn parse_date(text: &str) -> Option<civil::Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    civil::Date::new(
        i16::try_from(digits(year, 4)?).ok()?,
        i8::try_from(digits(month, 2)?).ok()?,
        i8::try_from(digits(day, 2)?).ok()?,
    )
    .ok()
}

fn digits(text: &str, length: usize) -> Option<i32> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// As the database gives a datetime back: no fraction when it is zero.
pub(super) fn format_naive(at: civil::DateTime) -> String {
    let micros = at.subsec_nanosecond() / 1_000;
    let seconds = format!("{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second());
    if micros == 0 { seconds } else { format!("{seconds}.{micros:06}") }
}

/// The same to whole seconds.
pub(super) fn format_seconds(at: civil::DateTime) -> String {
    format_naive(at.date().at(at.hour(), at.minute(), at.second(), 0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_stored_reads_back_the_same(second in -10_000_000_000_i64..100_000_000_000, micro in 0..1_000_000_i64) {
            let at = Timestamp::from_second(second).unwrap() + SignedDuration::from_micros(micro);
            let civil = TimeZone::UTC.to_datetime(at);
            prop_assert_eq!(parse_naive(&format_naive(civil)), Ok(civil));
        }

        #[test]
        fn no_text_breaks_the_reader(text in any::<String>()) {
            let _ = parse_naive(&text);
        }
    }

    #[test]
    fn only_naive_texts_are_read() {
        for good in ["2026-11-22", "2026-11-22 05:00:00", "2026-11-22 05:00:00.5"] {
            assert!(parse_naive(good).is_ok(), "{good}");
        }
        for aware in ["2026-11-22T05:00:00Z", "2026-11-22 05:00:00+02:00"] {
            assert_eq!(parse_naive(aware), Err(NotNaive::Aware), "{aware}");
        }
        for bad in ["", "tomorrow", "2026-13-01", "2026-11-22 25:00:00", "2026-11-22 05:00", "2026-11-22é"] {
            assert_eq!(parse_naive(bad), Err(NotNaive::Garbage), "{bad}");
        }
    }

    #[test]
    fn a_fraction_of_zero_is_left_out() {
        let half = parse_naive("2026-11-22 05:00:00.5").unwrap();
        assert_eq!(format_naive(half), "2026-11-22 05:00:00.500000");
        assert_eq!(format_seconds(half), "2026-11-22 05:00:00");
    }

    #[test]
    fn stamps_grow_under_a_fixed_clock_and_use_the_sites_zone() {
        let fixed: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/London").unwrap();
        let mut clock = SiteClock::new(Arc::new(move || fixed), zone);
        assert_eq!(clock.stamp(), "2026-07-01 13:00:00.000000");
        assert_eq!(clock.stamp(), "2026-07-01 13:00:00.000001");
    }
}

//! The site's own time: naive texts in one zone, as Frappe's Datetime fields take them. ISO 8601 with a zone is a 500
//! there, so no other module formats a datetime for ERPNext.

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use neoron_protocol::UnixMillis;

const SECONDS: &str = "%Y-%m-%d %H:%M:%S";

/// Why a naive time is not one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naive {
    /// The clocks are put forward over it.
    Skipped,
    /// The clocks are put back over it: it comes twice.
    Twice,
    /// Not a datetime.
    Unreadable,
}

/// An instant as the site writes it: `YYYY-MM-DD HH:MM:SS`, rounded down to seconds. A zone that is not known reads as
/// UTC; the client refuses it before.
pub(crate) fn to_site(zone: &str, at: UnixMillis) -> String {
    let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
    let at = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    time_zone(zone).to_datetime(at).strftime(SECONDS).to_string()
}

/// The instant of a site's text. An hour that comes twice is read as its first coming, one that is skipped as the time
/// after it: right for what has happened. For what is to be booked ask [`instant`]. `None` if it is no datetime.
pub(crate) fn from_site(zone: &str, text: &str) -> Option<UnixMillis> {
    let naive = parse(text)?;
    let at = time_zone(zone).to_ambiguous_timestamp(naive).compatible().ok()?;
    u64::try_from(at.as_millisecond()).ok().map(UnixMillis)
}

/// The one instant of a naive time that somebody wants to come at.
///
/// # Errors
/// If it never comes, comes twice, or is no datetime.
pub(crate) fn instant(zone: &str, text: &str) -> Result<UnixMillis, Naive> {
    let naive = parse(text).ok_or(Naive::Unreadable)?;
    let ambiguous = time_zone(zone).to_ambiguous_timestamp(naive);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => Err(Naive::Skipped),
        AmbiguousOffset::Fold { .. } => Err(Naive::Twice),
        AmbiguousOffset::Unambiguous { .. } => from_site(zone, text).ok_or(Naive::Unreadable),
    }
}

/// A naive datetime in the site's form, whatever form (`T` or space, with or without seconds) it came in. A zone or an
/// offset in it is refused: the model must not translate times.
pub(crate) fn normalise(text: &str) -> Option<String> {
    parse(text).map(|naive| naive.strftime(SECONDS).to_string())
}

/// A naive time as one says it: `Tuesday 24 November at 10:30`.
pub(crate) fn spoken(text: &str) -> Option<String> {
    parse(text).map(|naive| naive.strftime("%A %-d %B at %H:%M").to_string())
}

fn parse(text: &str) -> Option<DateTime> {
    let text = text.trim();
    // Checked first: jiff would pass over an offset.
    let time = text.get(10..).filter(|time| (6..=16).contains(&time.len()))?;
    if time.ends_with(['z', 'Z']) || time.contains(['+', '-', '[']) { None } else { text.parse().ok() }
}

fn time_zone(zone: &str) -> TimeZone {
    TimeZone::get(zone).unwrap_or(TimeZone::UTC)
}

/// Whether the zone is known.
pub(crate) fn is_zone(zone: &str) -> bool {
    TimeZone::get(zone).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const LONDON: &str = "Europe/London";

    #[test]
    fn an_instant_is_written_naive_and_in_the_sites_zone() {
        let at = UnixMillis(1_795_514_400_999); // 2026-11-24T10:00:00.999Z
        assert_eq!(to_site("UTC", at), "2026-11-24 10:00:00");
        assert_eq!(to_site(LONDON, at), "2026-11-24 10:00:00");
        assert_eq!(to_site("Asia/Kolkata", at), "2026-11-24 15:30:00");
    }

    #[test]
    fn a_text_with_a_zone_or_garbage_is_no_site_time() {
        for text in
            ["2026-11-24T10:00:00Z", "2026-11-24 10:00:00+02:00", "tomorrow", "", "2026-11-24", "2026-13-01 10:00:00"]
        {
            assert_eq!(from_site(LONDON, text), None, "{text}");
        }
    }

    #[test]
    fn other_naive_forms_become_the_sites() {
        for text in ["2026-11-24T10:00", "2026-11-24 10:00", "2026-11-24T10:00:00", " 2026-11-24 10:00:00.000000 "] {
            assert_eq!(normalise(text).as_deref(), Some("2026-11-24 10:00:00"), "{text}");
        }
        assert_eq!(spoken("2026-11-24 09:05:00").unwrap(), "Tuesday 24 November at 09:05");
    }

    #[test]
    fn an_hour_that_comes_twice_or_never_cannot_be_booked() {
        assert_eq!(instant(LONDON, "2026-10-25 01:30:00"), Err(Naive::Twice));
        assert_eq!(instant(LONDON, "2026-03-29 01:30:00"), Err(Naive::Skipped));
        assert_eq!(instant(LONDON, "soon"), Err(Naive::Unreadable));
        assert!(instant(LONDON, "2026-10-25 02:30:00").is_ok());
        assert!(from_site(LONDON, "2026-10-25 01:30:00").is_some(), "what has happened can be read");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_unless_its_hour_comes_twice(seconds in 0u64..4_000_000_000, zone in 0usize..4) {
            let zone = ["UTC", LONDON, "Asia/Kolkata", "America/New_York"][zone];
            let at = UnixMillis::from_seconds(seconds);
            let text = to_site(zone, at);
            prop_assert_eq!(text.len(), 19);
            match instant(zone, &text) {
                Ok(read) => prop_assert_eq!(read, at),
                Err(why) => prop_assert_eq!(why, Naive::Twice),
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            from_site(LONDON, &text);
            normalise(&text);
        }
    }
}

//! Ultravox's texts for instants. It never reads a clock.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use neoron_protocol::UnixMillis;

/// `YYYY-MM-DDTHH:MM:SS`: a text without a time of day is no instant.
const SHORTEST: usize = 19;

/// Reads RFC 3339 with `Z` or an offset; a naive time is UTC. Which of them the service sends is not documented.
pub(crate) fn read_time(text: &str) -> Option<UnixMillis> {
    if text.len() < SHORTEST || !text.is_ascii() {
        return None;
    }
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let naive: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(naive).ok()
    })?;
    u64::try_from(at.as_millisecond()).ok().map(UnixMillis)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_an_instant_is_the_same_instant() {
        for text in [
            "2026-01-02T03:04:05.678901+00:00",
            "2026-01-02T03:04:05.678901Z",
            "2026-01-02T03:04:05.678901",
            "2026-01-02T04:04:05.678901+01:00",
            "2026-01-02T03:04:05.678Z",
        ] {
            assert_eq!(read_time(text), Some(UnixMillis(1_767_323_045_678)), "{text}");
        }
        assert_eq!(read_time("2026-01-02T03:04:05"), Some(UnixMillis(1_767_323_045_000)));
    }

    #[test]
    fn what_is_no_instant_is_not_read() {
        for text in ["", "yesterday", "2026-01-02", "1767323045", "2026-13-02T03:04:05Z", "1960-01-01T00:00:00Z"] {
            assert_eq!(read_time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            read_time(&text);
        }
    }
}

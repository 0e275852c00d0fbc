//! The simulator's clock and its source of ids.
//!
//! Wall time is the start of the simulator plus tokio's clock, so a test that pauses tokio's time moves the
//! timestamps as well. Never reads the system clock again after the start.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use tokio::time::Instant;

/// How the text of a webhook's timestamp header is spelled. The literal form is not documented, so a receiver has to
/// accept every one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestampSpelling {
    /// `…05.678901+00:00`
    Offset,
    /// `…05.678901Z`
    Zulu,
    /// `…05.678901`, meant as UTC.
    Naive,
    /// The three in turn, one for each attempt.
    #[default]
    InTurn,
}

/// Wall time derived from tokio's clock.
#[derive(Debug)]
pub(super) struct Clock {
    wall: Timestamp,
    start: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { wall: Timestamp::now(), start: Instant::now() }
    }

    pub(super) fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.start.elapsed()).unwrap_or(SignedDuration::ZERO);
        self.wall.checked_add(elapsed).unwrap_or(self.wall)
    }

    /// The day in UTC: what "tomorrow" counts from.
    pub(super) fn today(&self) -> Date {
        self.now().to_zoned_datetime(TimeZone::UTC).date()
    }
}

/// RFC 3339 with microseconds, as in every field of a call.
pub(super) fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// The text of a signed timestamp header. `turn` picks the form when they are taken in turn.
pub(super) fn spell(at: Timestamp, spelling: TimestampSpelling, turn: u64) -> String {
    let bare = at.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    match (spelling, turn % 3) {
        (TimestampSpelling::Offset, _) | (TimestampSpelling::InTurn, 0) => format!("{bare}+00:00"),
        (TimestampSpelling::Zulu, _) | (TimestampSpelling::InTurn, 1) => format!("{bare}Z"),
        (TimestampSpelling::Naive | TimestampSpelling::InTurn, _) => bare,
    }
}

/// Seconds between two instants as a duration, zero when they are the wrong way round.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// A seeded source of ids (SplitMix64): the same seed gives the same run.
#[derive(Debug)]
pub(super) struct Ids(AtomicU64);

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub(super) fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A version 4 UUID.
    pub(super) fn uuid(&self) -> String {
        let high = (self.next() & 0xffff_ffff_ffff_0fff) | 0x4000;
        let low = (self.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// 64 hexadecimal characters: a token or a generated secret.
    pub(super) fn token(&self) -> String {
        (0..4).map(|_| format!("{:016x}", self.next())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        assert_eq!(Ids::new(7).uuid(), Ids::new(7).uuid());
        assert_ne!(Ids::new(7).uuid(), Ids::new(8).uuid());
    }

    #[test]
    fn an_id_has_the_shape_of_a_version_4_uuid() {
        let id = Ids::new(1).uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }

    #[test]
    fn the_spellings_differ_only_in_the_zone() {
        let at: Timestamp = "2026-01-02T03:04:05.678901Z".parse().expect("a timestamp");
        let spelled: Vec<String> = (0..3).map(|turn| spell(at, TimestampSpelling::InTurn, turn)).collect();
        assert_eq!(
            spelled,
            ["2026-01-02T03:04:05.678901+00:00", "2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678901"]
        );
    }
}

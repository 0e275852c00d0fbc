//! The pure rules every implementation keeps: sizes, where a cursor stands in a stream, how a reason is cut, how a
//! document's name is compared. It touches no storage.

use neoron_protocol::{JobId, SessionId, UnixMillis};

use crate::{
    Burn, Change, Cursor, DocumentKey, KEPT_TALLY_DAYS, MAX_WAITING_BODY_BYTES, NewEvent, NewJob, StoreError, Tally,
};

/// Keys, calls, documents, holders.
pub(crate) const MAX_KEY_BYTES: usize = 256;
/// A budget's key.
pub(crate) const MAX_BUDGET_KEY_BYTES: usize = 128;
/// The kind of a job or an event.
pub(crate) const MAX_KIND_BYTES: usize = 64;
/// One event's data.
pub(crate) const MAX_EVENT_BYTES: usize = 16 * 1024;
/// A job's lane.
pub(crate) const MAX_LANE_BYTES: usize = 32;
/// What seats are of, waiting rooms, and who is in them.
pub(crate) const MAX_SCOPE_BYTES: usize = 128;
/// What a tally counts.
pub(crate) const MAX_TALLY_BYTES: usize = 128;
/// Why a job was put back or given up.
pub(crate) const MAX_REASON_BYTES: usize = 500;

/// Refuses a value that is longer than `limit` bytes.
pub(crate) fn fits(value: &str, limit: usize) -> Result<(), StoreError> {
    if value.len() > limit { Err(StoreError::TooLarge { bytes: value.len(), limit }) } else { Ok(()) }
}

/// Whether everything a change carries may be stored.
pub(crate) fn check_change(change: &Change) -> Result<(), StoreError> {
    fits(&change.body, Change::MAX_BODY_BYTES)?;
    change.calls.iter().try_for_each(|call| fits(call, MAX_KEY_BYTES))?;
    change.documents.iter().try_for_each(check_document)?;
    check_events(&change.events)?;
    change.jobs.iter().try_for_each(check_job)?;
    change.burn.iter().try_for_each(check_burn)?;
    check_tallies(&change.tallies)
}

/// Whether a document's key may be stored.
pub(crate) fn check_document(document: &DocumentKey) -> Result<(), StoreError> {
    fits(&document.doctype, MAX_KEY_BYTES)?;
    fits(&document.name, MAX_KEY_BYTES)
}

/// Whether events may be stored.
pub(crate) fn check_events(events: &[NewEvent]) -> Result<(), StoreError> {
    events.iter().try_for_each(|event| {
        fits(&event.kind, MAX_KIND_BYTES)?;
        fits(&event.data, MAX_EVENT_BYTES)
    })
}

/// Whether a job may be stored.
pub(crate) fn check_job(job: &NewJob) -> Result<(), StoreError> {
    fits(&job.kind, MAX_KIND_BYTES)?;
    job.lane.iter().try_for_each(|lane| fits(lane, MAX_LANE_BYTES))?;
    fits(&job.payload, NewJob::MAX_PAYLOAD_BYTES)
}

/// Whether a step may count these.
pub(crate) fn check_tallies(tallies: &[Tally]) -> Result<(), StoreError> {
    if tallies.len() > Change::MAX_TALLIES {
        return Err(StoreError::TooLarge { bytes: tallies.len(), limit: Change::MAX_TALLIES });
    }
    tallies.iter().try_for_each(|tally| fits(&tally.name, MAX_TALLY_BYTES))
}

/// Whether a seat or a place in a waiting room may have this name.
pub(crate) fn check_seat(scope: &str, holder: &str) -> Result<(), StoreError> {
    fits(scope, MAX_SCOPE_BYTES)?;
    fits(holder, MAX_SCOPE_BYTES)
}

/// Whether somebody may wait with this body.
pub(crate) fn check_waiting(room: &str, holder: &str, body: &str) -> Result<(), StoreError> {
    check_seat(room, holder)?;
    fits(body, MAX_WAITING_BODY_BYTES)
}

/// The oldest day whose tallies are kept.
pub(crate) fn first_kept_day(now: UnixMillis) -> u32 {
    const DAY_MS: u64 = 24 * 3_600 * 1_000;
    u32::try_from(now.0 / DAY_MS).unwrap_or(u32::MAX).saturating_sub(KEPT_TALLY_DAYS)
}

/// A job's lane, if it has one where it is kept: with `home`, the session of the step or of the job itself.
pub(crate) fn lane(job: &NewJob, home: Option<SessionId>) -> Option<&str> {
    if home.is_some() && job.session == home { job.lane.as_deref() } else { None }
}

/// Whether a key may be burnt.
pub(crate) fn check_burn(burn: &Burn) -> Result<(), StoreError> {
    fits(&burn.key, MAX_KEY_BYTES)
}

/// The CRC-16 of XMODEM, which Redis Cluster spreads keys by: polynomial 0x1021, start 0, nothing reflected.
pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 },
        )
    })
}

/// The session an accepted job is kept with: none if a key decides where it is.
pub(crate) fn home(job: &NewJob, burn: Option<&Burn>) -> Option<SessionId> {
    if burn.is_some() { None } else { job.session }
}

/// Where a partitioned store keeps an accepted job: with the key it burns, so that both are one step, else with its
/// session, else by itself.
pub(crate) fn place(job: &NewJob, burn: Option<&Burn>) -> u16 {
    match (burn, &job.session) {
        (Some(burn), _) => crc16(burn.key.as_bytes()),
        (None, Some(session)) => crc16(session.as_str().as_bytes()),
        (None, None) => crc16(job.id.as_str().as_bytes()),
    }
}

/// Fences have 63 bits, so that SQLite holds them.
const FENCE_BITS: u64 = u64::MAX >> 1;

/// The fence of the lease a job starts with: a hash of its id (FNV-1a), so that who enqueues it knows it beforehand.
pub(crate) fn first_fence(job: JobId) -> u64 {
    let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    job.as_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, hash) & FENCE_BITS
}

/// The fence of the leases of one claim. It is random: counting would repeat after a replica without its master's
/// last claims was promoted. Two claims meet in it once in 2^63, and only of the same job would it matter.
pub(crate) fn new_fence() -> Result<u64, StoreError> {
    Ok(random_u64()? & FENCE_BITS)
}

/// 64 random bits.
pub(crate) fn random_u64() -> Result<u64, StoreError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Unavailable(format!("no randomness: {error}")))?;
    Ok(u64::from_be_bytes(bytes))
}

/// A stream's new epoch: 16 lower-case hex digits.
pub(crate) fn new_epoch() -> Result<String, StoreError> {
    Ok(format!("{:016x}", random_u64()?))
}

/// The part of a reason that is kept: whole characters, at most [`MAX_REASON_BYTES`].
pub(crate) fn cut_reason(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

/// A document's name as it is compared.
pub(crate) fn folded_name(document: &DocumentKey) -> String {
    document.name.to_lowercase()
}

/// The offset after which a reader goes on in a stream that keeps `first..=last`, or `None` for a gap. A stream that
/// never held an event has `first` 1 and `last` 0.
pub(crate) fn position(cursor: &Cursor, epoch: &str, first: u64, last: u64) -> Option<u64> {
    // Without an epoch an offset means nothing: such a reader has seen nothing yet.
    let offset = if cursor.epoch.is_empty() { 0 } else { cursor.offset };
    let same = cursor.epoch.is_empty() || cursor.epoch == epoch;
    let kept = offset.saturating_add(1) >= first && offset <= last;
    (same && kept).then_some(offset)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn cursor(epoch: &str, offset: u64) -> Cursor {
        Cursor { epoch: epoch.to_owned(), offset }
    }

    #[test]
    fn a_value_of_the_limit_fits_and_one_byte_more_does_not() {
        assert!(fits("ab", 2).is_ok());
        assert!(matches!(fits("abc", 2), Err(StoreError::TooLarge { bytes: 3, limit: 2 })));
    }

    #[test]
    fn the_checksum_is_the_one_of_redis_cluster() {
        // From the cluster specification.
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn a_reader_without_an_epoch_starts_at_the_beginning_whatever_its_offset() {
        assert_eq!(position(&cursor("", 7), "e", 1, 3), Some(0));
        assert_eq!(position(&cursor("", 0), "e", 1, 0), Some(0));
    }

    #[test]
    fn a_reader_without_an_epoch_has_a_gap_once_something_was_forgotten() {
        assert_eq!(position(&cursor("", 0), "e", 2, 3), None);
    }

    #[test]
    fn a_reader_of_another_epoch_behind_or_ahead_has_a_gap() {
        assert_eq!(position(&cursor("other", 2), "e", 1, 3), None);
        assert_eq!(position(&cursor("e", 1), "e", 3, 9), None);
        assert_eq!(position(&cursor("e", 2), "e", 3, 9), Some(2));
        assert_eq!(position(&cursor("e", 9), "e", 3, 9), Some(9));
        assert_eq!(position(&cursor("e", 10), "e", 3, 9), None);
        assert_eq!(position(&cursor("e", u64::MAX), "e", 3, 9), None);
    }

    proptest! {
        #[test]
        fn a_cut_reason_is_a_prefix_of_at_most_500_bytes(reason in ".{0,400}") {
            let kept = cut_reason(&reason);
            prop_assert!(kept.len() <= MAX_REASON_BYTES);
            prop_assert!(reason.starts_with(kept));
            // At most one character of four bytes is lost to the boundary.
            prop_assert!(kept.len() == reason.len() || kept.len() > MAX_REASON_BYTES - 4);
        }
    }
}

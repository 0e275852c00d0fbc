//! Statistics for staff: what is counted, under which names, and how it is read. A count is a tally of the store, written
//! in the same step as what it counts: however often a webhook comes or a job runs, it counts once.
//!
//! Days are UTC's. A name holds kinds, configured ids and states, never a session, a person or a text.

mod csv;
mod report;
mod routes;

use data_encoding::HEXLOWER;
use neoron_protocol::{UnixMillis, session::State};
use neoron_store::Tally;
pub(crate) use routes::{__path_read_analytics, read_analytics};
use sha2::{Digest, Sha256};

use crate::record::Record;

const DAY_MILLIS: u64 = 24 * 3_600 * 1_000;
/// Between the parts of a name. No part has one in it.
const BETWEEN: char = '|';
/// The longest part of a name, in bytes. Five such parts would not fit a tally's 128, but the other two of them are
/// words of ours.
const MAX_PART: usize = 32;
/// What is kept of a longer part, before some of its hash.
const KEPT_OF_PART: usize = 23;

/// The documents that are told apart.
pub(crate) const DOCTYPES: [&str; 4] =
    ["Voice Restaurant Order", "Voice Appointment", "Voice Support Ticket", "Voice Message"];
/// Every other one.
pub(crate) const OTHER_DOCTYPE: &str = "Other";

/// What is counted of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted<'a> {
    /// It was created.
    Started,
    /// It ended in this state.
    Ended(State),
    /// It talked for so many seconds.
    Seconds(u64),
    /// A tool was answered.
    Tool {
        /// Which one.
        tool: &'a str,
        /// How: `placed`, `ask`, …
        status: &'static str,
    },
    /// A document was placed in ERPNext.
    Document {
        /// Of this doctype.
        doctype: &'a str,
    },
}

/// The tally of something that happened to a session.
pub(crate) fn tally(record: &Record, at: UnixMillis, what: Counted<'_>) -> Tally {
    let of = [part(&record.site), part(&record.business)];
    let [site, business] = &of;
    let (name, by) = match what {
        Counted::Started => (join(&["started", site, business]), 1),
        Counted::Ended(state) => (join(&["ended", site, business, state.as_str()]), 1),
        Counted::Seconds(seconds) => (join(&["seconds", site, business]), seconds),
        Counted::Tool { tool, status } => (join(&["tool", site, business, &part(tool), status]), 1),
        Counted::Document { doctype } => {
            let known = DOCTYPES.into_iter().find(|known| *known == doctype).unwrap_or(OTHER_DOCTYPE);
            (join(&["document", site, business, known]), 1)
        }
    };
    Tally { day: day(at), name, by }
}

/// The day of an instant.
pub(crate) fn day(at: UnixMillis) -> u32 {
    u32::try_from(at.0 / DAY_MILLIS).unwrap_or(u32::MAX)
}

/// An id as a part of a name: itself, or, if it is long, its beginning and some of its hash.
fn part(id: &str) -> String {
    if id.len() <= MAX_PART && !id.contains(BETWEEN) {
        return id.to_owned();
    }
    let start =
        id.char_indices().map(|(index, letter)| index + letter.len_utf8()).take_while(|end| *end <= KEPT_OF_PART);
    let start = id[..start.last().unwrap_or(0)].replace(BETWEEN, "_");
    // `~` is in no id, so that no other id has this name.
    format!("{start}~{:.8}", HEXLOWER.encode(&Sha256::digest(id.as_bytes())))
}

fn join(parts: &[&str]) -> String {
    parts.join("|")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::samples;

    #[test]
    fn a_name_says_what_where_and_how() {
        let (record, at) = (samples::record(), samples::START);
        let name = |what| tally(&record, at, what).name;
        let of = format!("{}|{}", record.site, record.business);
        assert_eq!(name(Counted::Started), format!("started|{of}"));
        assert_eq!(name(Counted::Ended(State::Completed)), format!("ended|{of}|completed"));
        let tool = Counted::Tool { tool: "confirmOrder", status: "placed" };
        assert_eq!(name(tool), format!("tool|{of}|confirmOrder|placed"));
        assert_eq!(name(Counted::Document { doctype: DOCTYPES[0] }), format!("document|{of}|Voice Restaurant Order"));
        assert_eq!(name(Counted::Document { doctype: "User" }), format!("document|{of}|Other"));
        let seconds = tally(&record, at, Counted::Seconds(61));
        assert_eq!((seconds.name, seconds.by), (format!("seconds|{of}"), 61));
        // 2026-11-24.
        assert_eq!(seconds.day, 20_781);
    }

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        assert_eq!((day(UnixMillis(DAY_MILLIS - 1)), day(UnixMillis(DAY_MILLIS))), (0, 1));
        assert_eq!(day(UnixMillis(u64::MAX)), u32::MAX);
    }

    #[test]
    fn long_ids_stay_different() {
        let (one, other) = (format!("{}a", "x".repeat(63)), format!("{}b", "x".repeat(63)));
        assert_eq!(part(&one).len(), MAX_PART);
        assert_ne!(part(&one), part(&other));
        assert_eq!(part(&"x".repeat(MAX_PART)), "x".repeat(MAX_PART));
    }

    proptest! {
        #[test]
        fn every_name_fits_whatever_the_ids(site in "\\PC{0,80}", business in "\\PC{0,80}", tool in "\\PC{0,80}") {
            let mut record = samples::record();
            (record.site, record.business) = (site, business);
            let tally = tally(&record, samples::START, Counted::Tool { tool: &tool, status: "refused" });
            prop_assert!(tally.name.len() <= 128);
            prop_assert_eq!(tally.name.split(BETWEEN).count(), 5);
        }
    }
}

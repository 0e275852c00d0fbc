//! Tallies read as a table: one row a day, site and business. Pure.

use std::collections::BTreeMap;

use jiff::{Span, civil::Date};
use neoron_store::Tally;
use serde::Serialize;
use utoipa::ToSchema;

use super::{BETWEEN, part};

const EPOCH: Date = Date::constant(1970, 1, 1);

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Analytics {
    /// The first day, `YYYY-MM-DD`.
    pub(super) from: String,
    /// The last day.
    pub(super) to: String,
    /// By day, site and business; only those with something to count.
    pub(super) rows: Vec<Row>,
}

/// One day of one site and business.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Row {
    /// `YYYY-MM-DD`, UTC.
    pub(super) day: String,
    /// The site's id; one of more than 32 characters is shortened.
    pub(super) site: String,
    /// The business profile's id; one of more than 32 characters is shortened.
    pub(super) business: String,
    /// Its calls.
    pub(super) calls: Calls,
    /// Documents placed in ERPNext, by doctype.
    pub(super) documents: BTreeMap<String, u64>,
    /// Tool calls answered, by tool and status.
    pub(super) tools: BTreeMap<String, BTreeMap<String, u64>>,
}

/// The calls of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Calls {
    /// Sessions started.
    pub(super) started: u64,
    /// Ended by somebody.
    pub(super) completed: u64,
    /// Ended by a fault, or never connected.
    pub(super) failed: u64,
    /// Never joined.
    pub(super) abandoned: u64,
    /// Seconds talked.
    pub(super) seconds: u64,
}

/// Which days and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) site: Option<String>,
    pub(super) business: Option<String>,
}

/// The table of some tallies. Names of another version of us are passed over.
pub(super) fn of(wanted: &Wanted, tallies: &[Tally]) -> Analytics {
    let (site, business) = (wanted.site.as_deref().map(part), wanted.business.as_deref().map(part));
    let mut rows: BTreeMap<(u32, &str, &str), Row> = BTreeMap::new();
    for tally in tallies {
        let mut parts = tally.name.split(BETWEEN);
        let (Some(kind), Some(of_site), Some(of_business)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let other = |wanted: &Option<String>, is: &str| wanted.as_ref().is_some_and(|wanted| wanted != is);
        if other(&site, of_site) || other(&business, of_business) {
            continue;
        }
        let row = rows.entry((tally.day, of_site, of_business)).or_insert_with(|| Row {
            day: text_of(tally.day),
            site: of_site.to_owned(),
            business: of_business.to_owned(),
            ..Row::default()
        });
        row.add(kind, parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), tally.by);
    }
    let counted = rows.into_values().filter(|row| !row.is_empty()).collect();
    Analytics { from: wanted.from.to_string(), to: wanted.to.to_string(), rows: counted }
}

impl Row {
    fn add(&mut self, kind: &str, what: &str, how: &str, by: u64) {
        let count = match (kind, what) {
            ("started", _) => &mut self.calls.started,
            ("ended", "completed") => &mut self.calls.completed,
            ("ended", "failed") => &mut self.calls.failed,
            ("ended", "abandoned") => &mut self.calls.abandoned,
            ("seconds", _) => &mut self.calls.seconds,
            ("document", doctype) => self.documents.entry(doctype.to_owned()).or_default(),
            ("tool", tool) => self.tools.entry(tool.to_owned()).or_default().entry(how.to_owned()).or_default(),
            _ => return,
        };
        *count = count.saturating_add(by);
    }

    fn is_empty(&self) -> bool {
        self.calls == Calls::default() && self.documents.is_empty() && self.tools.is_empty()
    }
}

/// The number of a day; `None` before 1970.
pub(super) fn number_of(date: Date) -> Option<u32> {
    u32::try_from(date.since((jiff::Unit::Day, EPOCH)).ok()?.get_days()).ok()
}

/// `YYYY-MM-DD`; empty for a day that no calendar has.
fn text_of(day: u32) -> String {
    let after = Span::new().try_days(day).and_then(|days| EPOCH.checked_add(days));
    after.map(|date| date.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn tally(day: u32, name: &str, by: u64) -> Tally {
        Tally { day, name: name.into(), by }
    }

    pub(super) fn wanted(site: Option<&str>, business: Option<&str>) -> Wanted {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Wanted { from: date(2026, 11, 23), to: date(2026, 11, 24), site: owned(site), business: owned(business) }
    }

    fn tallies() -> Vec<Tally> {
        vec![
            tally(20_780, "started|shop|restaurant", 3),
            tally(20_781, "document|shop|restaurant|Voice Restaurant Order", 2),
            tally(20_781, "ended|shop|restaurant|abandoned", 1),
            tally(20_781, "ended|shop|restaurant|completed", 4),
            tally(20_781, "ended|shop|restaurant|failed", 2),
            tally(20_781, "of_tomorrow|shop|restaurant", 9),
            tally(20_781, "seconds|shop|restaurant", 120),
            tally(20_781, "started|salon|appointment", 1),
            tally(20_781, "started|shop|restaurant", 7),
            tally(20_781, "tool|shop|restaurant|confirmOrder|placed", 2),
            tally(20_781, "tool|shop|restaurant|confirmOrder|refused", 1),
            tally(20_781, "unreadable", 1),
        ]
    }

    #[test]
    fn tallies_become_rows_by_day_site_and_business() {
        let table = of(&wanted(None, None), &tallies());
        let keys: Vec<_> = table.rows.iter().map(|row| (row.day.as_str(), row.site.as_str())).collect();
        assert_eq!(keys, [("2026-11-23", "shop"), ("2026-11-24", "salon"), ("2026-11-24", "shop")]);
        let row = &table.rows[2];
        assert_eq!(row.calls, Calls { started: 7, completed: 4, failed: 2, abandoned: 1, seconds: 120 });
        assert_eq!(row.documents["Voice Restaurant Order"], 2);
        assert_eq!((row.tools["confirmOrder"]["placed"], row.tools["confirmOrder"]["refused"]), (2, 1));
    }

    #[test]
    fn one_site_or_business_can_be_asked_for() {
        assert_eq!(of(&wanted(Some("salon"), None), &tallies()).rows.len(), 1);
        assert_eq!(of(&wanted(None, Some("restaurant")), &tallies()).rows.len(), 2);
        assert_eq!(of(&wanted(Some("salon"), Some("restaurant")), &tallies()).rows.len(), 0);
        let long = "x".repeat(60);
        let shortened = [tally(20_781, &format!("started|{}|restaurant", part(&long)), 1)];
        assert_eq!(of(&wanted(Some(&long), None), &shortened).rows.len(), 1, "a long id is found by itself");
    }

    #[test]
    fn what_is_not_known_makes_no_row() {
        assert_eq!(of(&wanted(None, None), &[tally(1, "of_tomorrow|shop|restaurant", 9)]).rows, []);
    }

    proptest! {
        #[test]
        fn a_days_number_is_its_date(day in 0u32..2_000_000) {
            prop_assert_eq!(number_of(text_of(day).parse().unwrap()), Some(day));
        }

        #[test]
        fn no_name_makes_it_panic(name in "\\PC{0,60}", day: u32, by: u64) {
            of(&wanted(None, None), &[tally(day, &name, by), tally(day, &name, by)]);
        }
    }
}

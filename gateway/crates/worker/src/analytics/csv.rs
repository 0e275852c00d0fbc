//! The table as CSV (RFC 4180), with the same columns every day, for a spreadsheet. Pure.
//!
//! A text that a spreadsheet would take for a formula gets an apostrophe in front, which spreadsheets take as "this is a
//! text". Ids come from the configuration, but whoever opens the file trusts it.

use super::{
    DOCTYPES, OTHER_DOCTYPE,
    report::{Analytics, Row},
};

/// The statuses of a tool's answer.
const STATUSES: [&str; 6] = ["ok", "quoted", "placed", "queued", "ask", "refused"];

/// The whole table.
pub(super) fn text(table: &Analytics) -> String {
    let mut text = String::new();
    line(&mut text, &header());
    for row in &table.rows {
        line(&mut text, &cells(row));
    }
    text
}

fn header() -> Vec<String> {
    let calls = [
        "day",
        "site",
        "business",
        "calls_started",
        "calls_completed",
        "calls_failed",
        "calls_abandoned",
        "call_seconds",
        "documents",
    ];
    let documents = doctypes().map(|doctype| format!("documents_{}", doctype.to_lowercase().replace(' ', "_")));
    let tools = STATUSES.iter().map(|status| format!("tool_calls_{status}"));
    calls.into_iter().map(str::to_owned).chain(documents).chain(["tool_calls".to_owned()]).chain(tools).collect()
}

fn cells(row: &Row) -> Vec<String> {
    let calls = &row.calls;
    let documents = || doctypes().map(|doctype| row.documents.get(doctype).copied().unwrap_or(0));
    let of_status = |status: &str| sum(row.tools.values().filter_map(|tool| tool.get(status).copied()));
    let mut numbers = vec![calls.started, calls.completed, calls.failed, calls.abandoned, calls.seconds];
    numbers.push(sum(row.documents.values().copied()));
    numbers.extend(documents());
    numbers.push(sum(row.tools.values().flat_map(|tool| tool.values().copied())));
    numbers.extend(STATUSES.iter().map(|status| of_status(status)));
    let texts = [&row.day, &row.site, &row.business].map(|text| cell(text));
    texts.into_iter().chain(numbers.iter().map(u64::to_string)).collect()
}

fn doctypes() -> impl Iterator<Item = &'static str> {
    DOCTYPES.into_iter().chain([OTHER_DOCTYPE])
}

fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

fn line(text: &mut String, cells: &[String]) {
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// A text as a cell.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n', '\t']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::analytics::report::Calls;

    fn sample(site: &str) -> Analytics {
        let count = |pairs: &[(&str, u64)]| -> BTreeMap<String, u64> {
            pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        let row = Row {
            day: "2026-11-24".into(),
            site: site.into(),
            business: "restaurant".into(),
            calls: Calls { started: 7, completed: 4, failed: 2, abandoned: 1, seconds: 120 },
            documents: count(&[("Voice Restaurant Order", 2), ("Other", 1)]),
            tools: BTreeMap::from([
                ("confirmOrder".to_owned(), count(&[("placed", 2), ("refused", 1)])),
                ("getMenu".to_owned(), count(&[("ok", 5)])),
            ]),
        };
        Analytics { from: "2026-11-24".into(), to: "2026-11-24".into(), rows: vec![row] }
    }

    #[test]
    fn a_row_has_a_number_under_every_heading() {
        let text = text(&sample("shop"));
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(
            lines[0],
            "day,site,business,calls_started,calls_completed,calls_failed,calls_abandoned,call_seconds,documents,\
             documents_voice_restaurant_order,documents_voice_appointment,documents_voice_support_ticket,\
             documents_voice_message,documents_other,tool_calls,tool_calls_ok,tool_calls_quoted,tool_calls_placed,\
             tool_calls_queued,tool_calls_ask,tool_calls_refused"
        );
        assert_eq!(lines[1], "2026-11-24,shop,restaurant,7,4,2,1,120,3,2,0,0,0,1,8,5,0,2,0,0,1");
        assert_eq!(lines[2..], [""]);
    }

    #[test]
    fn a_text_is_quoted_and_is_no_formula() {
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"x\""), "\"say \"\"x\"\"\"");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@SUM(A1,B1)"), "\"'@SUM(A1,B1)\"");
        assert_eq!(cell("-shop"), "'-shop");
        assert_eq!(cell("shop"), "shop");
    }

    /// Reads one line of CSV, as RFC 4180 has it.
    fn read(line: &str) -> Vec<String> {
        let mut cells = vec![String::new()];
        let (mut quoted, mut letters) = (false, line.chars().peekable());
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cells.last_mut().unwrap().push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(String::new()),
                letter => cells.last_mut().unwrap().push(letter),
            }
        }
        cells
    }

    proptest! {
        #[test]
        fn whatever_an_id_is_it_stays_one_cell_and_no_formula(site in "[=+\\-@,\"\r\n\ta-z~']{0,12}") {
            let text = text(&sample(&site));
            let (_, rows) = text.split_once("\r\n").unwrap();
            let cells = read(rows.strip_suffix("\r\n").unwrap());
            prop_assert_eq!(cells.len(), header().len());
            prop_assert_eq!(cells[1].trim_start_matches('\''), site.trim_start_matches('\''));
            prop_assert!(!cells[1].starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
        }
    }
}

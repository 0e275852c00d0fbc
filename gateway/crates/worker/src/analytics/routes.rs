//! `GET /v1/analytics`: what was counted, for staff, as JSON or CSV.
//!
//! Staff have tokens of their own; without any configured there is nothing here. A token opens all sites.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use jiff::civil::Date;
use neoron_protocol::ErrorCode;
use neoron_store::KEPT_TALLY_DAYS;

use super::{
    csv,
    report::{self, Analytics, Wanted},
};
use crate::{
    app::App,
    http::{auth, problem::Refusal},
};

/// The longest id asked for, in bytes; the configuration's own bound.
const MAX_ID: usize = 64;

/// How the table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

/// Reads the counts of calls, documents and tool calls, by day, site and business.
#[utoipa::path(
    get,
    path = "/v1/analytics",
    tag = "staff",
    security(("staff" = [])),
    params(
        ("from" = String, Query, description = "The first day in UTC, `YYYY-MM-DD`."),
        ("to" = String, Query, description = "The last day; at most 400 days in all."),
        ("site" = Option<String>, Query, description = "Only this site."),
        ("business" = Option<String>, Query, description = "Only this business profile."),
        ("format" = Option<String>, Query, description = "`json` or `csv`, instead of what `Accept` says."),
    ),
    responses((
        status = 200,
        description = "What was counted. Days are kept for 400 days.",
        content((Analytics = "application/json"), (String = "text/csv")),
    ))
)]
pub(crate) async fn read_analytics(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    authenticate(&app, &headers)?;
    let (wanted, format) = read(query.as_deref().unwrap_or_default(), accepts_csv(&headers))?;
    let number = |date, name| report::number_of(date).ok_or_else(|| invalid(format!("{name} is before 1970")));
    let (from, to) = (number(wanted.from, "from")?, number(wanted.to, "to")?);
    let table = report::of(&wanted, &app.store.tallies(from..=to).await?);
    let mut response = match format {
        Format::Json => Json(table).into_response(),
        Format::Csv => {
            let name = format!("attachment; filename=\"calls_{}_{}.csv\"", table.from, table.to);
            let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
            let mut response = ([kind], csv::text(&table)).into_response();
            // Digits and dashes.
            if let Ok(name) = HeaderValue::from_str(&name) {
                response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    Ok(response)
}

/// Lets staff in. All tokens are compared: which of them is nearly right takes no other time.
fn authenticate(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    if app.config.staff.is_empty() {
        return Err(Refusal::of(ErrorCode::NotFound));
    }
    let hash = auth::hash_token(auth::bearer(headers).unwrap_or_default());
    let known = app.config.staff.values().fold(false, |known, staff| known | auth::same(&hash, &staff.token_sha256));
    if known { Ok(()) } else { Err(Refusal::of(ErrorCode::StaffTokenInvalid)) }
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::because(ErrorCode::InvalidField, detail)
}

/// Reads the query.
fn read(query: &str, csv: bool) -> Result<(Wanted, Format), Refusal> {
    let (mut from, mut to, mut site, mut business) = (None, None, None, None);
    let mut format = if csv { Format::Csv } else { Format::Json };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "from" => from = Some(date(&value, "from")?),
            "to" => to = Some(date(&value, "to")?),
            "site" => site = Some(value.into_owned()),
            "business" => business = Some(value.into_owned()),
            "format" => {
                format = match &*value {
                    "json" => Format::Json,
                    "csv" => Format::Csv,
                    _ => return Err(invalid("format is json or csv")),
                };
            }
            _ => return Err(invalid("the query takes from, to, site, business and format")),
        }
    }
    let (Some(from), Some(to)) = (from, to) else { return Err(invalid("from and to are needed, as YYYY-MM-DD")) };
    let days = from.until((jiff::Unit::Day, to)).map_err(|_| invalid("the range is too long"))?.get_days();
    if days < 0 {
        return Err(invalid("to is before from"));
    }
    if days >= i32::try_from(KEPT_TALLY_DAYS).unwrap_or(i32::MAX) {
        return Err(invalid(format!("at most {KEPT_TALLY_DAYS} days at once")));
    }
    // `?site=` of a form that was left empty.
    let chosen = |id: Option<String>| id.filter(|id| !id.is_empty());
    let (site, business) = (chosen(site), chosen(business));
    if [&site, &business].into_iter().flatten().any(|id| id.len() > MAX_ID) {
        return Err(invalid("there is no such site or business"));
    }
    Ok((Wanted { from, to, site, business }, format))
}

/// A date, and nothing else that could be read as one.
fn date(text: &str, name: &str) -> Result<Date, Refusal> {
    let written = |date: &Date| date.to_string() == text;
    text.parse().ok().filter(written).ok_or_else(|| invalid(format!("{name} is a day, as YYYY-MM-DD")))
}

/// Whether CSV is named before JSON.
fn accepts_csv(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut types = lines.flat_map(|line| line.split(',')).map(|it| it.split(';').next().unwrap_or_default().trim());
    types.find_map(|it| match it.to_ascii_lowercase().as_str() {
        "text/csv" => Some(true),
        "application/json" => Some(false),
        _ => None,
    }) == Some(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn detail(query: &str) -> String {
        let refusal = read(query, false).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidField);
        refusal.detail.unwrap()
    }

    #[test]
    fn a_query_names_days_and_whose() {
        let (wanted, format) = read("from=2026-11-01&to=2026-11-30&site=shop&business=&format=csv", false).unwrap();
        assert_eq!((wanted.from.to_string(), wanted.to.to_string()), ("2026-11-01".into(), "2026-11-30".into()));
        assert_eq!((wanted.site.as_deref(), wanted.business, format), (Some("shop"), None, Format::Csv));
        assert_eq!(read("from=2026-11-01&to=2026-11-01&format=json", true).unwrap().1, Format::Json);
    }

    #[test]
    fn a_range_is_of_four_hundred_days_at_most() {
        assert!(read("from=2025-01-01&to=2026-02-04", false).is_ok(), "400 days");
        assert_eq!(detail("from=2025-01-01&to=2026-02-05"), "at most 400 days at once");
        assert_eq!(detail("from=2026-11-02&to=2026-11-01"), "to is before from");
        assert_eq!(detail("from=-009999-01-01&to=9999-12-31"), "at most 400 days at once");
    }

    #[test]
    fn what_is_no_day_or_no_such_parameter_is_refused() {
        for query in ["", "from=2026-11-01", "to=2026-11-01"] {
            assert_eq!(detail(query), "from and to are needed, as YYYY-MM-DD");
        }
        for day in ["yesterday", "2026-11-31", "20261101", "2026-11-01T00:00", "2026-11-01 ", "1.11.2026"] {
            assert_eq!(detail(&format!("from={day}&to=2026-11-01")), "from is a day, as YYYY-MM-DD", "{day}");
        }
        assert_eq!(detail("from=2026-11-01&to=2026-11-01&format=xml"), "format is json or csv");
        assert!(detail("from=2026-11-01&to=2026-11-01&day=1").starts_with("the query takes"));
        let long = "x".repeat(65);
        assert_eq!(detail(&format!("from=2026-11-01&to=2026-11-01&site={long}")), "there is no such site or business");
    }

    #[test]
    fn csv_is_for_whoever_asks_for_it() {
        let accept = |text: &str| accepts_csv(&HeaderMap::from_iter([(header::ACCEPT, text.parse().unwrap())]));
        assert!(accept("text/csv"));
        assert!(accept("Text/CSV; header=present, */*;q=0.1"));
        assert!(!accept("*/*"));
        assert!(!accept("application/json, text/csv;q=0.5"));
        assert!(!accepts_csv(&HeaderMap::new()));
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in "\\PC{0,80}") {
            let _ = read(&query, false);
        }

        #[test]
        fn no_day_makes_it_panic(from in "[0-9-]{0,12}", to in "[0-9-]{0,12}") {
            let _ = read(&format!("from={from}&to={to}"), true);
        }
    }
}

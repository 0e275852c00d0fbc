//! The two text forms of `/metrics`. Counters are written once, in OpenMetrics; the classic Prometheus form, which is
//! what a client gets that asks for nothing else, is made from it here. Pure.

use std::fmt::Write as _;

/// The content type of OpenMetrics.
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The content type of the classic form.
pub const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The form that a client's `Accept` asks for, with its content type. `text` is OpenMetrics, with its closing line.
pub fn negotiated(accept: Option<&str>, text: String) -> (&'static str, String) {
    let wanted = accept.is_some_and(|accept| {
        let mut kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
        kinds.any(|kind| kind.eq_ignore_ascii_case("application/openmetrics-text"))
    });
    if wanted { (OPENMETRICS, text) } else { (CLASSIC, classic(&text)) }
}

/// OpenMetrics as the classic form: a counter's family is named like its samples, units and the end have no line, and
/// kinds that the classic form lacks are what they are closest to.
pub fn classic(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Its line comes before the kind, and only the kind tells the name.
    let mut help = None;
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ').map(|(_, words)| words);
        } else if let Some(described) = line.strip_prefix("# TYPE ") {
            let (name, kind) = described.split_once(' ').unwrap_or((described, "unknown"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "stateset" => ("", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            // Writing to a String cannot fail.
            if let Some(words) = help.take() {
                let _ = writeln!(out, "# HELP {name}{suffix} {words}");
            }
            let _ = writeln!(out, "# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a_requests Requests.\n# TYPE a_requests counter\na_requests_total{b=\"c d\"} 3\n\
        # HELP a_wait_seconds Waits.\n# TYPE a_wait_seconds histogram\n# UNIT a_wait_seconds seconds\n\
        a_wait_seconds_sum 0.5\na_wait_seconds_bucket{le=\"+Inf\"} 1\n\
        # HELP a_build Build.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n# EOF\n";

    #[test]
    fn a_counters_family_is_named_like_its_samples() {
        assert_eq!(
            classic(TEXT),
            "# HELP a_requests_total Requests.\n# TYPE a_requests_total counter\na_requests_total{b=\"c d\"} 3\n\
             # HELP a_wait_seconds Waits.\n# TYPE a_wait_seconds histogram\n\
             a_wait_seconds_sum 0.5\na_wait_seconds_bucket{le=\"+Inf\"} 1\n\
             # HELP a_build_info Build.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n"
        );
    }

    #[test]
    fn only_who_asks_for_openmetrics_gets_it() {
        let form = |accept| negotiated(accept, TEXT.to_owned()).0;
        assert_eq!(form(None), CLASSIC);
        assert_eq!(form(Some("*/*")), CLASSIC);
        assert_eq!(form(Some("text/plain;version=0.0.4;q=0.3")), CLASSIC);
        assert_eq!(form(Some("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")), OPENMETRICS);
        assert_eq!(negotiated(Some("application/openmetrics-text"), TEXT.to_owned()).1, TEXT);
    }
}

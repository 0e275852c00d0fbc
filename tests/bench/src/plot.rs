//! Results as SVG, made by hand: bars of both sides on a logarithmic scale, and latencies by percentile. No script, no
//! font, no colour that only one background suits.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Result;

use crate::report::{DRAWN, Latency, Report, Side, millis, shown};

const WIDTH: f64 = 760.0;
/// Where bars and curves begin, and how much room the figures at their ends have.
const LEFT: f64 = 290.0;
const RIGHT: f64 = 80.0;
const BAR: f64 = 12.0;
const ROW: f64 = 42.0;
const PLOT: f64 = 260.0;
const OURS: &str = "#0b7a75";
const PEER: &str = "#b0673a";
const INK: &str = "#333";

/// Writes the bench's pictures into a folder, which is made if it is missing.
///
/// # Errors
/// If they cannot be written.
pub(crate) fn draw(report: &Report, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("{}-bars.svg", report.bench)), bars(report))?;
    fs::write(folder.join(format!("{}-latency.svg", report.bench)), latencies(report))?;
    Ok(())
}

fn colour(side: Side) -> &'static str {
    if side == Side::Ours { OURS } else { PEER }
}

fn text(svg: &mut String, x: f64, y: f64, fill: &str, anchor: &str, words: &str) {
    // Our own words: metric names, units and numbers hold nothing to escape.
    let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" fill="{fill}" text-anchor="{anchor}">{words}</text>"#);
}

fn sheet(height: f64, title: &str, peer: &str, body: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\">\n<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, 12.0, 22.0, INK, "start", title);
    text(&mut svg, 12.0, 42.0, OURS, "start", "■ ours");
    text(&mut svg, 80.0, 42.0, PEER, "start", &format!("■ {peer}"));
    svg + body + "</svg>\n"
}

/// A bar for each side of every metric that both have. Each metric has a scale of its own: its longest bar is full, and
/// a tenth of the length is half a power of ten.
fn bars(report: &Report) -> String {
    let (mut body, mut y) = (String::new(), 66.0);
    for row in &report.rows {
        let (Some(ours), Some(peer)) = (row.of(Side::Ours), row.of(Side::Peer)) else { continue };
        let largest = ours.max(peer);
        if ours <= 0.0 || peer <= 0.0 {
            continue;
        }
        text(&mut body, LEFT - 10.0, y + BAR + 4.0, INK, "end", &format!("{} [{}]", row.metric, row.unit));
        for (side, value) in [(Side::Ours, ours), (Side::Peer, peer)] {
            let length = (1.0 + (value / largest).log10() / 5.0).max(0.02) * (WIDTH - LEFT - RIGHT);
            let fill = colour(side);
            let _ = writeln!(body, r#"<rect x="{LEFT}" y="{y:.1}" width="{length:.1}" height="{BAR}" fill="{fill}"/>"#);
            text(&mut body, LEFT + length + 6.0, y + BAR - 2.0, INK, "start", &shown(Some(value)));
            y += BAR + 2.0;
        }
        y += ROW - 2.0 * (BAR + 2.0);
    }
    sheet(y + 10.0, &format!("{}: medians, logarithmic", report.bench), report.peer, &body)
}

/// A curve for each side of every latency.
fn latencies(report: &Report) -> String {
    let (mut body, mut top) = (String::new(), 60.0);
    let metrics: std::collections::BTreeSet<_> = report.latencies.keys().map(|(metric, _)| *metric).collect();
    for metric in metrics {
        let of = |side| report.latencies.get(&(metric, side));
        let largest = [Side::Ours, Side::Peer].into_iter().filter_map(of).map(|it| millis(it, 1.0)).fold(1.0, f64::max);
        text(
            &mut body,
            12.0,
            top + 14.0,
            INK,
            "start",
            &format!("{} by percentile [ms]", metric.replace("_p99_ms", "")),
        );
        // From 0.1 ms to the next power of ten.
        let decades = (largest.log10().ceil() + 1.0).max(2.0);
        let height = |value: f64| top + PLOT - 40.0 - (value.max(0.1).log10() + 1.0) / decades * (PLOT - 80.0);
        let mut decade = 0.1;
        while decade <= largest * 10.0 && height(decade) >= top + 30.0 {
            let y = height(decade);
            let _ =
                writeln!(body, r##"<line x1="60" y1="{y:.1}" x2="{:.1}" y2="{y:.1}" stroke="#ddd"/>"##, WIDTH - RIGHT);
            text(&mut body, 54.0, y + 4.0, INK, "end", &format!("{decade}"));
            decade *= 10.0;
        }
        for (index, quantile) in DRAWN.into_iter().enumerate() {
            let name = if quantile == 1.0 { "max".to_owned() } else { format!("p{}", quantile * 100.0) };
            text(&mut body, across(index), top + PLOT - 20.0, INK, "middle", &name);
        }
        for side in [Side::Ours, Side::Peer] {
            if let Some(latency) = of(side) {
                curve(&mut body, latency, colour(side), height);
            }
        }
        top += PLOT;
    }
    sheet(top + 10.0, &format!("{}: latencies, all rounds together", report.bench), report.peer, &body)
}

/// Where a percentile is.
fn across(index: usize) -> f64 {
    80.0 + index as f64 * (WIDTH - RIGHT - 110.0) / (DRAWN.len() - 1) as f64
}

fn curve(body: &mut String, latency: &Latency, colour: &str, height: impl Fn(f64) -> f64) {
    let points: Vec<String> = DRAWN
        .into_iter()
        .enumerate()
        .map(|(index, quantile)| format!("{:.1},{:.1}", across(index), height(millis(latency, quantile))))
        .collect();
    let points = points.join(" ");
    let _ = writeln!(body, r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>"#);
}

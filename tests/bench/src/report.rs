//! What was measured: samples by metric, their medians, and how they are told.

use std::{collections::BTreeMap, io::Write as _};

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::json;

/// Longest latency that is told apart, in microseconds.
const LONGEST_US: u64 = 60_000_000;
/// The percentiles that are drawn.
pub(crate) const DRAWN: [f64; 7] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0];

/// Latencies, in microseconds.
pub(crate) type Latency = Histogram<u64>;

/// Nothing yet.
pub(crate) fn latency() -> Result<Latency> {
    Ok(Histogram::new_with_max(LONGEST_US, 3)?)
}

/// Whose figure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Ours,
    Peer,
}

/// A metric of one bench.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) metric: &'static str,
    pub(crate) unit: &'static str,
    samples: BTreeMap<Side, Vec<f64>>,
}

/// All metrics of one bench, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) bench: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) rows: Vec<Row>,
    /// Latencies of all rounds together, by metric and side.
    pub(crate) latencies: BTreeMap<(&'static str, Side), Latency>,
}

impl Row {
    /// The median of a side's rounds.
    pub(crate) fn of(&self, side: Side) -> Option<f64> {
        let mut samples = self.samples.get(&side)?.clone();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied()
    }
}

impl Report {
    pub(crate) fn new(bench: &'static str, peer: &'static str) -> Self {
        Self { bench, peer, rows: Vec::new(), latencies: BTreeMap::new() }
    }

    /// Adds a round's figure.
    pub(crate) fn add(&mut self, side: Side, metric: &'static str, unit: &'static str, value: f64) {
        let row = match self.rows.iter().position(|row| row.metric == metric) {
            Some(index) => &mut self.rows[index],
            None => {
                self.rows.push(Row { metric, unit, samples: BTreeMap::new() });
                let last = self.rows.len() - 1;
                &mut self.rows[last]
            }
        };
        row.samples.entry(side).or_default().push(value);
    }

    /// Adds a round's latency at a percentile in milliseconds, and keeps all of them to be drawn.
    pub(crate) fn add_latency(&mut self, side: Side, metric: &'static str, of: &Latency, quantile: f64) -> Result<()> {
        self.add(side, metric, "ms", millis(of, quantile));
        match self.latencies.entry((metric, side)) {
            std::collections::btree_map::Entry::Occupied(mut all) => all.get_mut().add(of)?,
            std::collections::btree_map::Entry::Vacant(none) => drop(none.insert(of.clone())),
        }
        Ok(())
    }

    /// Prints the medians: JSON lines, or a table.
    pub(crate) fn print(&self, as_json: bool) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if !as_json {
            writeln!(out, "\n{:<44} {:>14} {:>14} {:>9}  unit", self.bench, "ours", "peer", "ratio")?;
        }
        for row in &self.rows {
            let (ours, peer) = (row.of(Side::Ours), row.of(Side::Peer));
            let ratio = ours.zip(peer).filter(|(_, peer)| *peer != 0.0).map(|(ours, peer)| ours / peer);
            if as_json {
                let line = json!({
                    "bench": self.bench, "metric": row.metric, "ours": ours, "peer": peer,
                    "peer_name": peer.map(|_| self.peer), "ratio": ratio, "unit": row.unit,
                });
                writeln!(out, "{line}")?;
            } else {
                let [ours, peer] = [ours, peer].map(shown);
                let ratio = ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
                writeln!(out, "  {:<42} {ours:>14} {peer:>14} {ratio:>9}  {}", row.metric, row.unit)?;
            }
        }
        Ok(())
    }
}

/// A latency at a percentile, in milliseconds.
pub(crate) fn millis(of: &Latency, quantile: f64) -> f64 {
    // Bounded by a minute: exact.
    of.value_at_quantile(quantile) as f64 / 1_000.0
}

/// A figure for people.
pub(crate) fn shown(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_the_median_of_each_side() {
        let mut report = Report::new("b", "p");
        for value in [3.0, 1.0, 2.0] {
            report.add(Side::Ours, "m", "ms", value);
        }
        assert_eq!(report.rows[0].of(Side::Ours), Some(2.0));
        assert_eq!(report.rows[0].of(Side::Peer), None);
    }

    #[test]
    fn figures_are_shown_as_long_as_they_mean_something() {
        assert_eq!(shown(Some(1234.56)), "1235");
        assert_eq!(shown(Some(1.234)), "1.23");
        assert_eq!(shown(None), "–");
    }
}

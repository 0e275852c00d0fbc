//! Counting what test runners report: cargo's `test result:` lines, the summaries of Node's test runner and of pytest.

use std::fmt;

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed.
    pub(crate) failed: u64,
    /// Ignored or skipped.
    pub(crate) skipped: u64,
}

impl Tally {
    /// Adds what a line of output reports, if it reports anything.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            let count = |word: &str| {
                let end = counts.find(word)?;
                counts[..end].trim_end().rsplit(' ').next()?.parse::<u64>().ok()
            };
            self.passed += count("passed").unwrap_or(0);
            self.failed += count("failed").unwrap_or(0);
            self.skipped += count("ignored").unwrap_or(0);
        }
        // pytest closes with "1 failed, 640 passed, 2 skipped in 4.71s".
        if let Some((counts, took)) = line.trim_matches(['=', ' ']).rsplit_once(" in ")
            && took
                .split(' ')
                .next()
                .is_some_and(|took| took.ends_with('s') && took.starts_with(|c: char| c.is_ascii_digit()))
        {
            for (number, word) in counts.split(", ").filter_map(|count| count.split_once(' ')) {
                let number = number.parse::<u64>().unwrap_or(0);
                match word {
                    "passed" | "xfailed" => self.passed += number,
                    "failed" | "error" | "errors" | "xpassed" => self.failed += number,
                    "skipped" => self.skipped += number,
                    _ => {}
                }
            }
        }
        // Node's runner prints "# pass 3" (TAP) or "ℹ pass 3" (spec).
        if let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))
            && let Some((word, number)) = rest.split_once(' ')
            && let Ok(number) = number.trim().parse::<u64>()
        {
            match word {
                "pass" => self.passed += number,
                "fail" | "cancelled" => self.failed += number,
                "skipped" | "todo" => self.skipped += number,
                _ => {}
            }
        }
    }

    /// One check of our own.
    pub(crate) fn check(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn read(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn cargos_lines_are_added_up() {
        let lines = [
            "running 3 tests",
            "test result: ok. 30 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.14s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.14s",
        ];
        assert_eq!(read(&lines), Tally { passed: 32, failed: 1, skipped: 1 });
    }

    #[test]
    fn nodes_lines_are_added_up() {
        let lines = ["# tests 6", "# pass 3", "# fail 1", "# cancelled 1", "# skipped 1", "# todo 0", "ℹ pass 4"];
        assert_eq!(read(&lines), Tally { passed: 7, failed: 2, skipped: 1 });
    }

    #[test]
    fn pytests_closing_line_is_added_up() {
        let lines =
            ["....  [ 99%]", "643 passed in 4.71s", "==== 1 failed, 2 passed, 3 skipped in 61.02s (0:01:01) ===="];
        assert_eq!(read(&lines), Tally { passed: 645, failed: 1, skipped: 3 });
    }

    #[test]
    fn the_closing_line_reads_as_runners_print_it() {
        assert_eq!(Tally { passed: 1, failed: 0, skipped: 2 }.to_string(), "1 passed, 0 failed, 2 skipped");
    }
}

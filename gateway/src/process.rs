//! What the process takes of the machine, under the names that every Prometheus client library uses. Read from `/proc`
//! when it is asked for; where that is missing, nothing is shown.

use std::{fmt::Write as _, fs};

/// Linux counts CPU time for user space in hundredths of a second on every architecture we build for (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// The text of OpenMetrics, without a closing line.
pub(crate) fn metrics() -> String {
    let read = |name: &str| fs::read_to_string(format!("/proc/{name}")).unwrap_or_default();
    let files = fs::read_dir("/proc/self/fd").map(Iterator::count).ok();
    let taken = Taken {
        files: files.map(|count| count as u64),
        ..Taken::parse(&read("self/stat"), &read("self/status"), &read("self/limits"), &read("stat"))
    };
    taken.text()
}

#[derive(Debug, Default, PartialEq)]
struct Taken {
    cpu_seconds: Option<f64>,
    began_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    files: Option<u64>,
    files_at_most: Option<u64>,
}

impl Taken {
    /// Reads proc(5): the process's `stat`, `status` and `limits`, and the machine's `stat`.
    fn parse(stat: &str, status: &str, limits: &str, machine: &str) -> Self {
        // The second field is the program's name in brackets and may hold anything; the third is the first behind it.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<f64>().ok());
        let line = |text: &str, name: &str, field: usize| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().nth(field)?.parse().ok()
        };
        let kibibytes = |name: &str| line(status, name, 0).map(|count| count * 1_024);
        Self {
            cpu_seconds: ticks(14).zip(ticks(15)).map(|(user, system)| (user + system) / TICKS_PER_SECOND),
            began_seconds: line(machine, "btime", 0)
                .zip(ticks(22))
                .map(|(boot, since)| boot as f64 + since / TICKS_PER_SECOND),
            resident_bytes: kibibytes("VmRSS:"),
            virtual_bytes: kibibytes("VmSize:"),
            files: None,
            files_at_most: line(limits, "Max open files", 0),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut add = |name: &str, kind: &str, help: &str, value: Option<String>| {
            let suffix = if kind == "counter" { "_total" } else { "" };
            if let Some(value) = value {
                // Writing to a String cannot fail.
                let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{suffix} {value}\n");
            }
        };
        let whole = |value: Option<u64>| value.map(|value| value.to_string());
        let broken = |value: Option<f64>| value.map(|value| value.to_string());
        add("process_cpu_seconds", "counter", "CPU time used, in seconds.", broken(self.cpu_seconds));
        let began = "When the process began, in seconds since the epoch.";
        add("process_start_time_seconds", "gauge", began, broken(self.began_seconds));
        add("process_resident_memory_bytes", "gauge", "Memory in use, in bytes.", whole(self.resident_bytes));
        add("process_virtual_memory_bytes", "gauge", "Address space in use, in bytes.", whole(self.virtual_bytes));
        add("process_open_fds", "gauge", "Open files and sockets.", whole(self.files));
        add("process_max_fds", "gauge", "How many files and sockets may be open.", whole(self.files_at_most));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proc_says_is_read_whatever_the_program_is_called() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 4 0 1000 9 9";
        let status = "Name:\ta\nVmSize:\t    2048 kB\nVmRSS:\t     512 kB\n";
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files            1024    4096    files\n";
        let taken = Taken::parse(stat, status, limits, "cpu 1\nbtime 1700000000\n");
        let expected = Taken {
            cpu_seconds: Some(3.0),
            began_seconds: Some(1_700_000_010.0),
            resident_bytes: Some(524_288),
            virtual_bytes: Some(2_097_152),
            files: None,
            files_at_most: Some(1_024),
        };
        assert_eq!(taken, expected);
        assert!(taken.text().contains("# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total 3\n"));
    }

    #[test]
    fn where_proc_is_missing_nothing_is_shown() {
        assert_eq!(Taken::parse("", "", "", "").text(), "");
    }

    #[test]
    fn this_process_takes_something() {
        for name in ["process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds "] {
            assert!(metrics().contains(name), "{name}");
        }
    }
}

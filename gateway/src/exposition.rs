//! What a process shows beside its edge: which build it is, what it takes of the machine, and the counters of its
//! workers as one exposition: each family once, each sample with its worker's id.
//!
//! OpenMetrics wants a family's lines together, and two workers in one process count the same things.

use neoron_worker::Counters;

use crate::process;

/// All of it in the text format of OpenMetrics, without a closing line.
pub(crate) fn of_process(workers: &[Counters]) -> String {
    let build = format!(
        "# HELP voice_build Which build this is.\n# TYPE voice_build info\nvoice_build_info{{version=\"{}\"}} 1\n",
        env!("CARGO_PKG_VERSION")
    );
    let workers = merge(workers.iter().map(|counters| (counters.worker().to_string(), counters.text())));
    build + &process::metrics() + &workers
}

/// Merges OpenMetrics texts, each with the id of the worker that it belongs to; without a closing line.
fn merge(texts: impl Iterator<Item = (String, String)>) -> String {
    let mut families: Vec<Family> = Vec::new();
    for (worker, text) in texts {
        let mut current = None;
        for line in text.lines().filter(|line| *line != "# EOF") {
            if let Some(described) = line.strip_prefix("# ") {
                let name = described.split(' ').nth(1).unwrap_or_default();
                let index = families.iter().position(|family| family.name == name).unwrap_or_else(|| {
                    families.push(Family { name: name.to_owned(), ..Family::default() });
                    families.len() - 1
                });
                families[index].describe(line);
                current = Some(index);
            } else if let Some(index) = current {
                families[index].samples.push(labelled(line, &worker));
            }
        }
    }
    let lines = families.iter().flat_map(|family| family.description.iter().chain(&family.samples));
    lines.fold(String::new(), |text, line| text + line + "\n")
}

#[derive(Default)]
struct Family {
    name: String,
    description: Vec<String>,
    samples: Vec<String>,
}

impl Family {
    fn describe(&mut self, line: &str) {
        if !self.description.iter().any(|known| known == line) {
            self.description.push(line.to_owned());
        }
    }
}

/// A sample with the worker's id as its first label. An id needs no escaping.
fn labelled(sample: &str, worker: &str) -> String {
    match sample.find(['{', ' ']) {
        Some(at) if sample[at..].starts_with('{') => {
            let (name, labels) = (&sample[..at], &sample[at + 1..]);
            let comma = if labels.starts_with('}') { "" } else { "," };
            format!("{name}{{worker=\"{worker}\"{comma}{labels}")
        }
        Some(at) => format!("{}{{worker=\"{worker}\"}}{}", &sample[..at], &sample[at..]),
        None => sample.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn a_familys_samples_stand_together_with_their_workers_names() {
        let text = |count: u32| {
            format!(
                "# HELP voice_jobs Jobs.\n# TYPE voice_jobs gauge\nvoice_jobs{{state=\"dead\"}} {count}\n\
                 # HELP voice_legs Legs.\n# TYPE voice_legs gauge\nvoice_legs {count}\n# EOF\n"
            )
        };
        let merged = merge([("w_1".to_owned(), text(1)), ("w_2".to_owned(), text(2))].into_iter());
        assert_eq!(
            merged,
            "# HELP voice_jobs Jobs.\n# TYPE voice_jobs gauge\n\
             voice_jobs{worker=\"w_1\",state=\"dead\"} 1\nvoice_jobs{worker=\"w_2\",state=\"dead\"} 2\n\
             # HELP voice_legs Legs.\n# TYPE voice_legs gauge\n\
             voice_legs{worker=\"w_1\"} 1\nvoice_legs{worker=\"w_2\"} 2\n"
        );
    }

    #[test]
    fn nothing_merges_to_nothing() {
        assert_eq!(merge(std::iter::empty()), "");
    }
}

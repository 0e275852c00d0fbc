//! From pieces of speech to lines: pieces are put together, partial lines are told a few times a second, whole ones
//! always. Pure: the time comes in.

use std::{collections::HashMap, time::Duration};

use neoron_protocol::frame::{Speaker, Transcript};
use serde_json::Value;
use tokio::time::Instant;

/// Partial texts of a line are at least this far apart: five a second read as flowing speech.
const APART: Duration = Duration::from_millis(200);
/// Lines that are not whole yet. Each side speaks one at a time; more are remains of interrupted ones.
const MAX_OPEN: usize = 16;
/// The largest line, in bytes of its JSON: an event of the stream has at most 16 KiB.
const MAX_LINE_BYTES: usize = 12 * 1024;

/// A line that is being said.
#[derive(Debug)]
struct Open {
    speaker: Speaker,
    text: String,
    /// When it was told last; `None` for never.
    told: Option<Instant>,
    /// Whether there is something that was not told.
    changed: bool,
}

/// The lines of one connection.
#[derive(Debug, Default)]
pub(super) struct Lines {
    open: HashMap<String, Open>,
    /// Whole lines, to be told at once.
    whole: Vec<Transcript>,
}

impl Lines {
    /// Takes a transcript message. One that cannot be read, or that the visitor typed, is passed over.
    pub(super) fn hear(&mut self, message: &Value) {
        let (role, typed) = (message["role"].as_str(), message["medium"] == "text");
        let speaker = match role {
            Some("agent") => Speaker::Agent,
            // What is typed was written when it came, under the client's own id.
            Some("user") if !typed => Speaker::Visitor,
            _ => return,
        };
        let Some(ordinal) = message["ordinal"].as_u64() else { return };
        let letter = if speaker == Speaker::Agent { 'a' } else { 'u' };
        let name = format!("{letter}{ordinal}");
        self.make_room(&name);
        let line =
            self.open.entry(name.clone()).or_insert(Open { speaker, text: String::new(), told: None, changed: false });
        let before = line.text.len();
        match (message["text"].as_str(), message["delta"].as_str()) {
            (Some(text), _) => {
                line.changed |= line.text != text;
                text.clone_into(&mut line.text);
            }
            (None, Some(delta)) => line.text.push_str(delta),
            (None, None) => {}
        }
        cut(&mut line.text);
        line.changed |= line.text.len() != before;
        if message["final"] == true {
            self.close(&name);
        } else if line.text.trim().is_empty() {
            // Nothing to show yet.
            line.changed = false;
        }
    }

    fn close(&mut self, name: &str) {
        let Some(line) = self.open.remove(name) else { return };
        if !line.text.trim().is_empty() {
            self.whole.push(transcript(name, &line, true));
        }
    }

    /// Makes room for a line: the one that was told longest ago is told as whole.
    fn make_room(&mut self, name: &str) {
        if self.open.len() < MAX_OPEN || self.open.contains_key(name) {
            return;
        }
        let oldest = self.open.iter().min_by_key(|(_, line)| line.told).map(|(name, _)| name.clone());
        if let Some(oldest) = oldest {
            self.close(&oldest);
        }
    }

    /// When the next partial line may be told; `None` if there is nothing new.
    pub(super) fn due(&self) -> Option<Instant> {
        let changed = self.open.values().filter(|line| line.changed);
        changed.filter_map(|line| line.told.map(|told| told + APART)).min()
    }

    /// What is to be told now; `everything` whatever the time.
    pub(super) fn take(&mut self, now: Instant, everything: bool) -> Vec<Transcript> {
        let mut told = std::mem::take(&mut self.whole);
        for (name, line) in &mut self.open {
            let rested = everything || line.told.is_none_or(|told| now >= told + APART);
            if line.changed && rested {
                told.push(transcript(name, line, false));
                line.told = Some(now);
                line.changed = false;
            }
        }
        told
    }
}

fn transcript(name: &str, line: &Open, r#final: bool) -> Transcript {
    Transcript { line: name.to_owned(), speaker: line.speaker, text: line.text.clone(), r#final }
}

/// Cuts a text so that its JSON fits into an event.
fn cut(text: &mut String) {
    // The longest escape has six bytes for one.
    if text.len() <= MAX_LINE_BYTES / 6 {
        return;
    }
    let mut bytes = 0;
    let over = text.char_indices().find(|(_, letter)| {
        bytes += match letter {
            '"' | '\\' => 2,
            control if control.is_control() => 6,
            other => other.len_utf8(),
        };
        bytes > MAX_LINE_BYTES
    });
    if let Some((at, _)) = over {
        text.truncate(at);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use neoron_protocol::{UnixMillis, frame::Body};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::app::event;

    fn piece(role: &str, ordinal: u64, kind: &str, text: &str, last: bool) -> Value {
        json!({"type": "transcript", "role": role, "medium": "voice", "ordinal": ordinal, kind: text, "final": last})
    }

    fn texts(told: &[Transcript]) -> Vec<(&str, &str, bool)> {
        told.iter().map(|line| (line.line.as_str(), line.text.as_str(), line.r#final)).collect()
    }

    #[test]
    fn pieces_become_a_line_that_grows_and_is_whole_at_last() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        lines.hear(&piece("agent", 0, "delta", "Hel", false));
        assert_eq!(texts(&lines.take(now, false)), [("a0", "Hel", false)]);
        lines.hear(&piece("agent", 0, "delta", "lo", false));
        assert!(lines.take(now, false).is_empty(), "too soon");
        assert_eq!(lines.due(), Some(now + APART));
        assert_eq!(texts(&lines.take(now + APART, false)), [("a0", "Hello", false)]);
        lines.hear(&piece("agent", 0, "text", "Hello.", true));
        assert_eq!(texts(&lines.take(now + APART, false)), [("a0", "Hello.", true)]);
        assert_eq!(lines.due(), None);
    }

    #[test]
    fn a_last_piece_without_words_still_makes_the_line_whole() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        lines.hear(&piece("user", 3, "delta", "Two pizzas", false));
        lines.hear(&json!({"type": "transcript", "role": "user", "medium": "voice", "ordinal": 3, "final": true}));
        assert_eq!(texts(&lines.take(now, false)), [("u3", "Two pizzas", true)]);
    }

    #[test]
    fn what_the_visitor_typed_is_passed_over_and_what_the_agent_wrote_is_not() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        for role in ["user", "agent", "moon"] {
            let mut typed = piece(role, 1, "text", "hi", true);
            typed["medium"] = "text".into();
            lines.hear(&typed);
        }
        assert_eq!(texts(&lines.take(now, false)), [("a1", "hi", true)]);
    }

    #[test]
    fn what_was_heard_is_told_when_the_connection_ends() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        lines.hear(&piece("agent", 0, "delta", "One", false));
        lines.take(now, false);
        lines.hear(&piece("agent", 0, "delta", " two", false));
        assert_eq!(texts(&lines.take(now, true)), [("a0", "One two", false)]);
    }

    proptest! {
        #[test]
        fn every_line_fits_into_an_event_and_the_open_ones_are_bounded(
            pieces in prop::collection::vec(
                (0u64..40, prop::sample::select(vec!["a", "\"", "\u{1}", "é", "\u{1f600}"]), 0usize..4_000, any::<bool>(), any::<bool>()),
                1..60,
            ),
        ) {
            let (mut lines, mut now) = (Lines::default(), Instant::now());
            for (ordinal, letter, count, whole, delta) in pieces {
                let text = letter.repeat(count);
                lines.hear(&piece("agent", ordinal, if delta { "delta" } else { "text" }, &text, whole));
                prop_assert!(lines.open.len() <= MAX_OPEN);
                now += Duration::from_millis(70);
                for line in lines.take(now, false) {
                    prop_assert!(event(UnixMillis(1), &Body::Transcript(line)).data.len() <= 16 * 1024);
                }
            }
        }
    }
}

//! The agent's sentences: templates over what is known, with filters for money, times and lists.
//!
//! A template that fails at the moment of speaking costs the sentence, never the command: the caller has something
//! plain to say instead.

use minijinja::{Environment, ErrorKind, Value};
use neoron_protocol::frame::Money;

use super::{Sentence, money};
use crate::erpnext::site_time;

/// The longest sentence, in characters; nobody listens to more.
const MAX_CHARS: usize = 4_000;

/// A business's templates.
pub(super) struct Sentences(Environment<'static>);

impl Sentences {
    /// No templates yet.
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.add_filter("money", money_filter);
        environment.add_filter("when", when_filter);
        environment.add_filter("listed", listed_filter);
        Self(environment)
    }

    /// Adds one of a tool's templates.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn add(&mut self, tool: &str, sentence: Sentence, source: &str) -> Result<(), String> {
        self.0.add_template_owned(name(tool, sentence), source.to_owned()).map_err(|error| error.to_string())
    }

    /// Puts a context into words. Spaces and line breaks of the template are joined.
    pub(super) fn say(&self, tool: &str, sentence: Sentence, context: &serde_json::Value) -> String {
        let rendered = self
            .0
            .get_template(&name(tool, sentence))
            .and_then(|template| template.render(Value::from(minijinja::value::Serde(context))));
        match rendered {
            Ok(text) => text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_CHARS).collect(),
            Err(error) => {
                // The kind only: the message may quote the context.
                tracing::warn!(tool, kind = ?error.kind(), "an answer cannot be put into words");
                String::new()
            }
        }
    }
}

fn name(tool: &str, sentence: Sentence) -> String {
    // Without a file ending, so that nothing is escaped for HTML.
    format!("{tool}/{sentence:?}")
}

/// `{{ total_amount | money(currency) }}` → `£19.00`.
fn money_filter(value: &Value, currency: Option<String>) -> Result<String, minijinja::Error> {
    let number = serde_json::to_value(value).unwrap_or_default();
    let minor = money::minor(&number)
        .ok_or_else(|| minijinja::Error::new(ErrorKind::InvalidOperation, "not an amount of money"))?;
    Ok(money::text(&Money { minor, currency: currency.unwrap_or_else(|| "GBP".to_owned()) }))
}

/// `{{ start | when }}` → `Tuesday 24 November at 10:30`; what is no time stays as it is.
fn when_filter(value: &str) -> String {
    site_time::spoken(value).unwrap_or_else(|| value.to_owned())
}

/// `{{ names | listed }}` → `a, b and c`.
fn listed_filter(values: Vec<String>) -> String {
    listed(&values, "and")
}

/// Words as one says them: `a, b and c`.
pub(super) fn listed(words: &[impl AsRef<str>], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., end] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", first.join(", "), end.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn say(source: &str, context: serde_json::Value) -> String {
        let mut sentences = Sentences::new();
        sentences.add("tool", Sentence::Say, source).unwrap();
        sentences.say("tool", Sentence::Say, &context)
    }

    #[test]
    fn filters_speak_money_times_and_lists() {
        assert_eq!(say("{{ total | money('GBP') }}", json!({"total": 19.5})), "£19.50");
        assert_eq!(say("{{ start | when }}", json!({"start": "2026-11-24 10:30:00"})), "Tuesday 24 November at 10:30");
        assert_eq!(say("{{ of | listed }}", json!({"of": ["a", "b", "c"]})), "a, b and c");
        assert_eq!(
            say("{{ of | map(attribute='n') | list | listed }}", json!({"of": [{"n": "a"}, {"n": "b"}]})),
            "a and b"
        );
    }

    #[test]
    fn nothing_is_escaped_and_spaces_are_joined() {
        assert_eq!(say("{{ a }}\n  & co", json!({"a": "<Fish>"})), "<Fish> & co");
    }

    #[test]
    fn a_template_that_fails_says_nothing() {
        assert_eq!(say("{{ total | money }}", json!({"total": "much"})), "");
    }

    #[test]
    fn a_template_that_cannot_be_read_is_an_error() {
        assert!(Sentences::new().add("tool", Sentence::Say, "{{ a").is_err());
    }
}

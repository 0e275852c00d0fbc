//! Tools: what the agent can do, as configured, and the one route by which Ultravox calls them.
//!
//! A tool is configuration: a description, a JSON Schema, a method of ERPNext and sentences. Nothing here knows a
//! business; what it does know is how a quote is made, confirmed once, and told. A tool never answers Ultravox with an
//! error that the agent cannot say.

mod answer;
mod arguments;
pub(crate) mod catalogue;
mod checked;
pub(crate) mod commands;
mod compile;
#[cfg(test)]
mod conversations;
mod desk;
pub(crate) mod documents;
pub(crate) mod http;
mod matching;
mod money;
mod queries;
mod quoting;
mod refusal;
#[cfg(test)]
mod samples;
mod say;
mod selected;
#[cfg(test)]
pub(crate) mod stack;
mod validate;

use std::collections::BTreeMap;

pub(crate) use self::selected::selected;
use self::{catalogue::Snapshots, say::Sentences};
use crate::config::{Business, ToolSpec};

/// All businesses' tools, compiled, and what they last heard from ERPNext.
pub(crate) struct Tools {
    profiles: BTreeMap<String, Profile>,
    snapshots: Snapshots,
}

/// A business's tools.
pub(crate) struct Profile {
    tools: BTreeMap<String, Tool>,
    sentences: Sentences,
}

/// A tool, ready to be called.
pub(crate) struct Tool {
    name: String,
    spec: ToolSpec,
    validator: jsonschema::Validator,
}

/// Which of a tool's sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sentence {
    /// The answer.
    Say,
    /// It is durable, but not answered yet.
    Queued,
    /// It cannot be answered at all.
    Unavailable,
}

impl Tools {
    /// Compiles all schemas and sentences and checks what refers to what.
    ///
    /// # Errors
    /// Everything that is wrong, each with the business and the tool.
    pub(crate) fn compile(businesses: &BTreeMap<String, Business>) -> Result<Self, Vec<String>> {
        let (mut profiles, mut errors) = (BTreeMap::new(), Vec::new());
        for (id, business) in businesses {
            match compile::profile(id, business) {
                Ok(profile) => drop(profiles.insert(id.clone(), profile)),
                Err(wrong) => errors.extend(wrong),
            }
        }
        if errors.is_empty() { Ok(Self { profiles, snapshots: Snapshots::default() }) } else { Err(errors) }
    }

    /// A business's tools.
    fn profile(&self, business: &str) -> Option<&Profile> {
        self.profiles.get(business)
    }
}

impl Profile {
    /// A tool by its name.
    fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.get(name)
    }

    /// The tool whose sentence tells the outcome of `tool`'s command: the one that confirms it, or itself.
    fn teller<'a>(&'a self, tool: &'a Tool) -> &'a Tool {
        self.tools.values().find(|other| other.spec.confirms.as_deref() == Some(&tool.name)).unwrap_or(tool)
    }

    /// The ERPNext method that a catalogue setting means: a tool's, or itself.
    fn method<'a>(&'a self, name: &'a str) -> &'a str {
        self.tool(name).and_then(|tool| tool.spec.method.as_deref()).unwrap_or(name)
    }

    /// One of a tool's sentences over a context.
    fn say(&self, tool: &Tool, sentence: Sentence, context: &serde_json::Value) -> String {
        self.sentences.say(&tool.name, sentence, context)
    }
}

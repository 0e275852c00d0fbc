//! The agent's turns: what was heard goes to the scripted agent, what it decides is spoken or executed.
//!
//! The agent itself is pure (`agent`); this module does its talking and calling, keeps the messages and sends the
//! transcript. It never decides that a call starts or ends by time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::agent::{Action, Agent, ToolInfo};
use super::call::{Call, Role, Said};
use super::create::tool::{Implementation, Source, Tool};
use super::tool_call::{self, Reply, ResponseType, Result as ToolResult};
use super::wire::{AgentState, Outbound, Transcript};
use super::world::World;
use crate::ultravox::create::tool::Reaction;

/// Actions of one turn. The scripted agent needs four at most; more would be a loop.
const MOST_STEPS: usize = 16;

/// What a turn starts from.
#[derive(Debug)]
pub(super) enum Input {
    /// The agent opens the conversation.
    Opening { text: String, delay: Duration },
    /// The visitor said or wrote something.
    Words { text: String, voice: bool },
    /// A line that the agent says as it stands.
    Line(String),
    /// The agent is made to say and do something.
    Forced { content: String, calls: Vec<(String, Map<String, Value>)> },
    /// The agent hangs up, with or without a word.
    Farewell(Option<String>),
}

/// How a turn leaves the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnEnd {
    GoOn,
    HangUp,
    /// No further message can be kept.
    Full,
}

/// The spoken side of a live call.
#[derive(Debug)]
pub(super) struct Conversation {
    world: Arc<World>,
    call: Arc<Call>,
    agent: Agent,
    /// Number of the next utterance.
    ordinal: u64,
    voice: bool,
    /// Whether the agent spoke since it last heard something.
    spoke: bool,
    full: bool,
}

impl Conversation {
    pub(super) fn new(world: Arc<World>, call: Arc<Call>) -> Self {
        let tools = call.plan.tools.iter().map(info).collect();
        let mut agent = Agent::new(tools);
        agent.recall(&call.plan.initial_messages);
        let voice = call.plan.voice_output;
        Self { world, call, agent, ordinal: 0, voice, spoke: false, full: false }
    }

    pub(super) fn set_voice(&mut self, voice: bool) {
        self.voice = voice;
    }

    /// Keeps a text for the next turn of the visitor.
    pub(super) fn note(&mut self, text: &str) {
        self.keep(Said::words(Role::User, text, false));
        self.agent.note(text);
    }

    /// One turn, from the input to the moment when the agent listens again.
    pub(super) async fn take(&mut self, input: Input) -> TurnEnd {
        let end = match input {
            Input::Opening { text, delay } => {
                tokio::time::sleep(delay).await;
                self.perform(vec![Action::Say(text)]).await
            }
            Input::Line(text) => self.perform(vec![Action::Say(text)]).await,
            Input::Words { text, voice } => {
                self.hear(&text, voice);
                let actions = self.agent.hear(&text, self.world.clock.today());
                self.perform(actions).await
            }
            Input::Forced { content, calls } => {
                let calls = calls.into_iter().map(|(tool, arguments)| Action::Call { tool, arguments });
                let say = (!content.is_empty()).then_some(Action::Say(content));
                self.perform(say.into_iter().chain(calls).collect()).await
            }
            Input::Farewell(text) => {
                self.perform(text.map(Action::Say).into_iter().collect()).await;
                TurnEnd::HangUp
            }
        };
        self.call.send(Outbound::state(AgentState::Listening));
        if self.full { TurnEnd::Full } else { end }
    }

    fn hear(&mut self, text: &str, voice: bool) {
        self.spoke = false;
        let medium = if voice { "voice" } else { "text" };
        let ordinal = self.next_ordinal();
        let piece =
            |text, last| Outbound::transcript(&Transcript { role: "user", medium, ordinal, text, delta: false, last });
        if voice {
            self.call.send(Outbound::user_speaking(true));
            // What a recogniser has understood half-way through.
            if let Some((first, _)) = text.split_once(' ') {
                self.call.send(piece(first, false));
            }
            self.call.send(Outbound::user_speaking(false));
        }
        self.call.send(piece(text, true));
        self.keep(Said::words(Role::User, text, voice));
        self.call.send(Outbound::state(AgentState::Thinking));
    }

    async fn perform(&mut self, actions: Vec<Action>) -> TurnEnd {
        let mut next: VecDeque<Action> = actions.into();
        for _ in 0..MOST_STEPS {
            let Some(action) = next.pop_front() else { return TurnEnd::GoOn };
            match action {
                Action::Say(text) => self.speak(&text).await,
                Action::HangUp => {
                    self.record_hang_up();
                    return TurnEnd::HangUp;
                }
                Action::Call { tool, arguments } => match self.use_tool(&tool, arguments).await {
                    Ok(follow_up) => next.extend(follow_up),
                    Err(end) => return end,
                },
            }
        }
        TurnEnd::GoOn
    }

    /// Says a line: pieces as deltas, then the whole text.
    async fn speak(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.call.send(Outbound::state(AgentState::Speaking));
        let ordinal = self.next_ordinal();
        let medium = if self.voice { "voice" } else { "text" };
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        for piece in words.chunks(3) {
            let piece = piece.concat();
            let delta = Transcript { role: "agent", medium, ordinal, text: &piece, delta: true, last: false };
            self.call.send(Outbound::transcript(&delta));
            tokio::time::sleep(self.world.options.speech_pace).await;
        }
        let whole = Transcript { role: "agent", medium, ordinal, text, delta: false, last: true };
        self.call.send(Outbound::transcript(&whole));
        self.keep(Said::words(Role::Agent, text, self.voice));
        self.spoke = true;
    }

    /// Calls a tool, again with identical arguments when the result came late, and asks the agent what follows.
    async fn use_tool(&mut self, name: &str, arguments: Map<String, Value>) -> Result<Vec<Action>, TurnEnd> {
        let call = Arc::clone(&self.call);
        let Some(tool) = call.plan.tools.iter().find(|tool| tool.name == name) else { return Ok(Vec::new()) };
        if tool.implementation == Implementation::HangUp {
            self.record_hang_up();
            return Err(TurnEnd::HangUp);
        }
        let arguments = declared(tool, arguments);
        self.call.send(Outbound::state(AgentState::Thinking));
        for attempt in 1..=self.world.options.late_repeats + 1 {
            let invocation = self.world.ids.uuid();
            self.keep_tool(Role::ToolCall, tool, &invocation, &Value::Object(arguments.clone()).to_string(), None);
            self.call.send(Outbound::invoking_tool(&tool.name, &invocation, &arguments));
            let request = tool_call::Invocation { tool, arguments: &arguments, id: &invocation, attempt };
            match tool_call::run(&self.world, &self.call, &request).await {
                ToolResult::Late => {}
                ToolResult::Reply(reply) => return self.replied(tool, &invocation, &arguments, &reply),
                ToolResult::Failed(details) => {
                    let text = "The tool failed.";
                    self.keep_tool(Role::ToolResult, tool, &invocation, text, Some(details));
                    return Ok(self.agent.tool_failed(name));
                }
            }
        }
        Ok(self.agent.tool_failed(name))
    }

    fn replied(
        &mut self,
        tool: &Tool,
        invocation: &str,
        arguments: &Map<String, Value>,
        reply: &Reply,
    ) -> Result<Vec<Action>, TurnEnd> {
        if let Some(state) = &reply.state {
            self.call.record().state = state.clone();
        }
        self.keep_tool(Role::ToolResult, tool, invocation, &reply.text, None);
        self.call.send(Outbound::tool_used(&tool.name, invocation, arguments, &reply.text));
        if reply.response_type == ResponseType::HangUp {
            return Err(TurnEnd::HangUp);
        }
        let mut actions = self.agent.tool_result(&tool.name, &reply.text);
        let silent = match reply.reaction.unwrap_or(tool.reaction) {
            Reaction::Speaks => false,
            Reaction::Listens => true,
            Reaction::SpeaksOnce => self.spoke,
        };
        if silent {
            actions.retain(|action| !matches!(action, Action::Say(_)));
        }
        Ok(actions)
    }

    fn record_hang_up(&mut self) {
        let Some(tool) = self.call.plan.tools.iter().find(|tool| tool.implementation == Implementation::HangUp) else {
            return;
        };
        let (tool, invocation) = (tool.clone(), self.world.ids.uuid());
        let arguments = json!({"reason": "The conversation is over.", "strict": true}).to_string();
        self.keep_tool(Role::ToolCall, &tool, &invocation, &arguments, None);
        self.keep_tool(Role::ToolResult, &tool, &invocation, "Call ended.", None);
    }

    fn keep_tool(&mut self, role: Role, tool: &Tool, invocation: &str, text: &str, error: Option<String>) {
        let tool = Some((tool.name.clone(), invocation.to_owned()));
        self.keep(Said { role, text: text.to_owned(), voice: None, tool, error });
    }

    fn keep(&mut self, said: Said) {
        self.full |= !self.call.say(said, self.world.clock.now());
    }

    fn next_ordinal(&mut self) -> u64 {
        self.ordinal += 1;
        self.ordinal - 1
    }
}

/// What the agent may know of a tool.
fn info(tool: &Tool) -> ToolInfo {
    let parameters = tool.parameters.iter().filter_map(|parameter| match parameter.source {
        Source::Dynamic { required } => Some((parameter.name.clone(), required)),
        _ => None,
    });
    ToolInfo {
        name: tool.name.clone(),
        parameters: parameters.collect(),
        ends_call: tool.implementation == Implementation::HangUp,
    }
}

/// A model keeps to the declared parameters.
fn declared(tool: &Tool, mut arguments: Map<String, Value>) -> Map<String, Value> {
    arguments.retain(|name, _| {
        let is_declared = |parameter: &super::create::tool::Parameter| {
            &parameter.name == name && matches!(parameter.source, Source::Dynamic { .. })
        };
        tool.parameters.iter().any(is_declared)
    });
    arguments
}

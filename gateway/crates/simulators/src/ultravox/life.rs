//! The life of one call as one task: waiting to be joined, talking, ending, being billed.
//!
//! Decides when a call starts and ends. What is said in between is the business of `conversation`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::call::{Call, Command, EndReason};
use super::conversation::{Conversation, Input, TurnEnd};
use super::create::FirstSpeaker;
use super::wire::{AgentState, ClientMessage, Outbound, Urgency};
use super::world::World;
use super::{create, data_connection, webhooks};

/// Turns that wait for the agent; further ones are dropped, as a voice would not be heard either.
const MOST_WAITING: usize = 32;

/// Starts the task that drives a call.
pub(super) fn start(world: Arc<World>, call: Arc<Call>, inbox: mpsc::Receiver<Command>) {
    world.tasks.clone().spawn(async move {
        let abandoned = call.abandoned.clone();
        webhooks::announce(&world, &call, "call.started");
        if abandoned.run_until_cancelled(live_and_end(&world, &call, inbox)).await.is_none() {
            call.closed.cancel();
        }
    });
}

async fn live_and_end(world: &Arc<World>, call: &Arc<Call>, mut inbox: mpsc::Receiver<Command>) {
    let reason = match wait_for_join(call, &mut inbox).await {
        Ok(()) => {
            join(world, call);
            Live::new(world, call).run(&mut inbox).await
        }
        Err(reason) => reason,
    };
    {
        let mut record = call.record();
        record.ended = Some(world.clock.now());
        record.end_reason = Some(reason);
        record.pending.clear();
    }
    call.closed.cancel();
    // Dropped now, so that whoever still wants to send learns that nobody listens.
    drop(inbox);
    webhooks::announce(world, call, "call.ended");
    tokio::time::sleep(world.options.billing_delay).await;
    if reason != EndReason::Unjoined {
        call.record().billed = true;
        webhooks::announce(world, call, "call.billed");
    }
}

async fn wait_for_join(call: &Call, inbox: &mut mpsc::Receiver<Command>) -> Result<(), EndReason> {
    let deadline = Instant::now() + call.plan.join_timeout;
    loop {
        match timeout_at(deadline, inbox.recv()).await {
            Ok(Some(Command::Joined)) => return Ok(()),
            Ok(Some(Command::End(reason))) => return Err(reason),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Err(EndReason::Unjoined),
        }
    }
}

fn join(world: &Arc<World>, call: &Arc<Call>) {
    call.record().joined = Some(world.clock.now());
    data_connection::start(world, call);
    call.send(Outbound::call_started(&call.id));
    call.send(Outbound::state(AgentState::Idle));
    webhooks::announce(world, call, "call.joined");
}

/// A joined call.
struct Live<'a> {
    call: &'a Arc<Call>,
    conversation: Conversation,
    waiting: VecDeque<Input>,
    /// When the call has lasted as long as it may.
    deadline: Instant,
    /// The visitor's last sign of life, or the last inactivity message.
    quiet_since: Instant,
    /// How many inactivity messages were spoken in this silence.
    nudges: usize,
    /// What the agent says if the visitor was to speak first and does not.
    fallback: Option<(Instant, String)>,
}

impl<'a> Live<'a> {
    fn new(world: &Arc<World>, call: &'a Arc<Call>) -> Self {
        let now = Instant::now();
        let mut live = Self {
            call,
            conversation: Conversation::new(Arc::clone(world), Arc::clone(call)),
            waiting: VecDeque::new(),
            deadline: now + call.plan.max_duration,
            quiet_since: now,
            nudges: 0,
            fallback: None,
        };
        live.open(now);
        live
    }

    /// Decides who speaks first.
    fn open(&mut self, now: Instant) {
        match &self.call.plan.first_speaker {
            FirstSpeaker::Agent { text, delay } if self.call.greeting => {
                let text = text.as_deref().unwrap_or(create::DEFAULT_GREETING).to_owned();
                self.waiting.push_back(Input::Opening { text, delay: *delay });
            }
            speaker => {
                if let (FirstSpeaker::User { fallback: Some((delay, text)) }, true) = (speaker, self.call.greeting) {
                    self.fallback = Some((now + *delay, text.clone()));
                }
                self.call.send(Outbound::state(AgentState::Listening));
            }
        }
    }

    async fn run(&mut self, inbox: &mut mpsc::Receiver<Command>) -> EndReason {
        loop {
            let end = match self.waiting.pop_front() {
                Some(input) => self.turn(input, inbox).await,
                None => self.listen(inbox).await,
            };
            if let Err(reason) = end {
                return self.last_words(reason).await;
            }
        }
    }

    /// Says what is to be said when the time is up.
    async fn last_words(&mut self, reason: EndReason) -> EndReason {
        if let (EndReason::Timeout, Some(text)) = (reason, self.call.plan.time_exceeded_message.clone()) {
            self.conversation.take(Input::Line(text)).await;
        }
        reason
    }

    /// One turn of the agent, during which the call can still end.
    async fn turn(&mut self, input: Input, inbox: &mut mpsc::Receiver<Command>) -> Result<(), EndReason> {
        let (call, deadline) = (Arc::clone(self.call), self.deadline);
        let mut arrived: Vec<Command> = Vec::new();
        let end = {
            let turn = self.conversation.take(input);
            tokio::pin!(turn);
            loop {
                tokio::select! {
                    end = &mut turn => break end,
                    command = inbox.recv() => match urgent(&call, command) {
                        Ok(Some(command)) if arrived.len() < MOST_WAITING => arrived.push(command),
                        Ok(_) => {}
                        Err(reason) => return Err(reason),
                    },
                    () = sleep_until(deadline) => return Err(EndReason::Timeout),
                }
            }
        };
        self.quiet_since = Instant::now();
        for command in arrived {
            self.accept(command)?;
        }
        match end {
            TurnEnd::GoOn => Ok(()),
            TurnEnd::HangUp => Err(EndReason::AgentHangup),
            TurnEnd::Full => Err(EndReason::SystemError),
        }
    }

    /// Waits for the next thing that happens.
    async fn listen(&mut self, inbox: &mut mpsc::Receiver<Command>) -> Result<(), EndReason> {
        let nudge = self.call.plan.inactivity.get(self.nudges);
        let silence = nudge.map_or(self.deadline, |nudge| self.quiet_since + nudge.after);
        let fallback = self.fallback.as_ref().map_or(self.deadline, |(at, _)| *at);
        tokio::select! {
            command = inbox.recv() => match urgent(self.call, command)? {
                Some(command) => self.accept(command),
                None => Ok(()),
            },
            () = sleep_until(self.deadline) => Err(EndReason::Timeout),
            () = sleep_until(fallback), if self.fallback.is_some() => {
                if let Some((_, text)) = self.fallback.take() {
                    self.waiting.push_back(Input::Opening { text, delay: Duration::ZERO });
                }
                Ok(())
            }
            () = sleep_until(silence), if nudge.is_some() => self.nudge().await,
        }
    }

    /// Speaks the next inactivity message and hangs up if it is the last straw.
    async fn nudge(&mut self) -> Result<(), EndReason> {
        let Some(nudge) = self.call.plan.inactivity.get(self.nudges).cloned() else { return Ok(()) };
        self.nudges += 1;
        self.conversation.take(Input::Line(nudge.message)).await;
        self.quiet_since = Instant::now();
        if nudge.hang_up { Err(EndReason::AgentHangup) } else { Ok(()) }
    }

    fn accept(&mut self, command: Command) -> Result<(), EndReason> {
        match command {
            Command::Spoken(text) => self.heard(Input::Words { text, voice: true }, Urgency::Soon),
            Command::Data(message) => self.data(message),
            Command::End(reason) => return Err(reason),
            Command::Joined | Command::Left(_) | Command::Idle => {}
        }
        Ok(())
    }

    fn data(&mut self, message: ClientMessage) {
        match message {
            ClientMessage::UserTextMessage { text, urgency } => {
                self.heard(Input::Words { text, voice: false }, urgency);
            }
            ClientMessage::InputTextMessage { text, defer_response } => {
                let urgency = if defer_response { Urgency::Later } else { Urgency::Immediate };
                self.heard(Input::Words { text, voice: false }, urgency);
            }
            ClientMessage::ForcedAgentMessage { content, tool_calls, urgency } => {
                let calls = tool_calls.into_iter().map(|call| (call.name, call.arguments)).collect();
                self.queue(Input::Forced { content, calls }, urgency);
            }
            ClientMessage::SetOutputMedium { medium } => self.conversation.set_voice(medium != "text"),
            ClientMessage::HangUp { message } => self.queue(Input::Farewell(message), Urgency::Immediate),
            // Answered by the socket itself, or handed over as soon as it arrived.
            ClientMessage::Ping { .. }
            | ClientMessage::ClientToolResult(_)
            | ClientMessage::DataConnectionToolResult(_) => {}
        }
    }

    /// The visitor showed a sign of life.
    fn heard(&mut self, input: Input, urgency: Urgency) {
        self.nudges = 0;
        self.quiet_since = Instant::now();
        self.fallback = None;
        self.queue(input, urgency);
    }

    fn queue(&mut self, input: Input, urgency: Urgency) {
        if let (Urgency::Later, Input::Words { text, .. }) = (urgency, &input) {
            self.conversation.note(text);
        } else if self.waiting.len() < MOST_WAITING {
            match urgency {
                Urgency::Immediate => self.waiting.push_front(input),
                Urgency::Soon | Urgency::Later => self.waiting.push_back(input),
            }
        }
    }
}

/// Handles what cannot wait for the end of a turn; answers what can.
fn urgent(call: &Call, command: Option<Command>) -> Result<Option<Command>, EndReason> {
    match command {
        None => Err(EndReason::SystemError),
        Some(Command::End(reason)) => Err(reason),
        Some(Command::Idle) => Err(EndReason::ConnectionError),
        Some(Command::Left(socket)) => {
            let mut record = call.record();
            let current = record.participant.as_ref().is_some_and(|(id, _)| *id == socket);
            if current {
                record.participant = None;
                return Err(EndReason::Hangup);
            }
            Ok(None)
        }
        Some(Command::Data(
            ClientMessage::ClientToolResult(answer) | ClientMessage::DataConnectionToolResult(answer),
        )) => {
            call.answer(answer);
            Ok(None)
        }
        Some(command) => Ok(Some(command)),
    }
}

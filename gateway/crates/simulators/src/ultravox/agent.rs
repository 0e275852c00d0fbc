//! The scripted agent: from what was said and which tools there are to what happens next.
//!
//! A stand-in for the model that is good enough for a demo and always the same for a test. It is pure: no clock, no
//! network, no randomness. It looks at the tools of the call and uses only those, with only the parameters they
//! declare; it never invents a result.

use jiff::civil::Date;
use serde_json::{Map, Value};

mod booking;
mod details;
mod flows;
mod intent;
mod items;
mod order;
mod reply;
mod when;
mod words;

use booking::Booking;
use intent::Question;
use order::Order;
use reply::{Reply, Status};
use words::Words;

/// What the agent wants to happen.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Say(String),
    Call { tool: String, arguments: Map<String, Value> },
    HangUp,
}

/// A tool as the agent knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToolInfo {
    pub(super) name: String,
    /// Parameters that the agent chooses, and whether each is required.
    pub(super) parameters: Vec<(String, bool)>,
    pub(super) ends_call: bool,
}

/// What a conversation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Order,
    Booking,
    Ticket,
    Message,
}

/// The question that the visitor's next words answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    Items,
    OrderType,
    Address,
    Name(Flow),
    Phone(Flow),
    Service,
    Slot,
    Issue,
    MessageText,
}

/// An offer that a yes makes binding.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Quote {
    id: String,
    flow: Flow,
}

/// A problem to be reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ticket {
    issue: Option<String>,
    priority: Option<&'static str>,
    /// Known once the tool was asked: name and description.
    categories: Option<Vec<(String, String)>>,
}

/// A message to be taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Message {
    text: Option<String>,
    callback: bool,
}

/// References of what was made in this call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Documents {
    order: Option<String>,
    appointment: Option<String>,
    ticket: Option<String>,
}

/// Notices kept for the visitor's next turn.
const MOST_NOTES: usize = 8;

/// The state of one conversation.
#[derive(Debug)]
pub(super) struct Agent {
    tools: Vec<ToolInfo>,
    asking: Option<Asking>,
    name: Option<String>,
    phone: Option<String>,
    order: Order,
    booking: Booking,
    ticket: Ticket,
    message: Message,
    quote: Option<Quote>,
    documents: Documents,
    notes: Vec<String>,
}

impl Agent {
    pub(super) fn new(tools: Vec<ToolInfo>) -> Self {
        Self {
            tools,
            asking: None,
            name: None,
            phone: None,
            order: Order::default(),
            booking: Booking::default(),
            ticket: Ticket::default(),
            message: Message::default(),
            quote: None,
            documents: Documents::default(),
            notes: Vec::new(),
        }
    }

    /// Takes up a conversation that began in an earlier call.
    pub(super) fn recall(&mut self, messages: &[Map<String, Value>]) {
        for message in messages {
            let field = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
            match field("role") {
                "MESSAGE_ROLE_TOOL_CALL" => self.recall_call(field("toolName"), field("text")),
                "MESSAGE_ROLE_TOOL_RESULT" => drop(self.tool_result(field("toolName"), field("text"))),
                "MESSAGE_ROLE_USER" => drop(self.details(&mut Words::new(field("text")))),
                _ => {}
            }
        }
    }

    fn recall_call(&mut self, tool: &str, arguments: &str) {
        let Ok(arguments) = serde_json::from_str::<Map<String, Value>>(arguments) else { return };
        let text = |key: &str| arguments.get(key).and_then(Value::as_str).map(str::to_owned);
        self.name = text("customer_name").or(self.name.take());
        self.phone = text("customer_phone").or(self.phone.take());
        match tool {
            "placeOrder" => self.order.recall(&arguments),
            "bookAppointment" | "getAvailability" => self.booking.recall(&arguments),
            _ => {}
        }
    }

    /// Keeps a text that is to be told with the next turn.
    pub(super) fn note(&mut self, text: &str) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(intent::notice(text).unwrap_or_else(|| text.to_owned()));
        }
    }

    /// What follows from the visitor's words. `today` is the day that "tomorrow" counts from.
    pub(super) fn hear(&mut self, text: &str, today: Date) -> Vec<Action> {
        let mut actions: Vec<Action> = self.notes.drain(..).map(Action::Say).collect();
        match intent::notice(text) {
            Some(notice) => actions.push(Action::Say(notice)),
            None => actions.extend(self.answer(text, today)),
        }
        actions
    }

    fn answer(&mut self, text: &str, today: Date) -> Vec<Action> {
        let heard = Words::new(text);
        if let Some(actions) = self.settle(&heard).or_else(|| self.ask_tool(&heard)) {
            return actions;
        }
        let mut rest = heard.clone();
        let told = self.details(&mut rest);
        self.fill(text, &rest, today)
            .or_else(|| self.begin(text, &mut rest, today))
            .or_else(|| told.then(|| self.resume()))
            .unwrap_or_else(|| self.not_understood(&heard))
    }

    /// Farewells, agreement and refusal: what needs no further understanding.
    fn settle(&mut self, heard: &Words) -> Option<Vec<Action>> {
        if intent::is_bye(heard) {
            return Some(self.goodbye());
        }
        if let Some(quote) = self.quote.clone() {
            if intent::is_yes(heard) {
                return Some(self.confirm(&quote));
            }
            if intent::is_dropped(heard) {
                self.drop_quote(&quote);
                return Some(say("All right, I have dropped it. Is there anything else?"));
            }
            if intent::is_no(heard) && items::edits(&heard.low()).is_empty() {
                return Some(say("What would you like to change?"));
            }
            return None;
        }
        (self.asking.is_none() && intent::is_done(heard)).then(|| self.goodbye())
    }

    fn drop_quote(&mut self, quote: &Quote) {
        self.quote = None;
        match quote.flow {
            Flow::Order => self.order = Order::default(),
            Flow::Booking => self.booking = Booking::default(),
            Flow::Ticket | Flow::Message => {}
        }
    }

    /// Questions that one tool answers.
    fn ask_tool(&mut self, heard: &Words) -> Option<Vec<Action>> {
        let (tool, key, reference) = match intent::question(heard)? {
            Question::Menu => ("getMenu", "", None),
            Question::Business => ("getBusinessInfo", "", None),
            Question::Categories => ("getCategories", "", None),
            Question::OrderStatus => ("orderStatus", "order", self.documents.order.clone()),
            Question::TicketStatus => ("ticketStatus", "ticket", self.documents.ticket.clone()),
            Question::CancelAppointment => ("cancelAppointment", "appointment", self.documents.appointment.clone()),
        };
        let mut arguments = Map::new();
        if let Some(reference) = reference.or_else(|| spoken_reference(heard)).filter(|_| !key.is_empty()) {
            arguments.insert(key.to_owned(), reference.into());
        }
        self.call(tool, arguments)
    }

    /// Takes names, numbers and the like out of the words. Answers whether there was any.
    fn details(&mut self, words: &mut Words) -> bool {
        let (name, phone) = (details::take_name(words), details::take_phone(words));
        let kind = if self.has("placeOrder") { details::take_order_type(words) } else { None };
        let told = name.is_some() || phone.is_some() || kind.is_some();
        self.name = name.or(self.name.take());
        self.phone = phone.or(self.phone.take());
        if let Some((kind, address)) = kind {
            self.order.kind = Some(kind);
            self.order.address = address.or(self.order.address.take());
        }
        told
    }

    /// What follows from a tool's answer.
    pub(super) fn tool_result(&mut self, tool: &str, text: &str) -> Vec<Action> {
        let reply = Reply::read(text);
        match reply.status {
            Status::Quoted => self.quoted(tool, &reply),
            Status::Placed | Status::Queued => self.placed(tool, &reply),
            Status::Ask => self.asked(tool, &reply),
            Status::Ok => return self.informed(tool, &reply),
            Status::Refused => {
                self.refused(&reply);
            }
            Status::Other => {}
        }
        vec![Action::Say(reply.say)]
    }

    /// What follows when a tool gave no answer.
    pub(super) fn tool_failed(&mut self, tool: &str) -> Vec<Action> {
        if tool == "getCategories" && self.ticket.issue.is_some() {
            self.ticket.categories = Some(Vec::new());
            return self.proceed(Flow::Ticket);
        }
        say("I am sorry, I cannot reach our system right now. Please try again in a moment.")
    }

    fn not_understood(&mut self, heard: &Words) -> Vec<Action> {
        if heard.says(&["hi", "hello", "hey", "good morning", "good evening", "good afternoon"]) {
            return say("Hello! What can I do for you?");
        }
        if self.quote.is_some() {
            return say("Sorry, I did not catch that. Shall I go ahead? Please say yes or no.");
        }
        say("Sorry, I did not catch that. Could you say it in other words?")
    }

    fn goodbye(&mut self) -> Vec<Action> {
        let mut actions = say("Thank you for calling. Goodbye!");
        if self.tools.iter().any(|tool| tool.ends_call) {
            actions.push(Action::HangUp);
        }
        actions
    }

    fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|known| known.name == tool)
    }

    /// Whether a tool declares a parameter.
    fn declares(&self, tool: &str, parameter: &str) -> bool {
        let known = self.tools.iter().find(|known| known.name == tool);
        known.is_some_and(|known| known.parameters.iter().any(|(name, _)| name == parameter))
    }

    /// Whether a tool cannot be called without a parameter.
    fn requires(&self, tool: &str, parameter: &str) -> bool {
        let known = self.tools.iter().find(|known| known.name == tool);
        known.is_some_and(|known| known.parameters.iter().any(|(name, required)| name == parameter && *required))
    }

    /// Calls a tool with what the visitor told about themselves; `None` when the call has no such tool.
    fn call(&mut self, tool: &str, mut arguments: Map<String, Value>) -> Option<Vec<Action>> {
        if !self.has(tool) {
            return None;
        }
        for (key, value) in [("customer_name", &self.name), ("customer_phone", &self.phone)] {
            if let Some(value) = value {
                arguments.insert(key.to_owned(), value.as_str().into());
            }
        }
        arguments.retain(|key, _| self.declares(tool, key));
        Some(vec![Action::Call { tool: tool.to_owned(), arguments }])
    }
}

fn say(text: &str) -> Vec<Action> {
    vec![Action::Say(text.to_owned())]
}

/// A reference in the question itself: a word with a hyphen or letters and digits, such as "VO-0001".
fn spoken_reference(heard: &Words) -> Option<String> {
    let is_reference =
        |raw: &str| raw.len() >= 4 && raw.contains('-') && raw.contains(|c: char| c.is_ascii_digit()) && raw.is_ascii();
    heard.0.iter().find(|word| is_reference(&word.raw)).map(|word| word.raw.clone())
}

#[cfg(test)]
mod tests;

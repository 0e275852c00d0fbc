//! The agent's four tasks: an order, a booking, a ticket, a message. What begins each, what is still missing, and what
//! a tool's answer makes of it.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::details::{self, OrderType};
use super::reply::{Reply, Status};
use super::words::Words;
use super::{Action, Agent, Asking, Booking, Flow, Message, Quote, Ticket, intent, items, say};

impl Agent {
    /// Takes the words as the answer to the agent's own question.
    pub(super) fn fill(&mut self, text: &str, rest: &Words, today: Date) -> Option<Vec<Action>> {
        let asking = self.asking?;
        if intent::is_dropped(rest) {
            self.asking = None;
            return Some(say("All right. Is there anything else?"));
        }
        let flow = match asking {
            Asking::OrderType if self.order.kind.is_some() => Flow::Order,
            Asking::Address if self.order.address.is_none() => {
                self.order.address = (!rest.is_blank()).then(|| Words::raw(&rest.0));
                Flow::Order
            }
            Asking::Name(flow) => {
                self.name = self.name.take().or_else(|| details::answered_name(rest));
                self.name.as_ref()?;
                flow
            }
            Asking::Phone(flow) if self.phone.is_some() => flow,
            Asking::Service => {
                let mut rest = rest.clone();
                self.booking.hear_when(&mut rest, today, false);
                self.booking.hear_service(&rest).then_some(Flow::Booking)?
            }
            Asking::Slot => {
                let mut rest = rest.clone();
                let timed = self.booking.hear_when(&mut rest, today, true);
                (self.booking.choose(&rest) || timed).then_some(Flow::Booking)?
            }
            Asking::Issue => {
                self.describe(text, rest);
                Flow::Ticket
            }
            Asking::MessageText => {
                self.message.text = Some(text.trim().to_owned());
                Flow::Message
            }
            Asking::Items | Asking::OrderType | Asking::Address | Asking::Phone(_) => return None,
        };
        self.asking = None;
        Some(self.proceed(flow))
    }

    /// Finds out which task the words begin or change.
    pub(super) fn begin(&mut self, text: &str, rest: &mut Words, today: Date) -> Option<Vec<Action>> {
        self.begin_again(rest)
            .or_else(|| self.begin_message(text, rest))
            .or_else(|| self.begin_booking(rest, today))
            .or_else(|| self.begin_order(rest))
            .or_else(|| self.begin_ticket(text, rest))
    }

    fn begin_again(&mut self, rest: &Words) -> Option<Vec<Action>> {
        if !intent::is_again(rest) || !self.has("placeOrder") {
            return None;
        }
        self.quote = None;
        // The tool may know an earlier order of this visitor even when this call does not.
        (self.order.again, self.order.placed) = (true, false);
        let arguments = self.order.arguments();
        if self.order.items.is_empty() { Some(self.ask(Asking::Items)) } else { self.call("placeOrder", arguments) }
    }

    fn begin_order(&mut self, rest: &Words) -> Option<Vec<Action>> {
        if !self.has("placeOrder") {
            return None;
        }
        let low = rest.low();
        let edits = items::edits(&low);
        let short = low.iter().filter(|word| **word != ",").count() <= 5;
        let meant = items::is_clear(&low) || (short && !is_question(&low));
        if edits.is_empty() || !meant || !self.order.change(edits) {
            return None;
        }
        self.asking = None;
        Some(self.proceed(Flow::Order))
    }

    fn begin_booking(&mut self, rest: &mut Words, today: Date) -> Option<Vec<Action>> {
        if !self.has("bookAppointment") && !self.has("getAvailability") {
            return None;
        }
        let meant = intent::is_booking(rest);
        let changing = self.quote.as_ref().is_some_and(|quote| quote.flow == Flow::Booking);
        let timed = self.booking.hear_when(rest, today, changing);
        let open = self.booking.service.is_none() && !is_question(&rest.low());
        let named = (meant || timed || open) && self.booking.hear_service(rest);
        // In a restaurant that takes bookings as well, a dish alone is no service.
        if !(meant || timed || (named && !self.has("placeOrder") && !self.has("createTicket"))) {
            return None;
        }
        if changing {
            (self.quote, self.booking.start) = (None, None);
        }
        self.asking = None;
        Some(self.proceed(Flow::Booking))
    }

    fn begin_ticket(&mut self, text: &str, rest: &Words) -> Option<Vec<Action>> {
        let only = !self.has("placeOrder") && !self.has("bookAppointment");
        let long = rest.low().iter().filter(|word| **word != ",").count() >= 3;
        if !self.has("createTicket") || !(intent::is_problem(rest) || (only && long && !is_question(&rest.low()))) {
            return None;
        }
        self.describe(text, rest);
        Some(self.proceed(Flow::Ticket))
    }

    /// Keeps what is wrong, unless the visitor only said that something is.
    fn describe(&mut self, text: &str, rest: &Words) {
        const EMPTY: [&str; 8] = [
            "i have a problem",
            "i have an issue",
            "i need help",
            "open a ticket",
            "create a ticket",
            "file a ticket",
            "i'd like to open a ticket",
            "i have a complaint",
        ];
        let short = rest.low().iter().filter(|word| **word != ",").count() <= 8;
        let empty = short && rest.says(&EMPTY) && !rest.says(&["with", "because", "my"]);
        self.ticket.issue = (!empty).then(|| text.trim().to_owned());
        self.ticket.priority = intent::priority(rest).or(self.ticket.priority);
    }

    fn begin_message(&mut self, text: &str, rest: &Words) -> Option<Vec<Action>> {
        if !self.has("takeMessage") || !intent::is_message(rest) {
            return None;
        }
        self.message.callback |= intent::wants_callback(rest);
        self.message.text = message_text(text).or_else(|| self.message.callback.then(|| text.trim().to_owned()));
        Some(self.proceed(Flow::Message))
    }

    /// Goes on with whatever was told a detail.
    pub(super) fn resume(&mut self) -> Vec<Action> {
        let flow = match (&self.quote, self.asking) {
            (Some(quote), _) => quote.flow,
            (None, Some(Asking::Name(flow) | Asking::Phone(flow))) => flow,
            _ if !self.order.items.is_empty() && !self.order.placed => Flow::Order,
            _ if self.booking.service.is_some() => Flow::Booking,
            _ if self.ticket.issue.is_some() => Flow::Ticket,
            _ if self.message.text.is_some() => Flow::Message,
            _ if self.has("placeOrder") => return self.ask(Asking::Items),
            _ => return say("Thank you. What can I do for you?"),
        };
        self.proceed(flow)
    }

    /// The next step of a task: a question, or the tool.
    pub(super) fn proceed(&mut self, flow: Flow) -> Vec<Action> {
        let called = match flow {
            Flow::Order => self.proceed_order(),
            Flow::Booking => self.proceed_booking(),
            Flow::Ticket => self.proceed_ticket(),
            Flow::Message => self.proceed_message(),
        };
        called.unwrap_or_else(|| say("I am sorry, I cannot do that here."))
    }

    fn proceed_order(&mut self) -> Option<Vec<Action>> {
        let tool = "placeOrder";
        if self.order.items.is_empty() {
            return Some(self.ask(Asking::Items));
        }
        if self.order.kind.is_none() && self.declares(tool, "order_type") {
            return Some(self.ask(Asking::OrderType));
        }
        let delivered = self.order.kind == Some(OrderType::Delivery);
        if delivered && self.order.address.is_none() && self.declares(tool, "delivery_address") {
            return Some(self.ask(Asking::Address));
        }
        if let Some(question) = self.ask_person(tool, Flow::Order) {
            return Some(question);
        }
        let arguments = self.order.arguments();
        self.call(tool, arguments)
    }

    fn proceed_booking(&mut self) -> Option<Vec<Action>> {
        if self.booking.service.is_none() {
            return Some(self.ask(Asking::Service));
        }
        if self.booking.start.is_none() {
            self.booking.start = self.booking.by_time();
        }
        let unknown = self.booking.start.is_none() && self.has("getAvailability");
        if unknown {
            let arguments = self.booking.availability();
            return self.call("getAvailability", arguments);
        }
        let Some(arguments) = self.booking.arguments() else { return Some(self.ask(Asking::Slot)) };
        if let Some(question) = self.ask_person("bookAppointment", Flow::Booking) {
            return Some(question);
        }
        self.call("bookAppointment", arguments)
    }

    fn proceed_ticket(&mut self) -> Option<Vec<Action>> {
        let Some(issue) = self.ticket.issue.clone() else { return Some(self.ask(Asking::Issue)) };
        let categorised = self.declares("createTicket", "category");
        if categorised && self.ticket.categories.is_none() && self.has("getCategories") {
            return self.call("getCategories", Map::new());
        }
        if let Some(question) = self.ask_person("createTicket", Flow::Ticket) {
            return Some(question);
        }
        let mut arguments = Map::new();
        if let Some(category) = self.ticket.category(&issue) {
            arguments.insert("category".to_owned(), category.into());
        }
        if let Some(priority) = self.ticket.priority {
            arguments.insert("priority".to_owned(), priority.into());
        }
        arguments.insert("issue".to_owned(), issue.into());
        self.call("createTicket", arguments)
    }

    fn proceed_message(&mut self) -> Option<Vec<Action>> {
        let Some(text) = self.message.text.clone() else { return Some(self.ask(Asking::MessageText)) };
        let tool = "takeMessage";
        if self.message.callback && self.phone.is_none() && self.declares(tool, "customer_phone") {
            return Some(self.ask(Asking::Phone(Flow::Message)));
        }
        if let Some(question) = self.ask_person(tool, Flow::Message) {
            return Some(question);
        }
        let mut arguments = Map::new();
        arguments.insert("message".to_owned(), text.into());
        if self.message.callback {
            arguments.insert("callback".to_owned(), Value::Bool(true));
        }
        self.call(tool, arguments)
    }

    /// Asks for a name or a number that the tool cannot do without.
    fn ask_person(&mut self, tool: &str, flow: Flow) -> Option<Vec<Action>> {
        if self.name.is_none() && self.requires(tool, "customer_name") {
            return Some(self.ask(Asking::Name(flow)));
        }
        let phone = self.phone.is_none() && self.requires(tool, "customer_phone");
        phone.then(|| self.ask(Asking::Phone(flow)))
    }

    fn ask(&mut self, asking: Asking) -> Vec<Action> {
        self.asking = Some(asking);
        say(match asking {
            Asking::Items => "What would you like to order?",
            Asking::OrderType => "Is that for pickup, for delivery, or to eat in?",
            Asking::Address => "What address should we deliver to?",
            Asking::Name(_) => "May I have your name, please?",
            Asking::Phone(_) => "What is your telephone number?",
            Asking::Service => "What would you like to book?",
            Asking::Slot => "Which day and time would suit you?",
            Asking::Issue => "What is the problem?",
            Asking::MessageText => "What message may I take?",
        })
    }

    pub(super) fn confirm(&mut self, quote: &Quote) -> Vec<Action> {
        let tool = if quote.flow == Flow::Booking { "confirmBooking" } else { "confirmOrder" };
        let arguments = Map::from_iter([("quote_id".to_owned(), Value::String(quote.id.clone()))]);
        self.call(tool, arguments).unwrap_or_else(|| say("I am sorry, I cannot do that here."))
    }

    pub(super) fn quoted(&mut self, tool: &str, reply: &Reply) {
        let flow = flow_of(tool).unwrap_or(Flow::Order);
        self.quote = reply.quote_id.clone().map(|id| Quote { id, flow });
        self.asking = None;
    }

    /// Something took effect, now or soon.
    pub(super) fn placed(&mut self, tool: &str, reply: &Reply) {
        self.asking = None;
        let document = reply.document();
        match tool {
            "placeOrder" | "confirmOrder" => {
                self.quote = None;
                (self.order.placed, self.order.again) = (true, false);
                self.documents.order = document.or(self.documents.order.take());
            }
            "bookAppointment" | "confirmBooking" => {
                self.quote = None;
                self.booking = Booking::default();
                self.documents.appointment = document.or(self.documents.appointment.take());
            }
            "cancelAppointment" => self.documents.appointment = None,
            "createTicket" => {
                self.ticket = Ticket { categories: self.ticket.categories.take(), ..Ticket::default() };
                self.documents.ticket = document.or(self.documents.ticket.take());
            }
            "takeMessage" => self.message = Message::default(),
            _ => {}
        }
    }

    /// The tool needs to know more: the wording tells what.
    pub(super) fn asked(&mut self, tool: &str, reply: &Reply) {
        let Some(flow) = flow_of(tool) else { return };
        if tool == "placeOrder" {
            self.order.doubt(&reply.unknown(), &reply.say);
        }
        let say = reply.say.to_lowercase();
        let slots = reply.slots();
        if !slots.is_empty() {
            (self.booking.slots, self.booking.start) = (slots, None);
        }
        let mentions = |words: &[&str]| words.iter().any(|word| say.contains(word));
        self.asking = Some(match flow {
            _ if mentions(&["your name", "what name", "who is"]) => Asking::Name(flow),
            _ if mentions(&["phone", "your number"]) => Asking::Phone(flow),
            Flow::Order if mentions(&["address"]) => Asking::Address,
            Flow::Order if mentions(&["pickup", "delivery", "eat in", "dine"]) => Asking::OrderType,
            Flow::Order => Asking::Items,
            Flow::Booking if mentions(&["service", "what would you like to book"]) => Asking::Service,
            Flow::Booking => Asking::Slot,
            Flow::Ticket => Asking::Issue,
            Flow::Message => Asking::MessageText,
        });
    }

    /// An answer to a question, which may be one step of a task.
    pub(super) fn informed(&mut self, tool: &str, reply: &Reply) -> Vec<Action> {
        debug_assert_eq!(reply.status, Status::Ok);
        match tool {
            "getCategories" => {
                self.ticket.categories = Some(reply.categories());
                if self.ticket.issue.is_some() {
                    return self.proceed(Flow::Ticket);
                }
            }
            "getAvailability" => {
                self.booking.slots = reply.slots();
                self.booking.start = self.booking.by_time();
                if self.booking.start.is_some() {
                    return self.proceed(Flow::Booking);
                }
                self.booking.time = None;
                self.asking = Some(Asking::Slot);
            }
            "createTicket" | "takeMessage" | "cancelAppointment" | "confirmOrder" | "confirmBooking" => {
                self.placed(tool, reply);
            }
            _ => {}
        }
        vec![Action::Say(reply.say.clone())]
    }

    /// Nothing took effect. Other slots may have been offered instead of a taken one.
    pub(super) fn refused(&mut self, reply: &Reply) {
        self.quote = None;
        let slots = reply.slots();
        if !slots.is_empty() {
            (self.booking.slots, self.booking.start, self.booking.time) = (slots, None, None);
            self.asking = Some(Asking::Slot);
        }
        if !reply.unknown().is_empty() {
            self.order.doubt(&reply.unknown(), "");
            self.asking = Some(Asking::Items);
        }
    }
}

impl Ticket {
    /// The category that shares a word with the problem.
    fn category(&self, issue: &str) -> Option<String> {
        let issue = Words::new(issue);
        let spoken = issue.low();
        let shares = |text: &str| {
            Words::new(text).low().iter().any(|word| word.len() > 3 && spoken.iter().any(|heard| alike(heard, word)))
        };
        let categories = self.categories.as_ref()?;
        let by_name = categories.iter().find(|(name, _)| shares(name));
        by_name.or_else(|| categories.iter().find(|(_, about)| shares(about))).map(|(name, _)| name.clone())
    }
}

/// "router" and "routers" are the same word.
fn alike(one: &str, other: &str) -> bool {
    one == other || one.strip_suffix('s') == Some(other) || other.strip_suffix('s') == Some(one)
}

fn flow_of(tool: &str) -> Option<Flow> {
    match tool {
        "placeOrder" | "confirmOrder" => Some(Flow::Order),
        "getAvailability" | "bookAppointment" | "confirmBooking" | "cancelAppointment" => Some(Flow::Booking),
        "createTicket" => Some(Flow::Ticket),
        "takeMessage" => Some(Flow::Message),
        _ => None,
    }
}

/// What follows "leave a message" and its like, if anything does.
fn message_text(text: &str) -> Option<String> {
    let (_, rest) =
        text.split_once(':').or_else(|| text.split_once(" that ")).or_else(|| text.split_once(" saying "))?;
    let rest = rest.trim();
    (rest.split(' ').count() >= 2).then(|| rest.to_owned())
}

fn is_question(low: &[&str]) -> bool {
    const OPENERS: [&str; 14] =
        ["what", "what's", "where", "when", "how", "why", "who", "is", "are", "do", "does", "did", "which", "will"];
    low.first().is_some_and(|first| OPENERS.contains(first))
}

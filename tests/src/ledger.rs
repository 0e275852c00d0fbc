//! What the product has promised: every request that it accepted, of every kind, and everything that it told its
//! visitors. Afterwards [`verify`](Ledger::verify) compares that with what the outside systems hold.
//!
//! It believes only what came over the wire, and it writes down before it judges.

mod account;
mod verify;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use neoron_simulators::{
    erpnext,
    ultravox::{Delivery, ToolOutcome, ToolRequest},
};
use serde_json::Value;

pub use self::{
    account::{Account, Cut, Seen},
    verify::{Figures, Verdict},
};
use crate::Outside;

/// All promises.
#[derive(Default)]
pub struct Ledger {
    accounts: Mutex<BTreeMap<String, Arc<Account>>>,
    heard: Mutex<Heard>,
    refused: Mutex<BTreeMap<String, u64>>,
}

/// What the simulators saw the product accept.
#[derive(Default)]
struct Heard {
    /// Reports of calls that were answered below 400: event and call.
    calls: BTreeSet<(String, String)>,
    /// Quotes whose confirmation was answered "placed" or "queued".
    confirmed: BTreeSet<String>,
    /// Quotes whose confirmation was asked for, whatever was answered.
    asked: BTreeSet<String>,
    /// Tool calls by how they went.
    tools: HashMap<(String, u32), ToolOutcome>,
    /// Status webhooks by event id: accepted or given up.
    statuses: BTreeMap<String, bool>,
}

impl Ledger {
    /// A session that was answered 201.
    pub fn session(&self, account: Account) -> Arc<Account> {
        let account = Arc::new(account);
        lock(&self.accounts).insert(account.session.clone(), account.clone());
        account
    }

    /// All sessions.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        lock(&self.accounts).values().cloned().collect()
    }

    /// A request that was not accepted, by what was asked and answered. The client comes again; it is counted only.
    pub fn refused(&self, what: &str, answer: &str) {
        *lock(&self.refused).entry(format!("{what}: {answer}")).or_default() += 1;
    }

    /// What was refused, and how often.
    pub fn refusals(&self) -> BTreeMap<String, u64> {
        lock(&self.refused).clone()
    }

    /// Takes over what the simulators have noted since. They keep the latest 10,000 records of a kind, so this is
    /// called every few seconds.
    pub fn collect(&self, outside: &Outside) {
        let mut heard = lock(&self.heard);
        outside.ultravox.deliveries().into_iter().for_each(|delivery| heard.call(delivery));
        for delivery in outside.erpnext.deliveries() {
            heard.status(delivery);
        }
        outside.ultravox.tool_requests().into_iter().for_each(|request| heard.tool(request));
        for call in outside.ultravox.calls() {
            heard.confirmations(&call.messages);
        }
    }

    /// How many tool calls were answered in time, too late, and not at all.
    pub fn tools(&self) -> [usize; 3] {
        let heard = lock(&self.heard);
        let count = |wanted| heard.tools.values().filter(|outcome| **outcome == wanted).count();
        [count(ToolOutcome::Used), count(ToolOutcome::Late), count(ToolOutcome::Failed)]
    }
}

impl Heard {
    fn call(&mut self, delivery: Delivery) {
        if delivery.status.is_some_and(|status| status < 400) {
            self.calls.insert((delivery.event, delivery.call_id));
        }
    }

    fn status(&mut self, delivery: erpnext::Delivery) {
        *self.statuses.entry(delivery.event_id).or_default() |= delivery.delivered;
    }

    fn tool(&mut self, request: ToolRequest) {
        self.tools.insert((request.invocation_id, request.attempt), request.outcome);
    }

    /// A call's messages tell of every use of a tool, also of one that the end of the call overtook, and its answer.
    fn confirmations(&mut self, messages: &[Value]) {
        let mut open: HashMap<&str, String> = HashMap::new();
        for message in messages {
            let invocation = message["invocationId"].as_str().unwrap_or_default();
            let said: Value = message["text"].as_str().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
            match message["role"].as_str() {
                Some("MESSAGE_ROLE_TOOL_CALL") => {
                    let Some(quote) = said["quote_id"].as_str() else { continue };
                    // The agent names the revision it read out, `q_…-2`; the order is the quote's, whichever that was.
                    let quote = quote.split('-').next().unwrap_or(quote).to_owned();
                    self.asked.insert(quote.clone());
                    open.insert(invocation, quote);
                }
                Some("MESSAGE_ROLE_TOOL_RESULT") if matches!(said["status"].as_str(), Some("placed" | "queued")) => {
                    self.confirmed.extend(open.remove(invocation));
                }
                _ => {}
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

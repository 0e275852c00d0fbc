//! Account webhooks: what `/api/webhooks` keeps, checks and shows.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::rfc3339;
use super::create::fields::{Complaints, Fields};
use super::create::links::{LONGEST_SECRET, MOST_SECRETS, webhook_url};

/// The events of a call.
pub(super) const EVENTS: [&str; 4] = ["call.started", "call.joined", "call.ended", "call.billed"];

/// Failures that a registration shows.
const MOST_FAILURES: usize = 20;

/// One account webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its id; filled in by the simulator when it is registered over the API.
    pub webhook_id: String,
    /// Where deliveries go, at most 200 characters.
    pub url: String,
    /// What signs them, at most 120 characters each.
    pub secrets: Vec<String>,
    /// The events it wants.
    pub events: Vec<String>,
    /// Only calls of this agent, when set.
    pub agent_id: Option<String>,
    pub(super) created: Timestamp,
    pub(super) failing_since: Option<Timestamp>,
    pub(super) failures: VecDeque<(Timestamp, String)>,
}

impl Registration {
    /// A registration for all events of all calls.
    #[must_use]
    pub fn new(url: &str, secrets: &[&str]) -> Self {
        Self {
            webhook_id: url.to_owned(),
            url: url.to_owned(),
            secrets: secrets.iter().map(|secret| (*secret).to_owned()).collect(),
            events: EVENTS.map(str::to_owned).to_vec(),
            agent_id: None,
            created: Timestamp::UNIX_EPOCH,
            failing_since: None,
            failures: VecDeque::new(),
        }
    }

    pub(super) fn wants(&self, event: &str, agent_id: Option<&str>) -> bool {
        self.events.iter().any(|wanted| wanted == event)
            && self.agent_id.as_deref().is_none_or(|wanted| Some(wanted) == agent_id)
    }

    /// Notes how an attempt went; `None` for a success.
    pub(super) fn note(&mut self, now: Timestamp, failure: Option<String>) {
        let Some(failure) = failure else {
            self.failing_since = None;
            return;
        };
        self.failing_since.get_or_insert(now);
        if self.failures.len() >= MOST_FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back((now, failure));
    }

    pub(super) fn object(&self) -> Value {
        let failures: Vec<Value> =
            self.failures.iter().map(|(at, failure)| json!({"timestamp": rfc3339(*at), "failure": failure})).collect();
        json!({
            "webhookId": self.webhook_id,
            "created": rfc3339(self.created),
            "url": self.url,
            "secrets": self.secrets,
            "events": self.events,
            "agentId": self.agent_id,
            "status": if self.failing_since.is_some() { "unhealthy" } else { "normal" },
            "lastStatusChange": self.failing_since.map(rfc3339),
            "recentFailures": failures,
        })
    }

    /// Takes the fields of a body. `partial` leaves out what is not given.
    ///
    /// # Errors
    /// All complaints at once.
    pub(super) fn apply(&mut self, body: &Map<String, Value>, partial: bool) -> Result<(), Complaints> {
        let complaints = std::cell::RefCell::new(Complaints::default());
        let fields = Fields::root(body, &complaints);
        fields.only(&["url", "secrets", "events", "agentId"]);
        let mut changed = self.clone();
        if fields.has("url") || !partial {
            changed.url = webhook_url(&fields).unwrap_or_default();
        }
        if fields.has("secrets") {
            changed.secrets = fields.texts("secrets", MOST_SECRETS, 1, LONGEST_SECRET);
        }
        if fields.has("events") || !partial {
            changed.events = events(&fields);
        }
        if fields.has("agentId") || !partial {
            changed.agent_id = fields.text("agentId").map(str::to_owned);
        }
        let complaints = complaints.into_inner();
        if !complaints.0.is_empty() {
            return Err(complaints);
        }
        *self = changed;
        Ok(())
    }
}

fn events(fields: &Fields<'_>) -> Vec<String> {
    let events = fields.texts("events", EVENTS.len(), 1, 64);
    if events.is_empty() {
        fields.complain("events", "This field is required.");
    }
    for event in events.iter().filter(|event| !EVENTS.contains(&event.as_str())) {
        fields.complain("events", format!("\"{event}\" is not a valid choice."));
    }
    events
}

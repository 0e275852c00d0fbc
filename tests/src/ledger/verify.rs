//! Whether the promises were kept: the ledger against ERPNext, against the voice service, and against each stream as a
//! reader sees it who was never cut off.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Account, Cut, Ledger, Seen, lock};
use crate::{Outside, visitor::Ground};

/// How long what was accepted may be under way when the faults are over: several leases of 6 s, and back-offs.
const SETTLES_WITHIN: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// A text that came so shortly before the end of its call may be too late for the agent.
const LAST_WORDS: Duration = Duration::from_secs(15);
/// Streams read at once.
const READERS: usize = 32;
/// What is wrong is shown so far.
const SHOWN: usize = 40;

/// What was found.
#[derive(Default)]
pub struct Verdict {
    /// Each a sentence; empty if every promise was kept.
    pub wrong: Vec<String>,
    /// What there was to check.
    pub figures: Figures,
}

/// How much there was to check, and how rough it was.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Sessions that were answered 201.
    pub sessions: usize,
    /// Of these: text sessions whose call ended with its worker.
    pub cut_short: usize,
    /// Visitors' texts that were accepted.
    pub texts: usize,
    /// Of these: given to the agent more than once.
    pub texts_repeated: usize,
    /// Orders whose confirmation was accepted.
    pub orders: usize,
    /// Reports of calls that were accepted.
    pub reports: usize,
    /// Status webhooks that were accepted.
    pub statuses: usize,
    /// Status webhooks that ERPNext gave up after three tries.
    pub statuses_given_up: usize,
    /// Events that sockets received.
    pub events: usize,
    /// Connections that ended with a farewell, with a close code, without a word, and that did not open.
    pub cuts: [usize; 4],
    /// Snapshots in place of history.
    pub snapshots: usize,
    /// Tool calls that were answered in time, late, and not.
    pub tools: [usize; 3],
    /// What clients were refused, and came again for.
    pub refusals: BTreeMap<String, u64>,
    /// From the end of the faults until everything was where it belongs.
    pub settled_in: Duration,
}

impl Ledger {
    /// Waits until everything that was accepted has arrived, and tells what is missing, doubled or different.
    pub async fn verify(&self, ground: &Ground) -> Verdict {
        let start = Instant::now();
        let mut wrong = loop {
            self.collect(&ground.outside);
            let wrong = self.at_erpnext(&ground.outside);
            if wrong.is_empty() || start.elapsed() > SETTLES_WITHIN {
                break wrong;
            }
            sleep(LOOK_EVERY).await;
        };
        let settled_in = start.elapsed();
        let accounts = self.accounts();
        let checked = stream::iter(accounts.iter().map(|account| self.stream_of(ground, account)));
        wrong.extend(checked.buffer_unordered(READERS).collect::<Vec<_>>().await.into_iter().flatten());
        let (lost, texts_repeated) = texts(&ground.outside, &accounts);
        wrong.extend(lost);
        wrong.sort();
        Verdict { wrong, figures: Figures { settled_in, texts_repeated, ..self.figures(&accounts) } }
    }

    fn figures(&self, accounts: &[std::sync::Arc<Account>]) -> Figures {
        let (tools, refusals) = (self.tools(), self.refusals());
        let heard = lock(&self.heard);
        let mut figures = Figures {
            sessions: accounts.len(),
            orders: heard.confirmed.len(),
            reports: heard.calls.len(),
            statuses: heard.statuses.values().filter(|accepted| **accepted).count(),
            statuses_given_up: heard.statuses.values().filter(|accepted| !**accepted).count(),
            tools,
            refusals,
            ..Figures::default()
        };
        for account in accounts {
            figures.texts += account.texts().len();
            figures.cut_short += usize::from(account.fulfilled().is_none());
            for seen in account.seen() {
                match seen {
                    Seen::Event { .. } => figures.events += 1,
                    Seen::Snapshot { .. } => figures.snapshots += 1,
                    Seen::Aside(_) => {}
                }
            }
            for cut in account.cuts() {
                figures.cuts[match cut {
                    Cut::GoingAway => 0,
                    Cut::Closed(_) => 1,
                    Cut::Broken => 2,
                    Cut::Refused(_) => 3,
                }] += 1;
            }
        }
        figures
    }

    /// What ERPNext holds against what it should hold.
    fn at_erpnext(&self, outside: &Outside) -> Vec<String> {
        let mut wrong = Vec::new();
        let (orders, sessions) = (outside.erpnext.orders(), outside.erpnext.sessions());
        let count = |documents: &[Value], field: &str| {
            let mut counted: HashMap<String, usize> = HashMap::new();
            for document in documents {
                *counted.entry(document[field].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
            counted
        };
        let heard = lock(&self.heard);
        let by_key = count(&orders, "idempotency_key");
        for quote in &heard.confirmed {
            match by_key.get(quote) {
                Some(1) => {}
                found => {
                    wrong.push(format!("order {quote} was accepted; ERPNext holds it {} times", found.unwrap_or(&0)))
                }
            }
        }
        for order in by_key.keys().filter(|key| !heard.asked.contains(*key)) {
            wrong.push(format!("order {order} is in ERPNext, but nobody confirmed it"));
        }
        let by_session = count(&sessions, "session_id");
        let state: HashMap<&str, &str> =
            sessions.iter().filter_map(|it| Some((it["session_id"].as_str()?, it["status"].as_str()?))).collect();
        let ordered = count(&orders, "session_id");
        for account in self.accounts() {
            let name = account.session.as_str();
            match by_session.get(name) {
                Some(1) if state.get(name).is_some_and(|state| *state != "Active") => {}
                Some(1) => wrong.push(format!("{name}: the call is over, but its Voice Session is Active")),
                found => wrong.push(format!("{name}: ERPNext holds {} Voice Sessions of it", found.unwrap_or(&0))),
            }
            let placed = ordered.get(name).copied().unwrap_or(0);
            if account.fulfilled().is_some_and(|wanted| wanted != placed) {
                wrong.push(format!("{name}: {:?} orders were wanted, ERPNext holds {placed}", account.fulfilled()));
            }
        }
        wrong.extend(self.reported(outside, &heard.calls, &state));
        wrong
    }

    /// Calls whose end was reported, accepted, and did not arrive.
    fn reported(
        &self,
        outside: &Outside,
        accepted: &BTreeSet<(String, String)>,
        state: &HashMap<&str, &str>,
    ) -> Vec<String> {
        let views = outside.ultravox.calls();
        let ended = views.iter().filter(|view| {
            let call = view.call["callId"].as_str().unwrap_or_default();
            accepted.contains(&("call.ended".to_owned(), call.to_owned()))
        });
        let missing = ended.filter_map(|view| {
            let session = view.call["metadata"]["sid"].as_str()?;
            let done = state.get(session).is_some_and(|state| *state != "Active");
            (!done).then(|| format!("{session}: the report of its call's end was accepted, and did not take effect"))
        });
        missing.collect()
    }

    /// One session's stream, read once more from its beginning.
    async fn stream_of(&self, ground: &Ground, account: &Account) -> Vec<String> {
        let until = Instant::now() + SETTLES_WITHIN / 3;
        let mut wrong = in_order(account);
        let read = loop {
            // The last status may be on its way.
            let read = crate::visitor::read(ground, account).await.map(|whole| self.whole(ground, account, &whole));
            let settled = read.as_ref().is_ok_and(Vec::is_empty);
            if settled || Instant::now() > until {
                break read;
            }
            sleep(LOOK_EVERY).await;
        };
        match read {
            Ok(different) => wrong.extend(different),
            Err(error) => wrong.push(format!("{}: its stream cannot be read: {error:#}", account.session)),
        }
        wrong
    }

    /// What the visitor saw, and what ERPNext holds, against the whole stream.
    fn whole(&self, ground: &Ground, account: &Account, whole: &[Seen]) -> Vec<String> {
        let name = &account.session;
        let mut wrong = Vec::new();
        let events: BTreeMap<(&str, u64), &Value> = whole.iter().filter_map(place).collect();
        let seen = account.seen();
        let own: BTreeMap<(&str, u64), &Value> = seen.iter().filter_map(place).collect();
        let (epoch, last) = account.cursor();
        for ((life, offset), frame) in &events {
            let due = *life == epoch && *offset <= last && !covered(&seen, life, *offset);
            match own.get(&(*life, *offset)) {
                Some(mine) if mine == frame => {}
                Some(mine) => wrong.push(format!("{name}: event {offset} was {mine}, and is {frame} now")),
                None if due => wrong.push(format!("{name}: event {offset} never came: {frame}")),
                None => {}
            }
        }
        for (id, _, _) in account.texts() {
            let lines =
                events.values().filter(|frame| frame["type"] == "transcript" && frame["data"]["line"] == id.as_str());
            let lines = lines.count();
            if lines != 1 {
                wrong.push(format!("{name}: text {id} was accepted, and is {lines} times in the stream"));
            }
        }
        wrong.extend(self.cards(ground, name, &events));
        wrong
    }

    /// The last state of each document in the stream against ERPNext's.
    fn cards(&self, ground: &Ground, name: &str, events: &BTreeMap<(&str, u64), &Value>) -> Vec<String> {
        let mut cards: BTreeMap<&str, &Value> = BTreeMap::new();
        for frame in events.values().filter(|frame| frame["type"] == "document") {
            cards.insert(frame["data"]["card"].as_str().unwrap_or_default(), &frame["data"]);
        }
        let mut wrong = Vec::new();
        let orders = ground.outside.erpnext.orders();
        for order in orders.iter().filter(|order| order["session_id"] == name) {
            let number = &order["order_number"];
            let Some(card) = cards.values().find(|card| &card["number"] == number) else {
                wrong.push(format!("{name}: order {number} is in ERPNext, and on no card"));
                continue;
            };
            let told = format!("Voice Restaurant Order:{}:{}", text(&order["name"]), text(&order["modified"]));
            let given_up = lock(&self.heard).statuses.get(&told) == Some(&false);
            if card["status"] != order["status"] && !given_up {
                wrong.push(format!("{name}: order {number} is {}, its card says {}", order["status"], card["status"]));
            }
        }
        wrong
    }
}

/// Within one life of the stream offsets count up by one, over all connections.
fn in_order(account: &Account) -> Vec<String> {
    let (mut wrong, mut last): (Vec<String>, Option<(String, u64)>) = Default::default();
    for seen in account.seen() {
        match seen {
            Seen::Event { epoch, offset, .. } => {
                if let Some((life, before)) = &last
                    && *life == epoch
                    && offset != before + 1
                {
                    let what = if offset > *before { "missing before" } else { "repeated or late:" };
                    wrong.push(format!("{}: {what} event {offset}, which came after {before}", account.session));
                } else if last.is_none() && offset != 1 {
                    wrong.push(format!("{}: the first event is {offset}", account.session));
                }
                last = Some((epoch, offset));
            }
            Seen::Snapshot { epoch, upto } => {
                if let Some((life, before)) = &last
                    && *life == epoch
                {
                    wrong
                        .push(format!("{}: a snapshot up to {upto} instead of what follows {before}", account.session));
                }
                last = Some((epoch, upto));
            }
            Seen::Aside(_) => {}
        }
    }
    wrong
}

/// An event by its place.
fn place(seen: &Seen) -> Option<((&str, u64), &Value)> {
    match seen {
        Seen::Event { epoch, offset, frame } => Some(((epoch.as_str(), *offset), frame)),
        Seen::Snapshot { .. } | Seen::Aside(_) => None,
    }
}

/// Whether a snapshot told it.
fn covered(seen: &[Seen], life: &str, offset: u64) -> bool {
    seen.iter().any(|seen| matches!(seen, Seen::Snapshot { epoch, upto } if epoch == life && offset <= *upto))
}

/// Accepted texts that never reached the agent, and how many did more than once.
fn texts(outside: &Outside, accounts: &[std::sync::Arc<Account>]) -> (Vec<String>, usize) {
    let (mut lost, mut repeated) = (Vec::new(), 0);
    let calls: HashMap<String, Vec<String>> = outside
        .ultravox
        .calls()
        .into_iter()
        .filter_map(|view| {
            let said = view.messages.iter().filter(|message| message["role"] == "MESSAGE_ROLE_USER");
            let said = said.filter_map(|message| message["text"].as_str().map(str::to_owned)).collect();
            Some((view.call["metadata"]["sid"].as_str()?.to_owned(), said))
        })
        .collect();
    for account in accounts {
        let Some(said) = calls.get(&account.session) else { continue };
        let mut typed: BTreeMap<String, (usize, bool)> = BTreeMap::new();
        for (_, text, at) in account.texts() {
            let late = account.over_at().is_none_or(|over| at + LAST_WORDS > over);
            let entry = typed.entry(text).or_insert((0, true));
            *entry = (entry.0 + 1, entry.1 && late);
        }
        for (text, (times, late)) in typed {
            let heard = said.iter().filter(|line| **line == text).count();
            // What was spoken is in there as well; only what is never typed and spoken alike can be counted.
            repeated += usize::from(heard > times && text != "yes");
            if heard == 0 && !late {
                lost.push(format!("{}: the accepted text {text:?} never reached the agent", account.session));
            }
        }
    }
    (lost, repeated)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.figures;
        let [farewell, closed, broken, refused] = it.cuts;
        let [used, late, failed] = it.tools;
        writeln!(
            f,
            "    {} sessions ({} cut short with their worker), {} texts ({} repeated to the agent), {} orders",
            it.sessions, it.cut_short, it.texts, it.texts_repeated, it.orders
        )?;
        writeln!(
            f,
            "    {} call reports and {} status webhooks accepted ({} given up by ERPNext); tools: {used} answered, {late} late, \
             {failed} failed",
            it.reports, it.statuses, it.statuses_given_up
        )?;
        writeln!(
            f,
            "    {} events received; connections: {farewell} told to go, {closed} closed, {broken} broken, {refused} refused; \
             {} snapshots; settled in {:.1} s",
            it.events,
            it.snapshots,
            it.settled_in.as_secs_f64()
        )?;
        for (what, times) in &it.refusals {
            writeln!(f, "    refused and asked again: {what} × {times}")?;
        }
        for wrong in self.wrong.iter().take(SHOWN) {
            writeln!(f, "    WRONG {wrong}")?;
        }
        if self.wrong.len() > SHOWN {
            writeln!(f, "    … and {} more", self.wrong.len() - SHOWN)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(frames: &[(&str, u64, &str)]) -> Account {
        let account = Account::new("s_1".into(), String::new(), String::new(), None);
        for (epoch, offset, kind) in frames {
            account.take(json!({"epoch": epoch, "offset": offset, "type": kind, "data": {"upto": 5}}));
        }
        account
    }

    #[test]
    fn events_that_count_up_by_one_are_in_order_over_a_change_of_epoch() {
        let frames =
            [("a", 1, "tool"), ("a", 2, "tool"), ("a", 0, "going_away"), ("b", 0, "snapshot"), ("b", 6, "tool")];
        assert!(in_order(&account(&frames)).is_empty());
    }

    #[test]
    fn a_hole_a_repeat_and_a_needless_snapshot_are_found() {
        for frames in [
            &[("a", 2, "tool")][..],
            &[("a", 1, "tool"), ("a", 3, "tool")],
            &[("a", 1, "tool"), ("a", 1, "tool")],
            &[("a", 1, "tool"), ("a", 0, "snapshot")],
            &[("a", 1, "tool"), ("b", 0, "snapshot"), ("b", 7, "tool")],
        ] {
            assert_eq!(in_order(&account(frames)).len(), 1, "{frames:?}");
        }
    }
}

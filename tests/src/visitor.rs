//! A visitor who does not give up: comes again when refused, reconnects when cut off, repeats what was not heard.
//!
//! What a visitor wants is decided beforehand; how it goes is written into the ledger. It never judges.

mod door;
mod line;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

pub use self::door::{Caller, Entered, Refused, ask, enter};
use self::line::Line;
pub(crate) use self::line::read;
use crate::{
    Outside,
    ledger::{Account, Ledger},
};

/// How long a visitor waits for an answer before they say it again.
const PATIENCE: Duration = Duration::from_secs(6);
/// How often a visitor says the same. Each outage here is shorter than this many times their patience.
const TRIES: usize = 12;
/// How long the staff's change of a status may take to show before the visitor looks no further.
const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// By what the visitor talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// The browser is in the call itself: it goes on whatever happens to a worker.
    Voice,
    /// A worker is in the call in the browser's place.
    Text,
}

/// What a visitor wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// By what they talk.
    pub media: Media,
    /// How many orders, one after another.
    pub orders: usize,
    /// How many times the kitchen changes each order's status.
    pub statuses: usize,
    /// From one sentence to the next.
    pub pause: Duration,
}

/// Where a visitor comes to, and what is written down.
#[derive(Clone)]
pub struct Ground {
    /// The gateway's public base.
    pub url: String,
    /// A browser.
    pub client: reqwest::Client,
    /// What is outside of the product.
    pub outside: Arc<Outside>,
    /// What is promised.
    pub ledger: Arc<Ledger>,
}

/// A visit from the click to the end of the call.
///
/// # Errors
/// If the visitor gave up. A text session that ended early is no error: its worker was in the call, and is gone.
pub async fn visit(ground: &Ground, wish: &Wish) -> Result<()> {
    let account = door::in_time(ground, wish.media).await?;
    if let Some(call) = &account.call {
        ground.outside.ultravox.join(call).await.context("the call cannot be joined")?;
    }
    let mut visitor = Visitor { ground, wish, line: Line::open(ground, &account), account, said: 0 };
    let done = visitor.talk().await;
    let done = done.with_context(|| format!("{} ({:?})", visitor.account.session, wish.media));
    visitor.leave().await?;
    done
}

struct Visitor<'a> {
    ground: &'a Ground,
    wish: &'a Wish,
    account: Arc<Account>,
    line: Line,
    said: usize,
}

/// What came of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    True,
    /// The call ended under way.
    Over,
}

impl Visitor<'_> {
    async fn talk(&mut self) -> Result<()> {
        for number in 0..self.wish.orders {
            let Some(card) = self.order(number).await? else { return self.cut_short() };
            for status in ["Confirmed", "Preparing", "Ready", "Completed"].iter().take(self.wish.statuses) {
                if self.follow(&card, status).await == Came::Over {
                    return self.cut_short();
                }
            }
        }
        self.account.fulfil(self.wish.orders);
        Ok(())
    }

    /// Only a text call ends because a process of ours does.
    fn cut_short(&self) -> Result<()> {
        if self.wish.media == Media::Text { Ok(()) } else { bail!("the call ended before the visitor was done") }
    }

    /// Orders, says yes and waits until the order is there; answers its card.
    async fn order(&mut self, number: usize) -> Result<Option<String>> {
        let before = self.account.seen().len();
        let open = |kind: &str, data: &Value| {
            (kind == "quote" && data["state"] == "open").then(|| data["quote"].as_str().unwrap_or_default().to_owned())
        };
        let mut quote = None;
        for again in 0..TRIES {
            // The agent asks for nothing new if nothing changes: each try wants another number of one thing.
            let words = match again {
                0 => "two margherita pizzas and a cola for pickup, name Ada".to_owned(),
                _ => format!("change the cola to {}", again + 1),
            };
            self.say(&words).await?;
            if let Some(found) = self.wait(before, PATIENCE, open).await {
                quote = Some(found);
                break;
            }
            if self.account.is_over() {
                return Ok(None);
            }
        }
        let Some(card) = quote else { bail!("no quote in {TRIES} tries for order {number}") };
        let received = |kind: &str, data: &Value| {
            (kind == "document" && data["card"] == card.as_str() && data["number"].is_string()).then_some(())
        };
        let placing = |kind: &str, data: &Value| (kind == "document" && data["card"] == card.as_str()).then_some(());
        for again in 0..TRIES {
            // Who sees the order on its way does not ask again: that would be another order.
            if self.account.find(before, placing).is_none() {
                // The agent may have missed the offer that the visitor has on the screen: it is made once more.
                let change = again % 3 == 2;
                let words = if change { format!("change the cola to {}", TRIES + again) } else { "yes".to_owned() };
                self.say(&words).await?;
            }
            if self.wait(before, PATIENCE, received).await.is_some() {
                return Ok(Some(card));
            }
            if self.account.is_over() {
                return Ok(None);
            }
        }
        bail!("order {number}, quote {card}, was not received in {TRIES} tries")
    }

    /// The kitchen changes the order's status, and the visitor sees it, unless the webhook was lost on the way.
    async fn follow(&self, card: &str, status: &str) -> Came {
        let from = self.account.seen().len();
        let orders = self.ground.outside.erpnext.orders();
        let ours = orders.iter().find(|order| order["name"].as_str().is_some_and(|name| name.starts_with(card)));
        let Some(name) = ours.and_then(|order| order["name"].as_str()) else { return Came::True };
        // It may be there already, should two visitors share an order: verification finds that.
        let _ = self.ground.outside.erpnext.set_status("Voice Restaurant Order", name, status, None);
        let shown = |kind: &str, data: &Value| {
            (kind == "document" && data["card"] == card && data["status"] == status).then_some(())
        };
        self.wait(from, SHOWN_WITHIN, shown).await;
        if self.account.is_over() { Came::Over } else { Came::True }
    }

    /// Speaks, or types, until it is accepted.
    async fn say(&mut self, words: &str) -> Result<()> {
        sleep(self.wish.pause).await;
        self.said += 1;
        let spoken = self.said.is_multiple_of(2);
        if let (Some(call), true) = (&self.account.call, spoken) {
            // It is between the browser and the voice service; a call that is over is found by its event.
            let _ = self.ground.outside.ultravox.say(call, words).await;
            return Ok(());
        }
        let id = format!("t{}", self.said);
        if self.said % 4 == 1 {
            self.line.text(&id, words).await;
            let echoed = |kind: &str, data: &Value| (kind == "transcript" && data["line"] == id.as_str()).then_some(());
            if self.wait(0, Duration::from_secs(2), echoed).await.is_some() {
                self.account.text(&id, words);
                return Ok(());
            }
        }
        door::post_text(self.ground, &self.account, &id, words).await
    }

    /// Waits for an event behind the place `from`, or for the end of the session.
    async fn wait<T>(&self, from: usize, limit: Duration, wanted: impl Fn(&str, &Value) -> Option<T>) -> Option<T> {
        let mut news = self.account.news();
        let found = async {
            loop {
                news.mark_unchanged();
                if let Some(found) = self.account.find(from, &wanted) {
                    return Some(found);
                }
                if self.account.is_over() {
                    return None;
                }
                news.changed().await.ok()?;
            }
        };
        timeout(limit, found).await.ok().flatten()
    }

    /// Hangs up, and stays on the line until the end is told.
    async fn leave(self) -> Result<()> {
        let until = Instant::now() + crate::stack::PATIENCE;
        while !self.account.is_over() {
            door::post_end(self.ground, &self.account).await?;
            self.wait(0, PATIENCE, |_, _| None::<()>).await;
            if Instant::now() > until {
                bail!("{}: the end of the call was never told", self.account.session);
            }
        }
        self.line.close().await;
        Ok(())
    }
}

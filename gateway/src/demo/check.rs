//! `neoron demo --check`: one scripted visitor from the click to the finished Voice Session, over real HTTP and a real
//! WebSocket. Each step is told with its time; the first one that fails ends the check with its reason.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use neoron_store::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    visitor::{self, Session, Socket, json_of},
    world::World,
};
use crate::{Failure, out, run};

/// How long everything may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often ERPNext is looked at while something is on its way there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const ORDER: &str = "Voice Restaurant Order";

/// Plays the visitor.
pub(super) async fn run(world: &World) -> Result<(), Failure> {
    let started = Instant::now();
    let mut check = Check {
        client: run::http_client(Duration::from_secs(15))?,
        gateway: world.gateway_url(),
        site: world.site.url(),
        erpnext: world.erpnext_url(),
        until: started + DEADLINE,
    };
    match check.play().await {
        Ok(()) => {
            out::line(format!("All went well, in {} ms.", started.elapsed().as_millis()));
            Ok(())
        }
        Err(Told) => Err(Failure::Silent),
    }
}

/// A step failed and was told.
struct Told;

struct Check {
    client: reqwest::Client,
    gateway: String,
    site: String,
    erpnext: String,
    until: Instant,
}

/// Runs a step within what is left of the time, and tells how it went.
async fn step<T>(until: Instant, name: &str, work: impl Future<Output = Result<T>>) -> Result<T, Told> {
    let begun = Instant::now();
    let done = match tokio::time::timeout_at(until, work).await {
        Ok(done) => done,
        Err(_) => Err(anyhow::anyhow!("it did not happen within the check's {} s", DEADLINE.as_secs())),
    };
    let took = begun.elapsed().as_millis();
    match done {
        Ok(value) => {
            out::line(format!("✓ {name} … {took} ms"));
            Ok(value)
        }
        Err(error) => {
            out::line(format!("✗ {name} … {took} ms"));
            out::error(format!("{name}: {error:#}"));
            Err(Told)
        }
    }
}

impl Check {
    async fn play(&mut self) -> Result<(), Told> {
        let until = self.until;
        let grant = step(until, "grant from the site", visitor::grant(&self.client, &self.site, "restaurant")).await?;
        let now = SystemClock.now().0;
        let starting = visitor::start(&self.client, &self.gateway, &self.site, &grant, now);
        let session = step(until, "session, by text", starting).await?;
        step(until, "the same grant a second time is refused", self.burnt(&grant, now)).await?;
        let mut socket = step(until, "realtime socket", Socket::open(&self.gateway, &self.site, &session)).await?;
        let talked = self.talk(&mut socket, &session).await;
        if talked.is_err() {
            out::error(format!("last frames: {}", socket.seen()));
        }
        talked
    }

    async fn talk(&self, socket: &mut Socket, session: &Session) -> Result<(), Told> {
        let until = self.until;
        step(until, "greeting heard", greeted(socket)).await?;
        let said = "two margherita pizzas and a cola for pickup, name Ada";
        let first =
            step(until, "order said, quote heard", quoted(socket, said, 1, &[("Margherita", 2), ("Cola", 1)])).await?;
        let said = "change the cola to two";
        let lines = [("Margherita", 2), ("Cola", 2)];
        let second = step(until, "changed, amended quote heard", quoted(socket, said, 2, &lines)).await?;
        step(until, "one quote, dearer than before", async { amended(&first, &second) }).await?;
        let card = step(until, "yes said, order placed", placed(socket, &second)).await?;
        let order =
            step(until, "exactly one order in ERPNext, at its prices", self.one_order(session, &second)).await?;
        step(until, "the kitchen sets it to Ready", self.ready(&order)).await?;
        step(until, "the card shows Ready", follows(socket, &card)).await?;
        step(until, "hung up", ended(socket)).await?;
        step(until, "Voice Session completed, with its transcript", self.completed(session)).await
    }

    /// A stolen grant is of no use.
    async fn burnt(&self, grant: &str, now: u64) -> Result<()> {
        match visitor::start(&self.client, &self.gateway, &self.site, grant, now).await {
            Ok(_) => bail!("it started a second session"),
            Err(error) if format!("{error:#}").contains("grant_reused") => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn documents(&self, doctype: &str) -> Result<Vec<Value>> {
        let url = format!("{}/_control/documents", self.erpnext);
        let answer = json_of(self.client.get(url).query(&[("doctype", doctype)]), 200).await?;
        Ok(answer["documents"].as_array().cloned().unwrap_or_default())
    }

    async fn one_order(&self, session: &Session, quote: &Value) -> Result<Value> {
        let mut orders = self.documents(ORDER).await?;
        orders.retain(|order| order["session_id"] == session.id.as_str());
        ensure!(orders.len() == 1, "there are {} orders", orders.len());
        let order = orders.remove(0);
        let items = order["items"].as_array().context("the order has no lines")?;
        let quoted = quote["lines"].as_array().context("the quote has no lines")?;
        ensure!(items.len() == quoted.len(), "{} lines were quoted, {} ordered", quoted.len(), items.len());
        for line in quoted {
            let item = items.iter().find(|item| item["item_name"] == line["label"]);
            let item = item.with_context(|| format!("{} was quoted, but not ordered", line["label"]))?;
            ensure!(item["quantity"].as_f64() == line["quantity"].as_f64(), "another quantity of {}", line["label"]);
            ensure!(
                minor(&item["total_price"]) == line["amount"]["minor"].as_i64(),
                "another price of {}",
                line["label"]
            );
        }
        ensure!(minor(&order["total_amount"]) == quote["total"]["minor"].as_i64(), "another total than quoted");
        Ok(order)
    }

    async fn ready(&self, order: &Value) -> Result<()> {
        let url = format!("{}/_control/documents/status", self.erpnext);
        let change = json!({"doctype": ORDER, "name": order["name"], "status": "Ready"});
        json_of(self.client.post(url).json(&change), 200).await.map(drop)
    }

    async fn completed(&self, session: &Session) -> Result<()> {
        loop {
            let sessions = self.documents("Voice Session").await?;
            let ours = sessions.iter().find(|it| it["session_id"] == session.id.as_str());
            match ours.and_then(|it| it["status"].as_str()) {
                Some("Completed") => {
                    let transcript = ours.and_then(|it| it["transcript"].as_str()).unwrap_or_default();
                    ensure!(transcript.to_lowercase().contains("margherita"), "it has no transcript of the call");
                    return Ok(());
                }
                Some("Failed") => bail!("its status is Failed"),
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }
}

/// ERPNext's number as pence.
fn minor(amount: &Value) -> Option<i64> {
    let pence = (amount.as_f64()? * 100.0).round();
    // Far below 2^53: exact.
    Some(pence as i64)
}

async fn greeted(socket: &mut Socket) -> Result<()> {
    let spoke = |line: &Value| line["speaker"] == "agent" && line["final"] == true;
    socket.wait(0, "transcript", spoke).await.map(drop)
}

/// Says something and waits for the quote's frame and for the agent's reading of its total.
async fn quoted(socket: &mut Socket, said: &str, revision: u64, lines: &[(&str, u64)]) -> Result<Value> {
    let from = socket.say(said).await?;
    let quote = socket.wait(from, "quote", |it| it["state"] == "open" && it["revision"] == revision).await?;
    let shown = quote["lines"].as_array().context("the quote has no lines")?;
    ensure!(shown.len() == lines.len(), "the quote has {} lines", shown.len());
    for (name, quantity) in lines {
        let line = shown.iter().find(|line| line["label"].as_str().is_some_and(|label| label.starts_with(name)));
        let line = line.with_context(|| format!("the quote has no {name}"))?;
        ensure!(line["quantity"] == *quantity, "{name}: {} instead of {quantity}", line["quantity"]);
    }
    let minor = quote["total"]["minor"].as_i64().context("the quote has no total")?;
    let spoken = format!("{}.{:02}", minor / 100, minor % 100);
    let reads = |line: &Value| {
        line["speaker"] == "agent"
            && line["final"] == true
            && line["text"].as_str().is_some_and(|it| it.contains(&spoken))
    };
    socket.wait(from, "transcript", reads).await.with_context(|| format!("the total {spoken} was not read back"))?;
    Ok(quote)
}

fn amended(first: &Value, second: &Value) -> Result<()> {
    ensure!(first["quote"] == second["quote"], "the change made a second quote instead of amending the first");
    ensure!(second["total"]["minor"].as_i64() > first["total"]["minor"].as_i64(), "one cola more costs nothing");
    Ok(())
}

async fn placed(socket: &mut Socket, quote: &Value) -> Result<Value> {
    let from = socket.say("yes").await?;
    let document = socket.wait(from, "document", |it| it["number"].is_string() && it["stage"] == "received").await?;
    ensure!(document["card"] == quote["quote"], "the order's card is not the quote's");
    ensure!(document["total"] == quote["total"], "the order's total is not the quote's");
    Ok(document)
}

async fn follows(socket: &mut Socket, card: &Value) -> Result<()> {
    let ready = |it: &Value| it["card"] == card["card"] && it["status"] == "Ready" && it["stage"] == "ready";
    socket.wait(0, "document", ready).await.map(drop)
}

async fn ended(socket: &mut Socket) -> Result<()> {
    let from = socket.end().await?;
    socket.wait(from, "session", |it| it["state"] == "ending" || it["state"] == "completed").await.map(drop)
}

//! What a visitor asks by HTTP: to come in, to pass a text on, to hang up; again and again until it is accepted.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use neoron_store::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Ground, Media};
use crate::{ORIGIN, ledger::Account, stack::PATIENCE};

/// How long one request may take; then it is tried again.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Before the next try, if the answer names no time.
const AGAIN: Duration = Duration::from_millis(250);
/// A refusal may name a minute; nobody here waits so long before they look again.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A session, as the answer has it.
pub struct Entered(pub Value);

/// A refusal: no answer at all, or a problem document.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The status; 0 without an answer.
    pub status: u16,
    /// The problem's code.
    pub code: String,
    /// When to come again.
    pub after: Option<Duration>,
    /// The whole answer.
    pub body: Value,
}

impl Refused {
    /// No refusal, but no session either: a place in the waiting room that nobody will ask for.
    pub fn waits() -> Self {
        Self { status: 202, ..Self::nothing("waits") }
    }

    fn nothing(code: &str) -> Self {
        Self { status: 0, code: code.to_owned(), after: None, body: Value::Null }
    }

    async fn of(answer: Result<reqwest::Response, reqwest::Error>) -> Result<reqwest::Response, Self> {
        let answer = answer.map_err(|error| Self::nothing(if error.is_timeout() { "no_answer" } else { "broken" }))?;
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            return Ok(answer);
        }
        let after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let body: Value = answer.json().await.unwrap_or_default();
        let code = body["code"].as_str().unwrap_or("?").to_owned();
        Err(Self { status, code, after: after.map(Duration::from_secs), body })
    }

    /// How long to wait before the next try.
    pub fn wait(&self) -> Duration {
        self.after.unwrap_or(AGAIN).min(LONGEST_WAIT)
    }

    fn name(&self) -> String {
        if self.status == 0 { self.code.clone() } else { format!("{} {}", self.status, self.code) }
    }
}

/// Who asks, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The gateway's public base.
    pub url: &'a str,
    /// The page's origin.
    pub origin: &'a str,
    /// What a trusted proxy says of the address; nothing without one.
    pub address: Option<&'a str>,
}

impl Caller<'_> {
    fn post(&self, client: &reqwest::Client, path: &str) -> reqwest::RequestBuilder {
        let asked = client.post(format!("{}{path}", self.url)).timeout(ANSWER_WITHIN).header("origin", self.origin);
        match self.address {
            Some(address) => asked.header("x-forwarded-for", address),
            None => asked,
        }
    }
}

/// Asks for a session once, with a solved challenge if there is one.
///
/// # Errors
/// [`Refused`].
pub async fn ask(
    client: &reqwest::Client,
    caller: Caller<'_>,
    grant: &str,
    media: Media,
    proof: Option<&str>,
) -> Result<Value, Refused> {
    let media = match media {
        Media::Voice => "voice",
        Media::Text => "text",
    };
    let body = json!({
        "media": media, "language": "en", "page": format!("{ORIGIN}/?business=restaurant"),
        "consent": {"kind": "ai_call", "at": SystemClock.now().0, "version": "1"},
    });
    let mut asked = caller.post(client, "/v1/sessions").bearer_auth(grant).json(&body);
    if let Some(proof) = proof {
        asked = asked.header("x-neoron-proof", proof);
    }
    json_of(asked).await
}

/// Asks for a session with one grant, as the popup does: solves the challenge if one is set, and waits for room.
///
/// # Errors
/// [`Refused`].
pub async fn enter(
    client: &reqwest::Client,
    caller: Caller<'_>,
    grant: &str,
    media: Media,
) -> Result<Entered, Refused> {
    let mut answer = ask(client, caller, grant, media, None).await;
    if let Err(refused) = &answer
        && refused.code == "proof_of_work_required"
    {
        let challenge = refused.body["challenge"].clone();
        let solved = tokio::task::spawn_blocking(move || solve(&challenge)).await;
        let proof = solved.ok().flatten().ok_or_else(|| Refused::nothing("unsolvable"))?;
        answer = ask(client, caller, grant, media, Some(&proof)).await;
    }
    let mut entered = answer?;
    // Told once, with the place.
    let ticket = entered["waiting"]["ticket"].as_str().unwrap_or_default().to_owned();
    while let Some(place) = entered["waiting"]["id"].as_str() {
        let path = format!("/v1/waiting/{place}");
        let millis = entered["waiting"]["ask_again_in"].as_u64().unwrap_or(0);
        sleep(Duration::from_millis(millis).min(LONGEST_WAIT)).await;
        entered = json_of(caller.post(client, &path).bearer_auth(&ticket)).await?;
    }
    Ok(Entered(entered))
}

async fn json_of(asked: reqwest::RequestBuilder) -> Result<Value, Refused> {
    let answer = Refused::of(asked.send().await).await?;
    answer.json().await.map_err(|_| Refused::nothing("broken"))
}

/// What a browser sends for a challenge.
fn solve(challenge: &Value) -> Option<String> {
    let challenge: altcha::Challenge = serde_json::from_value(challenge.clone()).ok()?;
    let solution = altcha::solve_challenge(altcha::SolveChallengeOptions::new(&challenge)).ok()??;
    let payload = serde_json::to_vec(&altcha::Payload { challenge, solution }).ok()?;
    Some(data_encoding::BASE64.encode(&payload))
}

impl Entered {
    /// The session's account.
    ///
    /// # Errors
    /// If the answer lacks something.
    pub fn account(&self) -> Result<Account> {
        let text = |name: &str| self.0[name].as_str().map(str::to_owned);
        let needed = |name: &str| text(name).with_context(|| format!("the answer holds no `{name}`"));
        // ws://host:port/calls/{id}
        let call = text("join_url").and_then(|url| {
            let path = url.split_once("/calls/")?.1;
            path.split(['/', '?']).next().map(str::to_owned)
        });
        Ok(Account::new(needed("session")?, needed("ticket")?, needed("events_url")?, call))
    }
}

/// Comes again until there is a session.
pub(super) async fn in_time(ground: &Ground, media: Media) -> Result<Arc<Account>> {
    let until = Instant::now() + PATIENCE;
    loop {
        // A new one each time: the last one may have been burned by a process that died over it.
        let caller = Caller { url: &ground.url, origin: ORIGIN, address: None };
        match enter(&ground.client, caller, &ground.outside.grant(), media).await {
            Ok(entered) => return Ok(ground.ledger.session(entered.account()?)),
            Err(refused) => again(ground, "session", &refused, until).await?,
        }
    }
}

/// Passes a text on until it is accepted, under one id.
pub(super) async fn post_text(ground: &Ground, account: &Account, id: &str, text: &str) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let asked = ground.client.post(format!("{}/v1/sessions/{}/messages", ground.url, account.session));
        let asked = asked.timeout(ANSWER_WITHIN).header("origin", ORIGIN).bearer_auth(&account.ticket);
        match Refused::of(asked.json(&json!({"id": id, "text": text})).send().await).await {
            Ok(_) => {
                account.text(id, text);
                return Ok(());
            }
            Err(refused) if refused.code == "session_over" => return Ok(()),
            Err(refused) => again(ground, "text", &refused, until).await?,
        }
    }
}

/// Hangs up until that is accepted.
pub(super) async fn post_end(ground: &Ground, account: &Account) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let asked = ground.client.post(format!("{}/v1/sessions/{}/end", ground.url, account.session));
        let asked = asked.timeout(ANSWER_WITHIN).header("origin", ORIGIN).bearer_auth(&account.ticket);
        match Refused::of(asked.json(&json!({})).send().await).await {
            Ok(_) => return Ok(()),
            Err(refused) if refused.code == "session_over" => return Ok(()),
            Err(refused) => again(ground, "end", &refused, until).await?,
        }
    }
}

/// Waits after a refusal that may pass.
async fn again(ground: &Ground, what: &str, refused: &Refused, until: Instant) -> Result<()> {
    ground.ledger.refused(what, &refused.name());
    // 409: the grant was burned by a try whose answer never came.
    // 410: the place in the waiting room was lost with the process that should have kept it.
    if !matches!(refused.status, 0 | 409 | 410 | 429 | 500..) {
        bail!("{what}: answered {}: {}", refused.name(), refused.body);
    }
    if Instant::now() > until {
        bail!("{what}: still {} after {} s", refused.name(), PATIENCE.as_secs());
    }
    sleep(refused.wait()).await;
    Ok(())
}

//! Strangers try to spend a site's money at two gateways: with grants for another page, forged ones, one that was stolen
//! and is played again and again, and real ones that robots fetch from thousands of addresses. Meanwhile visitors come.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use neoron_tests::{
    MAX_SECONDS, ORIGIN, Plan,
    ledger::Verdict,
    visitor::{Caller, Ground, Media, Refused, ask, enter},
};
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use crate::stage::{Play, Stage};

/// Addresses that the strangers have, 250 to a network.
const ADDRESSES: u32 = 10_000;
/// Requests of theirs under way.
const AT_ONCE: usize = 128;
/// Of so many requests one has a real grant, as a robot gets it from the site.
const REAL_ONE_IN: usize = 40;
/// Visitors, each from a network of their own.
const VISITORS: u32 = 100;
/// From one visitor to the next.
const VISITOR_EVERY: Duration = Duration::from_millis(120);
/// How often a visitor presses the button before they go away.
const PRESSES: usize = 4;
/// The site's sessions a minute, and its minutes a day: 400 calls of the longest kind.
const SESSIONS_A_MINUTE: usize = 240;
const MINUTES_A_DAY: usize = 4_000;

/// What came of the strangers' requests.
#[derive(Default)]
struct Strangers {
    entered: usize,
    refused: BTreeMap<String, usize>,
}

pub(crate) async fn strangers_cannot_spend(stage: &mut Stage) -> Result<Verdict> {
    let url = stage.cluster()?.url();
    let set = [
        format!("edge.sessions_per_site={SESSIONS_A_MINUTE}"),
        "edge.sessions_per_address=30".to_owned(),
        "edge.trusted_proxies=[\"127.0.0.1\"]".to_owned(),
        "worker.calls_per_network=8".to_owned(),
        format!("sites.pizzeria.minutes_per_day={MINUTES_A_DAY}"),
    ];
    let plan = Plan {
        program: &stage.program,
        store: Some(url),
        gateways: 2,
        workers: 2,
        data: None,
        set: set.into(),
        more: "",
    };
    let play = Play::start(&plan).await?;
    let urls = Arc::new(play.fleet.gateway_urls());
    let honest = tokio::spawn(visitors(play.ground.clone(), urls.clone()));
    let strangers = attack(&play.ground, &urls, stage.starts).await?;
    let (inside, away) = honest.await.context("a visitor panicked")?;
    for (what, times) in &strangers.refused {
        crate::tell(&format!("    {times} requests of strangers were answered {what}"));
    }
    let calls = play.ground.outside.ultravox.calls().len();
    let budget = MINUTES_A_DAY * 60 / usize::try_from(MAX_SECONDS)?;
    crate::tell(&format!(
        "    {} requests: {} strangers and {inside} of {VISITORS} visitors came in; {calls} calls, {budget} in the budget",
        stage.starts, strangers.entered
    ));
    let mut verdict = Verdict::default();
    let mut check = |kept: bool, broken: String| {
        if !kept {
            verdict.wrong.push(broken)
        }
    };
    check(calls <= budget, format!("{calls} calls were paid for, the budget has {budget}"));
    check(calls == strangers.entered + inside, format!("{calls} calls, but {} came in", strangers.entered + inside));
    let enough = usize::try_from(VISITORS)? * 99 / 100;
    check(inside >= enough, format!("only {inside} of {VISITORS} visitors came in; the others heard {away:?}"));
    let real = stage.starts / REAL_ONE_IN + 1;
    check(strangers.entered <= real, format!("{} came in on {real} real grants", strangers.entered));
    Ok(verdict)
}

/// Each presses the button some times; answers how many came in, and what the others heard last.
async fn visitors(ground: Ground, urls: Arc<Vec<String>>) -> (usize, Vec<String>) {
    let mut visits = JoinSet::new();
    for number in 0..VISITORS {
        let (ground, urls) = (ground.clone(), urls.clone());
        visits.spawn(async move {
            let address = Ipv4Addr::from_bits(0x0a_00_00_01 + (number << 8)).to_string();
            let mut last = String::new();
            for press in 0..PRESSES {
                let url = &urls[(usize::try_from(number).unwrap_or(0) + press) % urls.len()];
                let caller = Caller { url, origin: ORIGIN, address: Some(&address) };
                match enter(&ground.client, caller, &ground.outside.grant(), Media::Voice).await {
                    Ok(_) => return Ok(()),
                    Err(refused) => {
                        sleep(refused.wait()).await;
                        last = format!("{} {}", refused.status, refused.code);
                    }
                }
            }
            Err(last)
        });
        sleep(VISITOR_EVERY).await;
    }
    let (mut inside, mut away) = (0, Vec::new());
    while let Some(visit) = visits.join_next().await {
        match visit {
            Ok(Ok(())) => inside += 1,
            Ok(Err(last)) => away.push(last),
            Err(error) => away.push(error.to_string()),
        }
    }
    (inside, away)
}

async fn attack(ground: &Ground, urls: &Arc<Vec<String>>, starts: usize) -> Result<Strangers> {
    let (room, stolen) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(ground.outside.grant()));
    let mut strangers = Strangers::default();
    let mut requests = JoinSet::new();
    for number in 0..starts {
        let permit = room.clone().acquire_owned().await?;
        let (ground, urls, stolen) = (ground.clone(), urls.clone(), stolen.clone());
        requests.spawn(async move {
            let _permit = permit;
            one(&ground, &urls, &stolen, number).await
        });
        while let Some(done) = requests.try_join_next() {
            strangers.note(done?);
        }
    }
    while let Some(done) = requests.join_next().await {
        strangers.note(done?);
    }
    Ok(strangers)
}

impl Strangers {
    fn note(&mut self, answer: Result<(), Refused>) {
        match answer {
            Ok(()) => self.entered += 1,
            Err(refused) => *self.refused.entry(format!("{} {}", refused.status, refused.code)).or_default() += 1,
        }
    }
}

/// One request. Robots solve no challenge: that is what it is for.
async fn one(ground: &Ground, urls: &[String], stolen: &str, number: usize) -> Result<(), Refused> {
    let stranger = u32::try_from(number).unwrap_or(0) % ADDRESSES;
    let address = Ipv4Addr::from_bits(0xac_10_00_01 + ((stranger / 250) << 8) + stranger % 250).to_string();
    let url = &urls[number % urls.len()];
    let caller = |origin| Caller { url, origin, address: Some(&address) };
    let (grant, caller) = match number % REAL_ONE_IN {
        0 => (ground.outside.grant(), caller(ORIGIN)),
        kind if kind % 3 == 0 => (ground.outside.grant(), caller("https://elsewhere.example")),
        kind if kind % 3 == 1 => (ground.outside.forged_grant().unwrap_or_default(), caller(ORIGIN)),
        _ => (stolen.to_owned(), caller(ORIGIN)),
    };
    let answer = ask(&ground.client, caller, &grant, Media::Voice, None).await?;
    // A place in the waiting room costs nothing, and nobody asks for it.
    if answer["waiting"].is_null() { Ok(()) } else { Err(Refused::waits()) }
}

//! Visitors who keep coming while things go wrong, and the figures that are shown meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use neoron_tests::{
    ledger::Ledger,
    visitor::{Ground, Media, Wish, visit},
};
use tokio::{
    task::JoinSet,
    time::{Instant, interval},
};

use crate::chance::Chance;

/// How often the simulators' records are taken over.
const COLLECT_EVERY: Duration = Duration::from_secs(2);
/// How often the figures are shown.
const SHOW_EVERY: u32 = 3;

/// How many there are, and what they want.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Visitors at a time: each is followed by another.
    pub(crate) at_once: usize,
    /// How many of ten talk by voice.
    pub(crate) by_voice: u64,
    /// The longest pause between two sentences, in milliseconds.
    pub(crate) longest_pause: u64,
}

/// Visitors under way.
pub(crate) struct Crowd {
    visits: JoinSet<Vec<String>>,
    stop: Arc<AtomicBool>,
    watcher: JoinSet<()>,
}

impl Crowd {
    /// Lets them come.
    pub(crate) fn gather(ground: &Ground, chance: &mut Chance, size: Size) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut visits = JoinSet::new();
        for _ in 0..size.at_once {
            let (ground, chance, stop) = (ground.clone(), chance.branch(), stop.clone());
            visits.spawn(async move { come_and_go(&ground, chance, size, &stop).await });
        }
        let mut watcher = JoinSet::new();
        watcher.spawn(watch(ground.clone()));
        Self { visits, stop, watcher }
    }

    /// Lets nobody in any more, waits for those who are there, and tells who went away without what they wanted.
    ///
    /// # Errors
    /// If one of them panicked.
    pub(crate) async fn go_home(mut self) -> Result<Vec<String>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut unhappy = Vec::new();
        while let Some(visits) = self.visits.join_next().await {
            unhappy.extend(visits.context("a visitor panicked")?);
        }
        self.watcher.abort_all();
        Ok(unhappy)
    }
}

async fn come_and_go(ground: &Ground, mut chance: Chance, size: Size, stop: &AtomicBool) -> Vec<String> {
    let mut unhappy = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let wish = Wish {
            media: if chance.below(10) < size.by_voice { Media::Voice } else { Media::Text },
            orders: 1 + usize::from(chance.below(3) == 0),
            statuses: [0, 1, 3][usize::try_from(chance.below(3)).unwrap_or(0)],
            pause: chance.millis(size.longest_pause),
        };
        if let Err(error) = visit(ground, &wish).await {
            unhappy.push(format!("{error:#}"));
        }
    }
    unhappy
}

async fn watch(ground: Ground) {
    let (start, shown) = (Instant::now(), AtomicUsize::new(0));
    let mut ticks = interval(COLLECT_EVERY);
    let mut count = 0;
    loop {
        ticks.tick().await;
        ground.ledger.collect(&ground.outside);
        count += 1;
        if count % SHOW_EVERY == 0 {
            progress(&ground.ledger, &ground, start, &shown);
        }
    }
}

fn progress(ledger: &Ledger, ground: &Ground, start: Instant, shown: &AtomicUsize) {
    let accounts = ledger.accounts();
    let over = accounts.iter().filter(|account| account.is_over()).count();
    let (orders, refusals) = (ground.outside.erpnext.orders().len(), ledger.refusals().values().sum::<u64>());
    let more = orders.saturating_sub(shown.swap(orders, Ordering::Relaxed));
    crate::tell(&format!(
        "    {:>3} s: {} sessions, {over} over, {orders} orders (+{more}), {refusals} refused and asked again",
        start.elapsed().as_secs(),
        accounts.len(),
    ));
}

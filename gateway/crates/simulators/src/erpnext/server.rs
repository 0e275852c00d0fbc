//! The shared insides of a running simulator: state behind locks, the
//! workers' places, and what the control API and the tests may do with them.
//!
//! Locks are held for computing only, never across a wait.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    Faults, Options, WebhookTarget,
    api::{self, Answer, Settings},
    business::{Change, minor},
    clock::format_seconds,
    doctype::{self, BUSINESS, DocType},
    document::{self, Document, text_of},
    failure::{DOES_NOT_EXIST, Failure, Outcome},
    fault::Verdict,
    limit::Limits,
    permission::Actor,
    request::{Accounts, Call},
    route,
    site::Site,
    webhook::{Delivery, Log, Parcel},
};

/// The most distinct lines of the request counter; the rest is one line.
const MAX_COUNTED: usize = 1_000;
/// Where requests are counted that have no line of their own.
const OTHER: &str = "other";
/// Request bodies that may be in memory at once, in KiB.
const BUFFER_KIB: usize = 256 * 1024;

struct State {
    site: Site,
    limits: Limits,
}

/// Everything that requests share.
pub(super) struct Inner {
    pub(super) options: Options,
    zone: TimeZone,
    accounts: Accounts,
    state: Mutex<State>,
    faults: Mutex<Faults>,
    requests: Mutex<BTreeMap<String, u64>>,
    target: Mutex<Option<WebhookTarget>>,
    log: Mutex<Log>,
    parcels: mpsc::Sender<Parcel>,
    dice: AtomicU64,
    /// One place per worker.
    pub(super) workers: Arc<Semaphore>,
    /// One place per request that works or waits.
    pub(super) places: Arc<Semaphore>,
    /// One permit per KiB of buffered body.
    pub(super) buffers: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
}

/// No code behind these locks leaves them half-changed, so a panic of one
/// request does not end the others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fresh(options: &Options, zone: &TimeZone) -> State {
    let users: Vec<String> = options.users.iter().map(|user| user.email.clone()).collect();
    State { site: Site::new(Arc::clone(&options.clock), zone.clone(), &users), limits: Limits::default() }
}

impl Inner {
    pub(super) fn new(
        options: Options,
        zone: TimeZone,
        parcels: mpsc::Sender<Parcel>,
        stop: CancellationToken,
    ) -> Self {
        let workers = options.workers.clamp(1, 1_024);
        let accounts = options.users.iter().map(|user| {
            let actor = Actor { email: user.email.clone(), roles: user.roles.clone() };
            (user.key.clone(), (user.secret.clone(), actor))
        });
        Self {
            accounts: accounts.collect(),
            state: Mutex::new(fresh(&options, &zone)),
            faults: Mutex::default(),
            requests: Mutex::default(),
            target: Mutex::new(options.webhook.clone()),
            log: Mutex::default(),
            parcels,
            dice: AtomicU64::new(0),
            workers: Arc::new(Semaphore::new(workers)),
            places: Arc::new(Semaphore::new(workers + options.queue.min(100_000))),
            buffers: Arc::new(Semaphore::new(BUFFER_KIB)),
            stop,
            zone,
            options,
        }
    }

    /// Answers a request; `extra` is time that it took before.
    pub(super) fn answer(&self, call: &Call, extra: Duration) -> Answer {
        let started = Instant::now();
        let settings = Settings {
            site: &self.options.site,
            tracebacks: self.options.tracebacks,
            site_limit: self.options.site_limit,
            accounts: &self.accounts,
        };
        let mut state = lock(&self.state);
        let State { site, limits } = &mut *state;
        let answer = api::answer(&settings, site, limits, call);
        limits.charge(extra + started.elapsed());
        self.send_announced(site);
        answer
    }

    fn send_announced(&self, site: &mut Site) {
        let announced = site.take_announcements();
        if announced.is_empty() || lock(&self.target).is_none() {
            return;
        }
        let sent_at = format_seconds(site.clock.civil(site.clock.now()));
        for announcement in announced {
            let copies = lock(&self.faults).copies();
            let mut lost = copies == 0;
            for _ in 0..copies {
                lost |= self.parcels.try_send(Parcel::new(&announcement, &sent_at)).is_err();
            }
            if lost {
                let event_id = Parcel::new(&announcement, &sent_at).event_id;
                self.log(Delivery { event_id, tries: 0, delivered: false });
            }
        }
    }

    /// Decides what happens to the next request. Its dice are a fixed
    /// sequence (splitmix64), so that a test meets the same faults each time.
    pub(super) fn judge(&self) -> Verdict {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.dice.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let top = u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or_default();
        lock(&self.faults).judge(f64::from(top) / (f64::from(u32::MAX) + 1.0))
    }

    pub(super) fn count(&self, method: &str, path: &str) {
        let label = route::label(path).map_or_else(|| OTHER.to_owned(), |path| format!("{method} {path}"));
        let mut requests = lock(&self.requests);
        let known = requests.len() < MAX_COUNTED || requests.contains_key(&label);
        *requests.entry(if known { label } else { OTHER.to_owned() }).or_default() += 1;
    }

    pub(super) fn requests(&self) -> BTreeMap<String, u64> {
        lock(&self.requests).clone()
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        *lock(&self.faults) = faults;
    }

    pub(super) fn faults(&self) -> Faults {
        lock(&self.faults).clone()
    }

    pub(super) fn target(&self) -> Option<WebhookTarget> {
        lock(&self.target).clone()
    }

    pub(super) fn set_target(&self, target: Option<WebhookTarget>) {
        *lock(&self.target) = target;
    }

    pub(super) fn log(&self, delivery: Delivery) {
        lock(&self.log).push(delivery);
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.log).all()
    }

    /// Up to `limit` documents of a doctype, the latest changed first.
    pub(super) fn documents(&self, doctype: &str, limit: usize) -> Outcome<Vec<Document>> {
        let doctype = find(doctype)?;
        let state = lock(&self.state);
        Ok(state.site.table(doctype).by_modified("").rev().take(limit).cloned().collect())
    }

    /// Changes a business document's status as staff would.
    pub(super) fn set_status(
        &self,
        doctype: &str,
        name: &str,
        status: &str,
        estimated_time: Option<u32>,
    ) -> Outcome<Document> {
        let doctype = find(doctype)?;
        if !BUSINESS.iter().any(|business| business.name == doctype.name) {
            return Err(Failure::thrown(DOES_NOT_EXIST, format!("{} has no status to set here", doctype.name)));
        }
        let mut change = Document::new();
        change.insert("status".into(), status.into());
        if let Some(minutes) = estimated_time {
            change.insert("estimated_time".into(), minutes.into());
        }
        let mut state = lock(&self.state);
        let site = &mut state.site;
        let by_number = site.table(doctype).by_unique("order_number", name);
        let name = by_number.and_then(|order| text_of(order, "name")).unwrap_or(name).to_owned();
        let changed = document::update(site, &Actor::administrator(), doctype, &name, &change)?;
        self.send_announced(site);
        Ok(changed)
    }

    /// Changes the menu; `false` when there is no such item.
    pub(super) fn change_menu(&self, change: &Change) -> bool {
        let price = change.price.and_then(minor);
        lock(&self.state).site.shop.change_menu(&change.menu_item, price, change.available)
    }

    /// Forgets every document, fault, count and delivery.
    pub(super) fn reset(&self) {
        *lock(&self.state) = fresh(&self.options, &self.zone);
        self.set_faults(Faults::default());
        self.set_target(self.options.webhook.clone());
        lock(&self.requests).clear();
        *lock(&self.log) = Log::default();
    }
}

fn find(doctype: &str) -> Outcome<&'static DocType> {
    doctype::find(doctype).ok_or_else(|| Failure::thrown(DOES_NOT_EXIST, format!("DocType {doctype} not found")))
}

/// Documents as JSON values.
pub(super) fn values(documents: Vec<Document>) -> Vec<Value> {
    documents.into_iter().map(Value::Object).collect()
}

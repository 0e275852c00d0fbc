//! What all parts of the simulator share: the options, the clock, the calls and the records for inspection.
//!
//! Everything kept here is bounded. Locks are never held across an await.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::{COMMAND_QUEUE, Call, Command, OUTBOUND_QUEUE, Record};
use super::clock::{Clock, Ids};
use super::create::medium::Entry;
use super::create::{CallPlan, Defaults};
use super::faults::Faults;
use super::limits::Limits;
use super::records::{Delivery, ToolRequest};
use super::registration::Registration;
use super::{Options, life};

/// Records of one kind kept for inspection; the oldest go first.
const MOST_RECORDS: usize = 10_000;

/// The shared state.
#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Options,
    /// `ws://host:port`, what join URLs begin with.
    pub(super) socket_base: String,
    pub(super) clock: Clock,
    pub(super) ids: Ids,
    pub(super) http: reqwest::Client,
    pub(super) faults: watch::Sender<Faults>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    /// Counts webhook attempts, so that the spellings of the timestamp take turns.
    pub(super) attempts: AtomicU64,
    sockets: AtomicU64,
    books: Mutex<Books>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct Books {
    calls: HashMap<String, Arc<Call>>,
    /// Call ids, oldest first.
    order: VecDeque<String>,
    pub(super) limits: Limits,
    pub(super) registrations: Vec<Registration>,
    pub(super) deliveries: VecDeque<Delivery>,
    pub(super) tool_requests: VecDeque<ToolRequest>,
    /// A webhook that waits for the one after it.
    pub(super) held: Option<oneshot::Sender<()>>,
}

impl Books {
    fn new(options: &Options) -> Self {
        Self {
            calls: HashMap::new(),
            order: VecDeque::new(),
            limits: Limits::new(&options.plan),
            registrations: options.webhooks.clone(),
            deliveries: VecDeque::new(),
            tool_requests: VecDeque::new(),
            held: None,
        }
    }

    /// Calls that have not ended.
    pub(super) fn open_calls(&self) -> usize {
        self.calls.values().filter(|call| !call.has_ended()).count()
    }

    /// Newest first.
    pub(super) fn calls(&self) -> impl Iterator<Item = &Arc<Call>> {
        self.order.iter().rev().filter_map(|id| self.calls.get(id))
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.calls.remove(id);
        self.order.retain(|other| other != id);
    }

    /// Makes room for one more call by forgetting the oldest ended one. False when all are open.
    fn make_room(&mut self, most: usize) -> bool {
        if self.calls.len() < most {
            return true;
        }
        let oldest = self.order.iter().find(|id| self.calls.get(*id).is_none_or(|call| call.has_ended())).cloned();
        match oldest {
            Some(id) => {
                self.remove(&id);
                true
            }
            None => false,
        }
    }
}

/// Everything that decides a new call.
#[derive(Debug)]
pub(super) struct NewCall {
    pub(super) plan: CallPlan,
    pub(super) agent: Option<(String, String)>,
    pub(super) greeting: bool,
}

impl World {
    pub(super) fn new(options: Options, socket_base: String, http: reqwest::Client, seed: u64) -> Self {
        let books = Mutex::new(Books::new(&options));
        Self {
            options,
            socket_base,
            clock: Clock::new(),
            ids: Ids::new(seed),
            http,
            faults: watch::Sender::new(Faults::default()),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            attempts: AtomicU64::new(0),
            sockets: AtomicU64::new(0),
            books,
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn call(&self, id: &str) -> Option<Arc<Call>> {
        self.books().calls.get(id).cloned()
    }

    pub(super) fn defaults(&self) -> Defaults {
        Defaults { join_timeout: self.options.join_timeout, tool_timeout: self.options.tool_timeout }
    }

    /// A number for a socket, never used twice.
    pub(super) fn next_socket(&self) -> u64 {
        self.sockets.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes one event of a counted fault.
    pub(super) fn take_fault(&self, count: impl FnOnce(&mut Faults) -> &mut u32) -> bool {
        let mut taken = false;
        self.faults.send_if_modified(|faults| {
            taken = Faults::take(count(faults));
            taken
        });
        taken
    }

    /// Creates a call within the plan's limits and starts its life.
    ///
    /// # Errors
    /// How long to wait, when a limit is reached.
    pub(super) fn create(self: &Arc<Self>, new: NewCall) -> Result<Arc<Call>, Duration> {
        let (commands, inbox) = mpsc::channel(COMMAND_QUEUE);
        let call = {
            let mut books = self.books();
            let open = books.open_calls();
            books.limits.create(Instant::now(), open)?;
            if !books.make_room(self.options.most_calls) {
                return Err(Duration::from_secs(5));
            }
            let call = Arc::new(self.new_call(new, commands));
            books.order.push_back(call.id.clone());
            books.calls.insert(call.id.clone(), Arc::clone(&call));
            call
        };
        life::start(Arc::clone(self), Arc::clone(&call), inbox);
        Ok(call)
    }

    fn new_call(&self, new: NewCall, commands: mpsc::Sender<Command>) -> Call {
        let id = self.ids.uuid();
        let suffix = match new.plan.medium.entry {
            Entry::WebRtc => "",
            Entry::ServerWebSocket => "/server_web_socket",
            Entry::Telephony => "/telephony",
        };
        let record = Record { stage_id: self.ids.uuid(), state: new.plan.state.clone(), ..Record::default() };
        Call {
            join_url: format!("{}/calls/{id}{suffix}", self.socket_base),
            id,
            plan: new.plan,
            agent: new.agent,
            created: self.clock.now(),
            greeting: new.greeting,
            call_token: self.ids.token(),
            commands,
            outbound: broadcast::Sender::new(OUTBOUND_QUEUE),
            closed: CancellationToken::new(),
            abandoned: self.stop.child_token(),
            record: Mutex::new(record),
        }
    }

    pub(super) fn keep_delivery(&self, delivery: Delivery) {
        push(&mut self.books().deliveries, delivery);
    }

    pub(super) fn keep_tool_request(&self, request: ToolRequest) {
        push(&mut self.books().tool_requests, request);
    }

    /// The Call objects, newest first.
    pub(super) fn objects(&self) -> Vec<Value> {
        let calls: Vec<Arc<Call>> = self.books().calls().cloned().collect();
        calls.iter().map(|call| call.object()).collect()
    }

    /// Forgets everything and ends every call without a word.
    pub(super) fn reset(&self) {
        let forgotten = {
            let mut books = self.books();
            std::mem::replace(&mut *books, Books::new(&self.options))
        };
        for call in forgotten.calls.values() {
            call.abandoned.cancel();
        }
        self.faults.send_replace(Faults::default());
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= MOST_RECORDS {
        list.pop_front();
    }
    list.push_back(item);
}

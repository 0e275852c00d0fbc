//! The duplicate question, played: a model that repeats, rephrases, is interrupted, hears late and confirms the wrong
//! thing, over thousands of seeded conversations with a business that counts what it is asked to make.
//!
//! Everything between the model's words and ERPNext's key is the real code; only the store's atomicity and the wire are
//! left out (the stack's own tests have those).

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use neoron_protocol::UnixMillis;
use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    catalogue::Menu,
    desk::{self, Heard, Taken, Verdict},
    quoting, samples,
};
use crate::{
    app::Step,
    ledger::{Offer, canonical, samples as ledger_samples},
    record::Record,
};

const CONVERSATIONS: u64 = 10_000;

/// The ways each thing is said; the first is ERPNext's name.
const SPOKEN: [&[&str]; 4] = [
    &["Margherita pizza", "margherita", "the margheritas", "cheese pizza", "pizza margherita"],
    &["Pepperoni pizza", "pepperoni", "peperoni pizza"],
    &["Garlic bread", "garlic breads", "garlic baguette"],
    &["Cola", "coke", "cokes", "colas"],
];

/// A seeded source of choices (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn one_in(&mut self, chance: u64) -> bool {
        self.below(chance) == 0
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// What a visitor wants: how many of each thing.
type Wish = BTreeMap<usize, i64>;

fn wish(dice: &mut Dice) -> Wish {
    let mut wish = Wish::new();
    for _ in 0..=dice.below(3) {
        *wish.entry(usize::try_from(dice.below(4)).unwrap()).or_default() += 1 + i64::try_from(dice.below(3)).unwrap();
    }
    wish
}

/// One way to say it: any order, any alias, some lines split.
fn words(wish: &Wish, dice: &mut Dice) -> Value {
    let mut lines = Vec::new();
    let mut line = |thing: usize, quantity: i64, dice: &mut Dice| {
        let at = usize::try_from(dice.below(lines.len() as u64 + 1)).unwrap();
        lines.insert(at, json!({"menu_item": dice.of(SPOKEN[thing]), "quantity": quantity}));
    };
    for (thing, quantity) in wish {
        if *quantity > 1 && dice.one_in(3) {
            line(*thing, 1, dice);
            line(*thing, quantity - 1, dice);
        } else {
            line(*thing, *quantity, dice);
        }
    }
    Value::Array(lines)
}

/// What the model heard after placeOrder.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// Read this back and confirm it by this reference.
    Quoted(String),
    /// It is, or will be, placed.
    Placed,
    /// Anything else.
    Other,
}

/// Where the model's calls go.
pub(super) trait Waiter {
    /// Calls placeOrder.
    fn place_order(&mut self, parameters: &Value) -> Said;
    /// Calls confirmOrder; whether the quote has taken effect, now or before.
    fn confirm(&mut self, reference: &str) -> bool;
    /// Time passes.
    fn wait(&mut self, seconds: u64);
    /// ERPNext refuses the next order.
    fn refuse_next(&mut self);
    /// ERPNext's orders, as `items`.
    fn orders(&mut self) -> Vec<Value>;
}

/// A conversation: a model that is not faultless, and what a faultless waiter would have written down.
pub(super) struct Conversation<W> {
    dice: Dice,
    waiter: W,
    wanted: Vec<Wish>,
}

impl<W: Waiter> Conversation<W> {
    pub(super) fn new(seed: u64, waiter: W) -> Self {
        Self { dice: Dice(seed), waiter, wanted: Vec::new() }
    }

    fn place_order(&mut self, wish: &Wish, again: bool) -> Said {
        let items = words(wish, &mut self.dice);
        let name = *self.dice.of(&["Ada", "Ada Lovelace", "ada"]);
        let mut parameters = json!({"customer_name": name, "order_type": "Pickup", "items": items});
        if again || self.dice.one_in(4) {
            parameters["again"] = again.into();
        }
        self.waiter.place_order(&parameters)
    }

    /// Calls placeOrder until its result is heard, and returns the reference that was read back.
    fn offer_until_heard(&mut self, wish: &Wish, again: bool) -> String {
        let mut said = self.place_order(wish, again);
        // An interruption drops the result, or it comes late: the model asks again, in whatever words.
        while self.dice.one_in(3) {
            let seconds = 1 + self.dice.below(4);
            self.waiter.wait(seconds);
            said = self.place_order(wish, again);
        }
        match said {
            Said::Quoted(reference) => reference,
            other => panic!("what is new, or wanted again, is quoted; not {other:?}"),
        }
    }

    /// The visitor wants something; perhaps other than at first; perhaps not at all.
    fn intent(&mut self) {
        let (mut references, mut wished, mut again) = (Vec::new(), Wish::new(), false);
        let repeat = !self.wanted.is_empty() && self.dice.one_in(3);
        let thoughts = 1 + self.dice.below(3);
        for thought in 1..=thoughts {
            let same = repeat && thought == thoughts;
            wished = if same { self.dice.of(&self.wanted).clone() } else { wish(&mut self.dice) };
            // Whoever wants what was placed before says that it is wanted again.
            again = self.wanted.contains(&wished);
            references.push(self.offer_until_heard(&wished, again));
            let seconds = 1 + self.dice.below(10);
            self.waiter.wait(seconds);
        }
        let reference = references.last().cloned().unwrap_or_default();
        // A yes that the model sends to something it read back earlier does not count.
        while self.dice.one_in(4) {
            let stale = self.dice.of(&references).clone();
            assert!(stale == reference || !self.waiter.confirm(&stale), "a stale confirmation took effect");
        }
        if self.dice.one_in(5) {
            self.never_confirm(&reference);
        } else {
            self.confirm(&reference, &wished, again);
            self.wanted.push(wished);
        }
    }

    /// No yes; sometimes one that comes so late that it does not count any more.
    fn never_confirm(&mut self, reference: &str) {
        if self.dice.one_in(2) {
            self.waiter.wait(601);
            assert!(!self.waiter.confirm(reference), "an expired quote took effect");
        }
    }

    fn confirm(&mut self, reference: &str, wish: &Wish, again: bool) {
        let refused = self.dice.one_in(20);
        if refused {
            self.waiter.refuse_next();
        }
        assert!(self.waiter.confirm(reference));
        self.repeat(reference, wish, again, refused);
        if refused {
            // Nothing was ordered, and the visitor still wants it.
            let reference = self.offer_until_heard(wish, again);
            assert!(self.waiter.confirm(&reference));
            self.repeat(&reference, wish, again, false);
        }
    }

    /// What a model does within seconds that did not hear that it is done.
    fn repeat(&mut self, reference: &str, wish: &Wish, again: bool, refused: bool) {
        for _ in 0..self.dice.below(4) {
            let seconds = self.dice.below(3);
            self.waiter.wait(seconds);
            if refused || self.dice.one_in(2) {
                assert!(self.waiter.confirm(reference));
            } else {
                assert_eq!(self.place_order(wish, again), Said::Placed);
            }
        }
    }

    /// Plays it and counts: orders wanted, placed too many, placed too few.
    pub(super) fn play(mut self) -> (usize, usize, usize) {
        for _ in 0..=self.dice.below(4) {
            self.intent();
            // A person needs a while before wanting the next thing.
            self.waiter.wait(25);
        }
        let placed: Vec<Wish> = self.waiter.orders().iter().map(of_items).collect();
        let distinct: BTreeSet<&Wish> = self.wanted.iter().chain(&placed).collect();
        let (mut too_many, mut too_few) = (0, 0);
        for wish in distinct {
            let count = |list: &[Wish]| list.iter().filter(|other| *other == wish).count();
            too_many += count(&placed).saturating_sub(count(&self.wanted));
            too_few += count(&self.wanted).saturating_sub(count(&placed));
        }
        (self.wanted.len(), too_many, too_few)
    }
}

fn of_items(items: &Value) -> Wish {
    let mut wish = Wish::new();
    for line in items.as_array().unwrap() {
        let thing = SPOKEN.iter().position(|names| names[0] == line["menu_item"]).unwrap();
        *wish.entry(thing).or_default() += line["quantity"].as_i64().unwrap();
    }
    wish
}

/// The real decisions over a record in memory, and a business that keeps one order for each key.
struct Pure<'a> {
    menu: &'a Menu,
    dice: Dice,
    record: Record,
    now: UnixMillis,
    calls: u32,
    refuse: bool,
    placed: BTreeMap<String, Value>,
}

impl<'a> Pure<'a> {
    fn new(seed: u64, menu: &'a Menu) -> Self {
        let record = ledger_samples::record();
        let now = ledger_samples::START;
        Self { menu, dice: Dice(!seed), record, now, calls: 0, refuse: false, placed: BTreeMap::new() }
    }

    /// ERPNext answers; `None` is a refusal.
    fn execute(&mut self, key: &str, arguments: &Value) -> Option<Value> {
        if std::mem::take(&mut self.refuse) {
            return None;
        }
        self.placed.entry(key.to_owned()).or_insert_with(|| arguments["items"].clone());
        Some(json!({"doctype": "Voice Restaurant Order", "name": key, "order_number": "VO-0001", "status": "Pending"}))
    }
}

impl Waiter for Pure<'_> {
    fn place_order(&mut self, parameters: &Value) -> Said {
        self.calls += 1;
        let parameters = parameters.as_object().unwrap();
        let mut arguments = parameters.clone();
        let again = arguments.remove("again").is_some_and(|again| again == true);
        let priced = quoting::order(self.menu, arguments).unwrap();
        let offer = Offer {
            tool: "placeOrder".into(),
            title: "Order".into(),
            content: priced.content,
            arguments: Value::Object(priced.arguments),
            lines: priced.lines,
            total: priced.total,
            say: String::new(),
            held_until: None,
        };
        let (mut step, id) = (Step::default(), ledger_samples::quote_id(self.calls));
        let heard = Heard { tool: "placeOrder", parameters, arguments: parameters, event_id: "r", at: self.now };
        desk::note(&mut self.record, &mut step, &heard);
        match desk::offer(&mut self.record, &mut step, offer, again, self.now, id, Duration::from_secs(600)) {
            Answer::Quoted { quote_id, .. } => Said::Quoted(quote_id),
            Answer::Placed { .. } | Answer::Queued { .. } => Said::Placed,
            _ => Said::Other,
        }
    }

    fn confirm(&mut self, reference: &str) -> bool {
        let key = match desk::confirm(&mut self.record, &mut Step::default(), "placeOrder", reference, self.now) {
            Taken::Place(key) => key,
            Taken::Already(_) => return true,
            Taken::Answered(_) => return false,
        };
        let arguments = self.record.ledger.command(&key).unwrap().arguments.clone();
        // The answer is lost on the way and the job comes again, or two workers have it.
        while !self.refuse && self.dice.one_in(4) {
            self.execute(&key, &arguments);
        }
        let answer = self.execute(&key, &arguments);
        for by_job in [false, true] {
            let verdict = match &answer {
                Some(answer) => Verdict::Placed { answer, say: "Placed.".into() },
                None => Verdict::Refused { say: "No.".into() },
            };
            desk::settle(&mut self.record, &mut Step::default(), &key, verdict, by_job, self.now);
        }
        true
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    fn refuse_next(&mut self) {
        self.refuse = true;
    }

    fn orders(&mut self) -> Vec<Value> {
        let stored: Record = serde_json::from_str(&serde_json::to_string(&self.record).unwrap()).unwrap();
        assert_eq!(stored, self.record);
        self.placed.values().cloned().collect()
    }
}

/// Adds up what several conversations counted.
pub(super) fn sum(counts: impl Iterator<Item = (usize, usize, usize)>) -> (usize, usize, usize) {
    counts.fold((0, 0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2))
}

#[test]
fn ten_thousand_conversations_place_exactly_what_was_wanted() {
    const THREADS: usize = 4;
    let menu = &Menu::read(&samples::menu());
    let share = |first| (first..CONVERSATIONS).step_by(THREADS);
    let counts: Vec<_> = std::thread::scope(|scope| {
        let play = |first| move || sum(share(first).map(|seed| Conversation::new(seed, Pure::new(seed, menu)).play()));
        let threads: Vec<_> = (0..THREADS as u64).map(|first| scope.spawn(play(first))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (orders, too_many, too_few) = sum(counts.into_iter());
    assert_eq!((too_many, too_few), (0, 0), "of {orders} orders");
    assert!(orders > 15_000, "the conversations order something: {orders}");
}

#[test]
fn the_ways_to_say_an_order_are_one_order() {
    let menu = Menu::read(&samples::menu());
    let mut dice = Dice(7);
    for _ in 0..200 {
        let wish = wish(&mut dice);
        let mut content = || {
            let arguments = Map::from_iter([("items".to_owned(), words(&wish, &mut dice))]);
            let priced = quoting::order(&menu, arguments).unwrap();
            assert_eq!(
                priced.content,
                canonical::content(&{
                    let mut arguments = priced.arguments.clone();
                    arguments.remove("expected_total");
                    arguments
                })
            );
            priced.content
        };
        assert_eq!(content(), content());
    }
}

//! The conversations of `conversations.rs` over the whole stack: store, queue, wire, lost answers and all.

use tokio::runtime::Runtime;

use super::*;
use crate::tools::conversations::{Conversation, Dice, Said, Waiter, sum};

const CONVERSATIONS: u64 = 300;

struct Whole<'a> {
    runtime: &'a Runtime,
    stack: Stack,
    dice: Dice,
}

impl Waiter for Whole<'_> {
    fn place_order(&mut self, parameters: &Value) -> Said {
        let answer = self.runtime.block_on(self.stack.call("placeOrder", parameters.clone()));
        match answer["status"].as_str().unwrap() {
            "quoted" => Said::Quoted(answer["quote_id"].as_str().unwrap().to_owned()),
            "placed" | "queued" => Said::Placed,
            _ => Said::Other,
        }
    }

    fn confirm(&mut self, reference: &str) -> bool {
        let erp = &self.stack.erp;
        let refused = !erp.faults.lock().unwrap().is_empty();
        if !refused && self.dice.one_in(4) {
            erp.fail_next(Fault::Lost);
        } else if !refused && self.dice.one_in(4) {
            erp.fail_next(Fault::Answer(503, json!({"exc_type": "SessionStopped"})));
        }
        let answer = self.runtime.block_on(async {
            let answer = self.stack.confirm(reference).await;
            // The queue tries again at some time, which may be after the next words.
            if self.dice.one_in(2) || refused {
                self.stack.wait(2);
                self.stack.work().await;
            }
            answer
        });
        // What was meant for a confirmation that had no effect must not meet another one.
        erp.faults.lock().unwrap().clear();
        ["placed", "queued", "refused"].iter().any(|status| answer["status"] == *status)
    }

    fn wait(&mut self, seconds: u64) {
        self.stack.wait(seconds);
    }

    fn refuse_next(&mut self) {
        // Whatever is still under way has its turn before the next order.
        self.runtime.block_on(async {
            self.stack.wait(2);
            self.stack.work().await;
        });
        self.stack.erp.fail_next(Fault::Answer(409, json!({"exc_type": "QuoteChanged"})));
    }

    fn orders(&mut self) -> Vec<Value> {
        self.runtime.block_on(async {
            self.stack.wait(60);
            self.stack.work().await;
        });
        self.stack.erp.documents().values().map(|arguments| arguments["items"].clone()).collect()
    }
}

#[test]
fn three_hundred_conversations_over_the_whole_stack_place_exactly_what_was_wanted() {
    let runtime = Runtime::new().unwrap();
    let play = |seed| {
        let stack = runtime.block_on(Stack::new());
        Conversation::new(seed, Whole { runtime: &runtime, stack, dice: Dice(!seed) }).play()
    };
    let (orders, too_many, too_few) = sum((0..CONVERSATIONS).map(play));
    assert_eq!((too_many, too_few), (0, 0), "of {orders} orders");
    assert!(orders > 400, "the conversations order something: {orders}");
}

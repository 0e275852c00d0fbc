//! Commands of one session in their order, failures that may never pass, and what is counted of it all.

use neoron_store::Tally;

use super::{
    super::desk::{self, Verdict},
    *,
};
use crate::analytics;

impl Stack {
    /// What was counted on the session's day, by the name without site and business.
    async fn counted(&self) -> BTreeMap<String, u64> {
        let day = analytics::day(ledger_samples::START);
        let of = format!("|{}|{}", self.record.site, self.record.business);
        let short = |tally: Tally| (tally.name.replace(&of, ""), tally.by);
        self.app.store.tallies(day..=day).await.unwrap().into_iter().map(short).collect()
    }
}

#[tokio::test]
async fn a_command_waits_for_the_one_that_was_given_before_it() {
    let mut businesses = samples::businesses();
    let confirm = businesses.get_mut("restaurant").unwrap().tools.get_mut("confirmOrder").unwrap();
    confirm.timeout = Duration::from_secs(1);
    let stack = Stack::with(businesses, "restaurant", 0).await;
    let first = stack.quoted(1).await;
    assert_eq!(stack.confirm(&first).await["status"], "queued", "ERPNext is slow");
    let second = stack.quoted(2).await;
    assert_eq!(stack.confirm(&second).await["status"], "queued", "the first one is under way");
    assert_eq!(stack.confirm(&second).await["status"], "queued");
    assert_eq!(stack.erp.calls("place_order"), 1);
    assert!(stack.work().await.is_empty(), "nobody else takes the second one");
    stack.erp.gate.add_permits(2);
    stack.idle().await;
    assert_eq!(stack.work().await.len(), 2, "both are told");
    assert_eq!((stack.erp.documents().len(), stack.erp.calls("place_order")), (2, 2));
    assert_eq!(stack.confirm(&second).await["status"], "placed");
}

#[tokio::test]
async fn an_order_that_meets_a_hidden_database_error_is_tried_three_times() {
    let stack = Stack::new().await;
    let reference = stack.quoted(1).await;
    for _ in 0..2 {
        stack.erp.fail_next(Fault::Answer(503, json!({"exc_type": "SessionStopped"})));
    }
    for _ in 0..3 {
        stack.erp.fail_next(Fault::Answer(500, json!({"exc_type": "OperationalError"})));
    }
    assert_eq!(stack.confirm(&reference).await["status"], "queued");
    stack.idle().await;
    stack.wait(2);
    assert_eq!(stack.work().await, ["It could not be placed automatically. A person will look after it."]);
    assert_eq!(stack.erp.calls("place_order"), 5, "an ERPNext that is down does not count");
    let dead = stack.app.store.dead(0, 10).await.unwrap();
    assert_eq!(dead.jobs[0].reason, "given up after 2 retries: ERPNext: hidden, status 500, OperationalError");
    assert_eq!(stack.events("notice").await[0]["code"], "needs_person");
}

#[tokio::test]
async fn an_order_is_counted_once_however_often_it_is_confirmed_and_sent() {
    let stack = Stack::new().await;
    stack.erp.fail_next(Fault::Lost);
    let reference = stack.quoted(1).await;
    assert_eq!(stack.confirm(&reference).await["status"], "queued");
    stack.idle().await;
    stack.wait(2);
    stack.work().await;
    assert_eq!(stack.confirm(&reference).await["status"], "placed");
    let count = |name: &str, by| (name.to_owned(), by);
    let expected = [
        count("document|Voice Restaurant Order", 1),
        count("tool|confirmOrder|placed", 1),
        count("tool|confirmOrder|queued", 1),
        count("tool|placeOrder|quoted", 1),
    ];
    assert_eq!(stack.counted().await, BTreeMap::from(expected));
}

#[test]
fn a_command_about_a_document_of_the_session_is_no_second_document() {
    let mut record = ledger_samples::record();
    let mut start = |call: &str, title: &str| {
        let face = desk::Face { title: title.to_owned(), ..Default::default() };
        let mut step = Step::default();
        match desk::start(&mut record, &mut step, call, "tool", json!({"of": call}), face, ledger_samples::START) {
            desk::Taken::Place(key) => key,
            other => panic!("{other:?}"),
        }
    };
    let (booked, cancelled) = (start("c-1", "Appointment"), start("c-2", ""));
    let mut settle = |key: &str| {
        let answer = json!({"doctype": "Voice Appointment", "name": "a-1", "status": "Scheduled"});
        let (mut step, verdict) = (Step::default(), Verdict::Placed { answer: &answer, say: String::new() });
        desk::settle(&mut record, &mut step, key, verdict, true, ledger_samples::START);
        step.tallies.len()
    };
    assert_eq!((settle(&booked), settle(&booked), settle(&cancelled)), (1, 0, 0));
}

//! Many callers at once: nobody is booked twice, nothing is ordered twice, and holds run out by themselves. On the
//! simulator always, on a real site when there is one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::civil::Date;
use neoron_simulators::erpnext::system_clock;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Answer, ORDERS, Site, order, target::Target};

const VISITORS: usize = 200;
/// Two people serve, so five beginnings are ten places.
const STARTS: [&str; 5] = ["10:00:00", "10:30:00", "11:00:00", "11:30:00", "12:00:00"];
const PLACES: usize = 10;
/// Short, so that those who walk away are not waited for long.
const HOLD_SECONDS: u64 = 3;
/// Requests on their way at once: what a gateway's cap lets through.
const AT_ONCE: usize = 32;
/// Nobody tries for longer.
const PATIENCE: Duration = Duration::from_secs(180);

fn book(run: &str, visitor: usize, start: &str) -> Value {
    json!({"idempotency_key": format!("a-{run}-{visitor}"), "session_id": format!("s_{run}-{visitor}"),
        "customer_name": format!("Visitor {visitor}"), "service_type": "haircut", "start": start})
}

/// One visitor: holds a time, and books it or walks away. Whether it was booked.
async fn visit(target: Target, day: Date, visitor: usize, booked: Arc<AtomicUsize>, gate: Arc<Semaphore>) -> bool {
    let decided = visitor.is_multiple_of(2);
    let session = format!("s_{}-{visitor}", target.run);
    let mut at = visitor;
    while booked.load(Ordering::SeqCst) < PLACES {
        let start = format!("{day} {}", STARTS[at % STARTS.len()]);
        at += 1;
        let hold =
            json!({"session_id": session, "service_type": "haircut", "start": start, "hold_seconds": HOLD_SECONDS});
        let permit = gate.acquire().await.unwrap();
        let held = target.booking("hold_slot", &hold).await;
        if held.status == 200 && !decided {
            return false;
        }
        if held.status == 200 {
            let answer = target.booking("book_appointment", &book(&target.run, visitor, &start)).await;
            if answer.status == 200 {
                booked.fetch_add(1, Ordering::SeqCst);
                return true;
            }
            // On a slow site the hold ran out before the yes.
            answer.refused(409, "SlotTaken");
        } else {
            held.refused(409, "SlotTaken");
        }
        drop(permit);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

async fn two_hundred_visitors(target: Target) {
    let day = target.empty_day().await;
    let (booked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(AT_ONCE)));
    let visits: Vec<_> = (0..VISITORS)
        .map(|visitor| tokio::spawn(visit(target.clone(), day, visitor, booked.clone(), gate.clone())))
        .collect();
    let mut told = 0;
    for visit in visits {
        told += usize::from(tokio::time::timeout(PATIENCE, visit).await.expect("somebody waits for ever").unwrap());
    }
    let appointments = target.appointments(day).await;
    let places: BTreeSet<_> =
        appointments.iter().map(|it| (it["start"].to_string(), it["resource"].to_string())).collect();
    for appointment in &appointments {
        target.cancel(appointment["name"].as_str().unwrap()).await;
    }
    assert_eq!((told, appointments.len(), places.len()), (PLACES, PLACES, PLACES));
}

async fn twenty_bookings_of_one_slot(target: Target) {
    let start = format!("{} 15:00:00", target.empty_day().await);
    // One of the two people is taken: one place is left.
    target.booking("book_appointment", &book(&target.run, 1_000, &start)).await.message();
    let calls: Vec<_> = (1_001..1_021)
        .map(|visitor| {
            let (target, body) = (target.clone(), book(&target.run, visitor, &start));
            tokio::spawn(async move { target.booking("book_appointment", &body).await })
        })
        .collect();
    let (mut booked, mut refused) = (Vec::new(), 0);
    for call in calls {
        let answer: Answer = call.await.unwrap();
        if answer.status == 200 {
            booked.push(answer.body["message"]["name"].as_str().unwrap().to_owned());
            continue;
        }
        answer.refused(409, "SlotTaken");
        let others = answer.body["alternatives"].as_array().unwrap();
        assert!(!others.is_empty() && others.iter().all(|other| other["start"] != *start), "{others:?}");
        refused += 1;
    }
    target.cancel(&format!("a-{}-1000", target.run)).await;
    for name in &booked {
        target.cancel(name).await;
    }
    assert_eq!((booked.len(), refused), (1, 19));
}

/// 50 orders, each sent four times.
async fn two_hundred_orders(target: Target) {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let calls: Vec<_> = (0..VISITORS)
        .map(|at| {
            let (target, gate) = (target.clone(), gate.clone());
            let body = order(&format!("q-{}-{}", target.run, at % 50));
            tokio::spawn(async move {
                let _permit = gate.acquire().await.unwrap();
                target.call(&format!("{ORDERS}.place_order"), &body).await.message()
            })
        })
        .collect();
    let mut numbers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut created = 0;
    for call in calls {
        let placed = call.await.unwrap();
        created += usize::from(placed["created"] == json!(true));
        let (name, number) = (placed["name"].to_string(), placed["order_number"].to_string());
        numbers.entry(name).or_default().insert(number);
    }
    let distinct: BTreeSet<_> = numbers.values().flatten().collect();
    assert!(numbers.values().all(|numbers| numbers.len() == 1), "one order, one number: {numbers:?}");
    assert_eq!((numbers.len(), distinct.len(), created), (50, 50, 50));
    let mut other = order(&format!("q-{}-0", target.run));
    other["customer_name"] = "Bob".into();
    target.call(&format!("{ORDERS}.place_order"), &other).await.refused(409, "KeyReused");
}

/// A simulator whose holds run out by the clock on the wall.
async fn simulated() -> (Site, Target) {
    let site = Site::with(|options| {
        options.clock = system_clock();
        options.workers = 8;
    })
    .await;
    let today = jiff::tz::TimeZone::UTC.to_datetime(system_clock()()).date();
    let target = Target::simulator(&site, today);
    (site, target)
}

#[tokio::test]
async fn two_hundred_visitors_after_ten_places_make_ten_bookings() {
    let (_site, target) = simulated().await;
    two_hundred_visitors(target).await;
}

#[tokio::test]
async fn twenty_bookings_of_one_place_are_one_booking_and_nineteen_offers_of_others() {
    let (_site, target) = simulated().await;
    twenty_bookings_of_one_slot(target).await;
}

#[tokio::test]
async fn two_hundred_orders_with_repeated_keys_are_fifty() {
    let (_site, target) = simulated().await;
    two_hundred_orders(target).await;
}

#[tokio::test]
#[ignore = "needs a real site: FRAPPE_URL, FRAPPE_SITE and FRAPPE_TOKEN (key:secret)"]
async fn real_two_hundred_visitors_after_ten_places_make_ten_bookings() {
    two_hundred_visitors(Target::real().await).await;
}

#[tokio::test]
#[ignore = "needs a real site: FRAPPE_URL, FRAPPE_SITE and FRAPPE_TOKEN (key:secret)"]
async fn real_twenty_bookings_of_one_place_are_one_booking_and_nineteen_offers_of_others() {
    twenty_bookings_of_one_slot(Target::real().await).await;
}

#[tokio::test]
#[ignore = "needs a real site: FRAPPE_URL, FRAPPE_SITE and FRAPPE_TOKEN (key:secret)"]
async fn real_two_hundred_orders_with_repeated_keys_are_fifty() {
    two_hundred_orders(Target::real().await).await;
}

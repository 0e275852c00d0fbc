#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;

use neoron_protocol::UnixMillis;
use neoron_store::Beat;
use proptest::prelude::*;

use super::*;

fn worker(number: u8, load: u32, capacity: u32, draining: bool) -> Arc<Worker> {
    let id = WorkerId::new(UnixMillis(1), [number; 10]);
    let address = SocketAddr::from(([127, 0, 0, 1], 1_000 + u16::from(number)));
    Arc::new(Worker::new(&Beat { worker: id, address, load, capacity, draining }, true))
}

fn session(number: u64) -> SessionId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    SessionId::new(UnixMillis(1), random)
}

fn chosen(choice: Choice) -> Option<WorkerId> {
    match choice {
        Choice::Worker(worker) => Some(worker.id),
        Choice::NoRoom | Choice::Nobody => None,
    }
}

#[test]
fn of_two_workers_the_one_with_more_room_gets_every_session() {
    let workers = [worker(1, 9, 10, false), worker(2, 1, 10, false)];
    for chance in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
        assert_eq!(chosen(choose(&workers, Wanted::Room, &[], chance)), Some(workers[1].id));
    }
}

#[test]
fn a_leaving_worker_gets_no_session_and_a_full_one_only_if_all_are_but_they_keep_their_own() {
    let workers = [worker(1, 10, 10, false), worker(2, 0, 10, true), worker(3, 9, 10, false)];
    assert_eq!(chosen(choose(&workers, Wanted::Room, &[], 7)), Some(workers[2].id));
    let workers = [worker(1, 10, 10, false), worker(2, 0, 10, true)];
    assert_eq!(chosen(choose(&workers, Wanted::Room, &[], 7)), Some(workers[0].id), "it lets them wait");
    assert!(matches!(choose(&workers[1..], Wanted::Room, &[], 7), Choice::NoRoom));
    assert!(matches!(choose(&workers, Wanted::Session(session(1)), &[], 7), Choice::Worker(_)));
    assert_eq!(chosen(choose(&workers, Wanted::Any, &[], 7)), Some(workers[0].id), "a webhook rather stays");
}

#[test]
fn sick_and_tried_workers_are_left_out() {
    let workers = [worker(1, 0, 10, false), worker(2, 0, 10, false)];
    workers[0].fail();
    assert_eq!(chosen(choose(&workers, Wanted::Room, &[], 3)), Some(workers[1].id));
    assert!(matches!(choose(&workers, Wanted::Room, &[Arc::clone(&workers[1])], 3), Choice::Nobody));
    assert!(matches!(choose(&[], Wanted::Any, &[], 3), Choice::Nobody));
}

#[test]
fn sessions_spread_evenly() {
    let workers: Vec<_> = (1..=4).map(|number| worker(number, 0, 10, false)).collect();
    let mut counts = [0; 4];
    for number in 0..4_000 {
        let id = chosen(choose(&workers, Wanted::Session(session(number)), &[], 0)).unwrap();
        counts[workers.iter().position(|worker| worker.id == id).unwrap()] += 1;
    }
    assert!(counts.iter().all(|count| (850..=1_150).contains(count)), "{counts:?}");
}

proptest! {
    #[test]
    fn a_worker_that_leaves_moves_only_its_own_sessions(
        numbers in proptest::collection::btree_set(1_u8..=60, 2..8),
        leaver in any::<prop::sample::Index>(),
        sessions in proptest::collection::vec(any::<u64>(), 1..50),
    ) {
        let before: Vec<_> = numbers.iter().map(|number| worker(*number, 0, 10, false)).collect();
        let gone = before[leaver.index(before.len())].id;
        let after: Vec<_> = before.iter().filter(|worker| worker.id != gone).cloned().collect();
        for number in sessions {
            let wanted = Wanted::Session(session(number));
            let old = chosen(choose(&before, wanted, &[], 0)).unwrap();
            let new = chosen(choose(&after, wanted, &[], 0)).unwrap();
            prop_assert!(old == new || old == gone);
        }
    }

    #[test]
    fn a_session_goes_to_a_worker_without_room_only_if_all_are_full(
        loads in proptest::collection::vec((0_u32..4, any::<bool>()), 1..6),
        chance in any::<u64>(),
    ) {
        let workers: Vec<_> = loads
            .iter()
            .zip(1..)
            .map(|((load, draining), number)| worker(number, *load, 3, *draining))
            .collect();
        match choose(&workers, Wanted::Room, &[], chance) {
            Choice::Worker(worker) => {
                let full = loads.iter().all(|(load, draining)| *load >= 3 || *draining);
                prop_assert!(!worker.draining && (worker.room() > 0 || full));
            }
            Choice::NoRoom => prop_assert!(loads.iter().all(|(_, draining)| *draining)),
            Choice::Nobody => prop_assert!(false, "everybody is healthy"),
        }
    }
}

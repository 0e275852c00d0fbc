//! The file: what it keeps, who may use it, what is removed from it.

use std::{path::Path, sync::Arc, time::Duration};

use neoron_protocol::UnixMillis;
use neoron_store::{
    Accepted, Beat, Budgets, Burn, Change, Cursor, EmbeddedStore, Events, Jobs, Limits, Once, Rate, Reservation, Seats,
    Sessions, Tally, WaitingRooms, Workers,
    embedded::{OpenError, Options},
};
use rusqlite::Connection;

use super::open;
use crate::world::{HOUR, MINUTE, clock, events, job, key, session_id, soon, worker_id};

/// In the year 2096; the machine's clock does not stand still.
fn far() -> UnixMillis {
    UnixMillis(4_000_000_000_000)
}

#[tokio::test]
async fn a_reopened_store_has_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (session, worker, accepted) = (session_id(), worker_id(), job(None));
    let epoch = {
        let store = open(&path, Options::default()).unwrap();
        let mut change = Change::create(session, "body".into(), far());
        change.events = events(1..=3);
        change.calls = vec!["call-1".into()];
        change.burn = vec![key("delivery")];
        store.commit(change).await.unwrap();
        store.accept(accepted.clone(), Some(key("webhook"))).await.unwrap();
        store.burn(key("jti")).await.unwrap();
        store.take("ip", Rate::per(1, HOUR)).await.unwrap();
        store.reserve("site", "call", 60, 100, HOUR).await.unwrap();
        let beat = Beat { worker, address: "127.0.0.1:1".parse().unwrap(), load: 0, capacity: 1, draining: false };
        store.beat(beat, HOUR).await.unwrap();
        Events::read(&store, session, &Cursor::default(), 1).await.unwrap().unwrap().epoch
    };
    let store = open(&path, Options::default()).unwrap();
    let stored = store.load(session).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.body.as_str()), (1, "body"));
    let page = Events::read(&store, session, &Cursor::default(), 10).await.unwrap().unwrap();
    assert_eq!((page.epoch, page.events.len(), page.last), (epoch, 3, 3));
    assert_eq!(store.by_call("call-1").await.unwrap(), Some(session));
    let mut again = Change::update(session, 1, "body".into(), far());
    again.burn = vec![key("delivery")];
    assert!(store.commit(again).await.is_err());
    assert_eq!(store.accept(job(None), Some(key("webhook"))).await.unwrap(), Accepted::Duplicate);
    assert_eq!(store.claim(worker, 10, MINUTE).await.unwrap()[0].lease.job, accepted.id);
    assert!(!store.burn(key("jti")).await.unwrap());
    assert!(!store.take("ip", Rate::per(1, HOUR)).await.unwrap().allowed);
    assert_eq!(store.reserve("site", "other", 41, 100, HOUR).await.unwrap(), Reservation::Exhausted { left: 40 });
    assert_eq!(store.workers().await.unwrap()[0].worker, worker);
}

#[tokio::test]
async fn a_file_of_an_older_program_is_brought_up_to_date_with_its_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let (path, waiting) = (folder.path().join("store.db"), job(None));
    let db = Connection::open(&path).unwrap();
    db.execute_batch(include_str!("../../../src/embedded/schema.sql")).unwrap();
    db.pragma_update(None, "application_id", 0x4e65_6f72).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    let insert = "INSERT INTO job (id, state, due, attempt, fence, enqueued_at, kind, payload)
        VALUES (?1, 0, 0, 0, 0, 0, ?2, ?3)";
    db.execute(insert, (waiting.id.as_str(), &waiting.kind, &waiting.payload)).unwrap();
    drop(db);
    let store = open(&path, Options::default()).unwrap();
    let claimed = store.claim(worker_id(), 10, MINUTE).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].lease.job, claimed[0].lost), (1, waiting.id, 0));
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path, Options::default()).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let refused = open(&path, Options::default()).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 7, known: 2, .. }), "{refused:?}");
    let message = refused.to_string();
    assert!(message.contains("schema version 7") && message.contains("versions up to 2"), "{message}");
    let version: i64 = Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 7);
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(open(&path, Options::default()), Err(OpenError::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_or_has_no_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database at all, but longer than a header of one hundred bytes. ".repeat(9)).unwrap();
    assert!(matches!(open(&path, Options::default()), Err(OpenError::Database { .. })));
    let nowhere = folder.path().join("missing").join("store.db");
    assert!(matches!(open(&nowhere, Options::default()), Err(OpenError::File { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_file_or_its_log() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path, Options::default()).unwrap();
    store.burn(key("jti")).await.unwrap();
    assert!(store.wal_bytes() > 0);
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[tokio::test]
async fn a_job_redriven_by_another_process_is_noticed_by_who_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let server = Arc::new(open(&path, Options::default()).unwrap());
    server.accept(job(None), None).await.unwrap();
    let lease = server.claim(worker_id(), 1, HOUR).await.unwrap().remove(0).lease;
    server.bury(&lease, "HTTP 417").await.unwrap();
    let waiting = tokio::spawn({
        let server = Arc::clone(&server);
        async move {
            server.wait(HOUR).await;
            server.claim(worker_id(), 1, MINUTE).await.unwrap()
        }
    });
    let command = open(&path, Options::default()).unwrap();
    assert_eq!(command.dead(0, 10).await.unwrap().jobs[0].reason, "HTTP 417");
    assert!(command.redrive(lease.job).await.unwrap());
    assert_eq!(soon("the job", waiting).await.unwrap()[0].lease.job, lease.job);
}

fn rows(path: &Path) -> Vec<(String, i64)> {
    let db = Connection::open(path).unwrap();
    let tables = [
        "session",
        "body",
        "event",
        "call",
        "document",
        "burnt",
        "job",
        "rate",
        "budget",
        "reservation",
        "worker",
        "seat",
        "waiting",
        "tally",
    ];
    let count = |table: &str| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    tables.into_iter().map(|table| (table.to_owned(), count(table))).filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn what_has_expired_is_removed_and_dead_jobs_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let clock = clock();
    let options = Options { sweep_every: Duration::from_millis(5), ..Options::default() };
    let store = EmbeddedStore::open(&path, options, clock.clone()).unwrap();
    let soon_over = neoron_store::Clock::now(&*clock).plus(MINUTE);
    for number in 0..3 {
        let session = session_id();
        let mut change = Change::create(session, "body".into(), soon_over);
        change.events = events(1..=300);
        change.calls = vec![format!("call-{number}")];
        change.documents = vec![neoron_store::DocumentKey { doctype: "Order".into(), name: number.to_string() }];
        change.burn = vec![key("a"), key("b")];
        store.commit(change).await.unwrap();
        store.burn(Burn { key: number.to_string(), keep: MINUTE }).await.unwrap();
        store.take(&number.to_string(), Rate::per(1, MINUTE)).await.unwrap();
        store.reserve(&number.to_string(), "a", 1, 10, MINUTE).await.unwrap();
        store.sit("site", &number.to_string(), 10, MINUTE).await.unwrap();
        store.join("room", &number.to_string(), "{}".into(), 10, MINUTE).await.unwrap();
    }
    let kept = session_id();
    let mut change = Change::create(kept, "body".into(), soon_over.plus(HOUR));
    // The one is of more than 400 days ago.
    change.tallies = [20_400, 20_833].map(|day| Tally { day, name: "calls".into(), by: 1 }).to_vec();
    store.commit(change).await.unwrap();
    store.accept(job(None), None).await.unwrap();
    let lease = store.claim(worker_id(), 1, MINUTE).await.unwrap().remove(0).lease;
    store.bury(&lease, "no").await.unwrap();
    let beat =
        Beat { worker: worker_id(), address: "127.0.0.1:1".parse().unwrap(), load: 0, capacity: 1, draining: false };
    store.beat(beat, MINUTE).await.unwrap();

    clock.advance(2 * MINUTE);
    let expected = ["session", "body", "job", "tally"].map(|table| (table.to_owned(), 1));
    soon("the end of the sweep", async {
        while rows(&path) != expected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(store.load(kept).await.unwrap().is_some());
    assert_eq!(store.dead(0, 10).await.unwrap().total, 1);
}

#[test]
fn a_store_serves_callers_of_any_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db"), Options::default()).unwrap();
    for number in 0..2 {
        // Without timers and without I/O: nothing but the caller's own thread.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(store.burn(key(&number.to_string()))).unwrap());
        assert_eq!(runtime.block_on(store.load(session_id())).unwrap(), None);
    }
}

//! A store that is full, held up, or closed.

use std::{sync::Arc, time::Duration};

use neoron_store::{EmbeddedStore, Events, Jobs, Once, Sessions, StoreError, embedded::Options};
use rusqlite::Connection;
use tokio::task::JoinHandle;

use super::open;
use crate::world::{job, key, session_id, soon};

/// Burns a key in a task of its own.
fn burning(store: &Arc<EmbeddedStore>, number: usize) -> JoinHandle<Result<bool, StoreError>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.burn(key(&number.to_string())).await })
}

/// Waits until so many writes wait.
async fn until_waiting(store: &EmbeddedStore, count: usize) {
    soon("the queue", async {
        while store.waiting_writes() != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_what_waited_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let options = Options { queue: 4, batch: 1, busy_timeout: Duration::from_secs(60), ..Options::default() };
    let store = Arc::new(open(&path, options).unwrap());
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();

    // One reaches the writer, which waits for the holder; then there is room for one more.
    let mut calls: Vec<_> = (0..4).map(|number| burning(&store, number)).collect();
    tokio::task::yield_now().await;
    until_waiting(&store, 3).await;
    calls.push(burning(&store, 4));
    until_waiting(&store, 4).await;
    assert!(matches!(store.accept(job(None), None).await, Err(StoreError::Full)));
    assert!(matches!(store.burn(key("refused")).await, Err(StoreError::Full)));

    holder.execute_batch("COMMIT").unwrap();
    for call in calls {
        assert!(soon("an answer", call).await.unwrap().unwrap());
    }
    assert!(store.burn(key("refused")).await.unwrap(), "a refusal writes nothing");
}

#[tokio::test]
async fn a_writer_that_cannot_write_answers_everybody_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let options = Options { busy_timeout: Duration::from_millis(10), ..Options::default() };
    let store = Arc::new(open(&path, options).unwrap());
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let calls: Vec<_> = (0..5).map(|number| burning(&store, number)).collect();
    for call in calls {
        let answer = soon("an answer", call).await.unwrap();
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    }
    assert_eq!(store.load(session_id()).await.unwrap(), None, "reads go on meanwhile");
    holder.execute_batch("ROLLBACK").unwrap();
    assert!(store.burn(key("0")).await.unwrap(), "and nothing of it was written");
}

#[tokio::test]
async fn a_closed_store_refuses_and_ends_its_watches() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db"), Options::default()).unwrap();
    let mut watch = store.watch(session_id()).await.unwrap();
    store.close();
    assert!(!soon("the end of the watch", watch.changed()).await);
    assert!(matches!(store.burn(key("jti")).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.load(session_id()).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.watch(session_id()).await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.wal_bytes(), 0, "the log is in the file");
    store.close();
}

#[tokio::test]
async fn what_waits_when_the_store_is_closed_is_written_and_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Arc::new(open(&path, Options::default()).unwrap());
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.accept(job(None), None).await.is_ok() })
        })
        .collect();
    tokio::task::yield_now().await;
    tokio::task::spawn_blocking({
        let store = Arc::clone(&store);
        move || store.close()
    })
    .await
    .unwrap();
    let mut accepted = 0;
    for call in calls {
        accepted += u64::from(soon("an answer", call).await.unwrap());
    }
    let store = open(&path, Options::default()).unwrap();
    assert_eq!(store.depth().await.unwrap().ready, accepted);
}

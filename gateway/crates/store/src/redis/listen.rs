//! Listens for wake-ups: for each shard one task with a connection of its own, subscribed to the channels of the
//! shard's partitions. A shard that is down holds up only its own task.
//!
//! A process that listens hears of every session's events and of every job, some 65 bytes each and none of the data:
//! its subscriptions do not change with the sessions it watches, so none can be missing.
//!
//! Messages are hints. After every (re)connection, and slowly all the time, each watched stream is looked at, so that
//! nothing stays unnoticed that was published while nobody listened. The library's own resubscription is not relied
//! on: with 1.8.1, 101 of 300 channels stayed silent after a master's death.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::try_join_all, stream};
use redis::{PushInfo, PushKind, Value, aio::MultiplexedConnection};
use tokio::{
    sync::Notify,
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    Core,
    fault::Trouble,
    layout::{Kind, Partition},
    script::{Call, TOUCH},
};
use crate::{StoreError, rules};

/// How often a silent connection is asked whether it lives.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long it may take to answer.
const HEARTBEAT_PATIENCE: Duration = Duration::from_millis(1_500);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the watched streams are looked at although nothing happened.
const SWEEP: Duration = Duration::from_secs(15);
/// Streams of one shard that are looked at together.
const TOGETHER: usize = 32;

/// Keeps one task for each shard, as the map of slots has them.
pub(super) async fn listen_to_all(store: Arc<Core>) {
    let mut changes = store.cluster.changes();
    let mut tasks = JoinSet::new();
    let mut running: HashMap<String, (Vec<Partition>, AbortHandle)> = HashMap::new();
    loop {
        changes.borrow_and_update();
        let mut wanted = store.cluster.shards();
        running.retain(|address, (partitions, task)| {
            let stays = wanted.get(address) == Some(partitions);
            if stays {
                wanted.remove(address);
            } else {
                task.abort();
            }
            stays
        });
        for (address, partitions) in wanted {
            let task = tasks.spawn(listen_to_shard(Arc::clone(&store), address.clone(), partitions.clone()));
            running.insert(address, (partitions, task));
        }
        // Those that were aborted leave their result behind.
        while tasks.try_join_next().is_some() {}
        if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn listen_to_shard(store: Arc<Core>, address: String, partitions: Vec<Partition>) {
    loop {
        if let Err(trouble) = listen(&store, &address, &partitions).await {
            tracing::debug!(%address, reason = %trouble.into_error(), "no wake-ups from this shard");
        }
        // What was heard may be out of date by now, and the shard may have moved.
        store.hub.forget_hints();
        store.cluster.suspect();
        sleep(PAUSE).await;
    }
}

/// Listens until the connection breaks.
async fn listen(store: &Core, address: &str, partitions: &[Partition]) -> Result<(), Trouble> {
    let broken = Arc::new(Notify::new());
    let channels: HashMap<String, Partition> =
        partitions.iter().map(|partition| (store.layout.one(*partition, Kind::Channel), *partition)).collect();
    let names: Vec<_> = channels.keys().cloned().collect();
    let connection = store.cluster.node(address)?.listen(receiver(store, channels, Arc::clone(&broken))).await?;
    subscribe(&connection, &names).await?;
    store.hub.forget_hints();

    let looking = async {
        let mut anew = true;
        loop {
            while catch_up(store, partitions, anew).await.is_err() {
                sleep(PAUSE).await;
            }
            anew = false;
            sleep(SWEEP).await;
        }
    };
    tokio::select! {
        () = broken.notified() => {}
        () = heartbeats(connection) => {}
        () = looking => {}
    }
    Ok(())
}

/// Takes what the server pushes. It runs inside the connection and must not wait.
fn receiver(
    store: &Core,
    channels: HashMap<String, Partition>,
    broken: Arc<Notify>,
) -> impl Fn(PushInfo) + Send + Sync + 'static {
    let hub = Arc::clone(&store.hub);
    move |push| match (push.kind, push.data.as_slice()) {
        (PushKind::SMessage, [Value::BulkString(channel), Value::BulkString(text)]) => {
            let partition = std::str::from_utf8(channel).ok().and_then(|channel| channels.get(channel));
            if let (Some(partition), Ok(text)) = (partition, std::str::from_utf8(text)) {
                hub.message(*partition, text);
            }
        }
        // The server takes a subscription back when the slot moves away.
        (PushKind::Disconnection | PushKind::SUnsubscribe, _) => broken.notify_one(),
        _ => {}
    }
}

async fn subscribe(connection: &MultiplexedConnection, channels: &[String]) -> Result<(), Trouble> {
    let all = channels.iter().map(|channel| {
        let mut connection = connection.clone();
        async move {
            let mut command = redis::cmd("SSUBSCRIBE");
            command.arg(channel).query_async::<Value>(&mut connection).await
        }
    });
    match timeout(HEARTBEAT_PATIENCE, try_join_all(all)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Trouble::of(&error, "")),
        Err(_) => Err(Trouble::Unknown("no subscription in time".to_owned())),
    }
}

/// Ends when the server stops answering; a frozen one never says goodbye.
async fn heartbeats(mut connection: MultiplexedConnection) {
    loop {
        sleep(HEARTBEAT).await;
        let ping = redis::cmd("PING");
        match timeout(HEARTBEAT_PATIENCE, ping.query_async::<Value>(&mut connection)).await {
            Ok(Ok(_)) => {}
            _ => return,
        }
    }
}

/// Looks at every watched stream of the partitions and wakes who watches one that moved; `anew`, after nobody listened
/// for a while, everybody is woken.
async fn catch_up(store: &Core, partitions: &[Partition], anew: bool) -> Result<(), StoreError> {
    let mut watched = store.hub.watches.watched();
    watched.retain(|session| partitions.contains(&store.layout.of_session(*session)));
    let looks = stream::iter(watched).map(|session| async move {
        let head = store.layout.session(Kind::Head, session);
        let (epoch, last) = store.hub.known(session);
        let call =
            Call::new(&TOUCH, vec![head]).number(store.now().0).text(rules::new_epoch()?).text(epoch).number(last);
        let mut reply = store.cluster.call(store.layout.of_session(session), call).await?;
        if reply.is_ok() {
            let (epoch, last): (String, u64) = (reply.text()?, reply.parse()?);
            if store.hub.note(session, &epoch, last) || anew {
                store.hub.watches.wake([(session, last)]);
            } else {
                store.hub.watches.wake_if_moved(session, last);
            }
        }
        Ok::<_, StoreError>(())
    });
    let mut looks = looks.buffer_unordered(TOGETHER);
    let mut outcome = Ok(());
    while let Some(look) = looks.next().await {
        outcome = outcome.and(look);
    }
    outcome
}

//! `kill -9`: what was answered is there afterwards. The process that is killed is this test program, started again
//! for the one test below that is otherwise ignored.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use neoron_protocol::JobId;
use neoron_store::{Accepted, Jobs, embedded::Options};

use super::open;
use crate::world::{HOUR, job, key, worker_id};

const FILE: &str = "NEORON_STORE_KILL";
const ROUNDS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is started, and killed, by the next test"]
async fn a_process_that_accepts_jobs_until_it_is_killed() {
    let Some(path) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    let store = Arc::new(open(&path, Options::default()).unwrap());
    let mut callers = Vec::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        callers.push(tokio::spawn(async move {
            loop {
                let accepted = job(None);
                let id = accepted.id;
                assert_eq!(store.accept(accepted, Some(key(id.as_str()))).await.unwrap(), Accepted::New);
                // The line break comes first as well: the test harness has begun a line of its own.
                if std::io::stdout().write_all(format!("\nacknowledged {id}\n").as_bytes()).is_err() {
                    return;
                }
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
}

/// Starts the process, kills it after `count` acknowledgements, and tells all that it managed to print.
fn acknowledged_before_the_kill(path: &Path, count: usize) -> Vec<JobId> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("embedded::kill::a_process_that_accepts_jobs_until_it_is_killed")
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let (mut acknowledged, mut line) = (Vec::new(), String::new());
    loop {
        line.clear();
        if lines.read_line(&mut line).unwrap() == 0 {
            break;
        }
        // A line without its end was cut off by the kill.
        if let Some(id) = line.strip_prefix("acknowledged ").and_then(|rest| rest.strip_suffix('\n')) {
            acknowledged.push(id.parse().unwrap());
        }
        if acknowledged.len() == count {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= count, "the process ended by itself");
    acknowledged
}

fn random_count() -> usize {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).unwrap();
    20 + usize::from(u16::from_be_bytes(bytes)) % 400
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let printed = acknowledged_before_the_kill(&path, random_count());
        acknowledged.extend(printed);
        let store = open(&path, Options::default()).unwrap();
        let ready = store.depth().await.unwrap().ready;
        assert!(ready >= acknowledged.len() as u64, "round {round}: {ready} of {}", acknowledged.len());
    }

    let store = open(&path, Options::default()).unwrap();
    let mut found = BTreeSet::new();
    loop {
        let claimed = store.claim(worker_id(), 100, HOUR).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        for claimed in claimed {
            assert!(found.insert(claimed.lease.job), "a job is there twice");
        }
    }
    assert!(found.is_superset(&acknowledged), "{} are missing", acknowledged.difference(&found).count());
}

//! Jobs in numbers.

use std::time::Duration;

use neoron_protocol::JobId;
use neoron_simulators::erpnext::Faults;
use neoron_store::{NewJob, Start};

use crate::support::{World, now, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_visitors_question_passes_a_backlog_of_jobs() {
    let world = World::with(|settings| {
        settings.worker.erpnext.concurrency = 2;
        settings.worker.erpnext.request_deadline = Duration::from_secs(600);
    })
    .await;
    let visitor = world.session("text").await;
    let mut socket = world.socket(&visitor).await;
    socket.heard("what may I get you").await;
    world.voice_session(&visitor, "Active").await;
    // ERPNext swallows what the jobs ask it, and is well again for those who come later.
    world.erpnext.set_faults(Faults { hang: true, ..Faults::default() });
    for number in 0..30 {
        let job = NewJob {
            id: JobId::new(now(), [number; 10]),
            session: Some(visitor.id.parse().unwrap()),
            kind: "upsert_session".into(),
            payload: "null".into(),
            start: Start::Now,
            lane: None,
        };
        world.store.accept(job, None).await.unwrap();
    }
    until("jobs that wait", async || {
        let metrics = world.worker.counters().text();
        let waiting = metrics.lines().find_map(|line| line.strip_prefix("voice_erpnext_waiting{for=\"job\"} "))?;
        (waiting.parse::<u32>().unwrap() > 0).then_some(())
    })
    .await;
    world.erpnext.set_faults(Faults::default());
    socket.say("m1", "what is on the menu?").await;
    socket.heard("We have pizza").await;
    let depth = world.store.depth().await.unwrap();
    assert!(depth.ready + depth.running >= 30, "{depth:?}");
}

//! Many live sessions for many minutes, and a worker killed each minute.

use std::time::Duration;

use anyhow::Result;
use neoron_tests::{Member, ledger::Verdict};
use tokio::time::{Instant, sleep};

use crate::{crowd::Size, stage::Stage};

/// From one death to the next.
const KILL_EVERY: Duration = Duration::from_secs(60);
/// Until the place is taken again.
const EMPTY_FOR: Duration = Duration::from_secs(2);
/// Without a time, so long.
const SHORTEST: Duration = Duration::from_secs(70);

pub(crate) async fn many_sessions_for_long(stage: &mut Stage) -> Result<Verdict> {
    let (sessions, minutes) = stage.soak;
    let mut play = stage.pool_of(&["worker.capacity=2000".to_owned()]).await?;
    let size = Size { at_once: sessions, by_voice: 8, longest_pause: 20_000 };
    let lasts = minutes.max(SHORTEST);
    play.under_load(&mut stage.chance, size, async |play, chance| {
        let start = Instant::now();
        let workers: Vec<Member> =
            play.fleet.members().into_iter().filter(|member| matches!(member, Member::Worker(_))).collect();
        while start.elapsed() + KILL_EVERY < lasts {
            sleep(KILL_EVERY).await;
            let Some(victim) = chance.pick(&workers).copied() else { break };
            play.fleet.kill(victim).await?;
            sleep(EMPTY_FOR).await;
            play.fleet.replace(victim).await?;
        }
        sleep(lasts.saturating_sub(start.elapsed())).await;
        crate::tell(&memory(play));
        Ok(())
    })
    .await
}

fn memory(play: &crate::stage::Play) -> String {
    let of = |member| play.fleet.memory(member).map(|kib| format!("{member:?} {} MiB", kib / 1_024));
    let all: Vec<String> = play.fleet.members().into_iter().filter_map(of).collect();
    format!("    memory: {}", all.join(", "))
}

//! Processes that die, and processes that are replaced.

use std::time::Duration;

use anyhow::Result;
use neoron_tests::{Member, ledger::Verdict};
use tokio::time::sleep;

use crate::stage::{Stage, USUAL};

/// Between a death and its replacement, at most: the time that systemd or Kubernetes take.
const EMPTY_FOR: u64 = 1_500;
/// Between one death and the next, at most.
const QUIET_FOR: u64 = 2_500;

pub(crate) async fn workers_are_killed(stage: &mut Stage) -> Result<Verdict> {
    members_are_killed(stage, |member| matches!(member, Member::Worker(_))).await
}

pub(crate) async fn gateways_are_killed(stage: &mut Stage) -> Result<Verdict> {
    members_are_killed(stage, |member| matches!(member, Member::Gateway(_))).await
}

/// Each of them once, in an order and at moments that the seed decides.
async fn members_are_killed(stage: &mut Stage, who: impl Fn(&Member) -> bool) -> Result<Verdict> {
    let mut play = stage.pool().await?;
    let mut victims: Vec<Member> = play.fleet.members().into_iter().filter(|member| who(member)).collect();
    play.under_load(&mut stage.chance, USUAL, async |play, chance| {
        chance.shuffle(&mut victims);
        for victim in victims {
            sleep(chance.millis(QUIET_FOR)).await;
            play.fleet.kill(victim).await?;
            sleep(chance.millis(EMPTY_FOR)).await;
            play.fleet.replace(victim).await?;
        }
        Ok(())
    })
    .await
}

pub(crate) async fn everything_is_replaced(stage: &mut Stage) -> Result<Verdict> {
    let mut play = stage.pool().await?;
    let mut verdict = play
        .under_load(&mut stage.chance, USUAL, async |play, chance| {
            for member in play.fleet.members() {
                sleep(chance.millis(QUIET_FOR / 5)).await;
                play.fleet.terminate(member).await?;
                play.fleet.left(member).await?;
                play.fleet.replace(member).await?;
            }
            Ok(())
        })
        .await?;
    // Nobody is cut off without a word: not a socket, not a tool call, not a visitor.
    let [_, closed, broken, _] = verdict.figures.cuts;
    if closed + broken > 0 {
        verdict.wrong.push(format!("{closed} connections were closed and {broken} broken without a farewell"));
    }
    let [_, _, failed] = verdict.figures.tools;
    if failed > 0 {
        verdict.wrong.push(format!("{failed} tool calls failed while everything was replaced in peace"));
    }
    if verdict.figures.cut_short > 0 {
        verdict.wrong.push(format!("{} calls were cut short by a deploy", verdict.figures.cut_short));
    }
    for (what, times) in &verdict.figures.refusals {
        // 503 with a time to come again is how a leaving process says no to a new session.
        if !what.starts_with("session: 503") {
            verdict.wrong.push(format!("during a deploy {times} clients heard {what}"));
        }
    }
    Ok(verdict)
}

pub(crate) async fn the_only_process_is_killed(stage: &mut Stage) -> Result<Verdict> {
    let mut play = stage.play(None, 1, 0, None).await?;
    play.under_load(&mut stage.chance, USUAL, async |play, chance| {
        for _ in 0..2 {
            sleep(chance.millis(QUIET_FOR)).await;
            play.fleet.kill(Member::Gateway(0)).await?;
            sleep(chance.millis(EMPTY_FOR) + Duration::from_millis(100)).await;
            play.fleet.replace(Member::Gateway(0)).await?;
        }
        Ok(())
    })
    .await
}

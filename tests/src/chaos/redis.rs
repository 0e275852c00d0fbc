//! The store's servers die, freeze, and forget.

use std::time::Duration;

use anyhow::{Context, Result};
use neoron_redis_servers::Servers;
use neoron_tests::ledger::Verdict;
use tokio::time::sleep;

use crate::stage::{Stage, USUAL};

/// Longer than the cluster takes to promote a replica (3.4 to 4.4 s were measured at a node timeout of 2 s).
const FROZEN_FOR: Duration = Duration::from_secs(6);
/// After a death, until the replica is a master and has caught up.
const PROMOTED_WITHIN: Duration = Duration::from_secs(6);

pub(crate) async fn a_master_is_killed(stage: &mut Stage) -> Result<Verdict> {
    let mut play = stage.pool().await?;
    let cluster = stage.cluster()?;
    let masters: Vec<u16> = cluster.masters().iter().map(|server| server.port()).collect();
    let mut chance = stage.chance.branch();
    let victim = *chance.pick(&masters).context("the cluster has no master")?;
    let cluster = stage.cluster()?;
    let verdict = play.under_load(&mut chance, USUAL, async |_, _| {
        find(cluster, victim)?.signal("KILL")?;
        sleep(PROMOTED_WITHIN).await;
        again(cluster, victim)
    });
    verdict.await
}

pub(crate) async fn a_master_is_frozen(stage: &mut Stage) -> Result<Verdict> {
    let mut play = stage.pool().await?;
    let mut chance = stage.chance.branch();
    let cluster = stage.cluster()?;
    let masters: Vec<u16> = cluster.masters().iter().map(|server| server.port()).collect();
    let victim = *chance.pick(&masters).context("the cluster has no master")?;
    let verdict = play.under_load(&mut chance, USUAL, async |_, _| {
        find(cluster, victim)?.signal("STOP")?;
        sleep(FROZEN_FOR).await;
        find(cluster, victim)?.signal("CONT")?;
        tokio::task::block_in_place(|| cluster.until_whole())
    });
    verdict.await
}

pub(crate) async fn the_only_redis_is_restarted(stage: &mut Stage) -> Result<Verdict> {
    let mut single = Servers::single()?;
    let mut play = stage.play(Some(single.url()), 1, 2, None).await?;
    let port = single.all().first().context("there is no server")?.port();
    play.under_load(&mut stage.chance, USUAL, async |_, chance| {
        for _ in 0..2 {
            sleep(chance.millis(2_000)).await;
            // In peace: what was acknowledged is in its file. Its scripts are gone all the same.
            find(&single, port)?.signal("TERM")?;
            sleep(Duration::from_millis(500) + chance.millis(1_000)).await;
            let server = single.all_mut().first_mut().context("there is no server")?;
            tokio::task::block_in_place(|| server.start_again())?;
        }
        Ok(())
    })
    .await
}

fn find(servers: &Servers, port: u16) -> Result<&neoron_redis_servers::Server> {
    servers.all().iter().find(|server| server.port() == port).context("there is no such server")
}

/// Starts a server again, as a replica by now, and waits until the cluster is whole: the next scenario needs it so.
fn again(cluster: &mut Servers, port: u16) -> Result<()> {
    tokio::task::block_in_place(|| {
        let server = cluster.all_mut().iter_mut().find(|server| server.port() == port);
        server.context("there is no such server")?.start_again()?;
        cluster.until_whole()
    })
}

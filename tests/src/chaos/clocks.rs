//! The clocks of two workers are half a minute off, in both directions.

use std::{ffi::OsString, fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use neoron_tests::{Member, ledger::Verdict};
use tokio::time::sleep;

use crate::stage::{Stage, USUAL};

/// Where Debian and Ubuntu keep their libraries: one folder for each architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBFAKETIME: &str = "faketime/libfaketimeMT.so.1";
/// How long the crowd stays.
const LASTS: Duration = Duration::from_secs(8);

pub(crate) async fn clocks_differ(stage: &mut Stage) -> Result<Verdict> {
    let library = libfaketime().context("libfaketime is missing: run `cargo xtask setup`")?;
    let mut play = stage.pool().await?;
    for (worker, offset) in [(0, "+30s"), (1, "-30s")] {
        let member = Member::Worker(worker);
        let environment: [(_, OsString); 3] = [
            ("LD_PRELOAD", library.clone().into()),
            ("FAKETIME", offset.into()),
            // Timers run on the other clock, and must not jump.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ];
        play.fleet.environment(member, environment.into())?;
        play.fleet.kill(member).await?;
        play.fleet.replace(member).await?;
    }
    play.under_load(&mut stage.chance, USUAL, async |play, chance| {
        sleep(LASTS).await;
        // The one with the right time dies as well, so that its work falls to the others.
        play.fleet.kill(Member::Worker(2)).await?;
        sleep(chance.millis(1_500)).await;
        play.fleet.replace(Member::Worker(2)).await
    })
    .await
}

fn libfaketime() -> Option<PathBuf> {
    let folders = fs::read_dir(LIBRARIES).ok()?;
    folders.filter_map(|entry| Some(entry.ok()?.path().join(LIBFAKETIME))).find(|path| path.is_file())
}

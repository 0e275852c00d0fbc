//! The embedded store's disk is full: what was accepted stays, what cannot be kept is refused, and it goes on when there
//! is space again.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use neoron_tests::{Member, ledger::Verdict};
use tokio::time::sleep;

use crate::stage::{Stage, USUAL};

/// Room for the store and nothing else.
const SIZE: &str = "size=64m,mode=700";
/// How long there is none.
const FULL_FOR: Duration = Duration::from_secs(5);
const CHUNK: [u8; 16 * 1024] = [0; 16 * 1024];

/// A small disk in memory; it is gone with the value.
struct Disk {
    folder: PathBuf,
    _parent: tempfile::TempDir,
}

impl Disk {
    fn mount() -> Result<Self> {
        let parent = tempfile::tempdir()?;
        let folder = parent.path().join("disk");
        std::fs::create_dir(&folder)?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "neoron-chaos"]).arg(&folder).status()?;
        if !mounted.success() {
            bail!("a tmpfs cannot be mounted: this scenario needs root");
        }
        Ok(Self { folder, _parent: parent })
    }

    /// Takes all the space that is left.
    fn fill(&self) -> Result<PathBuf> {
        let ballast = self.folder.join("ballast");
        let mut file = File::create(&ballast)?;
        while file.write_all(&CHUNK).is_ok() {}
        // The last page, byte by byte.
        while file.write_all(&[0]).is_ok() {}
        Ok(ballast)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open keeps it to the end.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

pub(crate) async fn the_disk_is_full(stage: &mut Stage) -> Result<Verdict> {
    let disk = Disk::mount()?;
    let mut play = stage.play(None, 1, 0, Some(disk.folder.join("data"))).await?;
    let mut verdict = play
        .under_load(&mut stage.chance, USUAL, async |play, _| {
            let ballast = disk.fill()?;
            sleep(FULL_FOR).await;
            empty(&ballast)?;
            // What was accepted is in the file, and not in the process.
            play.fleet.kill(Member::Gateway(0)).await?;
            play.fleet.replace(Member::Gateway(0)).await
        })
        .await?;
    let refused = verdict.figures.refusals.iter().filter(|(what, _)| what.contains("503 store_unavailable"));
    if refused.map(|(_, times)| times).sum::<u64>() == 0 {
        verdict.wrong.push("nothing was refused, so the disk was never full".to_owned());
    }
    Ok(verdict)
}

fn empty(ballast: &Path) -> Result<()> {
    std::fs::remove_file(ballast).context("the ballast cannot be removed")
}

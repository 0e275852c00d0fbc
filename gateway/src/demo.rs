//! `neoron demo`: the whole product in one process, with Ultravox and ERPNext simulated, and a site to click on.
//!
//! Everything runs as in production but for what it talks to: the same configuration layer, edge, workers and store.

mod check;
mod pool;
mod site;
pub mod visitor;
mod world;

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::{Failure, cli::DemoArgs, logs, out, run, stop::Signals};

/// `neoron demo`.
pub(crate) fn command(args: DemoArgs) -> Result<(), Failure> {
    logs::start(&args.log, false, None)?;
    let widget = match (&args.widget_dir, args.check) {
        // The scripted visitor does not look at the popup.
        (None, true) => None,
        (folder, _) => Some(widget_folder(folder.as_deref())?),
    };
    run::runtime()?.block_on(async {
        let mut signals = Signals::listen(false)?;
        let world = world::World::start(&args, widget).await?;
        if args.check {
            let checked = check::run(&world).await;
            world.stop().await;
            return checked;
        }
        welcome(&world);
        signals.next().await;
        world.stop().await;
        Ok(())
    })
}

/// The folder with the popup's files.
fn widget_folder(named: Option<&Path>) -> Result<PathBuf, Failure> {
    // Cargo puts the binary into target/debug or target/release; the popup is built beside them.
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("popup"));
    let folder = match named {
        Some(folder) => folder.to_path_buf(),
        None => beside().filter(|folder| folder.is_dir()).unwrap_or_else(|| PathBuf::from("target/popup")),
    };
    if folder.join("loader.js").is_file() {
        return Ok(folder);
    }
    Err(anyhow!(
        "the popup's files are not in {}; `cargo xtask demo` builds them and starts the demo, or name their folder with \
         --widget-dir",
        folder.display()
    )
    .into())
}

fn welcome(world: &world::World) {
    out::line("Neoron Voice: the demo is running. Nothing here is real, and nothing leaves this machine.\n");
    out::line(format!("  Open this page   {}/", world.site.url()));
    out::line(format!("  As the staff     {}/_control/", world.erpnext_url()));
    out::line(format!("  Gateway          {}", world.gateway_url()));
    out::line(format!("  Admin            {}/workers", world.admin_url()));
    if let Some(hint) = world.hint() {
        out::line(hint);
    }
    out::line("\nSay: two margherita pizzas and a cola for pickup, name Ada. Ctrl-C ends it.");
}

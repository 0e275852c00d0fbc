//! Which store the configuration names, and the way into it: one file for one process, or Redis for many.

use std::{path::Path, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use neoron_store::{
    EmbeddedStore, RedisStore, SharedStore, SystemClock, embedded,
    redis::{ConnectError, RedisOptions},
};

/// How long a process that starts waits for its Redis: on a machine that boots, it may come later.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries.
const TRY_EVERY: Duration = Duration::from_secs(2);

/// Where a store is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a file, for one process.
    File(PathBuf),
    /// In Redis, for many.
    Redis(RedisOptions),
}

/// An open store.
#[derive(Clone)]
pub(crate) enum Opened {
    Embedded(Arc<EmbeddedStore>),
    Redis(Arc<RedisStore>),
}

impl Place {
    /// Whether several processes may use it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Redis(_))
    }

    /// In words, without a password.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Redis(options) => {
                let hosts = options.urls.iter().map(|url| {
                    let (scheme, rest) = url.split_once("://").unwrap_or(("redis", url));
                    format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts))
                });
                hosts.collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// Opens it, and makes it if it is not there. Waits a minute for servers that do not answer yet.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) async fn open(&self) -> Result<Opened> {
        match self {
            Self::File(path) => {
                make_folder(path)?;
                open_file(path)
            }
            Self::Redis(options) => connect(options, PATIENCE).await,
        }
    }

    /// Opens what is there; makes nothing and does not wait.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) async fn open_existing(&self) -> Result<Opened> {
        match self {
            Self::File(path) if !path.exists() => {
                Err(anyhow!("there is no store at {}; name it with --file", path.display()))
            }
            Self::File(path) => open_file(path),
            Self::Redis(options) => connect(options, Duration::ZERO).await,
        }
    }
}

/// It holds personal data: only its owner enters.
fn make_folder(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("the folder {} cannot be made", folder.display()))
}

fn open_file(path: &Path) -> Result<Opened> {
    let opened = EmbeddedStore::open(path, embedded::Options::default(), Arc::new(SystemClock));
    Ok(Opened::Embedded(Arc::new(opened.with_context(|| format!("the store {} cannot be opened", path.display()))?)))
}

async fn connect(options: &RedisOptions, patience: Duration) -> Result<Opened> {
    let tried = async {
        loop {
            match RedisStore::connect(options.clone(), Arc::new(SystemClock)).await {
                Ok(store) => return Ok(Opened::Redis(Arc::new(store))),
                Err(error @ (ConnectError::Unreachable(_) | ConnectError::Store(_))) if !patience.is_zero() => {
                    tracing::warn!(%error, "waiting for the store");
                    tokio::time::sleep(TRY_EVERY).await;
                }
                Err(error) => return Err(error),
            }
        }
    };
    let connected = if patience.is_zero() {
        tried.await
    } else {
        let late =
            anyhow!("the store does not answer since {} s; is Redis running, and reachable?", patience.as_secs());
        tokio::time::timeout(patience, tried).await.map_err(|_| late)?
    };
    connected.context("the store in Redis cannot be used")
}

impl Opened {
    /// As the parts hold it.
    pub(crate) fn shared(&self) -> SharedStore {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Redis(store) => store.clone(),
        }
    }

    /// Closes it; waits for the embedded store's last commit.
    pub(crate) async fn close(self) {
        match self {
            Self::Embedded(store) => {
                if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
                    tracing::warn!(%error, "the store could not be closed");
                }
            }
            Self::Redis(store) => store.close(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_told() {
        let place = Place::Redis(RedisOptions::new(vec!["redis+cluster://me:secret@a:1,b:2".to_owned()]));
        assert_eq!(place.describe(), "redis+cluster://a:1,b:2");
        assert!(!format!("{place:?}").contains("secret"));
    }
}

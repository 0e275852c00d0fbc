//! What a scenario plays on: Redis servers that outlive it, a fleet of its own, a crowd, and the verdict at the end.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use neoron_redis_servers::Servers;
use neoron_tests::{
    Fleet, Plan,
    ledger::{Ledger, Verdict},
    visitor::Ground,
};
use tokio::time::sleep;

use crate::{
    chance::Chance,
    crowd::{Crowd, Size},
};

/// A crowd that two cores with debug builds can serve beside everything else.
pub(crate) const USUAL: Size = Size { at_once: 8, by_voice: 7, longest_pause: 400 };

/// What all scenarios share.
pub(crate) struct Stage {
    /// The binary `neoron`.
    pub(crate) program: PathBuf,
    /// Decides what happens.
    pub(crate) chance: Chance,
    /// For the soak: sessions at a time, and for how long.
    pub(crate) soak: (usize, Duration),
    /// For the attack: how many requests.
    pub(crate) starts: usize,
    cluster: Option<Servers>,
}

/// A fleet and the people before it.
pub(crate) struct Play {
    /// The processes.
    pub(crate) fleet: Fleet,
    /// Where visitors come to.
    pub(crate) ground: Ground,
}

impl Stage {
    /// An empty one.
    pub(crate) fn new(program: PathBuf, chance: Chance, soak: (usize, Duration), starts: usize) -> Self {
        Self { program, chance, soak, starts, cluster: None }
    }

    /// The cluster of six servers, started when it is first needed.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) fn cluster(&mut self) -> Result<&mut Servers> {
        let cluster = match self.cluster.take() {
            Some(cluster) => cluster,
            None => Servers::cluster()?,
        };
        Ok(self.cluster.insert(cluster))
    }

    /// Two gateways and three workers over the cluster.
    ///
    /// # Errors
    /// If one of them is not ready in time.
    pub(crate) async fn pool(&mut self) -> Result<Play> {
        self.pool_of(&[]).await
    }

    /// The same with some keys set.
    ///
    /// # Errors
    /// If one of them is not ready in time.
    pub(crate) async fn pool_of(&mut self, set: &[String]) -> Result<Play> {
        let store = Some(self.cluster()?.url());
        let plan =
            Plan { program: &self.program, store, gateways: 2, workers: 3, data: None, set: set.into(), more: "" };
        Play::start(&plan).await
    }

    /// A fleet over a store.
    ///
    /// # Errors
    /// If one of the processes is not ready in time.
    pub(crate) async fn play(
        &self,
        store: Option<String>,
        gateways: usize,
        workers: usize,
        data: Option<PathBuf>,
    ) -> Result<Play> {
        let plan = Plan { program: &self.program, store, gateways, workers, data, set: Vec::new(), more: "" };
        Play::start(&plan).await
    }
}

impl Play {
    /// Starts it.
    ///
    /// # Errors
    /// If one of the processes is not ready in time.
    pub(crate) async fn start(plan: &Plan<'_>) -> Result<Self> {
        let fleet = Fleet::start(plan).await?;
        let ground = Ground {
            url: fleet.url(),
            client: fleet.client(),
            outside: fleet.outside.clone(),
            ledger: Arc::new(Ledger::default()),
        };
        Ok(Self { fleet, ground })
    }

    /// Lets visitors come, does `harm`, waits until they have gone, and judges.
    ///
    /// # Errors
    /// If the harm cannot be done.
    pub(crate) async fn under_load(
        &mut self,
        chance: &mut Chance,
        size: Size,
        harm: impl AsyncFnOnce(&mut Self, &mut Chance) -> Result<()>,
    ) -> Result<Verdict> {
        let crowd = Crowd::gather(&self.ground, chance, size);
        // They are in the middle of their calls when it begins.
        sleep(Duration::from_millis(1_500)).await;
        let harmed = harm(self, chance).await;
        let unhappy = crowd.go_home().await?;
        harmed.context("the harm could not be done")?;
        let mut verdict = self.ground.ledger.verify(&self.ground).await;
        verdict.wrong.extend(unhappy.into_iter().map(|error| format!("a visitor gave up: {error}")));
        Ok(verdict)
    }
}

//! The outside systems are down, slow, forgetful and noisy.

use std::time::Duration;

use anyhow::Result;
use neoron_simulators::{erpnext, ultravox};
use neoron_tests::ledger::Verdict;
use tokio::time::sleep;

use crate::stage::{Stage, USUAL};

/// How long each fault lasts.
const LASTS: Duration = Duration::from_secs(4);
/// Answers that are lost, each after its effect took place: the write is repeated and must meet its own document.
const LOST_ANSWERS: u32 = 12;
/// Webhooks that are lost, doubled and overtaken.
const WEBHOOKS: u32 = 12;

pub(crate) async fn erpnext_is_ill(stage: &mut Stage) -> Result<Verdict> {
    let mut play = stage.pool().await?;
    play.under_load(&mut stage.chance, USUAL, async |play, chance| {
        let site = &play.ground.outside.erpnext;
        let mut faults = [
            erpnext::Faults { down: true, ..Default::default() },
            // Its workers are busy with each request for so long.
            erpnext::Faults { latency_ms: 2_000, ..Default::default() },
            erpnext::Faults { lose_answers: LOST_ANSWERS, duplicate_webhooks: true, ..Default::default() },
            erpnext::Faults { error_rate: 0.3, ..Default::default() },
        ];
        chance.shuffle(&mut faults);
        for fault in faults {
            // Down for five seconds, as the measurements were.
            let longer = if fault.down { Duration::from_secs(1) } else { Duration::ZERO };
            site.set_faults(fault);
            sleep(LASTS + longer).await;
            site.set_faults(erpnext::Faults::default());
            sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    })
    .await
}

pub(crate) async fn ultravox_is_ill(stage: &mut Stage) -> Result<Verdict> {
    let mut play = stage.pool().await?;
    play.under_load(&mut stage.chance, USUAL, async |play, chance| {
        let service = &play.ground.outside.ultravox;
        let refuse = |status| ultravox::Faults {
            create_status: status,
            create_failures: 6,
            create_retry_after: 1,
            ..Default::default()
        };
        let mut faults = [
            ultravox::Faults { drop_webhooks: WEBHOOKS, ..Default::default() },
            ultravox::Faults { duplicate_webhooks: WEBHOOKS, reorder_webhooks: WEBHOOKS, ..Default::default() },
            ultravox::Faults { drop_tool_results: WEBHOOKS / 2, ..Default::default() },
            refuse(429),
            refuse(503),
        ];
        chance.shuffle(&mut faults);
        for fault in faults {
            service.set_faults(fault);
            sleep(LASTS).await;
            service.set_faults(ultravox::Faults::default());
        }
        Ok(())
    })
    .await
}

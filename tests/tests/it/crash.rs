//! The gateway's process dies between the tool's answer and ERPNext's: one order, none lost.

use std::time::Duration;

use anyhow::{Context, Result};
use neoron_simulators::{erpnext, ultravox::ToolOutcome};
use neoron_tests::{Stack, eventually, within};
use tokio::time::sleep;

use crate::talk;

/// How long ERPNext takes over the order: longer than the tool may wait for it.
const ERPNEXT_TAKES: Duration = Duration::from_millis(3_000);
/// From the tool's answer to the kill at most; ERPNext has not answered by then.
const KILLED_WITHIN: u64 = 1_200;

/// A tool that answers after a second and a half, whether ERPNext has or not.
const IMPATIENT: &str = r#"
[business.restaurant.tools.confirmOrder]
timeout = "3s"
"#;

async fn kill_and_recover(stack: &mut Stack, pause: Duration) -> Result<()> {
    let session = stack.session().await?;
    let mut socket = stack.socket(&session).await?;
    talk::order(&mut socket).await.with_context(|| socket.seen())?;
    stack.outside.erpnext.set_faults(erpnext::Faults {
        latency_ms: u64::try_from(ERPNEXT_TAKES.as_millis())?,
        ..erpnext::Faults::default()
    });
    let answered = stack.outside.ultravox.tool_requests().len();
    socket.say("yes").await?;
    eventually("the tool's answer", || {
        let fresh = stack.outside.ultravox.tool_requests().split_off(answered);
        let confirmed = fresh.into_iter().find(|it| it.tool == "confirmOrder" && it.outcome == ToolOutcome::Used);
        async move { confirmed }
    })
    .await?;
    sleep(pause).await;
    assert_eq!(stack.orders_of(&session.id), 0, "ERPNext had answered before the kill");
    stack.kill_gateway().await?;
    stack.outside.erpnext.set_faults(erpnext::Faults::default());
    stack.start_gateway().await?;
    eventually("the order after the restart", || {
        let orders = stack.orders_of(&session.id);
        async move { (orders > 0).then_some(orders) }
    })
    .await?;
    Ok(())
}

async fn ten_kills(seed: u64) {
    let mut stack = Stack::start(IMPATIENT).await.unwrap();
    for round in 0..10_u64 {
        // A small generator is random enough to spread the moments, and a failure can be played again.
        let pause = seed.wrapping_add(round).wrapping_mul(6_364_136_223_846_793_005) >> 33;
        let pause = Duration::from_millis(pause % KILLED_WITHIN);
        if let Err(error) = within(kill_and_recover(&mut stack, pause)).await.flatten() {
            panic!("seed {seed}, round {round}, killed after {pause:?}: {error:#}\n{}", stack.log());
        }
    }
    let orders = stack.outside.erpnext.orders();
    assert_eq!(orders.len(), 10, "seed {seed}: ten sessions ordered once each");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_between_the_tools_answer_and_erpnexts_lose_and_double_nothing() {
    tokio::join!(ten_kills(1), ten_kills(2));
}

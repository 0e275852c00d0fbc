//! ERPNext is down for half a minute while fifty visitors order.

use std::time::Duration;

use anyhow::{Context, Result};
use neoron_simulators::{erpnext, ultravox::ToolOutcome};
use neoron_tests::{Stack, eventually, within};
use tokio::time::{Instant, sleep_until};

use crate::talk;

const VISITORS: usize = 50;
const OUTAGE: Duration = Duration::from_secs(30);

/// Orders and says yes, spread over the outage; returns the session.
async fn visit(stack: &Stack, start: Instant, number: usize) -> Result<String> {
    sleep_until(start + OUTAGE.mul_f64(0.6) * u32::try_from(number)? / u32::try_from(VISITORS)?).await;
    let session = stack.session().await?;
    let mut socket = stack.socket(&session).await?;
    talk::order(&mut socket).await.with_context(|| socket.seen())?;
    let from = socket.say("yes").await?;
    socket.wait(from, "document", |card| card["stage"] == "placing").await?;
    // The agent has said something after the yes: the visitor is not left waiting.
    socket.wait(from, "transcript", |line| talk::spoken(line, "")).await?;
    let placed = |card: &serde_json::Value| card["stage"] == "received" && card["number"].is_string();
    socket.wait(from, "document", placed).await.context("the card never showed the order")?;
    Ok(session.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_orders_during_thirty_seconds_without_erpnext_are_all_there_afterwards_once_each() {
    let stack = std::sync::Arc::new(Stack::start("").await.unwrap());
    let menu_known = || {
        let asked = stack.outside.erpnext.requests().keys().any(|path| path.contains("get_menu"));
        async move { asked.then_some(()) }
    };
    eventually("the menu's first snapshot", menu_known).await.unwrap();
    let start = Instant::now();
    stack.outside.erpnext.set_faults(erpnext::Faults { down: true, ..erpnext::Faults::default() });
    let visits: Vec<_> = (0..VISITORS)
        .map(|number| {
            let stack = stack.clone();
            tokio::spawn(async move { within(visit(&stack, start, number)).await.flatten() })
        })
        .collect();
    sleep_until(start + OUTAGE).await;
    assert!(stack.outside.erpnext.orders().is_empty(), "ERPNext took an order while it was down");
    stack.outside.erpnext.set_faults(erpnext::Faults::default());
    for visit in visits {
        let session = visit.await.unwrap().unwrap_or_else(|error| panic!("{error:#}\n{}", stack.log()));
        assert_eq!(stack.orders_of(&session), 1);
    }
    assert_eq!(stack.outside.erpnext.orders().len(), VISITORS);
    for request in stack.outside.ultravox.tool_requests() {
        assert_eq!(request.outcome, ToolOutcome::Used, "{} was not answered in time", request.tool);
    }
}

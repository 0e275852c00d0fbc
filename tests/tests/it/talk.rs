//! What a visitor says in these tests, and how they know that it was understood.

use anyhow::Result;
use neoron_gateway::demo::visitor::Socket;
use serde_json::Value;

/// What every visitor here orders.
pub(crate) const ORDER: &str = "two margherita pizzas and a cola for pickup, name Ada";

/// Orders, and waits until the quote is read back.
pub(crate) async fn order(socket: &mut Socket) -> Result<()> {
    let from = socket.say(ORDER).await?;
    socket.wait(from, "quote", |quote| quote["state"] == "open").await?;
    // Twice 9.50 and 2.50.
    socket.wait(from, "transcript", |line| spoken(line, "21.50")).await.map(drop)
}

/// Whether this is a finished line of the agent with these words.
pub(crate) fn spoken(line: &Value, words: &str) -> bool {
    line["speaker"] == "agent" && line["final"] == true && line["text"].as_str().is_some_and(|it| it.contains(words))
}

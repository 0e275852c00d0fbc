//! Executing one tool call within its timeout: over HTTP, or through whoever takes part in the call.
//!
//! A result that comes after the timeout is dropped. The request itself is not withdrawn: the other side may well
//! have done what it was asked, which is what makes duplicates.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::call::Call;
use super::create::medium::Kind;
use super::create::tool::{Implementation, Reaction, Tool};
use super::records::{ToolOutcome, ToolRequest};
use super::tool_request::{self, Facts, Prepared};
use super::wire::{Outbound, ToolAnswer};
use super::world::World;

/// A request that is not answered at all is let go after this, long after its result counts as late.
const ABANDON: Duration = Duration::from_secs(120);
/// The longest reply that is read, in bytes.
const LONGEST_REPLY: usize = 256 * 1024;

/// One call of one tool.
#[derive(Debug)]
pub(super) struct Invocation<'a> {
    pub(super) tool: &'a Tool,
    pub(super) arguments: &'a Map<String, Value>,
    pub(super) id: &'a str,
    pub(super) attempt: u32,
}

/// What a reply makes of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseType {
    ToolResponse,
    HangUp,
}

/// A result that came in time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    /// What the model sees.
    pub(super) text: String,
    pub(super) response_type: ResponseType,
    /// How the agent reacts, when the reply says so.
    pub(super) reaction: Option<Reaction>,
    /// The new tool state, when the reply has one.
    pub(super) state: Option<Map<String, Value>>,
}

/// How a call of a tool ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Result {
    Reply(Reply),
    Late,
    /// Why, for the message's `errorDetails`.
    Failed(String),
}

/// Calls a tool and waits for its result, at most for its timeout.
pub(super) async fn run(world: &Arc<World>, call: &Arc<Call>, invocation: &Invocation<'_>) -> Result {
    if let Some(text) = &invocation.tool.static_response {
        return Result::Reply(reply(text.clone(), None, None, None));
    }
    let (state, stage_id, history) = {
        let record = call.record();
        (record.state.clone(), record.stage_id.clone(), Value::Array(record.messages.clone()))
    };
    let facts = Facts {
        call_id: &call.id,
        stage_id: &stage_id,
        state: &state,
        metadata: &call.plan.metadata,
        history,
        call_token: &call.call_token,
    };
    match invocation.tool.implementation {
        Implementation::Http { .. } => match tool_request::prepare(invocation.tool, invocation.arguments, &facts) {
            Ok(prepared) => over_http(world, call, invocation, prepared).await,
            Err(error) => Result::Failed(error.to_string()),
        },
        Implementation::Client => by_message(call, invocation, &facts, Kind::ClientToolInvocation).await,
        Implementation::DataConnection => {
            by_message(call, invocation, &facts, Kind::DataConnectionToolInvocation).await
        }
        Implementation::HangUp => Result::Failed("hangUp is executed by the call itself".to_owned()),
    }
}

/// An HTTP answer, read whole.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: http::HeaderMap,
    text: String,
}

async fn over_http(world: &Arc<World>, call: &Call, invocation: &Invocation<'_>, prepared: Prepared) -> Result {
    let deadline = Instant::now() + invocation.tool.timeout;
    let mut record = request_record(call, invocation, &prepared);
    let (sender, receiver) = oneshot::channel();
    let extra = Duration::from_millis(world.faults.borrow().tool_extra_latency_ms);
    let client = world.http.clone();
    // A task of its own: giving up the result does not take the request back.
    world.tasks.spawn(world.stop.clone().run_until_cancelled_owned(async move {
        let answer = send(&client, prepared).await;
        tokio::time::sleep(extra).await;
        let _ = sender.send(answer);
    }));
    let outcome = match timeout_at(deadline, receiver).await {
        Ok(Ok(answer)) if !world.take_fault(|faults| &mut faults.drop_tool_results) => answer,
        Ok(Err(_)) => Err("the request was given up".to_owned()),
        Ok(Ok(_)) | Err(_) => {
            record.outcome = ToolOutcome::Late;
            world.keep_tool_request(record);
            return Result::Late;
        }
    };
    let result = judge(outcome, &mut record);
    world.keep_tool_request(record);
    result
}

fn judge(outcome: std::result::Result<Answer, String>, record: &mut ToolRequest) -> Result {
    match outcome {
        Ok(answer) if answer.status < 400 => {
            (record.outcome, record.status) = (ToolOutcome::Used, Some(answer.status));
            let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
            let state = header("x-ultravox-update-call-state").and_then(|text| serde_json::from_str(text).ok());
            let (kind, reaction) = (header("x-ultravox-response-type"), header("x-ultravox-agent-reaction"));
            Result::Reply(reply(answer.text.clone(), kind, reaction, state))
        }
        Ok(answer) => {
            record.status = Some(answer.status);
            Result::Failed(format!("Status {}", answer.status))
        }
        Err(error) => Result::Failed(error),
    }
}

fn request_record(call: &Call, invocation: &Invocation<'_>, prepared: &Prepared) -> ToolRequest {
    let headers: BTreeMap<String, String> = prepared
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    ToolRequest {
        call_id: call.id.clone(),
        tool: invocation.tool.name.clone(),
        invocation_id: invocation.id.to_owned(),
        method: prepared.method.to_string(),
        url: prepared.url.to_string(),
        headers,
        body: prepared.body.clone(),
        attempt: invocation.attempt,
        outcome: ToolOutcome::Failed,
        status: None,
    }
}

async fn send(client: &reqwest::Client, prepared: Prepared) -> std::result::Result<Answer, String> {
    let mut request = client.request(prepared.method, prepared.url).headers(prepared.headers).timeout(ABANDON);
    if let Some(body) = &prepared.body {
        request = request.json(body);
    }
    let mut response = request.send().await.map_err(|error| error.without_url().to_string())?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        if body.len() + chunk.len() > LONGEST_REPLY {
            return Err("the reply is too long".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, text: String::from_utf8_lossy(&body).into_owned() })
}

async fn by_message(call: &Call, invocation: &Invocation<'_>, facts: &Facts<'_>, kind: Kind) -> Result {
    let parameters = tool_request::parameters(invocation.tool, invocation.arguments, facts);
    let (sender, receiver) = oneshot::channel();
    call.record().pending.insert(invocation.id.to_owned(), sender);
    call.send(Outbound::tool_invocation(kind, &invocation.tool.name, invocation.id, &parameters));
    let answer = timeout_at(Instant::now() + invocation.tool.timeout, receiver).await;
    call.record().pending.remove(invocation.id);
    match answer {
        Ok(Ok(answer)) => by_answer(answer),
        Ok(Err(_)) => Result::Failed("the call ended".to_owned()),
        Err(_) => Result::Late,
    }
}

fn by_answer(answer: ToolAnswer) -> Result {
    match (answer.error_type, answer.result) {
        (None, Some(text)) => {
            let (kind, reaction) = (answer.response_type.as_deref(), answer.agent_reaction.as_deref());
            Result::Reply(reply(text, kind, reaction, answer.update_call_state))
        }
        (error, _) => Result::Failed(error.unwrap_or_else(|| "no result".to_owned())),
    }
}

/// `new-stage` and `send-to-thread` are not simulated: their text is taken as a plain result.
fn reply(text: String, kind: Option<&str>, reaction: Option<&str>, state: Option<Map<String, Value>>) -> Reply {
    Reply {
        text,
        response_type: if kind == Some("hang-up") { ResponseType::HangUp } else { ResponseType::ToolResponse },
        reaction: match reaction {
            Some("speaks") => Some(Reaction::Speaks),
            Some("listens") => Some(Reaction::Listens),
            Some("speaks-once") => Some(Reaction::SpeaksOnce),
            _ => None,
        },
        state,
    }
}

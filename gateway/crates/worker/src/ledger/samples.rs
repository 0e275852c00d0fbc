//! Values that several modules' tests start from.

use neoron_protocol::{
    QuoteId, SessionId, UnixMillis, WorkerId,
    frame::{Line, Money},
    session::State,
};
use serde_json::json;

use super::Offer;
use crate::record::{Consent, Media, Record};

/// When the samples' sessions start.
pub(crate) const START: UnixMillis = UnixMillis(1_795_514_400_000);

/// A session in the middle of its call.
pub(crate) fn record() -> Record {
    Record {
        session: SessionId::new(START, [7; 10]),
        site: "site".into(),
        business: "restaurant".into(),
        language: "en".into(),
        media: Media::Text,
        state: State::Active,
        created_at: START,
        joined_at: None,
        ended_at: None,
        end_reason: None,
        max_seconds: 600,
        worker: WorkerId::new(START, [8; 10]),
        call: Some("call-1".into()),
        ticket_hash: String::new(),
        tool_token_hash: String::new(),
        consent: Consent { kind: "ai_call".into(), at: START, version: "1".into() },
        customer: Default::default(),
        context: Default::default(),
        ledger: Default::default(),
        documents: Vec::new(),
        interactions: Vec::new(),
        counters: Default::default(),
        network: None,
        budget: "site:2026-11-24".into(),
        outcome: None,
    }
}

/// An offer of something named `content` at `minor` pence.
pub(crate) fn offer(content: &str, minor: i64) -> Offer {
    let money = Money { minor, currency: "GBP".into() };
    Offer {
        tool: "placeOrder".into(),
        title: "Order".into(),
        content: content.into(),
        arguments: json!({"content": content}),
        lines: vec![Line { label: content.into(), quantity: 1, amount: Some(money.clone()) }],
        total: Some(money),
        say: format!("{content}, shall I place it?"),
        held_until: None,
    }
}

/// The quote id of this number.
pub(crate) fn quote_id(number: u32) -> QuoteId {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    QuoteId::new(START, random)
}

//! Offers and documents as cards: which replaces which, and how far along a document is. It never formats money.

use neoron_protocol::frame::{Document, Quote, QuoteState, Stage};

use crate::texts::Text;

/// The steps of a document's progress, in order.
pub const STEPS: [Text; 3] = [Text::StepReceived, Text::StepWorking, Text::StepReady];

/// How many of [`STEPS`] are reached.
pub const fn reached(stage: Stage) -> usize {
    match stage {
        Stage::Placing | Stage::Cancelled => 0,
        Stage::Received => 1,
        Stage::Working => 2,
        Stage::Ready | Stage::Done => 3,
    }
}

/// Our word for a stage, for a document whose own status word is empty.
pub const fn stage_text(stage: Stage) -> Text {
    match stage {
        Stage::Placing => Text::StagePlacing,
        Stage::Received => Text::StepReceived,
        Stage::Working => Text::StepWorking,
        Stage::Ready => Text::StepReady,
        Stage::Done => Text::StageDone,
        Stage::Cancelled => Text::StageCancelled,
    }
}

/// Our word for an offer's state.
pub const fn quote_text(state: QuoteState) -> Text {
    match state {
        QuoteState::Open => Text::QuoteOpen,
        QuoteState::Confirmed => Text::QuoteConfirmed,
        QuoteState::Expired => Text::QuoteExpired,
    }
}

/// Whether `later` tells something newer than `earlier` of the same offer. Revisions only grow, and what became of an
/// offer is final within its revision.
pub fn supersedes(earlier: &Quote, later: &Quote) -> bool {
    later.revision > earlier.revision || (later.revision == earlier.revision && earlier.state == QuoteState::Open)
}

/// Whether a document still moves.
pub const fn is_moving(document: &Document) -> bool {
    !matches!(document.stage, Stage::Done | Stage::Cancelled)
}

//! Lines of the conversation and how a later frame of the same line replaces the earlier one. It keeps no order: that is
//! [`crate::feed`]'s.

use alloc::string::String;

use neoron_protocol::frame::{Speaker, Transcript};

/// A line on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who speaks.
    pub speaker: Speaker,
    /// All that was said so far.
    pub text: String,
    /// Whether it is complete.
    pub complete: bool,
    /// Typed here, and not yet confirmed by the gateway.
    pub pending: bool,
}

impl Line {
    /// What the visitor typed, before the gateway has it.
    pub const fn typed(text: String) -> Self {
        Self { speaker: Speaker::Visitor, text, complete: true, pending: true }
    }
}

impl From<Transcript> for Line {
    fn from(frame: Transcript) -> Self {
        Self { speaker: frame.speaker, text: frame.text, complete: frame.r#final, pending: false }
    }
}

/// Takes a later frame of the same line in. Returns whether anything changed. A complete line stays complete: a partial
/// frame that comes late says less than what is there.
pub fn merge(line: &mut Line, frame: Transcript) -> bool {
    if line.complete && !line.pending && !frame.r#final {
        return false;
    }
    let merged = Line::from(frame);
    let changed = *line != merged;
    *line = merged;
    changed
}

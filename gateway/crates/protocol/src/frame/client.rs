//! What the popup says.

use alloc::string::String;

/// A frame of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "type", rename_all = "snake_case")
)]
pub enum ClientFrame {
    /// The first frame of every connection: what the client has.
    Resume {
        /// The epoch it knows; empty if it knows none.
        epoch: String,
        /// The last offset it has seen in that epoch; 0 for none.
        offset: u64,
    },
    /// The visitor typed something.
    Text {
        /// Made by the client; a repeat of it is one message. At most 64 bytes.
        id: String,
        /// At most [`super::MAX_TEXT_BYTES`].
        text: String,
    },
    /// The visitor hangs up.
    End,
    /// A type of a newer popup: to be passed over.
    #[cfg_attr(feature = "serde", serde(other))]
    Unknown,
}

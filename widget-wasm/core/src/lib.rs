//! What the popup knows and decides, without a browser: the call as one pure function from messages to effects, the two
//! state machines under it, what is on the screen, and every sentence it can say.
//!
//! It never touches the DOM, the network, a clock or a random number; the shell passes them in. It never uses `{:?}`,
//! float formatting or serde: each of them adds 10 to 20 kB to what every visitor downloads.

#![no_std]

extern crate alloc;

pub mod answers;
pub mod call;
pub mod cards;
pub mod encode;
pub mod feed;
pub mod media;
pub mod replies;
pub mod signalling;
pub mod texts;
pub mod transcript;

//! The whole popup as one model and one function: a message comes in, effects go out. It reads no clock, draws no random
//! number and touches nothing outside the model.

mod frames;
mod model;
mod talk;
mod update;

pub use model::{Config, Effect, End, Fetched, MAX_OUTBOX, Model, Msg, Outgoing, Phase, Step, Target, Timer, Trouble};
pub use update::update;

//! Which worker gets a request: a snapshot of the registry and of the workers' health, and pure choices over it.
//!
//! Nothing here connects to a worker except the health check.

mod choose;
mod health;
mod probe;
mod roster;
mod watch;

pub(crate) use self::{
    choose::{Choice, Wanted},
    roster::{Roster, Worker},
    watch::Watch,
};

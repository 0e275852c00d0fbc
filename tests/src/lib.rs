//! Tools for testing the whole product from outside: gateways and workers in processes of their own, which can be
//! killed and started again, beside simulated outside systems that live on. It never reaches into a part of the
//! product.

pub mod collector;
mod fleet;
mod front;
pub mod ledger;
mod outside;
mod process;
mod stack;
pub mod tap;
pub mod visitor;

pub use self::{
    fleet::{Fleet, Member, Plan},
    outside::{MAX_SECONDS, ORIGIN, Outside, SITE},
    process::binary,
    stack::{Stack, eventually, within},
};

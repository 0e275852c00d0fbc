//! The store, as its users see it: one contract that every implementation keeps, and what is special about each.

#![allow(clippy::unwrap_used)]

mod contract;
mod embedded;
mod limits_model;
mod redis;
mod world;

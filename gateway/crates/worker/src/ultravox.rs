//! Ultravox: its REST API, its signatures, and the calls that a worker joins itself.
//!
//! It knows the service's own names (`facts` in the documentation of the project) and nothing of sessions: who is told,
//! what is written and what a job does about a failure is decided elsewhere. No body, URL or token of it is ever logged.

mod call;
mod call_body;
mod client;
mod error;
mod legs;
mod line;
mod pace;
pub(crate) mod signature;
mod time;

pub(crate) use self::{
    call::{Call, Message, Role},
    call_body::{CallBody, Wanted},
    client::{Client, Urgency},
    error::Error,
    legs::Legs,
    time::read_time,
};

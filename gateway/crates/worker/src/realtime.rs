//! Realtime: from a cursor to frames, over a WebSocket or an event stream.
//!
//! [`feed`] is the only place that decides what a reader gets; the drivers only carry it. The stream in the store is the
//! truth: a driver keeps no frame longer than it takes to send it, and a reader that comes back says what it has.

mod feed;
mod routes;
mod snapshot;
mod socket;
mod sse;

pub(crate) use self::{
    routes::{__path_session_events, session_events},
    snapshot::snapshot,
};

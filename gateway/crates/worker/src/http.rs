//! The worker's HTTP side: who may come in, how a body is read, how a refusal looks.
//!
//! The edge stands before it. Without the edge's key nothing is answered but 401; what a route itself asks for (a
//! ticket, a token, a signature) is checked by the route.

pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod fields;
pub(crate) mod problem;
pub(crate) mod router;

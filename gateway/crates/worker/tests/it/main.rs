//! A real worker on a free port, with the real store and both simulators around it.

#![allow(clippy::unwrap_used)]

mod canary;
mod ending;
mod openapi;
mod realtime;
mod refusals;
mod sessions;
mod support;
mod voice_service;
mod webhooks;

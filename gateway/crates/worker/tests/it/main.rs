//! A real worker on a free port, with the real store and both simulators around it.

#![allow(clippy::unwrap_used)]

mod adoption;
mod analytics;
mod canary;
mod ending;
mod jobs;
mod openapi;
mod realtime;
mod refusals;
mod sessions;
mod support;
mod voice_service;
mod waiting;
mod webhooks;

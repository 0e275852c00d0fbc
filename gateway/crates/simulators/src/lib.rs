//! The outside systems as they behave, on localhost: for the demo and tests.
//!
//! A simulator keeps to the recorded contract of the real system, its
//! refusals and limits included, and offers faults on demand. Nothing here is
//! for production: state lives in memory and the control APIs trust everyone.

pub mod erpnext;
pub mod ultravox;

//! The simulators, tested from outside.

mod erpnext;
mod ultravox;

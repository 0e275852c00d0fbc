//! Webhooks: verified over their raw bytes, made durable, answered 204, and only then applied, by a job. A status that
//! its session can take in one step is applied by that step instead.
//!
//! Nothing that can fail at Ultravox or ERPNext happens before the answer. What is signed but not understood is kept
//! for the operator, not refused: a refusal would be repeated for hours.

mod accept;
mod apply;
mod erpnext;
mod ultravox;

pub(crate) use self::{
    apply::call,
    erpnext::{__path_erpnext_webhook, __path_order_update, erpnext_webhook, order_update},
    ultravox::{__path_ultravox_webhook, ultravox_webhook},
};

//! The four documents that a caller's wish becomes, as the app
//! `business_workflows` defines them.
//!
//! Each is named by the command's idempotency key, so that a command sent
//! twice meets its own document. What a customer pays is filled in by the
//! rules of `crate::erpnext::business`, never taken from the client.

use super::{
    ALL_RIGHTS, CREATE_READ, DocType, Field, GATEWAY_RIGHTS, GATEWAY_ROLE, Grant, Kind, Life, MANAGER_ROLE, Naming,
    Rules, VOICE_MANAGER_ROLE,
};
use crate::erpnext::business::{APP, appointment, restaurant, support};

/// What a caller wished for is the staff's to change.
const GRANTS: &[Grant] = &[
    Grant { role: GATEWAY_ROLE, level: 0, rights: CREATE_READ },
    Grant { role: VOICE_MANAGER_ROLE, level: 0, rights: ALL_RIGHTS },
    Grant { role: MANAGER_ROLE, level: 0, rights: ALL_RIGHTS },
];

/// An appointment can be cancelled on the phone.
const CANCELLABLE: &[Grant] = &[
    Grant { role: GATEWAY_ROLE, level: 0, rights: GATEWAY_RIGHTS },
    Grant { role: VOICE_MANAGER_ROLE, level: 0, rights: ALL_RIGHTS },
    Grant { role: MANAGER_ROLE, level: 0, rights: ALL_RIGHTS },
];

const KEY: Field = Field::new("idempotency_key", "Idempotency Key", Kind::Data).required().unique().constant();
const DIGEST: Field = Field::new("command_digest", "Command Digest", Kind::Data).constant();
const SESSION: Field = Field::new("session_id", "Session ID", Kind::Data).required().constant();
const CUSTOMER: Field = Field::new("customer_name", "Customer Name", Kind::Data).required();
const PHONE: Field = Field::new("customer_phone", "Customer Phone", Kind::Phone);
const CURRENCY: Field = Field::new("currency", "Currency", Kind::Data).constant();

const fn status(options: &'static [&'static str]) -> Field {
    Field::new("status", "Status", Kind::Select(options)).required().text(options[0])
}

pub(in super::super) static ORDER_ITEM: DocType = DocType {
    name: "Voice Restaurant Order Item",
    naming: Naming::Hash,
    fields: &[
        Field::new("menu_item", "Menu Item", Kind::Data).required(),
        Field::new("item_name", "Item Name", Kind::Data),
        Field::new("quantity", "Quantity", Kind::Int { non_negative: true }).required(),
        Field::new("unit_price", "Unit Price", Kind::Currency),
        Field::new("total_price", "Total Price", Kind::Currency),
        Field::new("modifiers", "Modifiers", Kind::Text),
        Field::new("special_instructions", "Special Instructions", Kind::Text),
    ],
    grants: &[],
    life: None,
    rules: Rules::NONE,
};

pub(in super::super) static ORDER: DocType = DocType {
    name: "Voice Restaurant Order",
    naming: Naming::Field("idempotency_key"),
    fields: &[
        KEY,
        DIGEST,
        SESSION,
        Field::new("order_number", "Order Number", Kind::Data).unique().constant(),
        CUSTOMER,
        PHONE,
        Field::new("order_type", "Order Type", Kind::Select(&["Pickup", "Delivery", "Dine In"])).required(),
        Field::new("delivery_address", "Delivery Address", Kind::Text),
        Field::new("special_instructions", "Special Instructions", Kind::Text),
        Field::new("items", "Items", Kind::Table(&ORDER_ITEM)).required().constant(),
        Field::new("total_amount", "Total Amount", Kind::Currency).constant(),
        CURRENCY,
        Field::new("estimated_time", "Estimated Time", Kind::Int { non_negative: true }),
        status(&["Pending", "Confirmed", "Preparing", "Ready", "Out for Delivery", "Completed", "Cancelled"]),
    ],
    grants: GRANTS,
    life: Some(Life {
        app: APP,
        reason: "invalid_status",
        noun: "order",
        last: &["Completed", "Cancelled"],
        announced: true,
    }),
    rules: Rules {
        before_insert: Some(restaurant::price),
        validate: Some(restaurant::validate),
        after_change: Some(restaurant::count),
    },
};

pub(in super::super) static APPOINTMENT: DocType = DocType {
    name: "Voice Appointment",
    naming: Naming::Field("idempotency_key"),
    fields: &[
        KEY,
        DIGEST,
        SESSION,
        CUSTOMER,
        PHONE,
        Field::new("service_type", "Service Type", Kind::Data).required().constant(),
        Field::new("service_name", "Service Name", Kind::Data),
        Field::new("resource", "Resource", Kind::Data).constant(),
        Field::new("start", "Start", Kind::Datetime).required().constant(),
        Field::new("end", "End", Kind::Datetime).constant(),
        Field::new("price", "Price", Kind::Currency).constant(),
        CURRENCY,
        Field::new("cancel_reason", "Cancel Reason", Kind::Text),
        status(&["Scheduled", "Confirmed", "Completed", "No Show", "Cancelled"]),
    ],
    grants: CANCELLABLE,
    life: Some(Life {
        app: APP,
        reason: "invalid_status",
        noun: "appointment",
        last: &["Completed", "No Show", "Cancelled"],
        announced: true,
    }),
    rules: Rules {
        before_insert: Some(appointment::assign),
        validate: None,
        after_change: Some(appointment::keep_calendar),
    },
};

pub(in super::super) static TICKET: DocType = DocType {
    name: "Voice Support Ticket",
    naming: Naming::Field("idempotency_key"),
    fields: &[
        KEY,
        DIGEST,
        SESSION,
        CUSTOMER,
        PHONE,
        Field::new("issue_description", "Issue Description", Kind::LongText).required(),
        Field::new("category", "Category", Kind::Data),
        Field::new("priority", "Priority", Kind::Select(&["Low", "Medium", "High", "Urgent"])),
        status(&["Open", "In Progress", "Resolved", "Closed"]),
    ],
    grants: GRANTS,
    life: Some(Life { app: APP, reason: "invalid_status", noun: "ticket", last: &["Closed"], announced: true }),
    rules: Rules { before_insert: Some(support::classify), validate: None, after_change: None },
};

pub(in super::super) static MESSAGE: DocType = DocType {
    name: "Voice Message",
    naming: Naming::Field("idempotency_key"),
    fields: &[
        KEY,
        DIGEST,
        SESSION,
        CUSTOMER,
        PHONE,
        Field::new("message", "Message", Kind::LongText).required(),
        Field::new("callback", "Callback", Kind::Check),
        status(&["Open", "Done"]),
    ],
    grants: GRANTS,
    life: Some(Life { app: APP, reason: "invalid_status", noun: "message", last: &["Done"], announced: true }),
    rules: Rules::NONE,
};

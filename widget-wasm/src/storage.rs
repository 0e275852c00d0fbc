//! The way back into a conversation, kept in the tab's own storage: it ends with the tab and no other site sees it. A
//! browser that forbids storage costs the resume, nothing else.

use alloc::rc::Rc;

use neoron_widget_core::{
    answers::{self, Ticket},
    encode,
};
use web_sys::Storage;

use crate::{dom, json::Json};

/// The loader looks for the same name.
const KEY: &str = "neoron.call";

fn storage() -> Option<Storage> {
    dom::window().session_storage().ok().flatten()
}

/// The conversation of an earlier page of this tab.
pub(crate) fn load() -> Option<Rc<Ticket>> {
    answers::ticket(&Json::parse(&storage()?.get_item(KEY).ok()??)?)
}

/// Keeps it.
pub(crate) fn store(ticket: &Ticket) {
    if let Some(storage) = storage() {
        // A full storage refuses; the conversation goes on without a way back.
        let _ = storage.set_item(KEY, &encode::ticket(ticket));
    }
}

/// Forgets it.
pub(crate) fn clear() {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(KEY);
    }
}

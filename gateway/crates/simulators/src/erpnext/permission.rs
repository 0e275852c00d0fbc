//! Who asks, and what they may do: roles against a doctype's grants.
//!
//! There are no row-level rules, no shares and no user permissions here; the
//! two apps define none.

use super::{
    doctype::{DocType, MANAGER_ROLE, Right},
    document::Document,
    failure::{Failure, Outcome, PERMISSION},
};

/// The user behind a request.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) email: String,
    pub(super) roles: Vec<String>,
}

impl Actor {
    /// Nobody in particular: a request without credentials.
    pub(super) fn guest() -> Self {
        Self { email: "Guest".into(), roles: Vec::new() }
    }

    /// The control API acts as this one.
    pub(super) fn administrator() -> Self {
        Self { email: "Administrator".into(), roles: vec![MANAGER_ROLE.into()] }
    }

    pub(super) fn is_guest(&self) -> bool {
        self.email == "Guest"
    }

    pub(super) fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// Whether some role of the user has the right at a permission level.
    pub(super) fn may(&self, doctype: &DocType, right: Right, level: u8) -> bool {
        doctype
            .grants
            .iter()
            .any(|grant| grant.level == level && grant.rights.contains(&right) && self.has_role(grant.role))
    }
}

/// Refuses an act on a document that the user has no right to.
pub(super) fn require(actor: &Actor, doctype: &DocType, right: Right) -> Outcome<()> {
    if actor.may(doctype, right, 0) {
        return Ok(());
    }
    let (user, kind) = (&actor.email, doctype.name);
    let message = format!(
        "User <strong>{user}</strong> does not have doctype access via role permission for document \
         <strong>{kind}</strong><br>User <strong>{user}</strong> does not have access to this document"
    );
    let short = format!("Insufficient Permission for {kind} (<strong>{}</strong>)", right.word());
    Err(Failure::raised(PERMISSION, "").printed(&message).short(short))
}

/// Refuses a list to a user who may not read the doctype.
pub(super) fn require_list(actor: &Actor, doctype: &DocType) -> Outcome<()> {
    if actor.may(doctype, Right::Read, 0) {
        return Ok(());
    }
    let message = format!(
        "User <strong>{}</strong> does not have doctype access via role permission for document <strong>{}</strong>",
        actor.email, doctype.name
    );
    let short = format!("No permission for {}", doctype.name);
    Err(Failure::raised(PERMISSION, "").printed(&message).short(short))
}

/// Refuses a deletion, in the words of Frappe's `delete_doc`.
pub(super) fn require_delete(actor: &Actor, doctype: &DocType, name: &str) -> Outcome<()> {
    if actor.may(doctype, Right::Delete, 0) {
        return Ok(());
    }
    let message = format!(
        "User <strong>{}</strong> does not have access to this document: {} - {name}",
        actor.email, doctype.name
    );
    let text = format!("User not allowed to delete {}: {name}", doctype.name);
    Err(Failure::thrown(PERMISSION, text).printed(&message))
}

/// Silently puts fields above the user's level back to what they were, as
/// Frappe does, instead of refusing the save.
pub(super) fn reset_hidden(actor: &Actor, doctype: &DocType, old: Option<&Document>, draft: &mut Document) {
    for field in doctype.fields.iter().filter(|field| field.level > 0) {
        if actor.may(doctype, Right::Write, field.level) {
            continue;
        }
        match old.and_then(|old| old.get(field.name)) {
            Some(value) => draft.insert(field.name.into(), value.clone()),
            None => draft.remove(field.name),
        };
    }
}

/// Whether the user may see a field.
pub(super) fn sees(actor: &Actor, doctype: &DocType, field: &str) -> bool {
    doctype.field(field).is_none_or(|field| field.level == 0 || actor.may(doctype, Right::Read, field.level))
}

/// Takes out of a document what the user may not see.
pub(super) fn veil(actor: &Actor, doctype: &DocType, document: &mut Document) {
    document.retain(|field, _| sees(actor, doctype, field));
}

//! What a doctype is, and the table of those that the site has.
//!
//! A doctype is data: its fields, its naming and its rights. The few rules
//! that Frappe's apps write as controller code are function pointers here, so
//! the document life cycle has no special case for any doctype by name.
//! Nothing is added at run time, so unlike on a real site no doctype can be
//! made or customised over the API.

mod business;
mod core;
mod voice;

use super::{document::Document, failure::Outcome, site::Site};

pub(super) use self::business::{APPOINTMENT, MESSAGE, ORDER, TICKET};
pub(super) use self::core::USER;
pub(super) use self::voice::VOICE_SESSION;

/// A kind of document.
#[derive(Debug)]
pub(super) struct DocType {
    pub(super) name: &'static str,
    pub(super) naming: Naming,
    pub(super) fields: &'static [Field],
    /// None at all for a child table: its rows live only inside a parent
    /// document and come and go with that document's rights.
    pub(super) grants: &'static [Grant],
    pub(super) life: Option<Life>,
    pub(super) rules: Rules,
}

/// How a new document gets its name.
#[derive(Debug)]
pub(super) enum Naming {
    /// A random name; one sent by the client is ignored.
    Hash,
    /// The value of this field.
    Field(&'static str),
}

/// Where the status of a document may not go any more, and who is told of it.
#[derive(Debug)]
pub(super) struct Life {
    /// The app that the rule belongs to, as `_exc_source` names it.
    pub(super) app: &'static str,
    /// Why a last status is not left, for programs.
    pub(super) reason: &'static str,
    /// What messages call such a document.
    pub(super) noun: &'static str,
    /// Statuses that are never left.
    pub(super) last: &'static [&'static str],
    /// Whether a change of status is sent to the webhook's target.
    pub(super) announced: bool,
}

/// A hook before the insert: it may fill fields in, or refuse.
pub(super) type BeforeInsert = fn(&mut Site, &mut Document) -> Outcome<()>;
/// A check of every save, before the built-in ones.
pub(super) type Validate = fn(&mut Document) -> Outcome<()>;
/// Told after a change was stored: the old state and the new one.
pub(super) type AfterChange = fn(&mut Site, Option<&Document>, Option<&Document>);

/// Controller code.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) before_insert: Option<BeforeInsert>,
    pub(super) validate: Option<Validate>,
    pub(super) after_change: Option<AfterChange>,
}

impl Rules {
    pub(super) const NONE: Self = Self { before_insert: None, validate: None, after_change: None };
}

/// One field of a doctype.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) unique: bool,
    pub(super) constant: bool,
    pub(super) level: u8,
    pub(super) default: Preset,
}

/// A field's type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// At most 140 characters.
    Data,
    /// `Data` that has to look like a phone number.
    Phone,
    /// At most 65,535 bytes.
    Text,
    LongText,
    Select(&'static [&'static str]),
    Int {
        non_negative: bool,
    },
    Check,
    Currency,
    Date,
    Datetime,
    /// JSON, which travels as a text in both directions.
    Json,
    Link(&'static str),
    /// A link whose doctype stands in the named field.
    DynamicLink(&'static str),
    Table(&'static DocType),
}

/// The value of a field that the client leaves out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Preset {
    None,
    Text(&'static str),
    Number(i64),
    Today,
}

impl Field {
    pub(super) const fn new(name: &'static str, label: &'static str, kind: Kind) -> Self {
        Self { name, label, kind, required: false, unique: false, constant: false, level: 0, default: Preset::None }
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Set once, at the insert.
    pub(super) const fn constant(mut self) -> Self {
        self.constant = true;
        self
    }

    pub(super) const fn level(mut self, level: u8) -> Self {
        self.level = level;
        self
    }

    pub(super) const fn text(mut self, default: &'static str) -> Self {
        self.default = Preset::Text(default);
        self
    }

    pub(super) const fn number(mut self, default: i64) -> Self {
        self.default = Preset::Number(default);
        self
    }

    pub(super) const fn today(mut self) -> Self {
        self.default = Preset::Today;
        self
    }
}

/// What a role may do with a doctype, at one permission level.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) role: &'static str,
    pub(super) level: u8,
    pub(super) rights: &'static [Right],
}

/// One right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    Create,
    Read,
    Write,
    Delete,
}

impl Right {
    /// As messages name it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

const ALL_RIGHTS: &[Right] = &[Right::Create, Right::Read, Right::Write, Right::Delete];
const GATEWAY_RIGHTS: &[Right] = &[Right::Create, Right::Read, Right::Write];
const CREATE_READ: &[Right] = &[Right::Create, Right::Read];
const READ: &[Right] = &[Right::Read];
const READ_DELETE: &[Right] = &[Right::Read, Right::Delete];
const READ_WRITE: &[Right] = &[Right::Read, Right::Write];

/// The role of the gateway's machine user.
pub(super) const GATEWAY_ROLE: &str = "Voice Gateway";
/// The role of staff who look at calls, but not at what was said.
pub(super) const VIEWER_ROLE: &str = "Voice Agent Viewer";
/// The role of staff who look after the agent.
pub(super) const VOICE_MANAGER_ROLE: &str = "Voice Agent Manager";
/// The role that may do everything.
pub(super) const MANAGER_ROLE: &str = "System Manager";

/// All doctypes with documents of their own, and the child tables.
pub(super) const ALL: &[&DocType] = &[
    &core::TODO,
    &core::ROLE,
    &core::USER,
    &voice::VOICE_SESSION,
    &voice::VOICE_INTERACTION,
    &business::ORDER,
    &business::ORDER_ITEM,
    &business::APPOINTMENT,
    &business::TICKET,
    &business::MESSAGE,
];

/// The doctypes whose status is shown and changed over the control API.
pub(super) const BUSINESS: &[&DocType] = &[&ORDER, &APPOINTMENT, &TICKET, &MESSAGE];

/// Finds a doctype by its exact name.
pub(super) fn find(name: &str) -> Option<&'static DocType> {
    ALL.iter().copied().find(|doctype| doctype.name == name)
}

impl DocType {
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field that the name comes from.
    pub(super) fn name_field(&self) -> Option<&'static str> {
        match self.naming {
            Naming::Hash => None,
            Naming::Field(field) => Some(field),
        }
    }

    /// The options of the status field, in the order of a document's life.
    pub(super) fn statuses(&self) -> &'static [&'static str] {
        match self.field("status").map(|field| field.kind) {
            Some(Kind::Select(options)) => options,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_doctype_is_consistent() {
        for doctype in ALL {
            let names: HashSet<_> = doctype.fields.iter().map(|field| field.name).collect();
            assert_eq!(names.len(), doctype.fields.len(), "{}: a field twice", doctype.name);
            if let Naming::Field(name) = doctype.naming {
                let field = doctype.field(name).expect("the naming field exists");
                assert!(field.required && field.unique, "{}: {name}", doctype.name);
            }
            for field in doctype.fields {
                match field.kind {
                    Kind::Table(child) => assert!(child.grants.is_empty() && find(child.name).is_some()),
                    Kind::DynamicLink(by) => assert!(names.contains(by)),
                    Kind::Link(target) => assert!(target == "DocType" || find(target).is_some()),
                    Kind::Select(options) => {
                        if let Preset::Text(text) = field.default {
                            assert!(options.contains(&text), "{}.{}", doctype.name, field.name);
                        }
                    }
                    _ => {}
                }
            }
            if let Some(life) = &doctype.life {
                assert!(life.last.iter().all(|status| doctype.statuses().contains(status)));
            }
        }
    }
}

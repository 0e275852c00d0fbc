//! Frappe's own doctypes that the recorded answers use: ToDo, Role and User.
//!
//! Only the fields that the recordings show, or that links point to. A User
//! here carries no key: keys are the simulator's options, never documents.

use super::{ALL_RIGHTS, DocType, Field, Grant, Kind, MANAGER_ROLE, Naming, Rules};

const MANAGER: &[Grant] = &[Grant { role: MANAGER_ROLE, level: 0, rights: ALL_RIGHTS }];

pub(in super::super) static TODO: DocType = DocType {
    name: "ToDo",
    naming: Naming::Hash,
    fields: &[
        Field::new("status", "Status", Kind::Select(&["Open", "Closed", "Cancelled"])).text("Open"),
        Field::new("priority", "Priority", Kind::Select(&["High", "Medium", "Low"])).text("Medium"),
        Field::new("color", "Color", Kind::Data),
        Field::new("date", "Due Date", Kind::Date).today(),
        Field::new("allocated_to", "Allocated To", Kind::Link("User")),
        Field::new("description", "Description", Kind::LongText).required(),
        Field::new("reference_type", "Reference Type", Kind::Link("DocType")),
        Field::new("reference_name", "Reference Name", Kind::DynamicLink("reference_type")),
        Field::new("role", "Role", Kind::Link("Role")),
        Field::new("assigned_by", "Assigned By", Kind::Link("User")),
    ],
    grants: MANAGER,
    life: None,
    rules: Rules::NONE,
};

const fn switch(name: &'static str, label: &'static str, default: i64) -> Field {
    Field::new(name, label, Kind::Check).number(default)
}

pub(in super::super) static ROLE: DocType = DocType {
    name: "Role",
    naming: Naming::Field("role_name"),
    fields: &[
        Field::new("role_name", "Role Name", Kind::Data).required().unique(),
        Field::new("home_page", "Home Page", Kind::Data),
        switch("disabled", "Disabled", 0),
        switch("is_custom", "Is Custom", 0),
        switch("desk_access", "Desk Access", 1),
        switch("two_factor_auth", "Two Factor Authentication", 0),
        switch("search_bar", "Search Bar", 1),
        switch("notifications", "Notifications", 1),
        switch("list_sidebar", "List Sidebar", 1),
        switch("bulk_actions", "Bulk Actions", 1),
        switch("view_switcher", "View Switcher", 1),
        switch("form_sidebar", "Form Sidebar", 1),
        switch("timeline", "Timeline", 1),
        switch("dashboard", "Dashboard", 1),
    ],
    grants: MANAGER,
    life: None,
    rules: Rules::NONE,
};

pub(in super::super) static USER: DocType = DocType {
    name: "User",
    naming: Naming::Field("email"),
    fields: &[Field::new("email", "Email", Kind::Data).required().unique(), switch("enabled", "Enabled", 1)],
    grants: MANAGER,
    life: None,
    rules: Rules::NONE,
};

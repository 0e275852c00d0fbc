//! Support tickets: the categories, creating a ticket, and its status.

use serde_json::{Value, json};

use super::{answer, look_up, once, seed::CATEGORIES};
use crate::erpnext::{
    doctype::{Right, TICKET},
    document::{Document, text_of},
    failure::{Failure, LINK_VALIDATION, Outcome},
    method::Args,
    permission::{self, Actor},
    site::Site,
};

const STATUS_FIELDS: &[&str] = &["doctype", "name", "status", "category", "priority"];

pub(in crate::erpnext) fn get_categories(_: &mut Site, actor: &Actor, _: &Args<'_>) -> Outcome<Value> {
    permission::require(actor, &TICKET, Right::Read)?;
    let categories: Vec<Value> = CATEGORIES
        .iter()
        .map(|category| {
            json!({
                "category": category.name, "description": category.description,
                "default_priority": category.priority,
            })
        })
        .collect();
    Ok(json!({"categories": categories}))
}

pub(in crate::erpnext) fn create_ticket(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let key = args.filled("idempotency_key")?;
    for name in ["session_id", "customer_name", "issue_description"] {
        args.text(name)?;
    }
    let input =
        args.copy(&["session_id", "customer_name", "customer_phone", "issue_description", "category", "priority"])?;
    let made = once(site, actor, &TICKET, key, |_| Ok(input))?;
    Ok(made.answer(STATUS_FIELDS))
}

pub(in crate::erpnext) fn ticket_status(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let ticket = look_up(site, actor, &TICKET, args.filled("ticket")?, None)?;
    Ok(answer(&ticket, STATUS_FIELDS))
}

/// Hook before the insert: the category behaves like a link to a document,
/// and decides the priority when the caller named none.
pub(in crate::erpnext) fn classify(_: &mut Site, ticket: &mut Document) -> Outcome<()> {
    let wanted = text_of(ticket, "category").unwrap_or(CATEGORIES[0].name);
    let found = CATEGORIES.iter().find(|category| category.name.eq_ignore_ascii_case(wanted.trim()));
    let Some(category) = found else {
        return Err(Failure::thrown(LINK_VALIDATION, format!("Could not find Category: {wanted}")));
    };
    ticket.insert("category".into(), category.name.into());
    if text_of(ticket, "priority").is_none() {
        ticket.insert("priority".into(), category.priority.into());
    }
    Ok(())
}

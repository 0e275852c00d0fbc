//! Support tickets: the categories, creating a ticket, and its status.

use serde_json::{Value, json};

use super::{APP, Command, answer, invalid, look_up, once, seed::CATEGORIES, speech};
use crate::erpnext::{
    doctype::{Right, TICKET},
    document::{Document, text_of},
    failure::{Failure, LINK_VALIDATION, Outcome, UNKNOWN_CATEGORY},
    method::Args,
    permission::{self, Actor},
    site::Site,
};

const PRIORITIES: [&str; 4] = ["Low", "Medium", "High", "Urgent"];
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
    if args.maybe_text("priority")?.is_some_and(|priority| !PRIORITIES.contains(&priority)) {
        return Err(invalid("invalid_priority", "How urgent is it: low, medium, high or urgent?"));
    }
    let mut asked = args.copy(&["customer_name", "customer_phone", "issue_description", "priority"])?;
    if let Some(category) = args.maybe_text("category")? {
        asked.insert("category".into(), find(category)?.into());
    }
    let mut fields = asked.clone();
    fields.extend(args.copy(&["session_id"])?);
    if let Some(issue) = args.maybe_text("issue_description")? {
        fields.insert("issue_description".into(), speech::prose(issue, "description")?.into());
    }
    let made = once(site, &Command { actor, doctype: &TICKET, key, asked }, fields)?;
    Ok(made.answer(STATUS_FIELDS))
}

pub(in crate::erpnext) fn ticket_status(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let ticket = look_up(site, actor, &TICKET, args.filled("ticket")?, None)?;
    Ok(answer(&ticket, STATUS_FIELDS))
}

/// The name of the category that is called so.
fn find(wanted: &str) -> Outcome<&'static str> {
    let found = CATEGORIES.iter().find(|category| speech::is_called(wanted, [category.name]));
    found.map(|category| category.name).ok_or_else(|| {
        let known: Vec<_> = CATEGORIES.iter().map(|category| category.name).collect();
        let refusal = Failure::said(UNKNOWN_CATEGORY, "unknown_category", "I do not know that kind of problem.");
        refusal.in_app(APP).with("categories", known.into())
    })
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

//! What any caller may ask or leave: business information and messages.

use serde_json::{Value, json};

use super::{
    Command,
    calendar::{CLOSES, OPENS},
    once,
    seed::{OPENING_DAYS, SERVICES},
    speech,
};
use crate::erpnext::{
    doctype::{MESSAGE, Right},
    failure::Outcome,
    method::Args,
    permission::{self, Actor},
    site::Site,
};

/// The opening hours as the API has them.
pub(in crate::erpnext) fn opening_hours() -> Vec<Value> {
    OPENING_DAYS
        .iter()
        .map(|day| json!({"day": day, "opens": format!("{OPENS:02}:00"), "closes": format!("{CLOSES:02}:00")}))
        .collect()
}

/// How the business introduces itself.
pub(in crate::erpnext) const NAME: &str = "Neoron Pizza";
/// From the range that the regulator keeps free for fiction.
pub(in crate::erpnext) const PHONE: &str = "+442079460123";
/// An invented address.
pub(in crate::erpnext) const ADDRESS: &str = "1 Example Street, London";

pub(in crate::erpnext) fn get_business_info(_: &mut Site, actor: &Actor, _: &Args<'_>) -> Outcome<Value> {
    permission::require(actor, &MESSAGE, Right::Read)?;
    let hours = opening_hours();
    let services: Vec<_> = SERVICES.iter().map(|service| service.title).collect();
    Ok(json!({
        "business_name": NAME, "phone": PHONE, "address": ADDRESS, "opening_hours": hours, "services": services,
    }))
}

pub(in crate::erpnext) fn take_message(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let key = args.filled("idempotency_key")?;
    for name in ["session_id", "customer_name", "message"] {
        args.text(name)?;
    }
    let callback = args.maybe_int("callback")?.unwrap_or(0);
    let mut asked = args.copy(&["customer_name", "customer_phone", "message"])?;
    asked.insert("callback".into(), i64::from(callback != 0).into());
    let mut fields = asked.clone();
    fields.extend(args.copy(&["session_id"])?);
    if let Some(message) = args.maybe_text("message")? {
        fields.insert("message".into(), speech::prose(message, "message")?.into());
    }
    let made = once(site, &Command { actor, doctype: &MESSAGE, key, asked }, fields)?;
    Ok(made.answer(&["doctype", "name", "status"]))
}

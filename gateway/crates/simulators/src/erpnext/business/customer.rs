//! What any caller may ask or leave: business information and messages.

use serde_json::{Value, json};

use super::{
    calendar::{CLOSES, OPENS},
    once,
    seed::{OPENING_DAYS, SERVICES},
};
use crate::erpnext::{
    doctype::{MESSAGE, Right},
    failure::Outcome,
    method::Args,
    permission::{self, Actor},
    site::Site,
};

pub(in crate::erpnext) fn get_business_info(_: &mut Site, actor: &Actor, _: &Args<'_>) -> Outcome<Value> {
    permission::require(actor, &MESSAGE, Right::Read)?;
    let hours: Vec<Value> = OPENING_DAYS
        .iter()
        .map(|day| json!({"day": day, "opens": format!("{OPENS:02}:00"), "closes": format!("{CLOSES:02}:00")}))
        .collect();
    let services: Vec<_> = SERVICES.iter().map(|service| service.title).collect();
    // The number is from the range that the regulator keeps free for fiction.
    Ok(json!({
        "business_name": "Neoron Pizza", "phone": "+442079460123",
        "address": "1 Example Street, London", "opening_hours": hours, "services": services,
    }))
}

pub(in crate::erpnext) fn take_message(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    let key = args.filled("idempotency_key")?;
    for name in ["session_id", "customer_name", "message"] {
        args.text(name)?;
    }
    let callback = args.maybe_int("callback")?.unwrap_or(0);
    let mut input = args.copy(&["session_id", "customer_name", "customer_phone", "message"])?;
    input.insert("callback".into(), i64::from(callback != 0).into());
    let made = once(site, actor, &MESSAGE, key, |_| Ok(input))?;
    Ok(made.answer(&["doctype", "name", "status"]))
}

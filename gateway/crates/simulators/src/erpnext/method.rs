//! The functions that `/api/method/<path>` can call, and how their arguments
//! are read.
//!
//! The table holds what a client of ours may meet. Any other path answers
//! like a module that is not installed.

use serde_json::{Map, Value, json};

use super::{
    business::{appointment, customer, restaurant, support},
    check::{DATA_CHARS, python_type},
    doctype::{MANAGER_ROLE, VIEWER_ROLE, VOICE_MANAGER_ROLE, VOICE_SESSION},
    document::Document,
    failure::{ARGUMENT_TYPE, DOES_NOT_EXIST, Failure, Outcome, PERMISSION, TOO_LONG, TYPE, VALIDATION},
    permission::Actor,
    query, record,
    site::Site,
};

/// A function by its dotted path.
#[derive(Debug)]
pub(super) struct Method {
    pub(super) path: &'static str,
    /// `None`: it exists, but is not whitelisted.
    pub(super) run: Option<Run>,
    pub(super) guest: bool,
    pub(super) post_only: bool,
    /// Calls and seconds of its own rate limit.
    pub(super) limit: Option<(u32, i64)>,
}

type Run = fn(&mut Site, &Actor, &Args<'_>) -> Outcome<Value>;

const fn post(path: &'static str, run: Run) -> Method {
    Method { path, run: Some(run), guest: false, post_only: true, limit: None }
}

const fn any(path: &'static str, run: Run) -> Method {
    Method { path, run: Some(run), guest: false, post_only: false, limit: None }
}

static METHODS: &[Method] = &[
    Method { path: "ping", run: Some(ping), guest: true, post_only: false, limit: None },
    Method { path: "frappe.ping", run: Some(ping), guest: true, post_only: false, limit: None },
    Method { path: "frappe.utils.now", run: None, guest: false, post_only: false, limit: None },
    any("frappe.auth.get_logged_user", logged_user),
    any("frappe.desk.query_report.run", run_report),
    post("voice_agent.api.session_api.start_session", record::start_session),
    post("voice_agent.api.session_api.add_interaction", record::add_interaction),
    post("voice_agent.api.session_api.end_session", record::end_session),
    post("voice_agent.api.config_api.get_config", record::get_config),
    post("voice_agent.api.config_api.list_configs", record::list_configs),
    Method {
        path: "voice_agent.api.session_api.limited",
        run: Some(limited),
        guest: true,
        post_only: false,
        limit: Some((3, 60)),
    },
    post("business_workflows.api.restaurant_logic.get_menu", restaurant::get_menu),
    post("business_workflows.api.restaurant_logic.quote_order", restaurant::quote_order),
    post("business_workflows.api.restaurant_logic.place_order", restaurant::place_order),
    post("business_workflows.api.restaurant_logic.order_status", restaurant::order_status),
    post("business_workflows.api.appointment_logic.get_services", appointment::get_services),
    post("business_workflows.api.appointment_logic.get_availability", appointment::get_availability),
    post("business_workflows.api.appointment_logic.hold_slot", appointment::hold_slot),
    post("business_workflows.api.appointment_logic.release_holds", appointment::release_holds),
    post("business_workflows.api.appointment_logic.book_appointment", appointment::book_appointment),
    post("business_workflows.api.appointment_logic.cancel_appointment", appointment::cancel_appointment),
    post("business_workflows.api.support_logic.get_categories", support::get_categories),
    post("business_workflows.api.support_logic.create_ticket", support::create_ticket),
    post("business_workflows.api.support_logic.ticket_status", support::ticket_status),
    post("business_workflows.api.customer_logic.get_business_info", customer::get_business_info),
    post("business_workflows.api.customer_logic.take_message", customer::take_message),
];

/// Finds a function, or refuses as Frappe does when the import fails.
pub(super) fn find(path: &str) -> Outcome<&'static Method> {
    METHODS.iter().find(|method| method.path == path).ok_or_else(|| {
        let module = path.rsplit_once('.').map_or(path, |(module, _)| module);
        let text = format!("Failed to get method for command {path} with No module named '{module}'");
        Failure::thrown(VALIDATION, text)
    })
}

/// Refuses a caller whom the function is not open to. `post` tells whether
/// the request is a POST.
pub(super) fn admit(method: &Method, actor: &Actor, post: bool) -> Outcome<Run> {
    let Some(run) = method.run.filter(|_| method.guest || !actor.is_guest()) else {
        let text = format!(
            "<details><summary>You are not permitted to access this resource.</summary>\
             Function <strong>{}</strong> is not whitelisted.</details>",
            method.path
        );
        return Err(Failure::thrown(PERMISSION, text));
    };
    if method.post_only && !post {
        return Err(Failure::thrown(PERMISSION, "Not permitted"));
    }
    Ok(run)
}

/// The arguments of one call.
pub(super) struct Args<'a> {
    function: &'a str,
    form: &'a Map<String, Value>,
}

impl<'a> Args<'a> {
    pub(super) fn new(path: &'a str, form: &'a Map<String, Value>) -> Self {
        let function = path.rsplit('.').next().unwrap_or(path);
        Self { function, form }
    }

    fn required(&self, name: &str) -> Outcome<&'a Value> {
        self.form.get(name).ok_or_else(|| {
            let text = format!("{}() missing 1 required positional argument: '{name}'", self.function);
            Failure::raised(TYPE, text)
        })
    }

    fn optional(&self, name: &str) -> Option<&'a Value> {
        self.form.get(name).filter(|value| !value.is_null())
    }

    /// A required `str`.
    pub(super) fn text(&self, name: &str) -> Outcome<&'a str> {
        as_text(name, self.required(name)?)
    }

    /// A required `str` that names something: not blank, and no longer than
    /// a name can be, so that it may be kept as a key.
    pub(super) fn filled(&self, name: &str) -> Outcome<&'a str> {
        let text = self.text(name)?.trim();
        if text.is_empty() {
            return Err(Failure::thrown(VALIDATION, format!("{name} is required")).in_app(super::business::APP));
        }
        if text.chars().count() > DATA_CHARS {
            return Err(Failure::thrown(TOO_LONG, format!("{name} is too long")));
        }
        Ok(text)
    }

    /// A `str | None`; an empty one counts as none.
    pub(super) fn maybe_text(&self, name: &str) -> Outcome<Option<&'a str>> {
        let text = self.optional(name).map(|value| as_text(name, value)).transpose()?;
        Ok(text.filter(|text| !text.trim().is_empty()))
    }

    /// An `int | None`.
    pub(super) fn maybe_int(&self, name: &str) -> Outcome<Option<i64>> {
        let Some(value) = self.optional(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::Bool(flag) => Some(i64::from(*flag)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| wrong_type(name, "int", value))
    }

    /// A `float | None`.
    pub(super) fn maybe_number(&self, name: &str) -> Outcome<Option<f64>> {
        let Some(value) = self.optional(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| wrong_type(name, "float", value))
    }

    /// A `dict | None`.
    pub(super) fn maybe_object(&self, name: &str) -> Outcome<Option<&'a Value>> {
        let value = self.optional(name);
        match value.filter(|value| !value.is_object()) {
            Some(wrong) => Err(wrong_type(name, "dict", wrong)),
            None => Ok(value),
        }
    }

    /// A required `list`.
    pub(super) fn list(&self, name: &str) -> Outcome<&'a [Value]> {
        let value = self.required(name)?;
        value.as_array().map(Vec::as_slice).ok_or_else(|| wrong_type(name, "list", value))
    }

    /// Copies those arguments that are fields of a document, as they are.
    pub(super) fn copy(&self, names: &[&str]) -> Outcome<Document> {
        let mut document = Document::new();
        for name in names {
            if let Some(text) = self.maybe_text(name)? {
                document.insert((*name).to_owned(), text.into());
            }
        }
        Ok(document)
    }
}

fn as_text<'a>(name: &str, value: &'a Value) -> Outcome<&'a str> {
    value.as_str().ok_or_else(|| wrong_type(name, "str", value))
}

fn wrong_type(name: &str, wanted: &str, value: &Value) -> Failure {
    let got = python_type(value);
    Failure::raised(ARGUMENT_TYPE, format!("Argument '{name}' should be of type '{wanted}' but got '{got}' instead."))
}

fn ping(_: &mut Site, _: &Actor, _: &Args<'_>) -> Outcome<Value> {
    Ok("pong".into())
}

fn limited(_: &mut Site, _: &Actor, _: &Args<'_>) -> Outcome<Value> {
    Ok("ok".into())
}

fn logged_user(_: &mut Site, actor: &Actor, _: &Args<'_>) -> Outcome<Value> {
    Ok(actor.email.as_str().into())
}

/// The only report: sessions by status. It is for roles in its own table.
fn run_report(site: &mut Site, actor: &Actor, args: &Args<'_>) -> Outcome<Value> {
    const REPORT: &str = "Voice Session Summary";
    let name = args.text("report_name")?;
    if name != REPORT {
        return Err(Failure::thrown(DOES_NOT_EXIST, format!("Report {name} not found")));
    }
    if ![VIEWER_ROLE, VOICE_MANAGER_ROLE, MANAGER_ROLE].iter().any(|role| actor.has_role(role)) {
        return Err(Failure::thrown(PERMISSION, format!("You don't have access to Report: {REPORT}")));
    }
    let mut rows = Vec::new();
    for status in VOICE_SESSION.statuses() {
        let mut form = Map::new();
        form.insert("filters".into(), json!({"status": status}));
        rows.push(json!({"status": status, "sessions": query::count(site, actor, &VOICE_SESSION, &form)?}));
    }
    let columns = json!([
        {"fieldname": "status", "label": "Status", "fieldtype": "Data"},
        {"fieldname": "sessions", "label": "Sessions", "fieldtype": "Int"},
    ]);
    Ok(json!({"columns": columns, "result": rows}))
}

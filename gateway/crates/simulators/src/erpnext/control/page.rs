//! The staff's page of the demo: what came in, newest first, with one button
//! per next status.
//!
//! Plain forms, no script, nothing from elsewhere. Every text that a caller
//! said is escaped.

use std::{fmt::Write, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{Html, IntoResponse},
};
use serde_json::Value;

use crate::erpnext::{
    doctype::{BUSINESS, DocType},
    document::{Document, text_of},
    server::Inner,
};

/// Documents of each kind on the page.
const SHOWN: usize = 25;
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
<meta http-equiv=\"refresh\" content=\"3\"><title>Neoron Pizza, staff</title>\
<link rel=\"stylesheet\" href=\"/_control/style.css\"></head><body><header><h1>Neoron Pizza</h1>\
<p>The simulated ERPNext of the demo. Press a button to move something on; the visitor's popup follows.</p>\
</header><main>";

pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

pub(super) async fn show(State(inner): State<Arc<Inner>>) -> impl IntoResponse {
    let mut page = HEAD.to_owned();
    let mut empty = true;
    for doctype in BUSINESS {
        let documents = inner.documents(doctype.name, SHOWN).unwrap_or_default();
        if documents.is_empty() {
            continue;
        }
        empty = false;
        let _ = write!(page, "<section><h2>{}</h2>", doctype.name.trim_start_matches("Voice "));
        for document in &documents {
            card(&mut page, doctype, document);
        }
        page.push_str("</section>");
    }
    if empty {
        page.push_str("<p class=\"empty\">Nothing yet. Start a call and order something.</p>");
    }
    page.push_str("</main></body></html>");
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(page))
}

fn card(page: &mut String, doctype: &DocType, document: &Document) {
    let text = |field: &str| escape(text_of(document, field).unwrap_or_default());
    let (name, status) = (text("name"), text("status"));
    let title = text_of(document, "order_number").map_or_else(|| name.clone(), escape);
    let class = text_of(document, "status").unwrap_or_default().to_lowercase().replace(' ', "-");
    let _ = write!(
        page,
        "<article><div class=\"top\"><strong>{title}</strong><span class=\"badge {}\">{status}</span></div>\
         <p class=\"who\">{} · {}</p>",
        escape(&class),
        text("customer_name"),
        text("creation").split('.').next().unwrap_or_default()
    );
    for line in lines(document) {
        let _ = write!(page, "<p>{}</p>", escape(&line));
    }
    page.push_str("<div class=\"buttons\">");
    for next in next_statuses(doctype, document) {
        let _ = write!(
            page,
            "<form method=\"post\" action=\"/_control/advance\">\
             <input type=\"hidden\" name=\"doctype\" value=\"{}\"><input type=\"hidden\" name=\"name\" value=\"{name}\">\
             <button name=\"status\" value=\"{next}\">{next}</button></form>",
            doctype.name
        );
    }
    page.push_str("</div></article>");
}

/// What matters of each kind of document, a line each.
fn lines(document: &Document) -> Vec<String> {
    let mut lines = Vec::new();
    for row in document.get("items").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
        let quantity = row.get("quantity").and_then(Value::as_i64).unwrap_or_default();
        lines.push(format!("{quantity} × {}", text_of(row, "item_name").unwrap_or_default()));
    }
    if let Some(total) = document.get("total_amount").and_then(Value::as_f64) {
        let kind = text_of(document, "order_type").unwrap_or_default();
        lines.push(format!("{kind}, £{total:.2}"));
    }
    if let (Some(service), Some(start)) = (text_of(document, "service_name"), text_of(document, "start")) {
        lines.push(format!("{service}, {start}, {}", text_of(document, "resource").unwrap_or_default()));
    }
    if let (Some(category), Some(priority)) = (text_of(document, "category"), text_of(document, "priority")) {
        lines.push(format!("{category}, {priority}"));
    }
    let said = ["issue_description", "message", "special_instructions", "delivery_address"];
    lines.extend(said.iter().filter_map(|field| text_of(document, field)).map(str::to_owned));
    lines
}

/// The next step of a document's life, and cancelling. Pickup orders are not
/// sent out.
fn next_statuses(doctype: &DocType, document: &Document) -> Vec<&'static str> {
    let statuses = doctype.statuses();
    let last = doctype.life.as_ref().map_or(&[][..], |life| life.last);
    let status = text_of(document, "status").unwrap_or_default();
    if last.contains(&status) {
        return Vec::new();
    }
    let delivered = text_of(document, "order_type") == Some("Delivery");
    let after = statuses.iter().skip_while(|option| **option != status).skip(1);
    let next = after.copied().find(|option| delivered || *option != "Out for Delivery");
    let cancel = last.iter().copied().find(|option| *option == "Cancelled");
    let mut offered: Vec<_> = next.into_iter().chain(cancel).collect();
    offered.dedup();
    offered
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::erpnext::doctype::ORDER;

    fn order(status: &str, kind: &str) -> Document {
        let pairs = [("status", status), ("order_type", kind), ("customer_name", "<script>")];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
    }

    #[test]
    fn a_button_leads_to_each_next_status() {
        assert_eq!(next_statuses(&ORDER, &order("Pending", "Pickup")), ["Confirmed", "Cancelled"]);
        assert_eq!(next_statuses(&ORDER, &order("Ready", "Pickup")), ["Completed", "Cancelled"]);
        assert_eq!(next_statuses(&ORDER, &order("Ready", "Delivery")), ["Out for Delivery", "Cancelled"]);
        assert!(next_statuses(&ORDER, &order("Completed", "Pickup")).is_empty());
    }

    #[test]
    fn what_a_caller_said_is_never_markup() {
        let mut page = String::new();
        card(&mut page, &ORDER, &order("Pending", "Pickup"));
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
    }
}

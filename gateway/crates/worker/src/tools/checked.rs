//! A second opinion on a quote: ERPNext prices and checks the order as it would place it, without placing it.
//!
//! The caller never waits for it long. While ERPNext is slow or away the price from the menu stands, and `place_order`
//! still compares it.

use std::time::Duration;

use neoron_protocol::frame::{Line, Money};
use serde_json::{Map, Value, json};

use super::{
    Tool, money,
    quoting::{self, Priced, Unpriced},
    refusal,
};
use crate::{app::App, erpnext::Priority};

/// What a caller may be kept waiting for a price that is known already. A site under load answers within 0.5 s in the
/// median and within 2 s in 99 of 100 cases.
const PATIENCE: Duration = Duration::from_secs(2);

/// The offer at ERPNext's own price, or as it was if ERPNext does not answer in time.
///
/// # Errors
/// [`Unpriced::Ask`] with what ERPNext says against the order.
pub(super) async fn order(
    app: &App,
    tool: &Tool,
    source: &str,
    session: &str,
    priced: Priced,
    left: Duration,
) -> Result<Priced, Unpriced> {
    let Some(method) = method(tool) else { return Ok(priced) };
    match app.erpnext.call(Priority::Visitor, &method, &question(session, &priced.arguments), left.min(PATIENCE)).await
    {
        Ok(answer) => Ok(adopt(priced, &answer)),
        Err(error) => match refusal::sentence(&error) {
            Some(say) => {
                if refusal::doubts_catalogue(&error) {
                    app.tools.snapshots.doubt(source);
                }
                Err(Unpriced::Ask(say))
            }
            None => Ok(priced),
        },
    }
}

/// The function that quotes what the tool's command places; only for the apps' own orders.
fn method(tool: &Tool) -> Option<String> {
    let places = tool.spec.method.as_deref()?;
    places.ends_with(".place_order").then(|| quoting::neighbour(places, "quote_order"))
}

fn question(session: &str, arguments: &Map<String, Value>) -> Value {
    let mut question = json!({"session_id": session});
    for name in ["items", "order_type", "delivery_address"] {
        if let Some(value) = arguments.get(name) {
            question[name] = value.clone();
        }
    }
    question
}

/// Takes ERPNext's lines and total over. An answer that is about something else changes nothing.
fn adopt(mut priced: Priced, answer: &Value) -> Priced {
    let Some(total) = refusal::total(answer) else { return priced };
    let rows = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines: Option<Vec<Line>> = rows.iter().map(|row| line(row, &total.currency)).collect();
    let Some(lines) = lines.filter(|lines| lines.len() == priced.lines.len()) else { return priced };
    // Not part of the content, see `quoting::order`.
    priced.arguments.insert("expected_total".into(), money::wire(total.minor));
    priced.context = quoting::context(&priced.arguments, &lines, Some(&total));
    priced.lines = lines;
    priced.total = Some(total);
    priced
}

fn line(row: &Value, currency: &str) -> Option<Line> {
    let amount = Money { minor: money::minor(&row["total_price"])?, currency: currency.to_owned() };
    Some(Line {
        label: row["item_name"].as_str()?.to_owned(),
        quantity: u32::try_from(row["quantity"].as_u64()?).ok()?,
        amount: Some(amount),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tools::{catalogue::Menu, samples};

    fn priced() -> Priced {
        let arguments = json!({"customer_name": "Ada", "items": [{"menu_item": "cola", "quantity": 2}]});
        quoting::order(&Menu::read(&samples::menu()), arguments.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn erpnexts_price_is_the_one_that_is_read_back_and_expected() {
        let answer = json!({"total_amount": 6.0, "currency": "GBP",
            "items": [{"item_name": "Cola", "quantity": 2, "total_price": 6.0}]});
        let adopted = adopt(priced(), &answer);
        assert_eq!((adopted.total.unwrap().minor, &adopted.arguments["expected_total"]), (600, &json!(6.0)));
        assert_eq!((&adopted.context["total"], &adopted.context["items"]), (&json!("£6.00"), &json!("2 × Cola")));
        assert_eq!(adopted.content, priced().content, "the same order at another price is the same order");
    }

    #[test]
    fn an_answer_about_something_else_changes_nothing() {
        for answer in [
            json!({}),
            json!({"total_amount": 6.0, "currency": "GBP", "items": []}),
            json!({"total_amount": 6.0, "currency": "GBP", "items": [{"item_name": "Cola"}]}),
        ] {
            assert_eq!(adopt(priced(), &answer), priced());
        }
    }
}

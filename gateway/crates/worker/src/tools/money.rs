//! Money between ERPNext's numbers with two decimals and whole pence. No sum is ever made in floating point.

use neoron_protocol::frame::Money;
use serde_json::{Number, Value};

/// The pence of a JSON number or of a number in a text, rounded to the nearest penny; `None` if it is no amount.
pub(super) fn minor(value: &Value) -> Option<i64> {
    let text = match value {
        // The shortest text that reads back as the same number: 9.5 stays 9.5.
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let (sign, text) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let digit = |index: usize| fraction.as_bytes().get(index).map_or(0, |byte| i64::from(byte - b'0'));
    let pence = digit(0) * 10 + digit(1) + i64::from(digit(2) >= 5);
    Some(sign * whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(pence)?)
}

/// The number for ERPNext.
pub(super) fn wire(minor: i64) -> Value {
    // A double holds every amount below 90 trillion exactly to the penny.
    Number::from_f64(minor as f64 / 100.0).map_or(Value::Null, Value::Number)
}

/// As one writes it: `£19.00`.
pub(super) fn text(money: &Money) -> String {
    let (sign, minor) =
        if money.minor < 0 { ("-", money.minor.unsigned_abs()) } else { ("", money.minor.unsigned_abs()) };
    let amount = format!("{}.{:02}", minor / 100, minor % 100);
    match money.currency.as_str() {
        "GBP" => format!("{sign}£{amount}"),
        "EUR" => format!("{sign}€{amount}"),
        "USD" => format!("{sign}${amount}"),
        other => format!("{sign}{amount} {other}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_read_to_the_penny() {
        for (value, pence) in [
            (json!(9.5), 950),
            (json!(19), 1_900),
            (json!("12.34"), 1_234),
            (json!(26.490000000000002), 2_649),
            (json!(26.489_999_999_999), 2_649),
            (json!(-0.5), -50),
        ] {
            assert_eq!(minor(&value), Some(pence), "{value}");
        }
        for value in [json!(null), json!("free"), json!(1e300), json!(""), json!("1.2.3"), json!("9223372036854775807")]
        {
            assert_eq!(minor(&value), None, "{value}");
        }
    }

    #[test]
    fn amounts_are_written_with_their_sign() {
        let money = |minor, currency: &str| text(&Money { minor, currency: currency.into() });
        assert_eq!(money(1_905, "GBP"), "£19.05");
        assert_eq!(money(-5, "EUR"), "-€0.05");
        assert_eq!(money(100, "CHF"), "1.00 CHF");
    }

    proptest! {
        #[test]
        fn what_is_sent_reads_back(pence in -9_000_000_000_000i64..9_000_000_000_000) {
            let sent: Value = serde_json::from_str(&wire(pence).to_string()).unwrap();
            prop_assert_eq!(minor(&sent), Some(pence));
        }
    }
}

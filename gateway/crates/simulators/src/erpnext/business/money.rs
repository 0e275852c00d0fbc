//! Money in integer minor units; floats only on the wire.

use serde_json::Value;

/// The largest amount that is read: ten million pounds in pence. It keeps
/// every sum of an order far inside `i64` and exact in a float.
const MAX_MINOR: f64 = 1e9;

/// The site's currency.
pub(in crate::erpnext) const CURRENCY: &str = "GBP";

/// A wire amount in minor units, or `None` when it is none.
pub(in crate::erpnext) fn minor(amount: f64) -> Option<i64> {
    let minor = (amount * 100.0).round();
    let fits = (0.0..=MAX_MINOR).contains(&minor);
    #[allow(clippy::cast_possible_truncation)]
    fits.then_some(minor as i64)
}

/// Minor units as a wire amount.
pub(super) fn wire(minor: i64) -> Value {
    #[allow(clippy::cast_precision_loss)]
    let amount = minor as f64 / 100.0;
    amount.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_survives_the_wire() {
        for pence in 0..200_000 {
            assert_eq!(wire(pence).as_f64().and_then(minor), Some(pence));
        }
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e12] {
            assert_eq!(minor(bad), None, "{bad}");
        }
    }
}

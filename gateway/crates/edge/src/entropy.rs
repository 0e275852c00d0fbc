//! The one door to randomness: request ids, spreads, choices and frame masks. Nothing here is a secret, so a failing
//! system source degrades to a fixed value instead of failing the request.

use std::time::Duration;

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        tracing::error!("the system's random source failed");
    }
    bytes
}

/// A random number.
pub(crate) fn number() -> u64 {
    u64::from_le_bytes(bytes())
}

/// Part of `span`, by chance.
pub(crate) fn part_of(span: Duration) -> Duration {
    // 16 bits are finer than any timer for spans up to a minute.
    let share = u32::from(u16::from_le_bytes(bytes()));
    span * share / u32::from(u16::MAX)
}

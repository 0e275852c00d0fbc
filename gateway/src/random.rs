//! Randomness for keys and ids, from the operating system.

use data_encoding::BASE64URL_NOPAD;
use neoron_worker::{Random as _, SystemRandom};

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom.fill(&mut bytes);
    bytes
}

/// A random text of 43 characters that nobody guesses.
pub(crate) fn token() -> String {
    BASE64URL_NOPAD.encode(&bytes::<32>())
}

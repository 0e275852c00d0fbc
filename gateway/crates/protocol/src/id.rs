//! Ids: a prefix that says what is named, then 26 characters of a UUIDv7.
//!
//! Lower-case only, because Frappe compares names without case. The alphabet is RFC 4648's base32hex in lower case:
//! it sorts as the bytes do, so ids sort by the time they were made. Nothing here draws randomness.

use core::fmt;

use crate::time::UnixMillis;

/// Characters after the prefix: 128 bits in groups of five.
const ENCODED: usize = 26;
const LENGTH: usize = 2 + ENCODED;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Not 28 bytes long.
    Length,
    /// Does not start with the prefix of this kind of id.
    Prefix,
    /// Holds a character outside `0-9a-v`, or more bits than a UUID has.
    Character,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "an id is 28 characters long",
            Self::Prefix => "the id has another kind's prefix",
            Self::Character => "an id holds only the characters 0-9 and a-v after its prefix",
        })
    }
}

impl core::error::Error for IdError {}

fn uuid_v7(at: UnixMillis, random: [u8; 10]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    // RFC 9562: version 7 in the high nibble of byte 6, variant 10 in the high bits of byte 8.
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    bytes
}

fn encode(prefix: u8, bytes: [u8; 16]) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    text[0] = prefix;
    text[1] = b'_';
    // 128 bits are 25 groups of five and three bits; the short group comes first, so the order of texts is the
    // order of numbers.
    let mut value = u128::from_be_bytes(bytes);
    for slot in text[2..].iter_mut().rev() {
        *slot = ALPHABET[(value & 31) as usize];
        value >>= 5;
    }
    text
}

fn check(prefix: u8, text: &str) -> Result<[u8; LENGTH], IdError> {
    let bytes: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| IdError::Length)?;
    if bytes[0] != prefix || bytes[1] != b'_' {
        return Err(IdError::Prefix);
    }
    // The first character carries three bits.
    let in_range = |(index, byte): (usize, &u8)| match ALPHABET.iter().position(|letter| letter == byte) {
        Some(value) => index != 0 || value < 8,
        None => false,
    };
    if bytes[2..].iter().enumerate().all(in_range) { Ok(bytes) } else { Err(IdError::Character) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; LENGTH]);

        impl $name {
            /// A new id made at `at` with 80 bits of randomness, of which 74 are kept.
            pub fn new(at: UnixMillis, random: [u8; 10]) -> Self {
                Self(encode($prefix, uuid_v7(at, random)))
            }

            /// Reads an id back from its text.
            ///
            /// # Errors
            /// If the text has another length, prefix or alphabet.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check($prefix, text).map(Self)
            }

            /// The id's text, 28 bytes of ASCII.
            pub fn as_str(&self) -> &str {
                // Only ASCII is ever stored, by `encode` and `check`.
                core::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl core::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <alloc::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A visitor's session: one call and its continuations over page changes.
    SessionId, b's'
);
id!(
    /// A running worker process.
    WorkerId, b'w'
);
id!(
    /// A durable job.
    JobId, b'j'
);
id!(
    /// An offer that a visitor may confirm once.
    QuoteId, b'q'
);
id!(
    /// One request on its way through the gateway.
    RequestId, b'r'
);

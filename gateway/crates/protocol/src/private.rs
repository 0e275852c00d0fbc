//! Texts that must not be seen: they hide themselves in `Debug`, and whoever needs them says so by name.

use alloc::string::String;
use core::fmt;

/// A secret: a key, a token, a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What tells of a person: a name, a number, words. Stored and sent like what it holds, never shown.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Hides it.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// What it holds.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// What it holds, to be changed.
    pub const fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(..)")
    }
}

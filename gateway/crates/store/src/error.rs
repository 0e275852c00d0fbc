//! What can go wrong with the store, seen by its caller.

/// A store that could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time. The write may or may not have happened.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// Its queue of waiting writes is full: nothing was written.
    #[error("the store's queue is full")]
    Full,
    /// A value is larger than the store takes: nothing was written.
    #[error("a value of {bytes} bytes is larger than the store takes ({limit})")]
    TooLarge {
        /// The value's size.
        bytes: usize,
        /// The largest size taken.
        limit: usize,
    },
    /// What is stored cannot be read back.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full)
    }
}

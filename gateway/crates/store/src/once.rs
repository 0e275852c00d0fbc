//! Keys that may be used once, such as a grant's `jti`.

use async_trait::async_trait;

use crate::{Burn, StoreError};

/// Single-use keys.
#[async_trait]
pub trait Once: Send + Sync {
    /// Burns a key. `true` the first time, `false` while it is remembered.
    async fn burn(&self, burn: Burn) -> Result<bool, StoreError>;
}

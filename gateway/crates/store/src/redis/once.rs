//! Global burnt keys: each says when it is forgotten and whose step burnt it, so that a repeated call is recognised.

use async_trait::async_trait;

use super::{
    Core, RedisStore,
    hub::step_name,
    layout::Kind,
    lifetime,
    script::{BURN, Call},
};
use crate::{Burn, Once, StoreError, rules};

impl Core {
    async fn burn(&self, burn: &Burn) -> Result<bool, StoreError> {
        let (partition, now) = (self.layout.of_text(&burn.key), self.now());
        let call = Call::new(&BURN, vec![self.layout.named(partition, Kind::Once, &burn.key)])
            .number(now.0)
            .number(now.plus(burn.keep).0)
            .number(lifetime(burn.keep))
            .text(step_name()?);
        Ok(self.cluster.call(partition, call).await?.text()? == "1")
    }
}

#[async_trait]
impl Once for RedisStore {
    async fn burn(&self, burn: Burn) -> Result<bool, StoreError> {
        rules::check_burn(&burn)?;
        self.core.burn(&burn).await
    }
}

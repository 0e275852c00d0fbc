//! Budgets: one hash with the sum and each holder's part. A repeat of either call changes nothing by its nature.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    RedisStore,
    layout::Kind,
    lifetime,
    script::{Call, RESERVE, SETTLE},
};
use crate::{Budgets, Reservation, StoreError, rules};

fn check(key: &str, holder: &str) -> Result<(), StoreError> {
    rules::fits(key, rules::MAX_BUDGET_KEY_BYTES)?;
    rules::fits(holder, rules::MAX_KEY_BYTES)
}

#[async_trait]
impl Budgets for RedisStore {
    async fn reserve(
        &self,
        key: &str,
        holder: &str,
        seconds: u64,
        cap: u64,
        keep: Duration,
    ) -> Result<Reservation, StoreError> {
        check(key, holder)?;
        let core = &self.core;
        let (partition, now) = (core.layout.of_text(key), core.now());
        let call = Call::new(&RESERVE, vec![core.layout.named(partition, Kind::Budget, key)])
            .number(now.0)
            .text(holder)
            .number(seconds)
            .number(cap)
            .number(now.plus(keep).0)
            .number(lifetime(keep));
        let mut reply = core.cluster.call(partition, call).await?;
        let reserved = reply.text()? == "1";
        let left = reply.parse()?;
        Ok(if reserved { Reservation::Reserved { left } } else { Reservation::Exhausted { left } })
    }

    async fn settle(&self, key: &str, holder: &str, used: u64) -> Result<(), StoreError> {
        check(key, holder)?;
        let core = &self.core;
        let partition = core.layout.of_text(key);
        let call = Call::new(&SETTLE, vec![core.layout.named(partition, Kind::Budget, key)])
            .number(core.now().0)
            .text(holder)
            .number(used);
        core.cluster.call(partition, call).await.map(drop)
    }
}

//! Rate limits: Redis keeps the one number and compares it; the decision is told by the rule that all stores share.

use async_trait::async_trait;

use super::{
    Core, RedisStore, SLACK,
    layout::Kind,
    script::{Call, TAKE},
};
use crate::{Decision, Limits, Rate, StoreError, rules};

/// Milliseconds that a number of Lua holds exactly together with an instant; 35,000 years.
const LONGEST_MS: u64 = 1 << 50;

impl Core {
    async fn take(&self, key: &str, rate: Rate) -> Result<Decision, StoreError> {
        let (partition, now) = (self.layout.of_text(key), self.now());
        let every = u64::try_from(rate.every.as_millis()).unwrap_or(u64::MAX).max(1);
        let burst = every.saturating_mul(u64::from(rate.burst.max(1)));
        // Never sent twice: an answer that was lost would cost a second passage.
        let call = Call::new(&TAKE, vec![self.layout.named(partition, Kind::Limit, key)])
            .number(now.0)
            .number(every.min(LONGEST_MS))
            .number(burst.min(LONGEST_MS))
            .number(SLACK.as_secs() * 1_000)
            .once();
        let before = self.cluster.call(partition, call).await?.parse()?;
        Ok(Decision::take(before, now.0, rate).0)
    }
}

#[async_trait]
impl Limits for RedisStore {
    async fn take(&self, key: &str, rate: Rate) -> Result<Decision, StoreError> {
        rules::fits(key, rules::MAX_KEY_BYTES)?;
        self.core.take(key, rate).await
    }
}

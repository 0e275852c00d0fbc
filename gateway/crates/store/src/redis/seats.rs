//! Seats: a sorted set for each scope, its holders by the end of their leases.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    RedisStore,
    layout::Kind,
    lifetime,
    reply::Reply,
    script::{Call, SIT},
};
use crate::{Seated, Seats, StoreError, rules};

#[async_trait]
impl Seats for RedisStore {
    async fn sit(&self, scope: &str, holder: &str, cap: u32, lease: Duration) -> Result<Seated, StoreError> {
        rules::check_seat(scope, holder)?;
        let core = &self.core;
        let (partition, now) = (core.layout.of_text(scope), core.now());
        let call = Call::new(&SIT, vec![core.layout.named(partition, Kind::Seats, scope)])
            .number(now.0)
            .text(holder)
            .number(u64::from(cap))
            .number(now.plus(lease).0)
            .number(lifetime(lease));
        let mut reply = core.cluster.call(partition, call).await?;
        let used = reply.parse()?;
        Ok(if reply.is_ok() { Seated::Taken { used } } else { Seated::Full { used } })
    }

    async fn rise(&self, scope: &str, holder: &str) -> Result<(), StoreError> {
        rules::check_seat(scope, holder)?;
        let layout = &self.core.layout;
        let partition = layout.of_text(scope);
        let mut command = redis::cmd("ZREM");
        command.arg(layout.named(partition, Kind::Seats, scope)).arg(holder);
        self.core.cluster.command(layout.slot(partition), &command).await.map(drop)
    }

    async fn seated(&self, scope: &str) -> Result<u32, StoreError> {
        rules::check_seat(scope, "")?;
        let layout = &self.core.layout;
        let partition = layout.of_text(scope);
        let mut command = redis::cmd("ZCOUNT");
        let after = format!("({}", self.core.now().0);
        command.arg(layout.named(partition, Kind::Seats, scope)).arg(after).arg("+inf");
        Reply::number(self.core.cluster.command(layout.slot(partition), &command).await?)
    }
}

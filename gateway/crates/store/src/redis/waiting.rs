//! Waiting rooms: three keys for each, all in one slot; see `scripts/room.lua`.

use std::time::Duration;

use async_trait::async_trait;
use neoron_protocol::UnixMillis;

use super::{
    Core, RedisStore,
    hub::step_name,
    layout::{Kind, Partition},
    lifetime,
    reply::Reply,
    script::{Call, DEPART, JOIN, PLACE, Script},
};
use crate::{Joined, StoreError, Waiting, WaitingRooms, rules};

fn read(mut reply: Reply) -> Result<Waiting, StoreError> {
    let (ahead, of, since) = (reply.parse()?, reply.parse()?, UnixMillis(reply.parse()?));
    Ok(Waiting { ahead, of, body: reply.text()?, since })
}

impl Core {
    fn room_keys(&self, partition: Partition, room: &str) -> Vec<String> {
        [Kind::Order, Kind::Patience, Kind::Brought].map(|kind| self.layout.named(partition, kind, room)).to_vec()
    }

    /// A call that gives the holder `patience` from now.
    fn patient(
        &self,
        script: &'static Script,
        (partition, room): (Partition, &str),
        holder: &str,
        patience: Duration,
    ) -> Call<'static> {
        let now = self.now();
        Call::new(script, self.room_keys(partition, room))
            .number(now.0)
            .text(holder.to_owned())
            .number(now.plus(patience).0)
            .number(lifetime(patience))
    }
}

#[async_trait]
impl WaitingRooms for RedisStore {
    async fn join(
        &self,
        room: &str,
        holder: &str,
        body: String,
        cap: u32,
        patience: Duration,
    ) -> Result<Joined, StoreError> {
        rules::check_waiting(room, holder, &body)?;
        let core = &self.core;
        let partition = core.layout.of_text(room);
        let call = core.patient(&JOIN, (partition, room), holder, patience).number(u64::from(cap)).text(body);
        let mut reply = core.cluster.call(partition, call).await?;
        if reply.is_ok() {
            return read(reply).map(Joined::Waits);
        }
        Ok(Joined::Full { waiting: reply.parse()? })
    }

    async fn place(&self, room: &str, holder: &str, patience: Duration) -> Result<Option<Waiting>, StoreError> {
        rules::check_seat(room, holder)?;
        let core = &self.core;
        let partition = core.layout.of_text(room);
        let reply = core.cluster.call(partition, core.patient(&PLACE, (partition, room), holder, patience)).await?;
        if reply.is_ok() { read(reply).map(Some) } else { Ok(None) }
    }

    async fn depart(&self, room: &str, holder: &str) -> Result<bool, StoreError> {
        rules::check_seat(room, holder)?;
        let core = &self.core;
        let partition = core.layout.of_text(room);
        let mut keys = vec![core.layout.named(partition, Kind::Memory, &step_name()?)];
        keys.extend(core.room_keys(partition, room));
        let call = Call::new(&DEPART, keys).number(core.now().0).text(holder);
        Ok(core.cluster.call(partition, call).await?.is_ok())
    }

    async fn waiting(&self, room: &str) -> Result<u32, StoreError> {
        rules::check_seat(room, "")?;
        let layout = &self.core.layout;
        let partition = layout.of_text(room);
        let mut command = redis::cmd("ZCOUNT");
        let after = format!("({}", self.core.now().0);
        command.arg(layout.named(partition, Kind::Patience, room)).arg(after).arg("+inf");
        Reply::number(self.core.cluster.command(layout.slot(partition), &command).await?)
    }
}

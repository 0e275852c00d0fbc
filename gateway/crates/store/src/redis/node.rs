//! One Redis server as this process sees it: a connection that all calls share, a bound on the calls under way, and
//! a short memory of a failed connect, so that calls to a dead server fail at once instead of queueing for it.
//!
//! It never decides which server a call belongs to, and never sends anything twice.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, PushInfo,
    Value, aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use tokio::{sync::Semaphore, time::timeout};

use super::{Timeouts, fault::Trouble};

/// After a failed connect the next one is not before this; it doubles up to [`LONGEST_REST`].
const FIRST_REST: Duration = Duration::from_millis(50);
/// A promoted replica or a restarted server is noticed at most so much later.
const LONGEST_REST: Duration = Duration::from_millis(400);

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Counts connections, so that a late failure of an old one does not cost the new one.
    generation: u64,
    failures: u32,
    rest_until: Option<Instant>,
}

/// A server.
pub(super) struct Node {
    address: String,
    host: String,
    client: Client,
    timeouts: Timeouts,
    under_way: Semaphore,
    state: Mutex<State>,
    /// Held by the one call that connects.
    connecting: tokio::sync::Mutex<()>,
}

/// The host and port of `host:port`; the host may be an IPv6 address.
pub(super) fn split_address(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

impl Node {
    /// A server at `address` (host:port) that is spoken to as `like` says.
    pub(super) fn new(
        address: &str,
        like: &ConnectionInfo,
        timeouts: Timeouts,
        in_flight: usize,
    ) -> Result<Self, Trouble> {
        let (host, port) =
            split_address(address).ok_or_else(|| Trouble::Refused("an address has no port".to_owned()))?;
        let tcp = TcpSettings::default().set_nodelay(true);
        let info = like
            .clone()
            .set_addr(ConnectionAddr::Tcp(host.trim_matches(['[', ']']).to_owned(), port))
            .set_tcp_settings(tcp)
            .set_redis_settings(like.redis_settings().clone().set_protocol(ProtocolVersion::RESP3))
            .into_connection_info();
        let client = info.and_then(Client::open).map_err(|error| Trouble::of(&error, host))?;
        Ok(Self {
            address: address.to_owned(),
            host: host.to_owned(),
            client,
            timeouts,
            under_way: Semaphore::new(in_flight.max(1)),
            state: Mutex::default(),
            connecting: tokio::sync::Mutex::new(()),
        })
    }

    /// Its host.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connect))
            .set_response_timeout(Some(self.timeouts.response))
    }

    async fn open(&self, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, Trouble> {
        // The library's timeout has been seen to miss a server that accepts and then says nothing.
        let opening =
            timeout(self.timeouts.connect * 2, self.client.get_multiplexed_async_connection_with_config(config));
        match opening.await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Trouble::Unsent(format!("no connection to {}: {}", self.address, error.category()))),
            Err(_) => Err(Trouble::Unsent(format!("no connection to {} in time", self.address))),
        }
    }

    /// A connection of its own that hands what the server pushes to `pushed`, which must not block.
    pub(super) async fn listen(
        &self,
        pushed: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<MultiplexedConnection, Trouble> {
        let config = self.config().set_push_sender(move |push| {
            pushed(push);
            Ok::<(), std::convert::Infallible>(())
        });
        self.open(&config).await
    }

    /// What is there without waiting: a connection, a refusal, or neither.
    fn at_hand(&self) -> Option<Result<(u64, MultiplexedConnection), Trouble>> {
        let state = self.state();
        if let Some(connection) = &state.connection {
            return Some(Ok((state.generation, connection.clone())));
        }
        let rests = state.rest_until.is_some_and(|until| Instant::now() < until);
        rests.then(|| Err(Trouble::Unsent(format!("{} is down", self.address))))
    }

    async fn connection(&self) -> Result<(u64, MultiplexedConnection), Trouble> {
        if let Some(at_hand) = self.at_hand() {
            return at_hand;
        }
        let _turn = if self.state().failures == 0 {
            self.connecting.lock().await
        } else {
            // A server that was down is tried by one call at a time; the others need not wait for the outcome.
            self.connecting.try_lock().map_err(|_| Trouble::Unsent(format!("{} is down", self.address)))?
        };
        if let Some(at_hand) = self.at_hand() {
            return at_hand;
        }
        let opened = self.open(&self.config()).await;
        let mut state = self.state();
        match opened {
            Ok(connection) => {
                state.connection = Some(connection.clone());
                state.generation += 1;
                (state.failures, state.rest_until) = (0, None);
                Ok((state.generation, connection))
            }
            Err(trouble) => {
                let rest = FIRST_REST.saturating_mul(1 << state.failures.min(8)).min(LONGEST_REST);
                state.failures = state.failures.saturating_add(1);
                state.rest_until = Some(Instant::now() + rest);
                Err(trouble)
            }
        }
    }

    /// Gives up a connection, unless there is a newer one already.
    fn drop_connection(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation {
            state.connection = None;
        }
    }

    /// Sends a command and waits for its answer. `asking` is for a slot that is on its way to this server.
    pub(super) async fn send(&self, command: &Cmd, asking: bool) -> Result<Value, Trouble> {
        let _place = self.under_way.try_acquire().map_err(|_| Trouble::Busy)?;
        let (generation, mut connection) = self.connection().await?;
        let answer = async {
            if !asking {
                return command.query_async::<Value>(&mut connection).await;
            }
            let mut both = redis::pipe();
            both.cmd("ASKING").ignore().add_command(command.clone());
            let mut answers: Vec<Value> = both.query_async(&mut connection).await?;
            Ok(answers.pop().unwrap_or_default())
        };
        let trouble = match timeout(self.timeouts.response * 2, answer).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Trouble::of(&error, &self.host),
            Err(_) => Trouble::Unknown("no answer in time".to_owned()),
        };
        if matches!(trouble, Trouble::Unknown(_)) {
            self.drop_connection(generation);
        }
        Err(trouble)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::net::TcpListener;

    use super::*;

    fn node(address: &str) -> Node {
        let short = Duration::from_millis(100);
        let timeouts = Timeouts { connect: short, response: short, call: 3 * short };
        Node::new(address, &"redis://localhost".into_connection_info().unwrap(), timeouts, 2).unwrap()
    }

    #[test]
    fn an_address_is_split_at_its_last_colon() {
        assert_eq!(split_address("10.0.0.1:7000"), Some(("10.0.0.1", 7000)));
        assert_eq!(split_address("[::1]:7000"), Some(("[::1]", 7000)));
        assert_eq!(split_address("nowhere"), None);
    }

    #[tokio::test]
    async fn a_server_that_accepts_and_says_nothing_holds_nobody_for_long() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = node(&listener.local_addr().unwrap().to_string());
        for _ in 0..3 {
            let sent = timeout(Duration::from_secs(20), node.send(&redis::cmd("PING"), false)).await;
            assert!(matches!(sent.unwrap(), Err(Trouble::Unsent(_))));
        }
    }

    #[tokio::test]
    async fn while_a_dead_server_rests_calls_fail_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = node(&listener.local_addr().unwrap().to_string());
        drop(listener);
        assert!(node.send(&redis::cmd("PING"), false).await.is_err());
        node.state().rest_until = Some(Instant::now() + Duration::from_secs(3_600));
        let sent = node.send(&redis::cmd("PING"), false).await;
        assert_eq!(sent, Err(Trouble::Unsent(format!("{} is down", node.address))));
    }

    #[tokio::test]
    async fn too_many_calls_under_way_are_refused() {
        let node = node("127.0.0.1:1");
        let _all = node.under_way.acquire_many(2).await.unwrap();
        assert_eq!(node.send(&redis::cmd("PING"), false).await, Err(Trouble::Busy));
    }
}

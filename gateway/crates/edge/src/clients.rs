//! Who a client is: its address, and how many requests of any kind that address has made lately.
//!
//! This first limit stands before everything that costs more than a look at a table, so it is counted in this process
//! and never asks the store.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use neoron_protocol::UnixMillis;
use neoron_store::{Decision, Rate};

use crate::head::Head;

/// The client's address: who connected, or, if that is a trusted proxy, whom it names last.
pub(crate) fn address(peer: IpAddr, head: &Head, trusted: &[IpAddr]) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(&peer) {
        return peer;
    }
    // The last entry is the one our own proxy wrote; what stands before it came from the client.
    let named = head.all("x-forwarded-for").last().and_then(|value| value.to_str().ok());
    let last = named.and_then(|value| value.rsplit(',').next()).and_then(|text| text.trim().parse::<IpAddr>().ok());
    last.map_or(peer, |address| address.to_canonical())
}

/// Whom a limit counts: an IPv4 address, or the /64 that an IPv6 host usually has to itself.
pub(crate) fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The table of addresses.
#[derive(Debug)]
pub(crate) struct Clients {
    rate: Rate,
    at_most: usize,
    arrivals: Mutex<HashMap<IpAddr, u64>>,
}

impl Clients {
    pub(crate) fn new(rate: Rate, at_most: usize) -> Self {
        Self { rate, at_most: at_most.max(1), arrivals: Mutex::default() }
    }

    /// Counts a request of this address.
    pub(crate) fn take(&self, address: IpAddr, now: UnixMillis) -> Decision {
        let mut key = counted_as(address);
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if !arrivals.contains_key(&key) && arrivals.len() >= self.at_most {
            // Whoever has earned the whole burst back is like a newcomer: nothing is forgotten with the entry.
            arrivals.retain(|_, arrival| *arrival > now.0);
            if arrivals.len() >= self.at_most {
                key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        let arrival = arrivals.entry(key).or_insert(0);
        let (decision, next) = Decision::take(*arrival, now.0, self.rate);
        *arrival = next;
        decision
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;
    use crate::head::{HeadLimits, Parsed, parse};

    fn head(lines: &str) -> Head {
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        match parse(text.as_bytes(), HeadLimits { bytes: 4_096, headers: 16 }) {
            Parsed::Complete(head, _) => *head,
            other => panic!("{other:?}"),
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_trusted_proxy_may_name_the_client() {
        let head = head("X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n");
        assert_eq!(address(ip("192.0.2.1"), &head, &[]), ip("192.0.2.1"));
        assert_eq!(address(ip("192.0.2.1"), &head, &[ip("192.0.2.1")]), ip("198.51.100.7"));
        assert_eq!(address(ip("::ffff:192.0.2.1"), &head, &[ip("192.0.2.1")]), ip("198.51.100.7"));
    }

    #[test]
    fn hosts_of_one_ipv6_network_share_a_count() {
        let clients = Clients::new(Rate::per(1, Duration::from_secs(60)), 10);
        assert!(clients.take(ip("2001:db8::1"), UnixMillis(1_000)).allowed);
        assert!(!clients.take(ip("2001:db8::2"), UnixMillis(1_000)).allowed);
        assert!(clients.take(ip("2001:db8:0:1::1"), UnixMillis(1_000)).allowed);
    }

    #[test]
    fn a_full_table_counts_newcomers_together_and_keeps_its_size() {
        let clients = Clients::new(Rate::per(2, Duration::from_secs(60)), 2);
        for host in 1..=50_u8 {
            clients.take(IpAddr::from([192, 0, 2, host]), UnixMillis(1_000));
        }
        assert!(!clients.take(ip("198.51.100.1"), UnixMillis(1_000)).allowed);
        assert!(clients.arrivals.lock().unwrap().len() <= 3);
        assert!(clients.take(ip("198.51.100.1"), UnixMillis(200_000)).allowed, "time makes room");
    }
}

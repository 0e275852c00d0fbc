//! How many connections there are, in all and by address. Both are bounded: a connection beyond the bound gets one
//! problem document and is closed.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use neoron_protocol::ErrorCode;

use crate::head::Refusal;

/// The connections of the public port.
#[derive(Debug)]
pub(crate) struct Connections {
    all: usize,
    each: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    count: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Connections {
    pub(crate) fn new(all: usize, each: usize) -> Self {
        Self { all, each, open: Mutex::default() }
    }

    /// Lets a connection in, and counts it until the guard is dropped. A trusted proxy has no bound of its own.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr, trusted: bool) -> Result<Admitted, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.count >= self.all {
            return Err(Refusal { code: ErrorCode::NoRoom, detail: "there are too many connections" });
        }
        let mine = open.by_address.get(&address).copied().unwrap_or(0);
        if mine >= self.each && !trusted {
            let detail = "there are too many connections from this address";
            return Err(Refusal { code: ErrorCode::TooManyRequests, detail });
        }
        open.by_address.insert(address, mine + 1);
        open.count += 1;
        Ok(Admitted { connections: Arc::clone(self), address })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).count
    }
}

/// A connection that was let in.
#[derive(Debug)]
pub(crate) struct Admitted {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.count -= 1;
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn both_bounds_hold_and_a_closed_connection_makes_room() {
        let connections = Arc::new(Connections::new(3, 2));
        let (one, two) = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)));
        let first = connections.admit(one, false).unwrap();
        let _second = connections.admit(one, false).unwrap();
        assert_eq!(connections.admit(one, false).unwrap_err().code, ErrorCode::TooManyRequests);
        let _third = connections.admit(two, false).unwrap();
        assert_eq!(connections.admit(two, false).unwrap_err().code, ErrorCode::NoRoom);
        drop(first);
        assert!(connections.admit(one, false).is_ok());
        assert_eq!(connections.count(), 2);
    }
}

//! Reads the cluster's own account of who has which slots. Pure.

use redis::Value;

use super::layout::SLOTS;

/// A range of slots and its master.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    /// The first slot.
    pub(super) from: u16,
    /// The last slot.
    pub(super) to: u16,
    /// The master's address, host:port.
    pub(super) master: String,
}

/// What one server knows of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The cluster's epoch as the server knows it; the highest one is the newest.
    pub(super) epoch: u64,
    /// The ranges, by their first slot.
    pub(super) ranges: Vec<Range>,
    /// All servers named, replicas too.
    pub(super) servers: Vec<String>,
}

impl View {
    /// A single server that has all slots.
    pub(super) fn single(address: &str) -> Self {
        let range = Range { from: 0, to: SLOTS - 1, master: address.to_owned() };
        Self { epoch: 0, ranges: vec![range], servers: vec![address.to_owned()] }
    }

    /// Reads the answers to `CLUSTER SLOTS` and `CLUSTER INFO`; `host` is the asked server's, which it may leave out.
    /// `None` if the answer has another form or names no master.
    pub(super) fn read(slots: &Value, info: &str, host: &str) -> Option<Self> {
        let Value::Array(items) = slots else { return None };
        let mut view = Self { epoch: epoch(info), ranges: Vec::with_capacity(items.len()), servers: Vec::new() };
        for item in items {
            let Value::Array(fields) = item else { return None };
            let [Value::Int(from), Value::Int(to), servers @ ..] = fields.as_slice() else { return None };
            let servers: Vec<_> = servers.iter().filter_map(|server| address(server, host)).collect();
            let master = servers.first()?.clone();
            view.ranges.push(Range { from: u16::try_from(*from).ok()?, to: u16::try_from(*to).ok()?, master });
            view.servers.extend(servers);
        }
        view.ranges.sort();
        view.servers.sort();
        view.servers.dedup();
        (!view.ranges.is_empty()).then_some(view)
    }

    /// The master of a slot.
    pub(super) fn master(&self, slot: u16) -> Option<&str> {
        let range = &self.ranges[..self.ranges.partition_point(|range| range.from <= slot)];
        range.last().filter(|range| slot <= range.to).map(|range| range.master.as_str())
    }
}

fn address(server: &Value, host: &str) -> Option<String> {
    let Value::Array(fields) = server else { return None };
    let [name, Value::Int(port), ..] = fields.as_slice() else { return None };
    let name = match name {
        Value::BulkString(name) => std::str::from_utf8(name).ok()?,
        Value::SimpleString(name) => name.as_str(),
        _ => "",
    };
    let name = if name.is_empty() || name == "?" { host } else { name };
    Some(if name.contains(':') && !name.starts_with('[') {
        format!("[{name}]:{port}")
    } else {
        format!("{name}:{port}")
    })
}

fn epoch(info: &str) -> u64 {
    let line = info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
    line.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn server(host: &str, port: i64) -> Value {
        Value::Array(vec![Value::BulkString(host.into()), Value::Int(port), Value::BulkString("id".into())])
    }

    #[test]
    fn the_master_of_a_slot_is_found_and_a_hole_has_none() {
        let slots = Value::Array(vec![
            Value::Array(vec![Value::Int(9000), Value::Int(16383), server("", 7003)]),
            Value::Array(vec![Value::Int(0), Value::Int(5000), server("10.0.0.1", 7001), server("10.0.0.2", 7002)]),
        ]);
        let view = View::read(&slots, "a:1\r\ncluster_current_epoch:9\r\n", "here").unwrap();
        assert_eq!(view.epoch, 9);
        assert_eq!(view.master(0), Some("10.0.0.1:7001"));
        assert_eq!(view.master(5000), Some("10.0.0.1:7001"));
        assert_eq!(view.master(5001), None);
        assert_eq!(view.master(16383), Some("here:7003"));
        assert_eq!(view.servers.len(), 3);
    }

    #[test]
    fn another_form_is_no_view() {
        assert_eq!(View::read(&Value::Nil, "", "here"), None);
        assert_eq!(View::read(&Value::Array(Vec::new()), "", "here"), None);
        assert_eq!(View::read(&Value::Array(vec![Value::Int(1)]), "", "here"), None);
    }
}

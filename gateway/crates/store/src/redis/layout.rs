//! Which key lives where. Every key begins with the store's prefix and its partition's tag in braces, so that all
//! keys of a partition are in one slot and a script may touch them together. Pure; it never talks to Redis.

use neoron_protocol::{JobId, SessionId};

use crate::{DocumentKey, rules};

/// Slots of a Redis Cluster.
pub(super) const SLOTS: u16 = 16_384;
/// More partitions than this would only make the scan over all queues slower.
pub(super) const MAX_PARTITIONS: u16 = 1_024;

/// A partition's number.
pub(super) type Partition = usize;

/// What a key holds; its letter in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A session's version, expiry, epoch and last offset.
    Head,
    /// A session's body.
    Body,
    /// A session's events.
    Stream,
    /// A session's own burnt keys.
    Burnt,
    /// The partition's sessions that go on.
    Live,
    /// The partition's waiting jobs by their time.
    Waiting,
    /// The partition's leased jobs by the end of their lease.
    Running,
    /// The partition's dead jobs by their death.
    Dead,
    /// A job.
    Job,
    /// A session's lane: its jobs in order.
    Lane,
    /// How many jobs of each kind the partition has, and how many are behind others in their lanes.
    Counts,
    /// The result of a step, for a minute.
    Memory,
    /// A global burnt key.
    Once,
    /// From a call to its session.
    Call,
    /// From a document to its session.
    Document,
    /// A rate limit.
    Limit,
    /// A budget.
    Budget,
    /// A scope's seats by the end of their leases.
    Seats,
    /// Who waits in a room, in order.
    Order,
    /// Who waits in a room, by when their patience is over.
    Patience,
    /// What those who wait in a room have brought.
    Brought,
    /// A day's tallies.
    Tally,
    /// The registry of workers.
    Workers,
    /// The partition's channel for wake-ups.
    Channel,
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Self::Head => 's',
            Self::Body => 'b',
            Self::Stream => 'e',
            Self::Burnt => 'k',
            Self::Live => 'v',
            Self::Waiting => 'q',
            Self::Running => 'r',
            Self::Dead => 'd',
            Self::Job => 'j',
            Self::Lane => 'z',
            Self::Counts => 'i',
            Self::Memory => 'x',
            Self::Once => 'o',
            Self::Call => 'c',
            Self::Document => 'n',
            Self::Limit => 'l',
            Self::Budget => 'g',
            Self::Seats => 'a',
            Self::Order => 'm',
            Self::Patience => 'u',
            Self::Brought => 'f',
            Self::Tally => 't',
            Self::Workers => 'w',
            Self::Channel => 'p',
        }
    }
}

/// The partitions of one store.
#[derive(Debug)]
pub(super) struct Layout {
    prefix: String,
    tags: Vec<String>,
    slots: Vec<u16>,
}

impl Layout {
    /// Cuts the store into `partitions` (1..=[`MAX_PARTITIONS`]). Partition *i* gets the first tag whose slot is in
    /// the *i*-th equal part of the slots: however a cluster shares out its slots in ranges, each node has its share
    /// of the partitions.
    pub(super) fn new(prefix: &str, partitions: u16) -> Self {
        let count = usize::from(partitions.clamp(1, MAX_PARTITIONS));
        let mut found: Vec<Option<(String, u16)>> = vec![None; count];
        let mut missing = count;
        for number in 0_u32.. {
            let tag = base36(number);
            let slot = rules::crc16(tag.as_bytes()) % SLOTS;
            let place = &mut found[usize::from(slot) * count / usize::from(SLOTS)];
            if place.is_none() {
                *place = Some((tag, slot));
                missing -= 1;
                if missing == 0 {
                    break;
                }
            }
        }
        let (tags, slots) = found.into_iter().flatten().unzip();
        Self { prefix: prefix.to_owned(), tags, slots }
    }

    /// How many partitions there are.
    pub(super) fn count(&self) -> usize {
        self.tags.len()
    }

    /// The partition of a place; see [`rules::place`].
    pub(super) fn of_place(&self, place: u16) -> Partition {
        usize::from(place) % self.tags.len()
    }

    /// A place of a partition, the reverse of [`Layout::of_place`].
    pub(super) fn place(&self, partition: Partition) -> u16 {
        // There are at most 1024 partitions.
        u16::try_from(partition).unwrap_or(0)
    }

    /// The partition of whatever is found by a text.
    pub(super) fn of_text(&self, text: &str) -> Partition {
        self.of_place(rules::crc16(text.as_bytes()))
    }

    /// A session's partition.
    pub(super) fn of_session(&self, session: SessionId) -> Partition {
        self.of_text(session.as_str())
    }

    /// A partition's slot.
    pub(super) fn slot(&self, partition: Partition) -> u16 {
        self.slots[partition]
    }

    /// A key of something that has a name.
    pub(super) fn named(&self, partition: Partition, kind: Kind, name: &str) -> String {
        format!("{}{{{}}}{}:{name}", self.prefix, self.tags[partition], kind.letter())
    }

    /// A key that a partition has one of.
    pub(super) fn one(&self, partition: Partition, kind: Kind) -> String {
        format!("{}{{{}}}{}", self.prefix, self.tags[partition], kind.letter())
    }

    /// A session's key.
    pub(super) fn session(&self, kind: Kind, session: SessionId) -> String {
        self.named(self.of_session(session), kind, session.as_str())
    }

    /// A job's key in a partition.
    pub(super) fn job(&self, partition: Partition, job: JobId) -> String {
        self.named(partition, Kind::Job, job.as_str())
    }

    /// The slot and the key that tell how many partitions there are; the same with any number of them.
    pub(super) fn meta(&self) -> (u16, String) {
        (rules::crc16(b"meta") % SLOTS, format!("{}{{meta}}", self.prefix))
    }

    /// Where a call's index is.
    pub(super) fn call(&self, call: &str) -> (Partition, String) {
        let partition = self.of_text(call);
        (partition, self.named(partition, Kind::Call, call))
    }

    /// Where a document's index is.
    pub(super) fn document(&self, document: &DocumentKey) -> (Partition, String) {
        // With the doctype's length no two documents have one text, whatever colons they contain.
        let text = format!("{}:{}:{}", document.doctype.len(), document.doctype, rules::folded_name(document));
        let partition = self.of_text(&text);
        (partition, self.named(partition, Kind::Document, &text))
    }
}

fn base36(mut number: u32) -> String {
    let mut text = Vec::new();
    loop {
        text.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize]);
        number /= 36;
        if number == 0 {
            break;
        }
    }
    text.reverse();
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slot of a key by the rule of the cluster specification.
    fn slot_of_key(key: &str) -> u16 {
        let hashed = match key.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
            Some((tag, _)) if !tag.is_empty() => tag,
            _ => key,
        };
        rules::crc16(hashed.as_bytes()) % SLOTS
    }

    #[test]
    fn partitions_spread_evenly_over_the_slots() {
        for count in [1, 3, 64, 256] {
            let layout = Layout::new("p:", count);
            assert_eq!(layout.count(), usize::from(count));
            for (number, slot) in layout.slots.iter().enumerate() {
                let part = usize::from(*slot) * usize::from(count) / usize::from(SLOTS);
                assert_eq!(part, number);
            }
        }
    }

    #[test]
    fn every_key_of_a_partition_is_in_its_slot_whatever_its_name() {
        let layout = Layout::new("neoron:", 64);
        for partition in 0..64 {
            for name in ["a", "{x}", "", "a}b{c}"] {
                let key = layout.named(partition, Kind::Limit, name);
                assert_eq!(slot_of_key(&key), layout.slot(partition), "{key}");
            }
            assert_eq!(slot_of_key(&layout.one(partition, Kind::Waiting)), layout.slot(partition));
        }
    }

    #[test]
    fn no_two_kinds_share_a_letter() {
        let kinds = [
            Kind::Head,
            Kind::Body,
            Kind::Stream,
            Kind::Burnt,
            Kind::Live,
            Kind::Waiting,
            Kind::Running,
            Kind::Dead,
            Kind::Job,
            Kind::Lane,
            Kind::Counts,
            Kind::Memory,
            Kind::Once,
            Kind::Call,
            Kind::Document,
            Kind::Limit,
            Kind::Budget,
            Kind::Seats,
            Kind::Order,
            Kind::Patience,
            Kind::Brought,
            Kind::Tally,
            Kind::Workers,
            Kind::Channel,
        ];
        let letters: std::collections::BTreeSet<_> = kinds.iter().map(|kind| kind.letter()).collect();
        assert_eq!(letters.len(), kinds.len());
    }
}

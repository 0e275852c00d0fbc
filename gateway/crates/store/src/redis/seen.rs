//! What this process has seen of streams: the last (epoch, offset) it wrote, read or was told of. A promoted replica
//! may lack a stream's tail; whoever has seen more of it than the new master has proves the loss, and the stream gets
//! a new epoch before the lost offsets are given out again.
//!
//! Bounded: two generations of sessions; when the young one is full it becomes the old one, and the old one goes.

use std::collections::HashMap;

use neoron_protocol::SessionId;

/// Sessions in one generation; both hold some 10 MB at most.
const GENERATION: usize = 50_000;

/// An epoch is 16 hex digits.
pub(super) type Place = (u64, u64);

/// The streams seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    young: HashMap<SessionId, Place>,
    old: HashMap<SessionId, Place>,
}

/// An epoch's number.
pub(super) fn epoch_number(epoch: &str) -> Option<u64> {
    u64::from_str_radix(epoch, 16).ok().filter(|_| epoch.len() == 16)
}

impl Seen {
    /// Notes where a stream was seen; within an epoch only what is further on counts.
    pub(super) fn note(&mut self, session: SessionId, epoch: u64, last: u64) {
        let last = match self.get(session) {
            Some((known, further)) if known == epoch && further > last => further,
            _ => last,
        };
        if self.young.len() >= GENERATION && !self.young.contains_key(&session) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(session, (epoch, last));
    }

    /// Where a stream was seen last.
    pub(super) fn get(&self, session: SessionId) -> Option<Place> {
        self.young.get(&session).or_else(|| self.old.get(&session)).copied()
    }
}

#[cfg(test)]
mod tests {
    use neoron_protocol::UnixMillis;

    use super::*;

    fn session(number: u64) -> SessionId {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        SessionId::new(UnixMillis(1), random)
    }

    #[test]
    fn within_an_epoch_nothing_goes_back_and_a_new_epoch_starts_anew() {
        let mut seen = Seen::default();
        seen.note(session(1), 7, 10);
        seen.note(session(1), 7, 4);
        assert_eq!(seen.get(session(1)), Some((7, 10)));
        seen.note(session(1), 8, 4);
        assert_eq!(seen.get(session(1)), Some((8, 4)));
    }

    #[test]
    fn the_number_of_sessions_is_bounded_and_the_newest_stay() {
        let mut seen = Seen::default();
        let count = 3 * GENERATION as u64;
        for number in 0..count {
            seen.note(session(number), 1, 1);
        }
        assert!(seen.young.len() + seen.old.len() <= 2 * GENERATION);
        assert_eq!(seen.get(session(count - 1)), Some((1, 1)));
        assert_eq!(seen.get(session(0)), None);
    }

    #[test]
    fn an_epoch_of_another_form_has_no_number() {
        assert_eq!(epoch_number("00000000000000ff"), Some(255));
        assert_eq!(epoch_number("ff"), None);
        assert_eq!(epoch_number("not sixteen hex."), None);
    }
}

//! The choices. Pure functions over a snapshot; chance comes in as a number.

use std::sync::Arc;

use neoron_protocol::{SessionId, WorkerId};

use super::Worker;

/// What a request wants of its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Room for a new session; where there is none, somebody who lets the visitor wait.
    Room,
    /// To be this session's worker. Any worker can serve any session; the same one has it at hand.
    Session(SessionId),
    /// To be alive.
    Any,
}

/// Who it is.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    /// This one.
    Worker(Arc<Worker>),
    /// There are workers, and all of them are leaving.
    NoRoom,
    /// There is none.
    Nobody,
}

/// Chooses among the healthy workers that were not tried yet.
pub(super) fn choose(workers: &[Arc<Worker>], wanted: Wanted, tried: &[Arc<Worker>], chance: u64) -> Choice {
    let untried = |worker: &&Arc<Worker>| worker.is_healthy() && !tried.iter().any(|known| known.id == worker.id);
    let able: Vec<&Arc<Worker>> = workers.iter().filter(untried).collect();
    if able.is_empty() {
        return Choice::Nobody;
    }
    let chosen = match wanted {
        Wanted::Session(session) => able.into_iter().max_by_key(|worker| (score(session, worker.id), worker.id)),
        Wanted::Any => two_choices(able, chance),
        Wanted::Room => {
            let staying: Vec<_> = able.into_iter().filter(|worker| !worker.draining).collect();
            let open: Vec<_> = staying.iter().copied().filter(|worker| worker.room() > 0).collect();
            match (open.is_empty(), staying.is_empty()) {
                (false, _) => two_choices(open, chance),
                (true, false) => two_choices(staying, chance),
                (true, true) => return Choice::NoRoom,
            }
        }
    };
    chosen.map_or(Choice::Nobody, |worker| Choice::Worker(Arc::clone(worker)))
}

/// The power of two choices: of two by chance, the one with more room. Asking for the most room of all would send every
/// request of every edge to the same worker until its next beat.
fn two_choices(workers: Vec<&Arc<Worker>>, chance: u64) -> Option<&Arc<Worker>> {
    let count = workers.len() as u64;
    if count < 2 {
        return workers.first().copied();
    }
    let first = (chance >> 32) % count;
    // Never the same twice: the second is one of the others.
    let second = (first + 1 + (chance & 0xffff_ffff) % (count - 1)) % count;
    let pair = [first, second].map(|index| workers[usize::try_from(index).unwrap_or(0)]);
    pair.into_iter().max_by_key(|worker| (!worker.draining, worker.room()))
}

/// Rendezvous hashing: every session ranks all workers, and goes to the first that is there. When one leaves, only its
/// own sessions move. The same in every edge and every version, which the standard library's hasher does not promise.
fn score(session: SessionId, worker: WorkerId) -> u64 {
    // FNV-1a, then MurmurHash3's finaliser: FNV alone leaves the last bytes' difference in the low bits.
    let bytes = session.as_str().bytes().chain(worker.as_str().bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests;

//! A bounded queue between async callers and plain threads. Who puts something in never waits: a full queue is an
//! answer. It knows nothing of databases.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::StoreError;

/// What is in the queue; the `usize` is an item's weight in bytes.
struct Inside<T> {
    items: VecDeque<(T, usize)>,
    weight: usize,
    /// Threads that sleep in `take`: nobody is woken when nobody sleeps, which saves a system call for most items
    /// under load.
    sleeping: usize,
    closed: bool,
}

/// The queue. Bounded twice, by items and by bytes, because an item may be some hundred bytes or half a megabyte.
pub(super) struct Queue<T> {
    inside: Mutex<Inside<T>>,
    arrived: Condvar,
    max_items: usize,
    max_weight: usize,
}

impl<T> Queue<T> {
    /// A queue for at most `max_items` of at most `max_weight` bytes together. A single item is always taken by an
    /// empty queue.
    pub(super) fn new(max_items: usize, max_weight: usize) -> Self {
        let inside = Inside { items: VecDeque::new(), weight: 0, sleeping: 0, closed: false };
        Self { inside: Mutex::new(inside), arrived: Condvar::new(), max_items: max_items.max(1), max_weight }
    }

    fn lock(&self) -> MutexGuard<'_, Inside<T>> {
        // Nothing below can panic half-way through a change, so what a poisoned lock guards is whole.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an item at the end.
    ///
    /// # Errors
    /// [`StoreError::Full`], or [`StoreError::Unavailable`] once the queue is closed.
    pub(super) fn push(&self, item: T, weight: usize) -> Result<(), StoreError> {
        let mut inside = self.lock();
        if inside.closed {
            return Err(closed());
        }
        let too_heavy = inside.weight.saturating_add(weight) > self.max_weight && !inside.items.is_empty();
        if inside.items.len() >= self.max_items || too_heavy {
            return Err(StoreError::Full);
        }
        inside.items.push_back((item, weight));
        inside.weight = inside.weight.saturating_add(weight);
        let wake = inside.sleeping > 0;
        drop(inside);
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Takes at most `max` items; waits at most `patience` for the first, and then answers with none. `None` when
    /// the queue is closed and empty.
    pub(super) fn take(&self, max: usize, patience: Duration) -> Option<Vec<T>> {
        let deadline = Instant::now() + patience;
        let mut inside = self.lock();
        while inside.items.is_empty() {
            if inside.closed {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Some(Vec::new());
            }
            inside.sleeping += 1;
            inside = self.arrived.wait_timeout(inside, left).unwrap_or_else(PoisonError::into_inner).0;
            inside.sleeping -= 1;
        }
        let count = inside.items.len().min(max);
        let mut weight = 0;
        let taken = inside.items.drain(..count).map(|(item, its)| {
            weight += its;
            item
        });
        let taken = taken.collect();
        inside.weight = inside.weight.saturating_sub(weight);
        Some(taken)
    }

    /// How many items wait.
    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Takes no more items; what waits is still handed out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }
}

/// The answer of a store that was closed.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{sync::Arc, thread};

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn items_come_out_in_order_and_at_most_as_many_as_asked_for() {
        let queue = Queue::new(10, 100);
        (0..5).for_each(|item| queue.push(item, 1).unwrap());
        assert_eq!(queue.take(3, LONG), Some(vec![0, 1, 2]));
        assert_eq!(queue.take(3, LONG), Some(vec![3, 4]));
        assert_eq!(queue.take(3, Duration::ZERO), Some(vec![]));
    }

    #[test]
    fn a_queue_full_of_items_refuses_one_more_until_one_is_taken() {
        let queue = Queue::new(2, 100);
        queue.push(1, 1).unwrap();
        queue.push(2, 1).unwrap();
        assert!(matches!(queue.push(3, 1), Err(StoreError::Full)));
        queue.take(1, LONG).unwrap();
        assert!(queue.push(3, 1).is_ok());
    }

    #[test]
    fn a_queue_full_of_bytes_refuses_one_more_until_they_are_taken() {
        let queue = Queue::new(10, 100);
        queue.push("large", 90).unwrap();
        assert!(matches!(queue.push("larger", 11), Err(StoreError::Full)));
        queue.push("small", 10).unwrap();
        queue.take(10, LONG).unwrap();
        assert!(queue.push("larger than the bound", 101).is_ok(), "an empty queue takes anything");
    }

    #[test]
    fn a_closed_queue_hands_out_what_waits_and_then_ends() {
        let queue = Queue::new(10, 100);
        queue.push(1, 1).unwrap();
        queue.close();
        assert!(matches!(queue.push(2, 1), Err(StoreError::Unavailable(_))));
        assert_eq!(queue.take(9, LONG), Some(vec![1]));
        assert_eq!(queue.take(9, LONG), None);
    }

    #[test]
    fn a_sleeping_thread_is_woken_by_an_item_and_by_the_end() {
        let queue = Arc::new(Queue::new(10, 100));
        let sleeper = thread::spawn({
            let queue = Arc::clone(&queue);
            move || (queue.take(1, LONG), queue.take(1, LONG))
        });
        queue.push(1, 1).unwrap();
        queue.close();
        assert_eq!(sleeper.join().unwrap(), (Some(vec![1]), None));
    }
}

//! Compare-and-set needs a row to itself between its read and its write; rows do not wait for each
//! other, so that many writers share one sync of the log.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::RowKey;

/// Locks by the first byte of the row key. Row keys are MACs, so they spread evenly; two rows that
/// share a lock only wait for each other.
pub(super) struct RowLocks(Vec<Mutex<()>>);

impl RowLocks {
    pub(super) fn new() -> Self {
        Self((0..=u8::MAX).map(|_| Mutex::new(())).collect())
    }

    /// Holds all of `rows` until the answer is dropped. Always taken in ascending order, so two
    /// callers never wait for each other in a circle.
    pub(super) fn hold(&self, rows: impl Iterator<Item = RowKey>) -> Vec<MutexGuard<'_, ()>> {
        let stripes: BTreeSet<u8> = rows.map(|RowKey([first, ..])| first).collect();
        // A panic while a lock was held leaves nothing half done: the engine's batch is the unit.
        let lock = |stripe| self.0.get(usize::from(stripe)).map(Mutex::lock);
        stripes
            .into_iter()
            .filter_map(lock)
            .map(|held| held.unwrap_or_else(PoisonError::into_inner))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn each_stripe_is_taken_once_and_there_are_as_many_as_first_bytes() {
        let locks = RowLocks::new();
        let rows = (0..=255).chain(0..=255).map(|first| RowKey([first; 32]));
        assert_eq!(locks.hold(rows).len(), 256);
    }

    #[test]
    fn opposite_orders_never_wait_in_a_circle() {
        let locks = Arc::new(RowLocks::new());
        let threads = [[1, 2, 3], [3, 2, 1]].map(|order| {
            let locks = Arc::clone(&locks);
            thread::spawn(move || {
                for _ in 0..10_000 {
                    drop(locks.hold(order.into_iter().map(|first| RowKey([first; 32]))));
                }
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

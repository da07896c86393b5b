//! What the store must hold, in 40 bytes: a sum over all rows, each with the sequence of its last
//! change. It moves with every change and does not depend on their order, so that a start need not
//! read the whole ledger to see that nothing is missing.

use crate::model::RowKey;

use super::record::{Entry, Hmac};

/// A sum of keyed hashes, modulo 2^256, and how many rows went in. Without the key nobody can make
/// another set of rows with the same sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowSet {
    /// The sum, lowest byte first.
    pub(super) sum: [u8; 32],
    /// How many rows.
    pub(super) rows: u64,
}

const DOMAIN: &[u8] = b"fmv1/rows\0";

impl RowSet {
    /// A row is there, last changed by the store's change `sequence`.
    pub fn add(&mut self, row: RowKey, sequence: u64, hmac: &Hmac) {
        self.sum = sum(&self.sum, &hash(row, sequence, hmac), 0);
        self.rows = self.rows.wrapping_add(1);
    }

    fn remove(&mut self, row: RowKey, sequence: u64, hmac: &Hmac) {
        let negated = hash(row, sequence, hmac).map(|byte| !byte);
        self.sum = sum(&self.sum, &negated, 1);
        self.rows = self.rows.wrapping_sub(1);
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// `entry` was recorded.
    pub(super) fn follow(&mut self, entry: &Entry, hmac: &Hmac) {
        let Some(row) = entry.row.filter(|_| entry.event.is_change()) else { return };
        if entry.previous != 0 {
            self.remove(row, entry.previous, hmac);
        }
        self.add(row, entry.store_sequence, hmac);
    }
}

fn hash(row: RowKey, sequence: u64, hmac: &Hmac) -> [u8; 32] {
    hmac(&[DOMAIN, &row.0, &sequence.to_be_bytes()])
}

/// `a + b + carry`, lowest byte first.
fn sum(a: &[u8; 32], b: &[u8; 32], mut carry: u16) -> [u8; 32] {
    let mut out = [0; 32];
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        let [high, low] = digit.to_be_bytes();
        (*out, carry) = (low, u16::from(high));
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(parts: &[&[u8]]) -> [u8; 32] {
        // Not a MAC: enough to tell rows apart, with high digits that carry.
        let mut out = [0xfe_u8; 32];
        for (n, byte) in parts.concat().into_iter().enumerate() {
            out[n % 32] = out[n % 32].wrapping_mul(31).wrapping_add(byte);
        }
        out
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter_and_what_is_removed_is_gone(
            rows in prop::collection::vec((any::<[u8; 32]>(), 1..u64::MAX), 1..20),
            extra in (any::<[u8; 32]>(), 1..u64::MAX),
        ) {
            let set = |rows: &[([u8; 32], u64)]| {
                let mut set = RowSet::default();
                rows.iter().for_each(|(row, sequence)| set.add(RowKey(*row), *sequence, &plain));
                set
            };
            let mut backwards = rows.clone();
            backwards.reverse();
            backwards.insert(0, extra);
            let mut other = set(&backwards);
            prop_assert_ne!(other, set(&rows));
            other.remove(RowKey(extra.0), extra.1, &plain);
            prop_assert_eq!(other, set(&rows));
        }
    }
}

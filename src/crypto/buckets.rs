//! Shred buckets: equal ranges of row keys, in their order.

use super::keyring::Keyring;
use crate::model::RowKey;

impl Keyring {
    /// The bucket `row` belongs to.
    pub fn bucket_of(&self, row: RowKey) -> u16 {
        let [a, b, ..] = row.0;
        let share = u32::from(u16::from_be_bytes([a, b])) * u32::from(self.bucket_count);
        u16::try_from(share >> 16).expect("below the bucket count, which is at most 256")
    }

    /// The first and the last row that belong to `bucket`.
    pub fn rows_of(&self, bucket: u16) -> (RowKey, RowKey) {
        let first = |bucket: u32| (bucket << 16).div_ceil(u32::from(self.bucket_count));
        let row = |start: u32, rest: u8| {
            let mut row = [rest; 32];
            let [_, _, a, b] = start.to_be_bytes();
            (row[0], row[1]) = (a, b);
            RowKey(row)
        };
        let bucket = u32::from(bucket);
        (row(first(bucket), 0), row(first(bucket + 1) - 1, u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Provider;
    use crate::model::{Mode, Timestamp};

    #[test]
    fn buckets_cover_all_rows_without_a_gap() {
        for count in [1, 2, 3, 16, 255, 256] {
            let now = Timestamp::from_millis(1);
            let ring = Keyring::generate(Provider::AwsLc, Mode::Simulator, count, now).unwrap();
            let mut next = 0_u32;
            for bucket in 0..count {
                let (first, last) = ring.rows_of(bucket);
                let start = |row: RowKey| u32::from(u16::from_be_bytes([row.0[0], row.0[1]]));
                assert_eq!(start(first), next, "bucket {bucket} of {count}");
                assert_eq!((ring.bucket_of(first), ring.bucket_of(last)), (bucket, bucket));
                assert!(
                    first.0[2..].iter().all(|b| *b == 0) && last.0[2..].iter().all(|b| *b == 255)
                );
                next = start(last) + 1;
            }
            assert_eq!(next, 1 << 16, "{count} buckets");
        }
    }
}

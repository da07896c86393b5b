//! Keys that records name and the keyring does not have: the wrong keyring, or an older one.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::KekRef;

/// Which keys are missing, and how many records each would open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingKeks(pub BTreeMap<KekRef, u64>);

/// Most keys named in a line; the rest is counted.
const NAMED_MAX: usize = 8;

impl fmt::Display for MissingKeks {
    /// `3 KEKs are missing: bucket 4 epoch 2 for 1204 records, ...`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("1 KEK is missing: ")?,
            count => write!(f, "{count} KEKs are missing: ")?,
        }
        for (at, (kek, records)) in self.0.iter().take(NAMED_MAX).enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let plural = if *records == 1 { "" } else { "s" };
            write!(
                f,
                "{comma}bucket {} epoch {} for {records} record{plural}",
                kek.bucket, kek.epoch
            )?;
        }
        let rest: u64 = self.0.values().skip(NAMED_MAX).sum();
        match self.0.len().saturating_sub(NAMED_MAX) {
            0 => Ok(()),
            more => write!(f, ", and {more} more for {rest} records"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_each_key_and_how_many_records_need_it() {
        let missing = |count: u16| {
            let kek = |bucket| KekRef { bucket, epoch: 2, id: [0; 16] };
            let each = (0..count).map(|bucket| (kek(bucket), u64::from(bucket) + 1));
            MissingKeks(each.collect()).to_string()
        };
        assert_eq!(missing(1), "1 KEK is missing: bucket 0 epoch 2 for 1 record");
        assert_eq!(
            missing(2),
            "2 KEKs are missing: bucket 0 epoch 2 for 1 record, bucket 1 epoch 2 for 2 records"
        );
        assert!(missing(10).ends_with("bucket 7 epoch 2 for 8 records, and 2 more for 19 records"));
    }
}

//! Nothing old remains in the files: what was replaced or removed is left out when they are rewritten.

use std::thread;
use std::time::{Duration, Instant};

use rocksdb::{BottommostLevelCompaction, CompactOptions};

use super::engine::Engine;
use super::settings::{DUE, META, PREFIX};
use super::{StoreError, fault};

/// Longest a reader may keep the moment it looks at.
const READERS_MAX: Duration = Duration::from_secs(60);
/// How often to look whether the last one has gone.
const READERS_PAUSE: Duration = Duration::from_millis(5);

impl Engine {
    /// Brings the memtables into files, so that the log ends, and rewrites the small families. Bodies are
    /// in files of their own, which are rewritten as they fill up with what was removed; without their
    /// prefix they do not open.
    pub(super) fn drop_replaced(&self) -> Result<(), StoreError> {
        // What a reader's moment still shows is kept; so those that began before must be over.
        self.wait_for_readers()?;
        self.flush()?;
        for name in [META, PREFIX, DUE] {
            let mut all = CompactOptions::default();
            all.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
            all.set_exclusive_manual_compaction(false);
            let whole = (None::<&[u8]>, None::<&[u8]>);
            self.db.compact_range_cf_opt(self.family(name), whole.0, whole.1, &all);
        }
        // The engine tells nobody that it could not: it counts.
        self.check_writable()
    }

    fn wait_for_readers(&self) -> Result<(), StoreError> {
        let (now, began) = (self.db.latest_sequence_number(), Instant::now());
        loop {
            let oldest = self.db.property_int_value("rocksdb.oldest-snapshot-sequence");
            match oldest.map_err(|error| fault::of_write(error.as_ref()))? {
                Some(oldest) if oldest != 0 && oldest < now => {}
                Some(_) | None => return Ok(()),
            }
            if began.elapsed() > READERS_MAX {
                return Err(StoreError::Unavailable("a reader does not end".to_owned()));
            }
            thread::sleep(READERS_PAUSE);
        }
    }
}

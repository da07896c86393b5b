//! Nothing old remains in the files: what was replaced or removed is left out when they are rewritten.

use std::collections::HashSet;
use std::fs;

use rocksdb::{BottommostLevelCompaction, CompactOptions};

use super::StoreError;
use super::engine::Engine;
use super::settings::{DUE, META, PREFIX};

impl Engine {
    /// Brings the memtables into files, so that the log ends, and rewrites the small families. Bodies are
    /// in files of their own, which are rewritten as they fill up with what was removed; without their
    /// prefix they do not open. What a reader's moment still shows is kept.
    pub(super) fn drop_replaced(&self) -> Result<(), StoreError> {
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

    /// Whether files are left that no longer belong to the store: they are removed in the background.
    pub(super) fn has_leftovers(&self) -> Result<bool, StoreError> {
        let failed = |what: String| StoreError::Unavailable(what);
        let live = self.db.live_files().map_err(|error| failed(error.into_string()))?;
        let live: HashSet<_> = live.into_iter().map(|file| file.name).collect();
        for file in fs::read_dir(&self.path).map_err(|error| failed(error.to_string()))? {
            let name = file.map_err(|error| failed(error.to_string()))?.file_name();
            let name = format!("/{}", name.to_string_lossy());
            if name.ends_with(".sst") && !live.contains(&name) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether somebody still looks at a moment before change number `now` of the engine.
    pub(super) fn is_read_before(&self, now: u64) -> Result<bool, StoreError> {
        let oldest = self.db.property_int_value("rocksdb.oldest-snapshot-sequence");
        let oldest = oldest.map_err(|error| StoreError::Unavailable(error.into_string()))?;
        Ok(oldest.is_some_and(|oldest| oldest != 0 && oldest < now))
    }
}

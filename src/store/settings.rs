//! How RocksDB is set up. Each value that is not RocksDB's own says why.

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, LogLevel,
    Options as EngineOptions, ReadOptions, WriteOptions,
};

/// Sizes of a RocksDB store. The defaults suit production; tests take less memory.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of one memtable; each column family has up to three. Default 64 MiB: larger ones were
    /// not faster, smaller ones write more often.
    pub memtable_len: usize,
    /// Bytes of the cache for data, index and filter blocks together. Default 64 MiB.
    pub cache_len: usize,
    /// Most files the engine keeps open. Default 512, half of the usual limit of a process.
    pub open_files_max: i32,
    /// Bytes that must remain free on the disk for a change to be accepted. Default 256 MiB: what
    /// the engine writes on its own account (memtables, compaction) must still find room, because
    /// a disk that fills up in the middle of a write stops the store until it is opened anew.
    pub free_min: u64,
    /// Take the log up to the first damage in it, instead of refusing. Default no: only whoever knows
    /// what was acknowledged can tell whether that is enough.
    pub up_to_damage: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memtable_len: 64 << 20,
            cache_len: 64 << 20,
            open_files_max: 512,
            free_min: 256 << 20,
            up_to_damage: false,
        }
    }
}

/// One small row per account.
pub(super) const META: &str = "meta";
/// The first bytes of the sealed facemaps, under the same keys: what tells whether a data key is theirs,
/// without reading them.
pub(super) const PREFIX: &str = "prefix";
/// The rest of the sealed facemaps.
pub(super) const BODY: &str = "body";
/// Time and row key; no values.
pub(super) const DUE: &str = "due";

/// Values from this size on live in blob files, which compaction does not copy again and again.
const BLOB_LEN_MIN: u64 = 4 << 10;
/// Blob files among the oldest quarter are rewritten once enough in them is erased.
const BLOB_GC_AGE_CUTOFF: f64 = 0.25;
/// Spreads the disk's work instead of saving it up for one long pause.
const BYTES_PER_SYNC: u64 = 1 << 20;
/// 1 % false positives: most lookups of unknown accounts never touch the disk.
const BLOOM_BITS: f64 = 10.0;
/// The engine's own log: small, and only a few of them.
const INFO_LOG_LEN: usize = 1 << 20;
const INFO_LOG_FILES: usize = 3;

/// What concerns the database as a whole.
pub(super) fn engine(options: &Options) -> EngineOptions {
    let mut engine = EngineOptions::default();
    // The default mode, and the strictest one too, can open after damage in the middle of the log
    // without a word and without acknowledged records. This one refuses.
    engine.set_wal_recovery_mode(match options.up_to_damage {
        false => DBRecoveryMode::TolerateCorruptedTailRecords,
        true => DBRecoveryMode::PointInTime,
    });
    engine.set_track_and_verify_wals_in_manifest(!options.up_to_damage);
    engine.set_paranoid_checks(true);
    // Record, body and due index reach their files together, even if the log should be lost.
    engine.set_atomic_flush(true);
    engine.set_max_background_jobs(2);
    engine.set_bytes_per_sync(BYTES_PER_SYNC);
    engine.set_wal_bytes_per_sync(BYTES_PER_SYNC);
    engine.set_max_total_wal_size(4 * u64::try_from(options.memtable_len).unwrap_or(u64::MAX / 4));
    engine.set_max_open_files(options.open_files_max);
    engine.set_log_level(LogLevel::Warn);
    engine.set_max_log_file_size(INFO_LOG_LEN);
    engine.set_keep_log_file_num(INFO_LOG_FILES);
    engine.set_stats_dump_period_sec(0);
    engine.set_stats_persist_period_sec(0);
    engine
}

/// The column families. They share one block cache.
pub(super) fn families(options: &Options) -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(options.cache_len);
    [rocksdb::DEFAULT_COLUMN_FAMILY_NAME, META, PREFIX, BODY, DUE]
        .map(|name| ColumnFamilyDescriptor::new(name, family(name, options, &cache)))
        .into()
}

fn family(name: &str, options: &Options, cache: &Cache) -> EngineOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    if name != DUE {
        table.set_bloom_filter(BLOOM_BITS, false);
        table.set_whole_key_filtering(true);
    }

    let mut family = EngineOptions::default();
    family.set_block_based_table_factory(&table);
    // Ciphertext does not shrink.
    family.set_compression_type(DBCompressionType::None);
    family.set_level_compaction_dynamic_level_bytes(true);
    family.set_write_buffer_size(options.memtable_len);
    family.set_max_write_buffer_number(3);
    if name == BODY {
        family.set_enable_blob_files(true);
        family.set_min_blob_size(BLOB_LEN_MIN);
        family.set_blob_compression_type(DBCompressionType::None);
        family.set_enable_blob_gc(true);
        family.set_blob_gc_age_cutoff(BLOB_GC_AGE_CUTOFF);
    }
    family
}

/// Every read checks what it reads.
pub(super) fn read() -> ReadOptions {
    let mut read = ReadOptions::default();
    read.set_verify_checksums(true);
    read
}

/// Every write is on the disk before it is acknowledged, and none waits inside the engine: while a
/// full disk keeps memtables from being written, it would wait without end (seen with RocksDB 11.8).
pub(super) fn synced() -> WriteOptions {
    let mut write = WriteOptions::default();
    write.set_sync(true);
    write.set_no_slowdown(true);
    write
}

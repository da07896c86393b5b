//! RocksDB stores for tests: small, in directories of their own.

use std::fs;
use std::path::Path;

use facemap_vault::model::{Mode, VaultId};
use facemap_vault::store::{Identity, OpenError, Options, RocksStore};
use rocksdb::DB;

/// Whose store the tests' stores are.
pub(crate) const IDENTITY: Identity =
    Identity { vault_id: VaultId([9; 16]), mode: Mode::Simulator };

/// Small sizes, and no demand on the disk.
pub(crate) fn small() -> Options {
    Options {
        memtable_len: 1 << 20,
        cache_len: 1 << 20,
        open_files_max: 64,
        free_min: 0,
        ..Options::default()
    }
}

/// A new store in the directory `store` of `dir`.
pub(crate) fn rocks_store(dir: &Path) -> RocksStore {
    RocksStore::create(&dir.join("store"), IDENTITY, &small()).unwrap()
}

/// Opens what [`rocks_store`] made.
pub(crate) fn open(path: &Path) -> Result<RocksStore, OpenError> {
    RocksStore::open(path, IDENTITY, &small())
}

/// The database without our checks.
pub(crate) fn raw(path: &Path) -> DB {
    DB::open_cf(&rocksdb::Options::default(), path, ["default", "meta", "prefix", "body", "due"])
        .unwrap()
}

/// The names of the files in `path`, sorted.
pub(crate) fn listing(path: &Path) -> Vec<String> {
    let name =
        |file: std::io::Result<fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(path).unwrap().map(name).collect();
    names.sort();
    names
}

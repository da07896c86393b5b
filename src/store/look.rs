//! A look at a store before it is opened for writing, and at a copy that must stay as it is.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rocksdb::{DB, IteratorMode};

use crate::model::{KekRef, SealedRecord};

use super::open::{check_identity, locked, refused, refused_by_system};
use super::settings::{self, META, Options};
use super::slot::Slot;
use super::{Identity, OpenError, RocksStore, StoreError, fault};

/// What the clear parts of a store say. No key is needed to know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// How many records each KEK wraps.
    pub keks: BTreeMap<KekRef, u64>,
    /// The highest change number of a record.
    pub sequence: u64,
    /// The highest sequence number of a keyring that this store was used with; 0 if nobody said.
    pub keyring_sequence: u64,
}

const KEYRING_KEY: &[u8] = b"keyring sequence";

impl Look {
    /// Walks through the records of a database that is open for reading. A stretch that fails its
    /// checksum ends the walk: what is behind it is counted once the store is open.
    pub(super) fn at(db: &DB, path: &Path) -> Result<Self, OpenError> {
        let failed = |error| refused(path, error);
        let mut look = Self::default();
        if let Some(bytes) = db.get_opt(KEYRING_KEY, &settings::read()).map_err(failed)? {
            let sequence = bytes.try_into().map(u64::from_be_bytes);
            let what = "its keyring sequence is unreadable".to_owned();
            look.keyring_sequence =
                sequence.map_err(|_| OpenError::Damaged { path: path.to_owned(), what })?;
        }
        let Some(meta) = db.cf_handle(META) else { return Ok(look) };
        let mut read = settings::read();
        read.fill_cache(false);
        for entry in db.iterator_cf_opt(meta, read, IteratorMode::Start) {
            match entry {
                Ok((_, bytes)) => {
                    let Ok(record) = SealedRecord::parse(&bytes) else { continue };
                    *look.keks.entry(record.header.kek).or_default() += 1;
                    look.sequence = look.sequence.max(record.header.sequence);
                }
                Err(error) if fault::is_damage(error.as_ref()) => break,
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(look)
    }
}

/// Writes down in a store which keyring it is used with.
#[derive(Clone)]
pub struct KeyringNote(Arc<Slot>);

impl KeyringNote {
    /// From now on a keyring of a lower sequence number is an older copy. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. The store is then as it was.
    pub fn write(&self, sequence: u64) -> Result<(), StoreError> {
        let bytes = sequence.to_be_bytes();
        self.0.with(|engine| {
            let put = engine.db.put_opt(KEYRING_KEY, bytes, &settings::synced());
            put.map_err(|error| fault::of_write(error.as_ref()))
        })
    }
}

impl RocksStore {
    /// What writes down which keyring this store is used with.
    pub fn keyring_note(&self) -> KeyringNote {
        KeyringNote(Arc::clone(&self.slot))
    }

    /// Opens a copy of the store that `identity` tells, for reading alone. Nothing in it changes, and
    /// every change is refused.
    ///
    /// # Errors
    ///
    /// As [`Self::open`]. [`OpenError::Locked`] also for a store that a vault is using: that is none
    /// to try things with.
    pub fn open_copy(
        path: &Path,
        identity: Identity,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let io = |source| refused_by_system(path, source);
        if !path.join("CURRENT").exists() {
            return Err(OpenError::Missing { path: path.to_owned() });
        }
        let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(OpenError::Exposed { path: path.to_owned(), mode });
        }
        match File::open(path).map_err(io)?.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(path)),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        check_identity(path, identity, options)?;
        let engine = settings::engine(options);
        let families = settings::families(options);
        let db = DB::open_cf_descriptors_read_only(&engine, path, families, false)
            .map_err(|error| refused(path, error))?;
        let slot = Slot::for_reading(db, path.to_owned(), options.clone(), None);
        Ok(Self { slot: Arc::new(slot) })
    }
}

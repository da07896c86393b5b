//! Opening a store, and everything that speaks against it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rocksdb::{DB, DEFAULT_COLUMN_FAMILY_NAME};

use crate::model::{Mode, Timestamp, VaultId, make_private_dir};

use super::look::Look;
use super::owner::{Owner, Ownership};
use super::settings::{self, META, Options};
use super::slot::Slot;
use super::{OpenError, RocksStore, StoreError, fault, framing};

/// Whose store it is. Written once, at creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The vault whose keyring opens the records.
    pub vault_id: VaultId,
    /// Whether the facemaps in it are real.
    pub mode: Mode,
}

const IDENTITY_KEY: &[u8] = b"identity";
/// The layout of the column families that this program writes and reads.
const FORMAT: u16 = 1;

impl RocksStore {
    /// Creates an empty store in `path`, a directory that does not exist or is empty.
    ///
    /// # Errors
    ///
    /// [`OpenError::Exists`] if there is anything already; otherwise by what is wrong.
    pub fn create(path: &Path, identity: Identity, options: &Options) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        match fs::read_dir(path).map(|mut files| files.next().is_none()) {
            Ok(false) => return Err(OpenError::Exists { path: path.to_owned() }),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            Ok(true) | Err(_) => make_private_dir(path).map_err(io)?,
        }
        let ownership = take(path)?;

        let mut engine = settings::engine(options);
        engine.create_if_missing(true);
        engine.create_missing_column_families(true);
        engine.set_error_if_exists(true);
        let db = DB::open_cf_descriptors(&engine, path, settings::families(options))
            .map_err(|error| refused(path, error))?;
        db.put_opt(IDENTITY_KEY, identity.to_bytes(), &settings::synced())
            .map_err(|error| refused(path, error))?;
        Self::start(path, db, ownership, options)
    }

    /// Opens the store in `path`, if it is the one that `identity` tells.
    ///
    /// # Errors
    ///
    /// [`OpenError`], by what speaks against it. The store was not changed then, unless it is
    /// [`OpenError::Engine`].
    pub fn open(path: &Path, identity: Identity, options: &Options) -> Result<Self, OpenError> {
        Self::open_if(path, identity, options, |_| Ok(()))
    }

    /// Opens the store in `path` if `check` has nothing against what the look at it found. Until then
    /// nothing in it changes.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], and those of `check`.
    pub fn open_if<E: From<OpenError>>(
        path: &Path,
        identity: Identity,
        options: &Options,
        check: impl FnOnce(&Look) -> Result<(), E>,
    ) -> Result<Self, E> {
        if !path.join("CURRENT").exists() {
            return Err(without_current(path).into());
        }
        let ownership = take(path)?;
        check(&check_identity(path, identity, options)?)?;

        let db = settings::engine(options);
        let db = DB::open_cf_descriptors(&db, path, settings::families(options))
            .map_err(|error| refused(path, error))?;
        Ok(Self::start(path, db, ownership, options)?)
    }

    /// Opens the store for reading only: nothing on the disk changes.
    ///
    /// # Errors
    ///
    /// As [`RocksStore::open`].
    pub fn look(path: &Path, identity: Identity, options: &Options) -> Result<Self, OpenError> {
        if !path.join("CURRENT").exists() {
            return Err(OpenError::Missing { path: path.to_owned() });
        }
        let ownership = take(path)?;
        check_identity(path, identity, options)?;
        let db = settings::engine(options);
        let families = settings::families(options);
        let db = DB::open_cf_descriptors_read_only(&db, path, families, false)
            .map_err(|error| refused(path, error))?;
        let slot = Slot::for_reading(db, path.to_owned(), options.clone(), Some(ownership));
        Ok(Self { slot: Arc::new(slot) })
    }

    fn start(
        path: &Path,
        db: DB,
        ownership: Ownership,
        options: &Options,
    ) -> Result<Self, OpenError> {
        ownership
            .announce(Owner::this_process(Timestamp::now()))
            .map_err(|source| refused_by_system(path, source))?;
        let slot = Slot::new(db, path.to_owned(), options.clone(), ownership);
        Ok(Self { slot: Arc::new(slot) })
    }
}

/// What a directory without the file that the engine begins with is: none of ours, one in which creating
/// a store did not come far enough to keep anything, or a store that lost this file.
fn without_current(path: &Path) -> OpenError {
    let files: Vec<_> = fs::read_dir(path).into_iter().flatten().flatten().collect();
    let path = path.to_owned();
    let kept = |file: &fs::DirEntry| {
        let name = file.file_name();
        let kind = Path::new(&name).extension().and_then(|kind| kind.to_str());
        let content = file.metadata().is_ok_and(|file| file.len() > 0);
        matches!(kind, Some("sst" | "blob" | "log")) && content
    };
    if files.is_empty() {
        OpenError::Missing { path }
    } else if files.iter().any(kept) {
        OpenError::Damaged { path, what: "its file CURRENT is missing".to_owned() }
    } else {
        OpenError::Unfinished { path }
    }
}

/// The lock on a directory that nobody but its owner may enter.
fn take(path: &Path) -> Result<Ownership, OpenError> {
    let io = |source| refused_by_system(path, source);
    let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(OpenError::Exposed { path: path.to_owned(), mode });
    }
    Ownership::take(path).map_err(io)?.ok_or_else(|| locked(path))
}

/// Looks before opening for writing, so that a store of somebody else, or of a newer program, stays
/// as it is.
pub(super) fn check_identity(
    path: &Path,
    wanted: Identity,
    options: &Options,
) -> Result<Look, OpenError> {
    if let Some(what) = framing::endless(path).map_err(|source| refused_by_system(path, source))? {
        return Err(OpenError::Damaged { path: path.to_owned(), what });
    }
    let engine = settings::engine(options);
    let db = DB::open_cf_for_read_only(&engine, path, [DEFAULT_COLUMN_FAMILY_NAME, META], false)
        .map_err(|error| refused(path, error))?;
    let bytes = db
        .get_opt(IDENTITY_KEY, &settings::read())
        .map_err(|error| refused(path, error))?
        .ok_or_else(|| OpenError::Unfinished { path: path.to_owned() })?;
    let look = || Look::at(&db, path);
    let path = path.to_owned();
    let found = match Identity::parse(&bytes) {
        Ok(found) => found,
        Err(Some(format)) => return Err(OpenError::Newer { path, format }),
        Err(None) => {
            return Err(OpenError::Damaged { path, what: "its identity is unreadable".into() });
        }
    };
    if found.mode != wanted.mode {
        return Err(OpenError::OtherMode { path, store: found.mode, wanted: wanted.mode });
    }
    if found.vault_id != wanted.vault_id {
        return Err(OpenError::OtherVault { path });
    }
    look()
}

impl Identity {
    fn to_bytes(self) -> Vec<u8> {
        let mode = match self.mode {
            Mode::Production => 1,
            Mode::Simulator => 2,
        };
        [&FORMAT.to_be_bytes(), [mode].as_slice(), &self.vault_id.0].concat()
    }

    /// The identity in `bytes`; else the format number if it is not ours, which every format
    /// begins with.
    fn parse(bytes: &[u8]) -> Result<Self, Option<u16>> {
        let (format, rest) = bytes.split_first_chunk().ok_or(None)?;
        let format = u16::from_be_bytes(*format);
        if format != FORMAT {
            return Err(Some(format));
        }
        let (mode, vault_id) = rest.split_first().ok_or(None)?;
        let mode = match mode {
            1 => Mode::Production,
            2 => Mode::Simulator,
            _ => return Err(None),
        };
        Ok(Self { vault_id: VaultId(vault_id.try_into().map_err(|_| None)?), mode })
    }
}

pub(super) fn locked(path: &Path) -> OpenError {
    let owner = Owner::of(path);
    OpenError::Locked {
        path: path.to_owned(),
        pid: owner.map(|owner| owner.pid),
        since: owner.map(|owner| owner.since),
    }
}

pub(super) fn refused(path: &Path, error: rocksdb::Error) -> OpenError {
    if fault::is_locked(error.as_ref()) {
        return locked(path);
    }
    let (path, what) = (path.to_owned(), error.into_string());
    // Families are made one after the other, before the identity: this was a creation cut short.
    if what.contains("Column family not found") {
        return OpenError::Unfinished { path };
    }
    if fault::is_damage(&what) {
        return OpenError::Damaged { path, what };
    }
    match fault::of_disk(&what) {
        Some(StoreError::Full) => OpenError::Full { path },
        Some(StoreError::ReadOnly) => OpenError::ReadOnly { path },
        Some(_) | None => OpenError::Engine { path, what },
    }
}

pub(super) fn refused_by_system(path: &Path, source: io::Error) -> OpenError {
    let path = path.to_owned();
    match fault::of_system(&source) {
        Some(StoreError::Full) => OpenError::Full { path },
        Some(StoreError::ReadOnly) => OpenError::ReadOnly { path },
        Some(_) | None => OpenError::Io { path, source },
    }
}

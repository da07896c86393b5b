//! Whether a file may be run as code that sees keys: nobody but root and we could have changed it.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Permission bits with which others than the owner may write.
const OTHERS_WRITE: u32 = 0o022;
/// In such a directory others can write, but not rename or remove what is not theirs.
const STICKY: u32 = 0o1000;

/// Refuses `path` unless it is the plain absolute path of a regular file without a symbolic link in it,
/// and the file and every directory above it belong to root or to this user and are not writable by
/// others.
///
/// # Errors
///
/// [`OwnedError`], naming what is wrong.
pub(super) fn check_owned(path: &Path) -> Result<(), OwnedError> {
    let io = |at: &Path| {
        let path = at.to_owned();
        move |source| OwnedError::Io { path, source }
    };
    if !path.is_absolute() {
        return Err(OwnedError::Relative { path: path.to_owned() });
    }
    let real = path.canonicalize().map_err(io(path))?;
    if real != path {
        return Err(OwnedError::Detour { path: path.to_owned(), real });
    }
    let file = fs::symlink_metadata(path).map_err(io(path))?;
    if !file.is_file() {
        return Err(OwnedError::NotAFile { path: path.to_owned() });
    }
    check_one(path, &file, 0)?;
    for (above, dir) in path.ancestors().skip(1).enumerate() {
        let data = fs::symlink_metadata(dir).map_err(io(dir))?;
        // The file's own directory must not be shared at all: its neighbours could be replaced.
        check_one(dir, &data, if above == 0 { 0 } else { STICKY })?;
    }
    Ok(())
}

fn check_one(path: &Path, data: &Metadata, excused_by: u32) -> Result<(), OwnedError> {
    let path = path.to_owned();
    let owner = data.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(OwnedError::Foreign { path, owner });
    }
    let mode = data.mode() & 0o7777;
    if mode & OTHERS_WRITE != 0 && mode & excused_by == 0 {
        return Err(OwnedError::Writable { path, mode });
    }
    Ok(())
}

/// Why a file is not run.
#[derive(Debug, thiserror::Error)]
pub enum OwnedError {
    /// It depends on where the vault was started.
    #[error("{} is not run: its path must be absolute", path.display())]
    Relative {
        /// As it was named.
        path: PathBuf,
    },
    /// There is a symbolic link, or `..`, on the way.
    #[error("{} is not run: it leads elsewhere; name {} itself", path.display(), real.display())]
    Detour {
        /// As it was named.
        path: PathBuf,
        /// Where it leads.
        real: PathBuf,
    },
    /// A directory or a device.
    #[error("{} is not run: it is not a regular file", path.display())]
    NotAFile {
        /// What it is not.
        path: PathBuf,
    },
    /// Somebody else could have changed it.
    #[error("{} belongs to user {owner}, so nothing in it is run: run `chown root {}`", path.display(), path.display())]
    Foreign {
        /// The file, or a directory above it.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// Others could change it.
    #[error("{} has mode {mode:04o}, so nothing in it is run: run `chmod go-w {}`", path.display(), path.display())]
    Writable {
        /// The file, or a directory above it.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was looked at.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

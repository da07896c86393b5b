//! Directories that are there after a power cut, and for nobody else.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Makes the directory `path` and those above it that are missing, for the owner alone. A new file is
/// durable only if its directory's name is, so that is synced too, all the way up.
///
/// # Errors
///
/// What the system says. That `path` is there already is none.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    let above = path.ancestors().skip(1).take_while(|dir| !dir.as_os_str().is_empty());
    let missing: Vec<_> = above.take_while(|dir| !dir.exists()).collect();
    for dir in missing.into_iter().rev().chain([path]) {
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

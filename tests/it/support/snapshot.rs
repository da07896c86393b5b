//! What lies in a directory, so that a test can see that nothing was written.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// One file or directory: its path, when it was last changed, its mode, and what is in it.
type Entry = (String, (i64, i64), u32, Vec<u8>);

/// Everything below `dir`, byte for byte, with the time of the last change: a file that was written and
/// written back, or came and went, is noticed too.
pub(crate) fn snapshot(dir: &Path) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(path) = open.pop() {
        let data = fs::symlink_metadata(&path).unwrap();
        let content = match data.is_file() {
            true => fs::read(&path).unwrap(),
            false => Vec::new(),
        };
        found.push((
            path.display().to_string(),
            (data.mtime(), data.mtime_nsec()),
            data.mode(),
            content,
        ));
        if data.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found.sort();
    found
}

/// Copies a directory with all its files, as an operator would with `cp -a`.
pub(crate) fn copy(from: &Path, to: &Path) {
    let mode = fs::metadata(from).unwrap().permissions();
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, mode).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

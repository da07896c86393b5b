//! Whether files have changed.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// How some files looked when they were last asked for.
#[derive(Debug)]
pub struct Stamps {
    paths: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
}

/// What changes with a file's content, or with the file behind a link. No two of them alike.
type Stamp = (u64, u64, u64, i64, i64);

impl Stamps {
    /// The files as they are.
    pub fn of(paths: Vec<PathBuf>) -> Self {
        let seen = look(&paths);
        Self { paths, seen }
    }

    /// Whether any of them changed since this was last asked.
    pub fn changed(&mut self) -> bool {
        let now = look(&self.paths);
        let changed = now != self.seen;
        self.seen = now;
        changed
    }
}

fn look(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |path: &PathBuf| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.dev(), found.ino(), found.len(), found.ctime(), found.ctime_nsec()))
    };
    paths.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_exchanged_or_gone_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "one").unwrap();
        let mut stamps = Stamps::of(vec![path.clone()]);
        assert!(!stamps.changed());
        std::fs::write(&path, "longer").unwrap();
        assert!(stamps.changed() && !stamps.changed());
        let other = dir.path().join("other");
        std::fs::write(&other, "longer").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(stamps.changed() && !stamps.changed());
        std::fs::remove_file(&path).unwrap();
        assert!(stamps.changed() && !stamps.changed());
    }
}

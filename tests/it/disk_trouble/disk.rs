//! File systems of a test's own. They need the right to mount; without it they say that they are skipped.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory, gone when dropped.
pub(crate) struct Tmpfs(PathBuf);

impl Tmpfs {
    /// Mounts one of `size` at `dir`, which is made.
    pub(crate) fn mount(dir: &Path, size: &str) -> Option<Self> {
        fs::create_dir(dir).unwrap();
        let options = format!("size={size},mode=700");
        runs("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", text(dir)])
            .then(|| Self(dir.to_owned()))
    }

    /// Leaves no room at all.
    pub(crate) fn fill(&self) {
        let mut file = File::create(self.0.join("filler")).unwrap();
        let piece = vec![1; 1 << 20];
        while file.write_all(&piece).is_ok() {}
    }

    pub(crate) fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }

    pub(crate) fn read_only(&self, yes: bool) {
        let how = if yes { "remount,ro" } else { "remount,rw" };
        assert!(runs("mount", &["-o", how, text(&self.0)]));
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        unmount(&self.0);
    }
}

/// A file system in a file, which can be made to find an error in itself. Gone when dropped.
pub(crate) struct Ext4 {
    dir: PathBuf,
    device: String,
}

impl Ext4 {
    /// Mounts one of `size` at `dir`, which is made.
    pub(crate) fn mount(dir: &Path, size: &str) -> Option<Self> {
        fs::create_dir(dir).unwrap();
        let image = dir.with_extension("image");
        let made = runs("truncate", &["-s", size, text(&image)])
            && runs("mkfs.ext4", &["-q", text(&image)])
            && runs("mount", &["-o", "loop,errors=remount-ro", text(&image), text(dir)]);
        if !made {
            return None;
        }
        let source = Command::new("findmnt").args(["-no", "SOURCE", text(dir)]).output().unwrap();
        let source = String::from_utf8(source.stdout).unwrap();
        let device = source.trim().trim_start_matches("/dev/").to_owned();
        Some(Self { dir: dir.to_owned(), device })
    }

    /// Whoever writes there waits, until [`Self::release`].
    pub(crate) fn stall(&self) {
        assert!(runs("fsfreeze", &["-f", text(&self.dir)]));
    }

    pub(crate) fn release(&self) {
        assert!(runs("fsfreeze", &["-u", text(&self.dir)]));
    }

    /// Lets it find an error, upon which it turns read-only.
    pub(crate) fn break_it(&self) {
        fs::write(format!("/sys/fs/ext4/{}/trigger_fs_error", self.device), "1").unwrap();
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        // A failed test may have left it stalled, and nothing of it could be let go then.
        let _ = Command::new("fsfreeze").args(["-u", text(&self.dir)]).output();
        unmount(&self.dir);
    }
}

fn unmount(dir: &Path) {
    // Lazily, as a failed test may still have files open.
    assert!(runs("umount", &["-l", text(dir)]));
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn runs(program: &str, arguments: &[&str]) -> bool {
    let ran = Command::new(program).args(arguments).output();
    let well = ran.as_ref().is_ok_and(|done| done.status.success());
    if !well {
        eprintln!("skipped: {program} {arguments:?} is not possible here: {ran:?}");
    }
    well
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

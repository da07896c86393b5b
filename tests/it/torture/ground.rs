//! Where faults happen: a vault with its Jumio, and copies of its directory.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tempfile::TempDir;

use super::disk::Left;
use super::report::copy;
use super::shim::Shim;
use crate::support::rng::Rng;
use crate::support::site::{Person, Site, write_private};

/// What the vault keeps in files, by their names in its directory.
pub(super) const KEPT: [&str; 3] = ["store", "keyring", "audit"];

/// A site with keys and an empty store. Its sweep runs each second.
pub(super) async fn ground() -> Site {
    let site = Site::start(&[("sweep.interval", "1s")]).await;
    site.keys_init().await;
    site
}

/// What of `dir` the shim has to watch.
pub(super) fn watched(dir: &Path) -> Vec<PathBuf> {
    KEPT.map(|name| dir.join(name)).to_vec()
}

/// A shim that records what the vault of `site` does. Its own files are beside, not in the directory.
pub(super) fn recorder(site: &Site, beside: &TempDir) -> Shim {
    Shim::recording(beside.path(), &watched(site.dir.path()))
}

/// Onboards people, each with a facemap that is a mark of their own over and over. Small ones stay in
/// the record's table, large ones go to files of their own.
pub(super) async fn onboard(site: &Site, rng: &mut Rng, count: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for _ in 0..count {
        let times = rng.pick(&[1, 50, 300, 3_000]);
        let facemap = BASE64_STANDARD.encode(rng.bytes(64).repeat(times));
        people.push(site.onboard(json!({ "facemap_base64": facemap })).await);
    }
    people
}

/// A copy of a site's directory that a server can run on beside the others, with the same Jumio.
pub(super) struct Copy {
    dir: TempDir,
}

impl Copy {
    /// A copy of `from`, which is the directory of `site` or another copy of it.
    pub(super) fn of(site: &Site, from: &Path) -> Self {
        let copied = Self { dir: TempDir::with_prefix("fmvault-copy-").unwrap() };
        copy(from, &copied.path());
        copied.settle(site);
        copied
    }

    /// A copy with what `write` makes in the directory it is given, which is not there yet.
    pub(super) fn made(site: &Site, write: impl FnOnce(&Path)) -> Self {
        let made = Self { dir: TempDir::with_prefix("fmvault-copy-").unwrap() };
        write(&made.path());
        made.settle(site);
        made
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("vault")
    }

    /// The settings name files of this directory, whatever they named before.
    fn settle(&self, site: &Site) {
        let settings = fs::read_to_string(site.settings_file()).unwrap();
        let (old, new) = (site.dir.path().display().to_string(), self.path().display().to_string());
        fs::write(self.path().join("fmvault.toml"), settings.replace(&old, &new)).unwrap();
    }
}

/// Makes real files below `dir`, which is made too, as private as the vault wants them.
pub(super) fn write(left: &Left, dir: &Path) {
    let make = |path: &Path| DirBuilder::new().mode(0o700).create(path).unwrap();
    make(dir);
    // A directory comes before what is in it.
    for (path, content) in left {
        let path = dir.join(path);
        match content {
            None => make(&path),
            Some(content) => {
                write_private(&path, content);
            }
        }
    }
}

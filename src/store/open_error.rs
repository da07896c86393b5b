//! Why a store cannot be opened, in words for the person who must act.

use std::io;
use std::path::PathBuf;

use crate::model::{Mode, Timestamp};

/// Why a store cannot be opened or created. Each text ends with what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no store.
    #[error("there is no store in {path}: run `fmvault keys init` to create one, or correct the path", path = path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// There is something already, so none is created.
    #[error("{path} is not empty: a store is created in a new or empty directory only", path = path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// Another process has it open.
    #[error(
        "the store in {path} is in use by {owner}: while that runs, ask it with commands such as \
         `fmvault status`, or stop it first",
        path = path.display(),
        owner = owner_text(*pid, *since)
    )]
    Locked {
        /// Where.
        path: PathBuf,
        /// The other's process id, if it could be told.
        pid: Option<u32>,
        /// When the other opened it, if it could be told.
        since: Option<Timestamp>,
    },
    /// Others than its owner may enter the directory.
    #[error("{path} is open to others (mode {mode:o}): run `chmod 700 {path}`", path = path.display())]
    Exposed {
        /// Where.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Its records were sealed with another vault's keys.
    #[error("the store in {path} belongs to another vault than the keyring: check both paths", path = path.display())]
    OtherVault {
        /// Where.
        path: PathBuf,
    },
    /// Simulated facemaps where real ones belong, or the reverse.
    #[error(
        "the store in {path} was created for mode {store}, not {wanted}: use another path for mode \
         {wanted}",
        path = path.display()
    )]
    OtherMode {
        /// Where.
        path: PathBuf,
        /// What the store was created for.
        store: Mode,
        /// What the vault runs in.
        wanted: Mode,
    },
    /// Its layout is not known here.
    #[error(
        "the store in {path} has format {format}, this program knows format 1: use the program \
         that wrote it or a newer one",
        path = path.display()
    )]
    Newer {
        /// Where.
        path: PathBuf,
        /// The number it names.
        format: u16,
    },
    /// Its creation was interrupted before anything could be stored.
    #[error("the creation of the store in {path} was interrupted: remove the directory and create it again", path = path.display())]
    Unfinished {
        /// Where.
        path: PathBuf,
    },
    /// Bytes on the disk are not what was written.
    #[error("the store in {path} is damaged: {what}: restore it from a backup", path = path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What the engine found.
        what: String,
    },
    /// There is no room even to open it.
    #[error("the disk of the store in {path} is full (STORE_FULL): make room there, then start again", path = path.display())]
    Full {
        /// Where.
        path: PathBuf,
    },
    /// Nothing can be written there.
    #[error(
        "the store in {path} is on a read-only file system (STORE_READ_ONLY): look for errors of the disk \
         (dmesg), mount it writable, then start again",
        path = path.display()
    )]
    ReadOnly {
        /// Where.
        path: PathBuf,
    },
    /// The engine refused for another reason.
    #[error("the store in {path} cannot be opened: {what}", path = path.display())]
    Engine {
        /// Where.
        path: PathBuf,
        /// What the engine said.
        what: String,
    },
    /// The system refused.
    #[error("cannot use {path}", path = path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn owner_text(pid: Option<u32>, since: Option<Timestamp>) -> String {
    match (pid, since) {
        (Some(pid), Some(since)) => format!("process {pid} since {since}"),
        (Some(pid), None) => format!("process {pid}"),
        (None, _) => "another process".to_owned(),
    }
}

//! The preloaded library of `tests/shim`: built once, told what to do, and its record read back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Build;
use std::sync::OnceLock;

use tokio::process::Command;

/// What stands between one program and its disk.
#[derive(Debug, Clone)]
pub(crate) struct Shim {
    rules: PathBuf,
    watched: Vec<PathBuf>,
    trace: Option<PathBuf>,
}

impl Shim {
    /// Watches everything below `watched`. Its own files are in `dir`.
    pub(crate) fn new(dir: &Path, watched: &[PathBuf]) -> Self {
        let shim = Self { rules: dir.join("shim.rules"), watched: watched.to_vec(), trace: None };
        shim.tell(&[]);
        shim
    }

    /// The same, and records into `trace`.
    pub(crate) fn recording(dir: &Path, watched: &[PathBuf]) -> Self {
        let shim = Self { trace: Some(dir.join("shim.trace")), ..Self::new(dir, watched) };
        shim.tell(&[]);
        shim
    }

    /// The record.
    pub(crate) fn trace(&self) -> &Path {
        self.trace.as_deref().expect("made by `recording`")
    }

    /// Replaces the rules, also under a program that runs. See `tests/shim/src/rules.rs`.
    pub(crate) fn tell(&self, rules: &[String]) {
        let watch = self.watched.iter().map(|path| format!("watch {}", path.display()));
        let trace = self.trace.iter().map(|path| format!("trace {}", path.display()));
        let lines: Vec<_> = watch.chain(trace).chain(rules.iter().cloned()).collect();
        let staged = self.rules.with_extension("new");
        fs::write(&staged, lines.join("\n")).unwrap();
        fs::rename(staged, &self.rules).unwrap();
    }

    /// Puts it under `command`.
    pub(crate) fn under(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("FMVAULT_SHIM", &self.rules);
    }
}

/// The library, built when it is first asked for.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = root.join("target/shim");
        let mut build = Build::new(env!("CARGO"));
        build.args(["build", "--release", "--locked", "--quiet", "--manifest-path"]);
        build.arg(root.join("tests/shim/Cargo.toml")).arg("--target-dir").arg(&target);
        assert!(build.status().unwrap().success(), "the shim does not build");
        target.join("release/libio_shim.so")
    })
}

/// One thing that happened to a watched file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Write {
        inode: u64,
        at: u64,
        path: PathBuf,
        data: Vec<u8>,
    },
    Resize {
        inode: u64,
        len: u64,
        path: PathBuf,
    },
    /// Of a file or of a directory.
    Sync {
        inode: u64,
        path: PathBuf,
    },
    Create {
        inode: u64,
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Unlink {
        path: PathBuf,
    },
    MakeDir {
        path: PathBuf,
    },
    RemoveDir {
        path: PathBuf,
    },
    /// A rule did something to an operation.
    Fault {
        path: PathBuf,
    },
}

impl Event {
    /// As rules call it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Write { .. } => "write",
            Self::Resize { .. } => "resize",
            Self::Sync { .. } => "sync",
            Self::Create { .. } | Self::MakeDir { .. } => "create",
            Self::Rename { .. } => "rename",
            Self::Link { .. } => "link",
            Self::Unlink { .. } | Self::RemoveDir { .. } => "unlink",
            Self::Fault { .. } => "fault",
        }
    }
}

/// All events of a record, each with the place in the record where it ends.
pub(crate) fn read_trace(path: &Path) -> Vec<(u64, Event)> {
    let record = fs::read(path).unwrap();
    let mut rest = Bytes(&record);
    let mut events = Vec::new();
    // The last event may be cut, if the program was killed while it was written.
    while let Some(event) = rest.part().and_then(|event| Bytes(event).event()) {
        events.push(((record.len() - rest.0.len()) as u64, event));
    }
    events
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn part(&mut self) -> Option<&'a [u8]> {
        let len = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.take(len as usize)
    }

    fn event(&mut self) -> Option<Event> {
        let kind = self.take(1)?[0];
        let (inode, at) = (self.number()?, self.number()?);
        let path = |bytes| PathBuf::from(str::from_utf8(bytes).unwrap());
        let (from, to) = (path(self.part()?), path(self.part()?));
        let data = self.part()?.to_vec();
        Some(match kind {
            1 => Event::Write { inode, at, path: from, data },
            2 => Event::Resize { inode, len: at, path: from },
            3 => Event::Sync { inode, path: from },
            4 => Event::Create { inode, path: from },
            5 => Event::Rename { from, to },
            6 => Event::Link { from, to },
            7 => Event::Unlink { path: from },
            8 => Event::MakeDir { path: from },
            9 => Event::RemoveDir { path: from },
            10 => Event::Fault { path: from },
            other => panic!("an event of kind {other}"),
        })
    }
}

//! What is on the disk after a power cut: a model of a file system that promises little more than POSIX
//! does.
//!
//! The content of a file is safe once the file is synced, and a name once the directory it is in is.
//! Everything else may be there or not; of names a later one only with the earlier ones.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::shim::Event;
use crate::support::rng::Rng;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// Directories and files below one directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    root: PathBuf,
    dirs: BTreeMap<PathBuf, Dir>,
    /// Every file that ever was.
    files: Vec<File>,
    /// Which of them has an inode's number now: the system gives numbers again.
    inodes: HashMap<u64, usize>,
}

#[derive(Debug, Clone, Default)]
struct File {
    safe: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: u64, data: Vec<u8> },
    Resize(u64),
}

#[derive(Debug, Clone, Default)]
struct Dir {
    /// What is in it, as a running program sees it.
    now: Names,
    safe: Names,
    pending: Vec<Naming>,
}

type Names = BTreeMap<OsString, Node>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    /// By its place in [`Disk::files`].
    File(usize),
    Dir,
}

#[derive(Debug, Clone)]
enum Naming {
    Put(OsString, Node),
    /// Within one directory: both happen or neither.
    Move(OsString, OsString, Node),
    Remove(OsString),
}

/// What becomes of what was not synced.
#[derive(Debug, Clone)]
pub(crate) enum Unsynced {
    /// All of it is lost.
    Lost,
    /// Each piece is lost or not, as chance will have it, and the last write of each file that is not
    /// lost is torn between two sectors.
    Some(Rng),
}

/// What is left: paths relative to the root, with the contents of the files.
pub(crate) type Left = BTreeMap<PathBuf, Option<Vec<u8>>>;

impl Disk {
    /// The disk below `root` as it is now, all of it safe.
    pub(crate) fn of(root: &Path) -> Self {
        let mut disk = Self { root: root.to_owned(), ..Self::default() };
        let mut open = vec![root.to_owned()];
        while let Some(path) = open.pop() {
            let mut names = Names::new();
            for entry in fs::read_dir(&path).unwrap().map(Result::unwrap) {
                let found = entry.metadata().unwrap();
                if found.is_dir() {
                    open.push(entry.path());
                    names.insert(entry.file_name(), Node::Dir);
                } else if found.is_file() {
                    let safe = fs::read(entry.path()).unwrap();
                    let node = disk.add(found.ino(), File { safe, pending: Vec::new() });
                    names.insert(entry.file_name(), node);
                }
            }
            disk.dirs.insert(path, Dir { now: names.clone(), safe: names, pending: Vec::new() });
        }
        disk
    }

    /// An empty one whose root has a name and nothing in it.
    pub(crate) fn root_at(&mut self, root: &str) {
        self.root = PathBuf::from(root);
        self.dirs.insert(self.root.clone(), Dir::default());
    }

    /// What `event` does to it.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Write { inode, at, data, .. } => {
                self.change(*inode, Change::Write { at: *at, data: data.clone() });
            }
            Event::Resize { inode, len, .. } => self.change(*inode, Change::Resize(*len)),
            Event::Sync { path, .. } if self.dirs.contains_key(path) => self.sync_dir(path),
            Event::Sync { inode, .. } => {
                let file = self.file(*inode);
                for change in std::mem::take(&mut file.pending) {
                    change.apply(&mut file.safe);
                }
            }
            Event::Create { inode, path } => {
                let node = self.add(*inode, File::default());
                self.put(path, node);
            }
            Event::Rename { from, to } => self.rename(from, to),
            Event::Link { from, to } => {
                if let Some(node) = self.node(from) {
                    self.put(to, node);
                }
            }
            Event::Unlink { path } | Event::RemoveDir { path } => self.remove(path),
            Event::MakeDir { path } => {
                self.dirs.insert(path.clone(), Dir::default());
                self.put(path, Node::Dir);
            }
            Event::Fault { .. } => {}
        }
    }

    /// What is left of it when the power is cut now.
    pub(crate) fn cut(&self, unsynced: &mut Unsynced) -> Left {
        let mut left = Left::new();
        self.cut_dir(&self.root, unsynced, &mut left);
        left
    }

    fn cut_dir(&self, path: &Path, unsynced: &mut Unsynced, left: &mut Left) {
        let dir = &self.dirs[path];
        let mut names = dir.safe.clone();
        let kept = unsynced.first(dir.pending.len());
        for naming in dir.pending.iter().take(kept) {
            naming.apply(&mut names);
        }
        for (name, node) in names {
            let path = path.join(name);
            let short = path.strip_prefix(&self.root).unwrap().to_owned();
            match node {
                Node::Dir => {
                    left.insert(short, None);
                    self.cut_dir(&path, unsynced, left);
                }
                Node::File(file) => {
                    left.insert(short, Some(self.files[file].cut(unsynced)));
                }
            }
        }
    }

    fn change(&mut self, inode: u64, change: Change) {
        self.file(inode).pending.push(change);
    }

    fn add(&mut self, inode: u64, file: File) -> Node {
        self.files.push(file);
        self.inodes.insert(inode, self.files.len() - 1);
        Node::File(self.files.len() - 1)
    }

    fn file(&mut self, inode: u64) -> &mut File {
        if !self.inodes.contains_key(&inode) {
            self.add(inode, File::default());
        }
        &mut self.files[self.inodes[&inode]]
    }

    fn dir_of(&mut self, path: &Path) -> (&mut Dir, OsString) {
        let dir = self.dirs.entry(path.parent().unwrap().to_owned()).or_default();
        (dir, path.file_name().unwrap().to_owned())
    }

    fn node(&mut self, path: &Path) -> Option<Node> {
        let (dir, name) = self.dir_of(path);
        dir.now.get(&name).copied()
    }

    fn name(&mut self, path: &Path, naming: Naming) {
        let (dir, _) = self.dir_of(path);
        naming.apply(&mut dir.now);
        dir.pending.push(naming);
    }

    fn put(&mut self, path: &Path, node: Node) {
        self.name(path, Naming::Put(path.file_name().unwrap().to_owned(), node));
    }

    fn remove(&mut self, path: &Path) {
        self.name(path, Naming::Remove(path.file_name().unwrap().to_owned()));
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let Some(node) = self.node(from) else { return };
        if from.parent() != to.parent() {
            self.remove(from);
            return self.put(to, node);
        }
        let name = |path: &Path| path.file_name().unwrap().to_owned();
        self.name(to, Naming::Move(name(from), name(to), node));
    }

    fn sync_dir(&mut self, path: &Path) {
        let dir = self.dirs.get_mut(path).unwrap();
        dir.safe = dir.now.clone();
        dir.pending.clear();
    }
}

impl File {
    fn cut(&self, unsynced: &mut Unsynced) -> Vec<u8> {
        let mut kept: Vec<_> = self.pending.iter().filter(|_| unsynced.keeps()).cloned().collect();
        if let Some(Change::Write { data, .. }) = kept.last_mut() {
            data.truncate(unsynced.torn(data.len()));
        }
        let mut content = self.safe.clone();
        for change in kept {
            change.apply(&mut content);
        }
        content
    }
}

impl Change {
    fn apply(self, content: &mut Vec<u8>) {
        match self {
            Self::Write { data, .. } if data.is_empty() => {}
            Self::Resize(len) => content.resize(usize::try_from(len).unwrap(), 0),
            Self::Write { at, data } => {
                let at = usize::try_from(at).unwrap();
                let end = at + data.len();
                // What lies between was never written: a hole reads as zeros.
                content.resize(content.len().max(end), 0);
                content[at..end].copy_from_slice(&data);
            }
        }
    }
}

impl Naming {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Put(name, node) => {
                names.insert(name.clone(), *node);
            }
            Self::Move(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Unsynced {
    fn keeps(&mut self) -> bool {
        match self {
            Self::Lost => false,
            Self::Some(rng) => rng.one_in(2),
        }
    }

    /// How many of `count` changes of names are kept. Every journaling file system keeps those of one
    /// directory in their order, and RocksDB counts on it between a MANIFEST and CURRENT.
    fn first(&mut self, count: usize) -> usize {
        match self {
            Self::Lost => 0,
            Self::Some(rng) => rng.below(count + 1),
        }
    }

    /// Where a write of `len` bytes is torn.
    fn torn(&mut self, len: usize) -> usize {
        match self {
            Self::Lost => len,
            Self::Some(rng) => (rng.below(len / SECTOR + 2) * SECTOR).min(len),
        }
    }
}

//! The record of what changed files: one event after the other, each written when it has happened.
//!
//! ```text
//! length of what follows (4) | kind (1) | file number (8) | position or length (8)
//! | length of path (4), path | length of the second path (4), second path | length of data (4), data
//! ```
//!
//! Numbers are little-endian. A file number is the inode's; a number that is created again is another file.

use std::ffi::{CString, c_int};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::sys::call;

/// What happened.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Happened {
    Write = 1,
    Resize = 2,
    Sync = 3,
    Create = 4,
    Rename = 5,
    Link = 6,
    Unlink = 7,
    MakeDir = 8,
    RemoveDir = 9,
    /// A rule made an operation on this path fail, end early or wait.
    Fault = 10,
}

/// One event. What does not belong to its kind is empty.
pub(crate) struct Event<'a> {
    pub(crate) happened: Happened,
    pub(crate) inode: u64,
    /// Of a write its position, of a resize the new length.
    pub(crate) at: u64,
    pub(crate) path: &'a Path,
    pub(crate) to: &'a Path,
    pub(crate) data: &'a [u8],
}

impl<'a> Event<'a> {
    pub(crate) fn new(happened: Happened, path: &'a Path) -> Self {
        Self { happened, inode: 0, at: 0, path, to: Path::new(""), data: &[] }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.happened as u8];
        bytes.extend(self.inode.to_le_bytes());
        bytes.extend(self.at.to_le_bytes());
        for part in [self.path.as_os_str().as_bytes(), self.to.as_os_str().as_bytes(), self.data] {
            bytes.extend(length(part));
            bytes.extend(part);
        }
        [&length(&bytes), bytes.as_slice()].concat()
    }
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// An open record.
pub(crate) struct Trace(c_int);

impl Trace {
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let path = CString::new(path.as_os_str().as_bytes()).ok()?;
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
        let fd = call!(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, 0o600);
        (fd >= 0).then_some(Self(c_int::try_from(fd).ok()?))
    }

    pub(crate) fn add(&self, event: &Event<'_>) {
        let bytes = event.to_bytes();
        call!(libc::SYS_write, self.0, bytes.as_ptr(), bytes.len());
    }
}

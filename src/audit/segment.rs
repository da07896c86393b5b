//! The files: one directory, numbered segments, each written at its end only.
//!
//! ```text
//! ledger.00000001, ledger.00000002, ...
//!   0   4  "FMA1"
//!   4   4  version, 1
//!   8   8  number of the segment
//!  16  16  vault id
//!  32   -  records
//! ```
//!
//! A segment appears whole, with its first record, or not at all. That record carries on the chain of
//! the segment before it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;

use crate::model::make_private_dir;

/// Length in bytes of what stands before the first record.
pub const HEADER_LEN: usize = 32;
const MAGIC: &[u8; 4] = b"FMA1";
const VERSION: u32 = 1;
/// Reserved at a time beyond the reserve itself, so that not every write has to ask.
const STRIDE: u64 = 1 << 20;

/// What is about to be done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Room is reserved.
    Reserve,
    /// Bytes are appended.
    Write,
    /// They are made durable.
    Sync,
    /// A segment is made.
    Create,
}

/// Called before each step; what it returns as an error the step ends with. For tests, which let a
/// disk fail or take its time.
pub type Probe = Arc<dyn Fn(Step) -> io::Result<()> + Send + Sync>;

/// A segment that is written.
pub(super) struct Segment {
    file: File,
    path: PathBuf,
    /// Bytes of it that are durable.
    pub(super) len: u64,
    /// Up to where the file system has promised room; `None` if it cannot promise.
    promised: Option<u64>,
    probe: Option<Probe>,
}

impl Segment {
    /// Makes segment `number` with `records`, durable.
    pub(super) fn create(
        dir: &Path,
        number: u64,
        vault: &[u8; 16],
        records: &[u8],
        probe: Option<Probe>,
    ) -> io::Result<Self> {
        ask(probe.as_ref(), Step::Create)?;
        let path = path(dir, number);
        if path.exists() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let fresh = dir.join("ledger.new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&fresh)?;
        let mut bytes = header(number, vault).to_vec();
        bytes.extend_from_slice(records);
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(dir)?.sync_all()?;
        Ok(Self { file, path, len: len(&bytes), promised: Some(len(&bytes)), probe })
    }

    /// Goes on writing segment `number`, of which `len` bytes are there.
    pub(super) fn reopen(
        dir: &Path,
        number: u64,
        len: u64,
        probe: Option<Probe>,
    ) -> io::Result<Self> {
        let path = path(dir, number);
        let file = OpenOptions::new().append(true).open(&path)?;
        Ok(Self { file, path, len, promised: Some(len), probe })
    }

    /// Asks for room for `next` bytes and `reserve` after them. Gives how much of the reserve there is
    /// after `next`; all of it where the file system makes no promises.
    pub(super) fn room(&mut self, next: u64, reserve: u64) -> u64 {
        let Some(promised) = self.promised else { return reserve };
        if promised < self.len + next + reserve {
            let wanted = next + reserve + STRIDE;
            let asked = ask(self.probe.as_ref(), Step::Reserve).and_then(|()| {
                fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.len, wanted)
                    .map_err(io::Error::from)
            });
            match asked {
                Ok(()) => self.promised = Some(self.len + wanted),
                Err(error) if error.raw_os_error() == Some(Errno::OPNOTSUPP.raw_os_error()) => {
                    self.promised = None;
                    return reserve;
                }
                Err(_) => {}
            }
        }
        let end = self.promised.unwrap_or(self.len);
        end.saturating_sub(self.len + next).min(reserve)
    }

    /// Free space on its disk, in bytes; 0 if nobody can tell.
    pub(super) fn disk_free(&self) -> u64 {
        fstatvfs(&self.file).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Appends and makes durable. After an error nobody knows what the end of the file says.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        ask(self.probe.as_ref(), Step::Write)?;
        self.file.write_all(bytes)?;
        ask(self.probe.as_ref(), Step::Sync)?;
        self.file.sync_data()?;
        self.len += len(bytes);
        Ok(())
    }

    /// Whether the file still has its name, and its length.
    pub(super) fn is_in_place(&self) -> bool {
        let (Ok(ours), Ok(there)) = (self.file.metadata(), fs::metadata(&self.path)) else {
            return false;
        };
        (ours.ino(), ours.dev()) == (there.ino(), there.dev()) && ours.len() == self.len
    }
}

fn ask(probe: Option<&Probe>, step: Step) -> io::Result<()> {
    probe.map_or(Ok(()), |probe| probe(step))
}

fn len(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

fn header(number: u64, vault: &[u8; 16]) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    let fields = [&MAGIC[..], &VERSION.to_be_bytes(), &number.to_be_bytes(), vault].concat();
    header.copy_from_slice(&fields);
    header
}

/// Whether `bytes` begin as segment `number` of this vault does.
pub(super) fn has_header(bytes: &[u8], number: u64, vault: &[u8; 16]) -> bool {
    bytes.starts_with(&header(number, vault))
}

/// The vault that `bytes` say they are of, if they are a segment.
pub(super) fn vault_of(bytes: &[u8]) -> Option<[u8; 16]> {
    let header: &[u8; HEADER_LEN] = bytes.first_chunk()?;
    header.starts_with(MAGIC).then(|| *header.last_chunk().expect("16 of 32 bytes"))
}

/// Where segment `number` is.
pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("ledger.{number:08}"))
}

/// The numbers of the segments in `dir`, ascending. Other files are not ours.
pub(super) fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("ledger."));
        numbers
            .extend(digits.filter(|digits| digits.len() >= 8).and_then(|n| n.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes `dir` if it is not there; only its owner may enter.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    make_private_dir(dir)
}

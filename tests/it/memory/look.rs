//! Reads another process's memory, as root may.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

/// A readable piece of a process's memory.
struct Piece {
    /// What the system calls it: a file, `[heap]`, or nothing.
    name: String,
    bytes: Vec<u8>,
}

/// All of a process's memory that can be read, at one moment.
pub(super) struct Memory {
    pieces: Vec<Piece>,
    /// Names of what is mapped readable and cannot be read.
    pub(super) closed: Vec<String>,
}

impl Memory {
    /// Looks at process `pid`. `None` if this process may not.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
        let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
        let (mut pieces, mut closed) = (Vec::new(), Vec::new());
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let (range, rights) = (words.next().unwrap(), words.next().unwrap());
            let name = words.nth(3).unwrap_or_default().to_owned();
            // What the kernel maps by itself holds nothing of ours.
            if !rights.starts_with('r') || name.starts_with("[v") {
                continue;
            }
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|end| u64::from_str_radix(end, 16).unwrap());
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            match memory.read_exact_at(&mut bytes, from) {
                Ok(()) => pieces.push(Piece { name, bytes }),
                Err(_) => closed.push(name),
            }
        }
        Some(Self { pieces, closed })
    }

    /// Where `pattern` stands: names of pieces and offsets, in words.
    pub(super) fn find(&self, pattern: &[u8]) -> Vec<String> {
        let searcher = memchr::memmem::Finder::new(pattern);
        let places = |piece: &Piece| {
            let places: Vec<_> = searcher.find_iter(&piece.bytes).collect();
            let what = format!("{:?} ({} bytes)", piece.name, piece.bytes.len());
            places.into_iter().map(move |at| format!("{what} at {at:#x}")).collect::<Vec<_>>()
        };
        self.pieces.iter().flat_map(places).collect()
    }
}
